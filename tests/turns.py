"""Turns as tests lay them down, and the rows an engine takes them with."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from agents.coordinator import Turn
from registry.tables import datasets
from service.engine import TurnEngine
from tests.builders import NOW, a_dataset
from tests.registry.databases import House

PATIENCE = 50.0
SHORT = timedelta(milliseconds=100)
"""A lease that ends while a test watches."""

LATER = NOW + timedelta(days=1)

Play = Callable[[int], Awaitable[Turn]]


@dataclass
class Turns:
    """Turns as a test lays them down: `play` is given how many there were before it."""

    play: Play
    begun: Counter[UUID] = field(default_factory=Counter)
    stopped: int = 0
    at_once: Counter[UUID] = field(default_factory=Counter)
    most_at_once: int = 0
    most_in_all: int = 0
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    is_ours: Callable[[], bool] = field(default=lambda: False)

    async def take(self, tenant: str, dataset_id: UUID, is_ours: Callable[[], bool]) -> Turn:
        """Take a turn and keep count."""
        del tenant
        self.is_ours = is_ours
        before = self.begun[dataset_id]
        self.begun[dataset_id] += 1
        self.at_once[dataset_id] += 1
        self.most_at_once = max(self.most_at_once, self.at_once[dataset_id])
        self.most_in_all = max(self.most_in_all, self.at_once.total())
        await self._tell()
        try:
            return await self.play(before)
        except asyncio.CancelledError:
            self.stopped += 1
            raise
        finally:
            self.at_once[dataset_id] -= 1
            await self._tell()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds of the turns."""
        async with asyncio.timeout(PATIENCE), self.changed:
            await self.changed.wait_for(holds)

    async def _tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()


async def rests(before: int) -> Turn:
    """End at once, due again tomorrow."""
    del before
    return Turn(LATER, 0, "it rests")


async def goes_on(before: int) -> Turn:
    """Never end by itself."""
    del before
    await asyncio.Event().wait()
    raise AssertionError


@asynccontextmanager
async def running(engine: TurnEngine) -> AsyncIterator[None]:
    """Let an engine run for as long as the block lasts."""
    task = asyncio.create_task(engine.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def some_datasets(house: House, *types: str) -> list[UUID]:
    """Keep datasets that are due at once."""
    kept = [await house.keep(a_dataset(each)) for each in types]
    return [each.place.dataset_id for each in kept]


async def owner_of(house: House, dataset_id: UUID) -> str | None:
    """Tell who holds the lease on a dataset."""
    async with house.database.reads.connect() as connection:
        asked = datasets.select().where(datasets.c.dataset_id == dataset_id)
        owner: str | None = (await connection.execute(asked)).mappings().one()["lease_owner"]
        return owner


async def until_free(house: House, dataset_id: UUID) -> None:
    """Wait until nobody holds a dataset."""
    async with asyncio.timeout(PATIENCE):
        while await owner_of(house, dataset_id) is not None:  # noqa: ASYNC110 - a row rings no bell
            await asyncio.sleep(0)
