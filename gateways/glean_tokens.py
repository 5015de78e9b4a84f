"""Whether the client token still serves: asked once an interval for all connectors together."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

from domain.connector import ConnectorConfiguration
from domain.errors import DataOpsError, SupplierUnavailable
from domain.ports import Clock
from domain.record import JsonObject
from gateways.glean_api import GleanApi
from gateways.glean_documents import search_request
from gateways.http import ANY_STATUS, Answer


def smallest_search(connector: ConnectorConfiguration | None = None) -> JsonObject:
    """Write the smallest search there is, of one connector's documents or of all.

    Only a client token that serves may make it.
    """
    return search_request("", connector, page_size=1)


class TokenWatch:
    """What the last search of the sweep was answered with, for `lasting`.

    It is a search of all there is, for its answer is that of no single connector. The indexing
    token needs none: each status call is made with it.
    """

    def __init__(self, api: GleanApi, clock: Clock, lasting: timedelta, seconds: float) -> None:
        """Let one search take at most so many seconds."""
        self._api = api
        self._clock = clock
        self._lasting = lasting
        self._seconds = seconds
        self._turn = asyncio.Lock()
        self._known: Answer | str = ""
        self._known_at: datetime | None = None

    async def answer(self) -> Answer:
        """Give the answer all share; whoever finds it too old asks.

        Raises:
            SupplierUnavailable: there was none.
        """
        async with self._turn:
            if self._is_old():
                self._known = await self._ask()
                self._known_at = self._clock()
            known = self._known
        if isinstance(known, str):
            raise SupplierUnavailable(known)
        return known

    def _is_old(self) -> bool:
        """Whether the answer is as old as it may be, or from a future that was taken back."""
        if self._known_at is None:
            return True
        return not timedelta(0) <= self._clock() - self._known_at < self._lasting

    async def _ask(self) -> Answer | str:
        call = self._api.search(smallest_search())
        once = replace(call, accept=ANY_STATUS, attempts=1, seconds=self._seconds, in_no_hurry=True)
        try:
            return await self._api.ask(once)
        except DataOpsError as silence:
            return str(silence)
