"""Glean, played by one application over SQLite: the same paths, answers, limits and habits."""

from gateways.local.glean.app import create_app
from gateways.local.glean.faults import FaultKind, Faults

__all__ = ["FaultKind", "Faults", "create_app"]
