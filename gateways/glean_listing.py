"""Listing: what a search shows of a datasource's documents, as records, and nothing is changed."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any

from domain.errors import NotFound
from domain.record import Record
from gateways.glean_answers import LISTED_PAGE, ListedHit
from gateways.glean_api import GleanApi

_PAGE = 100


async def home_of(api: GleanApi, datasource: str) -> str:
    """Give a datasource's home page. Raises NotFound when there is no such datasource."""
    found = await api.configuration(datasource)
    if found is None:
        raise NotFound(f"Glean has no datasource {datasource!r}. Name it as its console does.")
    return str(found.get("homeUrl") or "")


async def documents(api: GleanApi, datasource: str) -> AsyncGenerator[Sequence[Record], None]:
    """List the documents the test user sees, by a search for everything, page by page."""
    cursor: str | None = None
    while True:
        call = api.search(_request(datasource, cursor))
        page = (await api.ask(call)).read(LISTED_PAGE)
        yield [_record(each) for each in page.results]
        if not page.has_more_results or page.cursor in {None, cursor}:
            return
        cursor = page.cursor


def _request(datasource: str, cursor: str | None) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "query": "",
        "pageSize": _PAGE,
        "disableSpellcheck": True,
        "requestOptions": {"facetBucketSize": 1, "datasourcesFilter": [datasource]},
    }
    return asked if cursor is None else {**asked, "cursor": cursor}


def _record(hit: ListedHit) -> Record:
    """Write a hit as the record it may have been; what it does not show is not there."""
    shown = {
        "id": _id_of(hit),
        "object_type": hit.document.doc_type or hit.document.metadata.object_type,
        "title": hit.title or hit.document.title,
        "url": hit.url,
        "created_at": hit.document.metadata.create_time,
        "updated_at": hit.document.metadata.update_time,
    }
    return {name: value for name, value in shown.items() if value}


def _id_of(hit: ListedHit) -> str:
    """Give our own id of a record of ours, and of any other document Glean's."""
    _, is_ours, record_id = hit.url.rpartition("/records/")
    return record_id if is_ours else hit.document.id
