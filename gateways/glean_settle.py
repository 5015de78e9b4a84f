"""Settling: what Glean accepted is not yet indexed, so we look until it is."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, replace
from datetime import datetime

from domain.connector import ConnectorConfiguration
from domain.errors import DataOpsError, SupplierUnavailable
from gateways.glean_answers import DEBUG_DOCUMENTS, Status
from gateways.glean_api import GleanApi
from gateways.glean_upload import Sent
from gateways.pace import Timing

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 15.0
_NUDGE_SECONDS = 5.0
_LOOK_SECONDS = 10.0
_BATCH = 100
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is waited for; `sent` is the upload before it, where we have sent one."""

    connector: ConnectorConfiguration
    count: int
    deadline: datetime
    sent: Sent | None

    def is_met(self, status: Status) -> bool:
        """Whether so many are indexed, and of our upload: as many may have been there before."""
        return status.indexed == self.count and not self.awaits(status)

    def awaits(self, status: Status) -> bool:
        """Whether Glean is not through with our upload."""
        return self.sent is not None and status.is_under_way(self.sent.upload_id)


async def settle(api: GleanApi, timing: Timing, expected: Expectation) -> int:
    """Wait until exactly the expected number is indexed; gives that number.

    Raises:
        SupplierUnavailable: the deadline came first; the message names some that are missing.
    """
    datasource, pause = expected.connector.datasource, _FIRST_PAUSE_SECONDS
    if expected.is_met(await api.status(datasource)):
        return expected.count
    await _hurry(api, datasource)
    while not expected.is_met(status := await api.status(datasource)):
        left = (expected.deadline - timing.clock()).total_seconds()
        if left <= 0:
            raise SupplierUnavailable(await _gap(api, expected, status))
        await timing.sleep(min(pause, left))
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
    return expected.count


async def _hurry(api: GleanApi, datasource: str) -> None:
    """Ask Glean to index now, which it does once in three hours; it indexes unasked as well."""
    call = api.indexing("/processalldocuments", {"datasource": datasource})
    with contextlib.suppress(DataOpsError):
        await api.ask(replace(call, attempts=1, seconds=_NUDGE_SECONDS))


async def _gap(api: GleanApi, expected: Expectation, status: Status) -> str:
    missing: list[str] = []
    if expected.sent is not None:
        # The gap is the news; that it cannot be looked into must not hide it.
        with contextlib.suppress(DataOpsError, TimeoutError):
            async with asyncio.timeout(_LOOK_SECONDS):
                await _look_into(api, expected.connector.datasource, expected.sent, missing)
    under_way = " and is not through with the last upload" if expected.awaits(status) else ""
    named = f" Missing are, among others: {', '.join(missing[:_NAMED])}." if missing else ""
    return (
        f"Glean has indexed {status.indexed} documents of datasource "
        f"{expected.connector.datasource} where {expected.count} were expected{under_way}, "
        f"and the time is up.{named} Look at the datasource in Glean's admin console, or try "
        "again later."
    )


async def _look_into(api: GleanApi, datasource: str, sent: Sent, missing: list[str]) -> None:
    """Add to `missing` the first few documents that were sent and are not indexed."""
    for start in range(0, len(sent.keys), _BATCH):
        batch = sent.keys[start : start + _BATCH]
        asked = [{"objectType": kind, "docId": document_id} for kind, document_id in batch]
        call = api.indexing(f"/debug/{datasource}/documents", {"debugDocuments": asked})
        states = (await api.ask(call)).read(DEBUG_DOCUMENTS).document_statuses
        missing += [each.doc_id for each in states if not each.is_indexed]
        if len(missing) >= _NAMED:
            break
