"""The platform API: the newer search, the same documents in other words and other errors."""

import sqlite3
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response

from gateways.local.glean.answers import Endpoint, admit_client, answer, parsed, problem
from gateways.local.glean.datasources import visible_to
from gateways.local.glean.search import Query, hits, snippet
from gateways.local.glean.tenant import Refusal, Tenant, iso
from gateways.local.glean.wire import PlatformSearch


def search(tenant: Tenant) -> Endpoint:
    """`/api/search`: pages of results for the person in `X-Glean-ActAs`."""

    async def endpoint(request: Request) -> Response:
        try:
            user = admit_client(tenant, request, "/search")
            return answer(_page(tenant, parsed(PlatformSearch, await request.body()), user))
        except Refusal as refusal:
            return problem(refusal)

    return endpoint


def filters(tenant: Tenant) -> Endpoint:
    """`/api/search/filters`: the datasources a person sees."""

    async def endpoint(request: Request) -> Response:
        try:
            user = admit_client(tenant, request, "/search/filters")
        except Refusal as refusal:
            return problem(refusal)
        seen = [{"datasource": name, "filters": []} for name in visible_to(tenant, user)]
        return answer({"datasources": seen, "request_id": uuid4().hex})

    return endpoint


def _page(tenant: Tenant, asked: PlatformSearch, user: str) -> dict[str, Any]:
    if asked.filters or asked.time_range:
        raise Refusal(400, "filters are not supported by this tenant", code="invalid_filter")
    datasources = _scope(tenant, asked.datasources, user)
    found = hits(tenant, Query(asked.query, datasources, user, asked.page_size, asked.cursor))
    return {
        "results": [_result(row, asked.query) for row in found.rows],
        "has_more": found.next_cursor is not None,
        "next_cursor": found.next_cursor,
        "request_id": uuid4().hex,
        "warnings": [],
    }


def _scope(tenant: Tenant, wanted: tuple[str, ...], user: str) -> list[str]:
    """The datasources to search. Raises Refusal for one that is not there for this person."""
    seen = visible_to(tenant, user)
    if not wanted:
        return seen
    names = [each.lower().removeprefix("custom_") for each in wanted]
    strange = [each for each, name in zip(wanted, names, strict=True) if name not in seen]
    if strange:
        message = f"there is no datasource {strange[0]}, or not for you"
        raise Refusal(400, message, code="invalid_datasource")
    return names


def _result(row: sqlite3.Row, query: str) -> dict[str, Any]:
    result = {
        "url": row["url"],
        "title": row["title"] or "Untitled",
        "datasource": row["datasource"],
        "snippets": [snippet(row["body"], query)],
        "document_type": row["object_type"],
    }
    for name in ("created_at", "updated_at"):
        if row[name] is not None:
            result[name] = iso(row[name])
    return result
