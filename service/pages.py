"""What people and their tools see besides the agents: console, API and events."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from service.assembly import Service


def pages(service: Service) -> list[BaseRoute]:
    """Give the routes of the console, the API and the event stream."""
    del service
    return []
