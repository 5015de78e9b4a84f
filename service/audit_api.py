"""The audit trail under /api/v1/audit: listed, shown, and looked through."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from domain.errors import NotFound
from protocol.problems import problem
from service.auditing import entry_document, verified
from service.batches import BATCH
from service.problems import LARGEST_NUMBER, answering, whole_number
from service.sources import principal_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from service.sources import ConsoleSources

_BEING_VERIFIED = (
    "Your tenant's audit trail is being looked through for somebody already. Ask again when that is "
    "over, or run dataops audit verify."
)

_LATER = {"Retry-After": "5"}


def audit_routes(sources: ConsoleSources, prefix: str) -> list[BaseRoute]:
    """Give the routes below a prefix."""
    api = _AuditApi(sources)
    endpoints = {
        "/audit": api.entries,
        "/audit/verify": api.verify,
        "/audit/{sequence}": api.entry,
    }
    return [
        Route(f"{prefix}{path}", answering(act), methods=["GET"]) for path, act in endpoints.items()
    ]


class _AuditApi:
    """The endpoints; each answers for the tenant of whoever asks."""

    def __init__(self, sources: ConsoleSources) -> None:
        self._from = sources
        self._verifying: set[str] = set()

    async def entries(self, request: Request) -> Response:
        """List who did what, in order, from behind a number, of all datasets or of one."""
        query, principal = request.query_params, principal_of(request)
        after = whole_number(query, "after", 0)
        limit = whole_number(query, "limit", BATCH, least=1, most=BATCH)
        dataset, dataset_id = query.get("dataset"), None
        if dataset:
            dataset_id = await self._from.enquiries.resolve(principal, dataset)
        found = await self._from.auditor.entries(
            principal.tenant, after, limit, dataset_id=dataset_id
        )
        following = found[-1].sequence if len(found) == limit else None
        shown = [entry_document(each) for each in found]
        return JSONResponse({"entries": shown, "next_after": following})

    async def entry(self, request: Request) -> Response:
        """Show one entry by its number."""
        sequence = _number(request.path_params["sequence"])
        found = await self._from.auditor.entry(principal_of(request).tenant, sequence)
        return JSONResponse(entry_document(found))

    async def verify(self, request: Request) -> Response:
        """Look through the whole trail, and hold it to its checkpoints.

        It reads all there is, so this process does it one at a time for a tenant: whoever asks
        meanwhile is told to wait.
        """
        tenant = principal_of(request).tenant
        if tenant in self._verifying:
            return problem(HTTPStatus.TOO_MANY_REQUESTS, _BEING_VERIFIED, _LATER)
        self._verifying.add(tenant)
        try:
            return JSONResponse(await verified(self._from.auditor, tenant))
        finally:
            self._verifying.remove(tenant)


def _number(given: str) -> int:
    """Read an entry's number. Raises NotFound for what can be none."""
    if given.isascii() and given.isdecimal() and len(given) < len(str(LARGEST_NUMBER)):
        return int(given)
    message = f"The audit trail has no entry {given!r}: its entries are numbered from 1."
    raise NotFound(message)
