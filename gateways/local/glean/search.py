"""Search: only what the person acting may see, the best match first, a title before a body."""

import json
import re
import sqlite3
import unicodedata
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response

from gateways.local.glean.answers import (
    Endpoint,
    admit_client,
    answer,
    glean_error,
    parsed,
    problem,
)
from gateways.local.glean.datasources import visible_to
from gateways.local.glean.tenant import Refusal, Tenant, iso
from gateways.local.glean.wire import SearchOptions, SearchRequest

_LARGEST_PAGE = 100
_SNIPPET_LENGTH = 200
_WORD = re.compile(r"[^\W_]+")

# Weights of bm25: the datasource only narrows, a word of the title counts five times one of the
# body. The hits are ranked by their numbers alone, and only one page of them is read in full.
_FIND = """
WITH hit AS (
    SELECT d.number, bm25(search, 0.0, 5.0, 1.0) AS score
    FROM search JOIN document AS d ON d.number = search.rowid
    WHERE search MATCH :match
      AND d.datasource IN (SELECT value FROM json_each(:datasources))
      AND d.visible_at <= :now AND (d.gone_at IS NULL OR d.gone_at > :now)
      AND (d.anonymous OR EXISTS (SELECT 1 FROM json_each(d.readers) WHERE value = :user))
      AND NOT EXISTS (SELECT 1 FROM override AS o WHERE o.glean_id = d.glean_id)
    ORDER BY score, d.number LIMIT :limit OFFSET :offset
)
SELECT d.* FROM hit JOIN document AS d USING (number) ORDER BY hit.score, hit.number
"""


def search(tenant: Tenant) -> Endpoint:
    """`/rest/api/v1/search`: pages of results for the person in `X-Glean-ActAs`."""

    async def endpoint(request: Request) -> Response:
        try:
            user = admit_client(tenant, request, "/search")
            return answer(_found(tenant, parsed(SearchRequest, await request.body()), user))
        except Refusal as refusal:
            return glean_error(refusal)

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


def expression(query: str, datasources: Sequence[str], *, operator: str) -> str:
    """The query as FTS5 reads it: every word quoted, so that no word is an operator."""
    scope = " OR ".join(f'"{name}"' for name in datasources)
    words = words_of(query)
    if not words:
        return f"datasource : ({scope})"
    asked = f" {operator} ".join(f'"{word}"' for word in words)
    return f"datasource : ({scope}) AND {{title body}} : ({asked})"


def words_of(query: str) -> list[str]:
    """The words of a query, composed, without signs."""
    return _WORD.findall(unicodedata.normalize("NFC", query))


def _found(tenant: Tenant, asked: SearchRequest, user: str) -> dict[str, Any]:
    """All words first; where no document has them all, any of them."""
    datasources = _scope(tenant, asked.request_options, user)
    offset = _offset(asked.cursor)
    size = min(max(asked.page_size, 1), _LARGEST_PAGE)
    rows: list[sqlite3.Row] = []
    for operator in ("AND", "OR") if datasources else ():
        values = {
            "match": expression(asked.query, datasources, operator=operator),
            "datasources": json.dumps(datasources),
            "now": tenant.now(),
            "user": user,
            "limit": size + 1,
            "offset": offset,
        }
        rows = tenant.store.rows(_FIND, values)
        if rows:
            break
    return _page(rows, asked.query, offset, size)


def _scope(tenant: Tenant, options: SearchOptions | None, user: str) -> list[str]:
    seen = visible_to(tenant, user)
    if options is None:
        return seen
    if options.facet_filters or options.facet_filter_sets:
        raise Refusal(400, "facet filters are not supported by this tenant")
    wanted = {name.lower().removeprefix("custom_") for name in options.datasources_filter}
    if options.datasource_filter:
        wanted.add(options.datasource_filter.lower().removeprefix("custom_"))
    return [name for name in seen if name in wanted] if wanted else seen


def _page(rows: Sequence[sqlite3.Row], query: str, offset: int, size: int) -> dict[str, Any]:
    more = len(rows) > size
    words = [word.lower() for word in words_of(query)]
    page: dict[str, Any] = {
        "results": [_result(row, words) for row in rows[:size]],
        "hasMoreResults": more,
        "requestID": uuid4().hex,
        "backendTimeMillis": 1,
    }
    if more:
        page["cursor"] = urlsafe_b64encode(f"after:{offset + size}".encode()).decode()
    return page


def _result(row: sqlite3.Row, words: Sequence[str]) -> dict[str, Any]:
    metadata = {
        "datasource": row["datasource"],
        "objectType": row["object_type"],
        "documentId": row["glean_id"],
    }
    for name, column in (("createTime", "created_at"), ("updateTime", "updated_at")):
        if row[column] is not None:
            metadata[name] = iso(row[column])
    return {
        "url": row["url"],
        "title": row["title"],
        "snippets": [{"mimeType": "text/plain", "text": _snippet(row["body"], words)}],
        "document": {
            "id": row["glean_id"],
            "datasource": row["datasource"],
            "docType": row["object_type"],
            "title": row["title"],
            "url": row["url"],
            "metadata": metadata,
        },
    }


def _snippet(body: str, words: Sequence[str]) -> str:
    lowered = body.lower()
    places = [place for word in words if (place := lowered.find(word)) >= 0]
    start = max(min(places, default=0) - _SNIPPET_LENGTH // 4, 0)
    return body[start : start + _SNIPPET_LENGTH].strip()


def _offset(cursor: str | None) -> int:
    if not cursor:
        return 0
    try:
        word, _, number = urlsafe_b64decode(cursor).decode().partition(":")
        offset = int(number)
    except ValueError as broken:
        raise Refusal(400, "the cursor is not one of ours") from broken
    if word != "after" or offset < 0:
        raise Refusal(400, "the cursor is not one of ours")
    return offset
