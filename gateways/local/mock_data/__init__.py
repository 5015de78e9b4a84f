"""The mock-data supplier: templates by industry and use case, and records that come out the same."""

from gateways.local.mock_data.app import create_app

__all__ = ["create_app"]
