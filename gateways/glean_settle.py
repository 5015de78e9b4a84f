"""Settling: what Glean accepted is not yet indexed, so we look until it is."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from domain.connector import ConnectorConfiguration
from domain.errors import DataOpsError, SupplierUnavailable
from gateways.glean_answers import DEBUG_DOCUMENTS
from gateways.glean_api import GleanApi
from gateways.glean_upload import DocumentKey
from gateways.pace import Timing

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 15.0
_BATCH = 100
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is waited for; `uploaded` are the keys of what we sent, as far as we know them."""

    connector: ConnectorConfiguration
    count: int
    deadline: datetime
    uploaded: Sequence[DocumentKey]


async def settle(api: GleanApi, timing: Timing, expected: Expectation) -> int:
    """Wait until exactly the expected number is indexed; gives that number.

    Raises:
        SupplierUnavailable: the deadline came first; the message names some that are missing.
    """
    await _hurry(api, expected.connector.datasource)
    pause = _FIRST_PAUSE_SECONDS
    while True:
        indexed = (await api.status(expected.connector.datasource)).indexed
        if indexed == expected.count:
            return indexed
        left = (expected.deadline - timing.clock()).total_seconds()
        if left <= 0:
            raise SupplierUnavailable(await _gap(api, expected, indexed))
        await timing.sleep(min(pause, left))
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


async def _hurry(api: GleanApi, datasource: str) -> None:
    """Ask Glean to index now; it does so once in three hours and otherwise says 429."""
    call = api.indexing("/processalldocuments", {"datasource": datasource})
    await api.ask(replace(call, accept=frozenset({200, 429})))


async def _gap(api: GleanApi, expected: Expectation, indexed: int) -> str:
    missing: list[str] = []
    if indexed < expected.count:
        # The gap is the news; that it cannot be looked into must not hide it.
        with contextlib.suppress(DataOpsError):
            missing = await _missing(api, expected)
    named = f" Missing are, among others: {', '.join(missing)}." if missing else ""
    return (
        f"Glean has indexed {indexed} documents of datasource {expected.connector.datasource} "
        f"where {expected.count} were expected, and the time is up.{named} Look at the "
        "datasource in Glean's admin console, or try again later."
    )


async def _missing(api: GleanApi, expected: Expectation) -> list[str]:
    """Name the first few documents that were sent and are not indexed."""
    found: list[str] = []
    for start in range(0, len(expected.uploaded), _BATCH):
        batch = expected.uploaded[start : start + _BATCH]
        asked = [{"objectType": kind, "docId": document_id} for kind, document_id in batch]
        path = f"/debug/{expected.connector.datasource}/documents"
        answer = await api.ask(api.indexing(path, {"debugDocuments": asked}))
        states = answer.read(DEBUG_DOCUMENTS).document_statuses
        found += [each.doc_id for each in states if not each.is_indexed]
        if len(found) >= _NAMED:
            break
    return found[:_NAMED]
