"""Uploads to Glean: first page and last page alone, the middle ones a few at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from domain.connector import Marked
from domain.search_ports import Upload
from gateways.glean_api import GleanApi
from gateways.glean_pages import BulkPage, emptying, pages_of
from gateways.http import Call

_PARALLEL_PAGES = 4

DocumentKey = tuple[str, str]
"""What Glean knows a document by inside its datasource: object type and id."""


@dataclass(frozen=True, slots=True)
class Sent:
    """An upload that Glean took: its id, and the keys of its documents."""

    upload_id: str
    keys: Sequence[DocumentKey]


async def send(api: GleanApi, upload: Upload) -> Sent:
    """Replace a datasource's documents by the upload's."""
    keys: list[DocumentKey] = []
    middle: list[BulkPage] = []
    async for page in pages_of(upload, api.act_as):
        keys += [(each.object_type, each.document_id) for each in page.documents]
        if page.is_middle:
            middle.append(page)
        if middle and (len(middle) == _PARALLEL_PAGES or not page.is_middle):
            await _send_together(api, middle)
            middle = []
        if page.is_last:
            await _send_last(api, page)
        elif page.is_first:
            await api.write(_call(api, page))
    return Sent(upload.upload_id, keys)


async def send_nothing(api: GleanApi, connector: Marked) -> None:
    """Delete every document of a datasource; its definition stays."""
    await api.write(_call(api, emptying(connector)))


async def _send_together(api: GleanApi, pages: Sequence[BulkPage]) -> None:
    """Wait for all of them, so that none is still on its way when a failure is reported."""
    sent = await asyncio.gather(
        *(api.write(_call(api, page)) for page in pages), return_exceptions=True
    )
    for result in sent:
        if result is not None:
            raise result


async def _send_last(api: GleanApi, page: BulkPage) -> None:
    """The last page commits the upload: where its answer is lost, the history tells."""

    async def is_committed() -> bool:
        return (await api.status(page.datasource)).is_finished(page.upload_id)

    await api.effect(_call(api, page), is_committed)


def _call(api: GleanApi, page: BulkPage) -> Call:
    return api.indexing("/bulkindexdocuments", page.body())
