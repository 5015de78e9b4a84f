"""What people and their tools see besides the agents: console, API and events."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from registry.metrics import read_figures
from service.api import api_routes
from service.asyncapi import asyncapi_routes
from service.console.routes import console_routes
from service.publishing import event_routes
from service.sources import ConsoleSources
from service.subscribing import subscription_routes

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from service.whole import Service


def pages(service: Service) -> list[BaseRoute]:
    """Give the routes of the console, the API and the event stream."""
    sources = ConsoleSources(
        registry=service.registry,
        batches=service.batches,
        cards=lambda: [each.document for each in service.cards.values()],
        clock=service.clock,
        changes=service.bell,
        enquiries=service.desks.enquiries,
        auditor=service.auditor,
        base_url=service.base_url,
        is_ending=lambda: service.bell.is_over,
        catalogue=service.desks.catalogue,
        figures=partial(read_figures, service.database),
    )
    return [
        *api_routes(sources),
        *subscription_routes(service.subscribing),
        *asyncapi_routes(service.base_url),
        *event_routes(sources),
        *console_routes(sources),
    ]
