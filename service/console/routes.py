"""The console's routes: its pages, the data of each as JSON, and the static files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from domain.errors import DataOpsError, InvalidInput
from service.api import filter_of
from service.console.dossier import dataset_page
from service.console.fleet import fleet_page
from service.console.measures import measures_page
from service.console.rendering import FOLDER, render
from service.problems import Endpoint, answering, status_of
from service.sources import ConsoleSources, principal_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from domain.record import JsonObject

__all__ = ["ConsoleSources", "console_routes"]


def console_routes(sources: ConsoleSources) -> list[BaseRoute]:
    """Give the console's routes; each page's data is at its address with `.json` behind it."""
    console = _Console(sources)
    return [
        Route("/", _page("fleet.html", console.fleet)),
        Route("/.json", _data(console.fleet)),
        Route("/datasets/{dataset}.json", _data(console.dataset)),
        Route("/datasets/{dataset}", _page("dataset.html", console.dataset)),
        Route("/datasets/{dataset}/records/{record:path}", _to_dataset),
        Route("/figures.json", _data(console.figures)),
        Route("/figures", _page("figures.html", console.figures)),
        Route("/cards.json", _data(console.cards)),
        Route("/cards", _page("cards.html", console.cards)),
        Mount("/static", StaticFiles(directory=FOLDER / "static")),
    ]


class _Console:
    """Gathers each page's data for whoever asks."""

    def __init__(self, sources: ConsoleSources) -> None:
        self._from = sources

    async def fleet(self, request: Request) -> JsonObject:
        """Gather the fleet."""
        wanted = filter_of(request.query_params)
        return await fleet_page(self._from, principal_of(request).tenant, wanted)

    async def dataset(self, request: Request) -> JsonObject:
        """Gather one dataset."""
        ref = request.path_params["dataset"]
        return await dataset_page(self._from, principal_of(request).tenant, ref)

    async def figures(self, request: Request) -> JsonObject:
        """Gather the success metrics."""
        return await measures_page(self._from, principal_of(request).tenant)

    async def cards(self, request: Request) -> JsonObject:
        """Gather the agents' cards."""
        tenant = principal_of(request).tenant
        newest = await self._from.registry.last_sequence(tenant)
        cards = list(self._from.cards())
        return {"title": "Agents", "sequence": newest, "agents": cards}


def _page(template: str, gather: Callable[[Request], Awaitable[JsonObject]]) -> Endpoint:
    async def show(request: Request) -> Response:
        try:
            return render(template, await gather(request))
        except DataOpsError as error:
            status = status_of(error)
            page = {"title": status.phrase, "message": str(error), "sequence": None}
            page["back"] = _without_wrong_fields(request, error)
            return render("problem.html", page, status)

    return show


def _without_wrong_fields(request: Request, error: DataOpsError) -> str:
    """Lead to the fleet, with all of its filter that was right."""
    if not isinstance(error, InvalidInput):
        return "/"
    kept = request.url.remove_query_params([each.field for each in error.errors])
    return f"{kept.path}?{kept.query}" if kept.query else kept.path


def _data(gather: Callable[[Request], Awaitable[JsonObject]]) -> Endpoint:
    async def show(request: Request) -> Response:
        return JSONResponse(await gather(request), headers={"Cache-Control": "no-store"})

    return answering(show)


async def _to_dataset(request: Request) -> Response:
    """Lead from a document's link in the search engine to the dataset it belongs to."""
    target = request.url.path.split("/records/", 1)[0]
    return RedirectResponse(target, status_code=303)
