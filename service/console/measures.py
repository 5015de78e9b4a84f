"""The metrics page's data: the eight success metrics of a tenant over its history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.success import success_document

if TYPE_CHECKING:
    from domain.record import JsonObject
    from service.sources import ConsoleSources


async def measures_page(sources: ConsoleSources, tenant: str) -> JsonObject:
    """Gather the metrics page of a tenant."""
    newest = await sources.registry.last_sequence(tenant)
    figures = await sources.figures(tenant)
    return {
        "title": "Metrics",
        "sequence": newest,
        **success_document(figures, sources.clock()),
    }
