"""Connectors on Glean: its Indexing and Client APIs behind our port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import httpx

from domain.checks import TOP_HITS, Probe
from domain.connector import ConnectorConfiguration, Marked
from domain.errors import DataOpsError
from domain.orphans import Holding
from domain.record import Record
from domain.search_ports import Clearing, Found, Upload
from gateways import (
    glean_datasource,
    glean_estate,
    glean_health,
    glean_listing,
    glean_sight,
    glean_upload,
)
from gateways.glean_answers import SEARCH_PAGE
from gateways.glean_api import PUBLISHED_LIMITS, GleanApi, GleanCredentials, GleanLimits
from gateways.glean_documents import record_id, search_request
from gateways.glean_settle import Expectation, settle
from gateways.glean_sight import HiddenDocuments
from gateways.glean_tokens import TokenWatch, smallest_search
from gateways.glean_upload import Sent
from gateways.http import ANY_STATUS, Answer, Call
from gateways.pace import Timing

__all__ = [
    "PUBLISHED_LIMITS",
    "GleanConnectors",
    "GleanCredentials",
    "GleanLimits",
    "HiddenDocuments",
]

PROBE_SECONDS = 5.0
"""How long one knock may take (seed: response < 5 s)."""

TOKENS_LAST = timedelta(seconds=60)
"""For how long the sweep takes a token for what it was found to be."""


class GleanConnectors:
    """The ports Connectors and Estate over Glean.

    `limits` keeps us within Glean's published rates, `hidden` remembers what was hidden over
    a restart, `probe_seconds` is the hard time limit of each call of a probe; `tokens_last` is
    the sweep's interval, in which it asks once whether the client token serves.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        credentials: GleanCredentials,
        timing: Timing,
        *,
        limits: GleanLimits | None = None,
        hidden: HiddenDocuments | None = None,
        probe_seconds: float = PROBE_SECONDS,
        tokens_last: timedelta = TOKENS_LAST,
    ) -> None:
        self._api = GleanApi(client, credentials, timing, limits)
        self._timing = timing
        self._hidden = hidden or HiddenDocuments()
        self._probe_seconds = probe_seconds
        self._sent: dict[str, Sent] = {}
        self._tokens = TokenWatch(self._api, timing.clock, tokens_last, probe_seconds)

    async def create(self, connector: ConnectorConfiguration, /) -> None:
        """Declare the datasource, or bring ours up to date. Raises ConnectorNameTaken."""
        await glean_datasource.create(self._api, connector)

    async def upload(self, upload: Upload, /) -> None:
        """Replace the datasource's documents; accepted is not yet indexed, see `settle`."""
        self._sent[upload.connector.datasource] = await glean_upload.send(self._api, upload)

    async def indexed(self, connector: ConnectorConfiguration, /) -> int:
        """Count what is indexed; the count of what was uploaded may be hours old."""
        return (await self._api.status(connector.datasource)).indexed

    async def remaining(self, connector: ConnectorConfiguration, /) -> int:
        """Count the documents left in a datasource of ours; another's are none of our business."""
        if await glean_datasource.why_not_ours(self._api, connector):
            return 0
        return await self.indexed(connector)

    async def settle(
        self, connector: ConnectorConfiguration, expected: int, deadline: datetime, /
    ) -> int:
        """Wait until exactly `expected` documents of our upload are indexed."""
        sent = self._sent.pop(connector.datasource, None)
        expectation = Expectation(connector, expected, deadline, sent)
        return await settle(self._api, self._timing, expectation)

    async def probe(self, connector: ConnectorConfiguration, /, *, thorough: bool) -> Probe:
        """Ask for the status, and when thorough search too: the two need different tokens."""
        started = self._timing.monotonic()
        try:
            answers = await self._knock(self._knocks(connector, thorough=thorough))
        except DataOpsError as failure:
            return glean_health.silent(failure, (self._timing.monotonic() - started) * 1000)
        return glean_health.answered(answers)

    async def watch(self, connector: ConnectorConfiguration, /, *, thorough: bool) -> Probe:
        """Ask for the status behind all others; whether the tokens serve is asked once for all."""
        started = self._timing.monotonic()
        try:
            status = replace(self._status_of(connector), in_no_hurry=True)
            search = self._api.spare_search(smallest_search(connector)) if thorough else None
            answers = await self._knock([status, search] if search else [status])
            if search is None:
                answers.append(await self._tokens.answer())
        except DataOpsError as failure:
            return glean_health.silent(failure, (self._timing.monotonic() - started) * 1000)
        return glean_health.watched(answers)

    async def search(self, connector: ConnectorConfiguration, query: str, /) -> Found:
        """Search the datasource in the name of the test user."""
        request = search_request(query, connector, page_size=TOP_HITS)
        answer = await self._api.ask(self._api.search(request))
        hits = answer.read(SEARCH_PAGE).results[:TOP_HITS]
        ids = tuple(record_id(each, connector) for each in hits)
        return Found(ids, answer.response_time_ms)

    async def hide(self, connector: ConnectorConfiguration, /) -> str:
        """Hide each document from everybody; what is absent or not ours is left alone."""
        reason = await glean_datasource.why_not_ours(self._api, connector)
        return reason or await glean_sight.hide(self._api, connector, self._hidden)

    async def unhide(self, connector: ConnectorConfiguration, /) -> str:
        """Take our overrides off again; what is absent or not ours is left alone."""
        reason = await glean_datasource.why_not_ours(self._api, connector)
        return reason or await glean_sight.unhide(self._api, connector, self._hidden)

    async def empty(self, connector: ConnectorConfiguration, /) -> str:
        """Delete the documents, never without our mark; the definition remains."""
        return (await self._empty(connector)).told

    async def datasources(self, /) -> list[str]:
        """Name the datasources that may be ours."""
        return await glean_estate.names(self._api)

    async def holding(self, datasource: str, origin: str, /) -> Holding | None:
        """Tell what a datasource under our mark holds; None for all others."""
        return await glean_estate.holding(self._api, datasource, origin)

    async def clear(self, holding: Holding, /) -> Clearing:
        """Delete the documents of a holding, never without its mark; the definition remains."""
        return await self._empty(holding)

    async def _empty(self, marked: Marked) -> Clearing:
        reason = await glean_datasource.why_not_ours(self._api, marked)
        if reason:
            return Clearing(is_emptied=False, told=reason)
        await glean_upload.send_nothing(self._api, marked)
        await asyncio.to_thread(self._hidden.forget, marked.datasource)
        told = (
            f"Glean deletes every document of datasource {marked.datasource}. Its definition "
            "remains: Glean offers no call that deletes it, an administrator can in the console."
        )
        return Clearing(is_emptied=True, told=told)

    async def home_of(self, datasource: str, /) -> str:
        """Give a datasource's home page. Raises NotFound when there is no such datasource."""
        return await glean_listing.home_of(self._api, datasource)

    def documents(self, datasource: str, /) -> AsyncGenerator[Sequence[Record], None]:
        """List what a search shows of a datasource's documents; nothing is changed."""
        return glean_listing.documents(self._api, datasource)

    def _knocks(self, connector: ConnectorConfiguration, *, thorough: bool) -> list[Call]:
        status = self._status_of(connector)
        return [status, self._api.search(smallest_search(connector))] if thorough else [status]

    def _status_of(self, connector: ConnectorConfiguration) -> Call:
        return self._api.indexing(f"/debug/{connector.datasource}/status")

    async def _knock(self, calls: Sequence[Call]) -> list[Answer]:
        """Send each call once and together; what goes wrong with one is raised when all are in."""
        once = (
            replace(each, accept=ANY_STATUS, attempts=1, seconds=self._probe_seconds)
            for each in calls
        )
        came = await asyncio.gather(*map(self._api.ask, once), return_exceptions=True)
        for each in came:
            if isinstance(each, BaseException):
                raise each
        return [each for each in came if isinstance(each, Answer)]
