"""A subscriber: it follows the outbox through whatever process there is, and forgets at times."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from domain.events import RecordedEvent
    from tests.simulation.world import World

_POLL_SECONDS = 2.0
_PATIENCE_SECONDS = 1.0
_BATCH = 50
_FORGETS = 1 / 8


@dataclass(frozen=True, slots=True)
class Heard:
    """An event as it reached the subscriber, and when."""

    at: float
    event_id: UUID
    dataset_id: UUID | None
    name: str


class Subscriber:
    """Keeps how far it has heard; it may die between hearing and keeping, and hears again then."""

    def __init__(self, world: World) -> None:
        self.heard: list[Heard] = []
        self._world = world
        self._after = 0

    async def follow(self) -> None:
        """Follow until cancelled."""
        while True:
            await asyncio.sleep(_POLL_SECONDS)
            await self._hear()

    async def catch_up(self) -> None:
        """Hear all there is."""
        while self._after < len(self._world.rows.outbox):
            await self._hear()
            await asyncio.sleep(0.01)

    async def _hear(self) -> None:
        process = self._world.door()
        if process is None:
            return
        reading = asyncio.ensure_future(process.registry.events("default", self._after, _BATCH))
        await asyncio.wait({reading}, timeout=_PATIENCE_SECONDS)
        if reading.done():
            self._take(reading.result())

    def _take(self, events: Sequence[RecordedEvent]) -> None:
        now = self._world.now()
        self.heard += [
            Heard(now, each.event_id, each.context.dataset_id, each.name) for each in events
        ]
        if events and self._world.fate.chance.random() >= _FORGETS:
            self._after = events[-1].sequence
