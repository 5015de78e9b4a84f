"""The catalogue over HTTP: discoveries, and what has changed between them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from starlette.responses import JSONResponse, Response

from agents.cataloguing import MOST_LISTED
from domain.errors import NotFound
from service.problems import whole_number
from service.sources import principal_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from protocol.cataloguing import Cataloguing
    from service.problems import Endpoint

LISTED = 50
"""How many discoveries are listed where nobody says how many."""


def catalogue_endpoints(catalogue: Cataloguing) -> dict[str, Endpoint]:
    """Give the endpoints by their paths below the API's prefix."""
    api = _Catalogue(catalogue)
    return {
        "/catalogue": api.discoveries,
        "/catalogue/{discovery}": api.discovery,
        "/catalogue/{discovery}/difference": api.difference,
    }


class _Catalogue:
    """The endpoints; each answers for the tenant of whoever asks."""

    def __init__(self, catalogue: Cataloguing) -> None:
        self._catalogue = catalogue

    async def discoveries(self, request: Request) -> Response:
        """List discoveries, newest first, of one source where it is named."""
        query = request.query_params
        limit = whole_number(query, "limit", LISTED, least=1, most=MOST_LISTED)
        source = query.get("source") or None
        found = await self._catalogue.discoveries(principal_of(request), source, limit)
        return JSONResponse(found)

    async def discovery(self, request: Request) -> Response:
        """Show one discovery in full."""
        discovery_id = _id(request.path_params["discovery"])
        return JSONResponse(await self._catalogue.discovery(principal_of(request), discovery_id))

    async def difference(self, request: Request) -> Response:
        """Tell what has changed since the discovery before, or since another one."""
        discovery_id = _id(request.path_params["discovery"])
        earlier = request.query_params.get("since")
        since = _id(earlier) if earlier else None
        found = await self._catalogue.difference(principal_of(request), discovery_id, since)
        return JSONResponse(found)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as unknown:
        message = f"There is no discovery {text[:100]!r}. /api/v1/catalogue lists those there are."
        raise NotFound(message) from unknown
