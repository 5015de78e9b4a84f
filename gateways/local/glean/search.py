"""Search: only what the person acting may see, the best match first, a title before a body."""

import json
import re
import sqlite3
import unicodedata
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response

from gateways.local.glean.answers import Endpoint, admit_client, answer, glean_error, parsed
from gateways.local.glean.datasources import visible_to
from gateways.local.glean.tenant import Refusal, Tenant, iso
from gateways.local.glean.wire import SearchOptions, SearchRequest

_LARGEST_PAGE = 100
_SNIPPET_LENGTH = 200
_WORD = re.compile(r"[^\W_]+")

# bm25 counts each word through all datasources there are: 20 ms a title among 54,000 documents.
# Where all words are in every hit it says little more than that a title comes first, which costs
# nothing. Its weights: the datasource only narrows, a word of the title counts five times one of the
# body.
_RANKS = {
    "AND": "d.number NOT IN (SELECT rowid FROM search WHERE search MATCH :in_title)",
    "OR": "bm25(search, 0.0, 5.0, 1.0)",
}

# The hits are ranked by their numbers alone, and only one page of them is read in full.
_FIND = """
WITH hit AS (
    SELECT d.number, {rank} AS score
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


@dataclass(frozen=True, slots=True)
class Query:
    """What one page of a search is asked for: words, among these datasources, as this person."""

    words: str
    datasources: Sequence[str]
    user: str
    page_size: int
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Hits:
    """One page of hits, the best first, and the cursor of the next page, where there is one."""

    rows: Sequence[sqlite3.Row]
    next_cursor: str | None


def search(tenant: Tenant) -> Endpoint:
    """`/rest/api/v1/search`: pages of results for the person in `X-Glean-ActAs`."""

    async def endpoint(request: Request) -> Response:
        try:
            user = admit_client(tenant, request, "/search")
            return answer(_page(tenant, parsed(SearchRequest, await request.body()), user))
        except Refusal as refusal:
            return glean_error(refusal)

    return endpoint


def hits(tenant: Tenant, asked: Query) -> Hits:
    """Find one page of documents: those with all words; where there are none, with any of them.

    Raises:
        Refusal: 400 when the cursor is not one of ours.
    """
    offset = _offset(asked.cursor)
    size = min(max(asked.page_size, 1), _LARGEST_PAGE)
    rows: list[sqlite3.Row] = []
    for operator, rank in _RANKS.items() if asked.datasources else ():
        scope = asked.words, asked.datasources
        values = {
            "match": expression(*scope, operator=operator),
            "in_title": expression(*scope, operator=operator, columns="title"),
            "datasources": json.dumps(asked.datasources),
            "now": tenant.now(),
            "user": asked.user,
            "limit": size + 1,
            "offset": offset,
        }
        rows = tenant.store.rows(_FIND.format(rank=rank), values)
        if rows:
            break
    return Hits(rows[:size], _cursor(offset + size) if len(rows) > size else None)


def snippet(body: str, query: str) -> str:
    """The place of a body where a query's first word stands."""
    lowered = body.lower()
    words = (word.lower() for word in words_of(query))
    places = [place for word in words if (place := lowered.find(word)) >= 0]
    start = max(min(places, default=0) - _SNIPPET_LENGTH // 4, 0)
    return body[start : start + _SNIPPET_LENGTH].strip()


def expression(
    query: str, datasources: Sequence[str], *, operator: str, columns: str = "title body"
) -> str:
    """The query as FTS5 reads it: every word quoted, so that no word is an operator."""
    scope = " OR ".join(f'"{name}"' for name in datasources)
    words = words_of(query)
    if not words:
        return f"datasource : ({scope})"
    asked = f" {operator} ".join(f'"{word}"' for word in words)
    return f"datasource : ({scope}) AND {{{columns}}} : ({asked})"


def words_of(query: str) -> list[str]:
    """The words of a query, composed, without signs."""
    return _WORD.findall(unicodedata.normalize("NFC", query))


def _page(tenant: Tenant, asked: SearchRequest, user: str) -> dict[str, Any]:
    datasources = _scope(tenant, asked.request_options, user)
    found = hits(tenant, Query(asked.query, datasources, user, asked.page_size, asked.cursor))
    page: dict[str, Any] = {
        "results": [_result(row, asked.query) for row in found.rows],
        "hasMoreResults": found.next_cursor is not None,
        "requestID": uuid4().hex,
        "backendTimeMillis": 1,
    }
    if found.next_cursor is not None:
        page["cursor"] = found.next_cursor
    return page


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


def _result(row: sqlite3.Row, query: str) -> dict[str, Any]:
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
        "snippets": [{"mimeType": "text/plain", "text": snippet(row["body"], query)}],
        "document": {
            "id": row["glean_id"],
            "datasource": row["datasource"],
            "docType": row["object_type"],
            "title": row["title"],
            "url": row["url"],
            "metadata": metadata,
        },
    }


def _cursor(offset: int) -> str:
    return urlsafe_b64encode(f"after:{offset}".encode()).decode()


def _offset(cursor: str | None) -> int:
    if not cursor:
        return 0
    try:
        word, _, number = urlsafe_b64decode(cursor).decode().partition(":")
        offset = int(number)
    except ValueError as broken:
        raise Refusal(400, "the cursor is not one of ours", code="invalid_cursor") from broken
    if word != "after" or offset < 0:
        raise Refusal(400, "the cursor is not one of ours", code="invalid_cursor")
    return offset
