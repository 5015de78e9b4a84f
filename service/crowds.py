"""Crowds: those who listen to a tenant's events are told together, and never so often that it hurts.

One looks for all of them whether there is anything new. To tell a listener takes a fraction of a
millisecond, so the more there are, the longer the pause between two tellings; what came meanwhile
is told at once. Nobody waits for the slowest: each reads on from where he stands. One timer beats
for all of them, so that none has one of his own.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import structlog

from service.changes import Bell

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from domain.ports import Changes
    from domain.repository import Registry

log = structlog.get_logger("events")

POLL_SECONDS = 1.0
"""How long another process's events may wait to be seen; our own ring the bell."""

PAUSE_A_LISTENER = 0.004
"""Seconds of pause each listener adds: so all of them together take a few hundredths of the time."""

LONGEST_PAUSE = 2.0

BEAT_SECONDS = 15.0
"""The longest silence on a stream, so that proxies and dead clients notice each other."""


class Crowd:
    """Those who listen to one tenant's events.

    `newest` is the sequence of the last seen; `beats` counts how often everybody was woken only to
    say that the line is alive.
    """

    def __init__(self, newest: int) -> None:
        """Begin to beat; needs a running loop."""
        self.newest = newest
        self.beats = 0
        self.listeners = 0
        self._bell = Bell()
        self._beating = self._beat_later()

    def next_call(self) -> Callable[[], Awaitable[object]]:
        """Give a wait for the next telling or beat."""
        return self._bell.next_ring()

    def tell(self, newest: int) -> None:
        """Wake everybody: there is something behind where they stand."""
        self.newest = max(self.newest, newest)
        self._bell.ring()

    def disperse(self) -> None:
        """Beat no more."""
        self._beating.cancel()

    def _beat(self) -> None:
        self.beats += 1
        self._bell.ring()
        self._beating = self._beat_later()

    def _beat_later(self) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(BEAT_SECONDS, self._beat)


class Crowds:
    """The crowds of all tenants; each has one who looks for it as long as anybody listens."""

    def __init__(self, registry: Registry, changes: Changes, is_ending: Callable[[], bool]) -> None:
        """Look into this registry when these changes ring; `is_ending` says that all is over."""
        self._registry = registry
        self._changes = changes
        self._is_ending = is_ending
        self._crowds: dict[str, tuple[Crowd, asyncio.Task[None]]] = {}

    @asynccontextmanager
    async def joined(self, tenant: str, newest: int) -> AsyncIterator[Crowd]:
        """Belong to a tenant's crowd; `newest` is known already, should nobody else be there."""
        if tenant not in self._crowds:
            crowd = Crowd(newest)
            self._crowds[tenant] = crowd, asyncio.create_task(self._look_for(tenant, crowd))
        crowd, looking = self._crowds[tenant]
        if newest > crowd.newest:  # nobody would tell those who were here before
            crowd.tell(newest)
        crowd.listeners += 1
        try:
            yield crowd
        finally:
            crowd.listeners -= 1
            if not crowd.listeners:
                del self._crowds[tenant]
                crowd.disperse()
                looking.cancel()

    async def _look_for(self, tenant: str, crowd: Crowd) -> None:
        while not self._is_ending():
            wait = self._changes.handle()
            try:
                newest = await self._registry.last_sequence(tenant)
            except Exception:
                log.exception("events.unseen", tenant=tenant)
                newest = crowd.newest
            if newest > crowd.newest:
                # A commit seldom comes alone: what follows it within the pause is told with it.
                await asyncio.sleep(min(crowd.listeners * PAUSE_A_LISTENER, LONGEST_PAUSE))
                crowd.tell(newest)
            else:
                await wait(POLL_SECONDS)
        crowd.tell(crowd.newest)
