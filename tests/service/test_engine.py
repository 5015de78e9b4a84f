"""The built-in engine's own way: it claims many at once, and gives back what it cannot begin."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from agents.coordinator import Turn
from domain.repository import Claim, Room
from registry.database import Database
from registry.leases import SqlLeases
from service.engine import Shift, TurnEngine
from tests.builders import NOW
from tests.registry.databases import DATABASES, House, a_fresh, open_house
from tests.turns import PATIENCE, Turns, goes_on, rests, running, some_datasets, until_free


@pytest.fixture(params=DATABASES)
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(a_fresh(request.param, tmp_path)) as opened:
        yield opened


@asynccontextmanager
async def at_work(house: House, turns: Turns, leases: SqlLeases) -> AsyncIterator[TurnEngine]:
    """Let an engine work on the house's rows, under leases that end before anybody looks."""
    shift = Shift("one", timedelta(milliseconds=1))
    engine = TurnEngine(leases, turns.take, house.hands.tell, shift)
    async with running(engine):
        yield engine


async def test_an_engine_takes_no_second_turn_beside_or_after_its_own_whose_lease_was_late(
    house: House,
) -> None:
    (dataset_id,) = await some_datasets(house, "confluence")
    claimed_again = asyncio.Event()

    async def holds_everybody_up(before: int) -> Turn:
        time.sleep(0.05)  # noqa: ASYNC251 - the whole process stands still
        await claimed_again.wait()
        return await rests(before)

    class WatchedLeases(SqlLeases):
        seen = 0

        async def claim(
            self, owner: str, ttl: timedelta, room: Room, now: datetime, /
        ) -> list[Claim]:
            claims = await super().claim(owner, ttl, room, now)
            if self.seen >= 2:
                claimed_again.set()
            self.seen += len(claims)
            return claims

    turns = Turns(holds_everybody_up)
    leases = WatchedLeases(house.database)
    async with at_work(house, turns, leases):
        async with asyncio.timeout(PATIENCE):
            await claimed_again.wait()
        await until_free(house, dataset_id)
        (another,) = await some_datasets(house, "github")
        await turns.until(lambda: turns.begun[another] == 1)

    assert turns.begun[dataset_id] == 1


class _SlowEnd(SqlLeases):
    """Leases whose first end is committed, and heard of only once the dataset is claimed again."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.look = asyncio.Event().set
        self.ends = 0
        self.claimed_again = asyncio.Event()

    async def claim(self, owner: str, ttl: timedelta, room: Room, now: datetime, /) -> list[Claim]:
        claims = await super().claim(owner, ttl, room, now)
        if claims and self.ends:
            self.claimed_again.set()
        return claims

    async def release(self, claim: Claim, due_at: datetime | None, version: int, /) -> None:
        await super().release(claim, due_at, version)
        self.ends += 1
        if self.ends == 1:
            self.look()
            await self.claimed_again.wait()
            for _ in range(20):  # until the engine has it
                await asyncio.sleep(0)


async def test_what_is_claimed_again_before_the_end_of_its_turn_is_heard_of_is_taken_up_at_once(
    house: House,
) -> None:
    (dataset_id,) = await some_datasets(house, "confluence")

    async def is_due_again_once(before: int) -> Turn:
        return Turn(NOW, 0, "it is due again") if before == 0 else await rests(before)

    turns, leases = Turns(is_due_again_once), _SlowEnd(house.database)
    shift = Shift("one", timedelta(days=1))
    engine = TurnEngine(leases, turns.take, house.hands.tell, shift)
    leases.look = engine.look
    async with running(engine):
        await turns.until(lambda: turns.begun[dataset_id] == 2)
        await until_free(house, dataset_id)

    assert turns.most_at_once == 1
    assert turns.begun[dataset_id] == 2


class _HeldClaims(SqlLeases):
    """Leases that tell when a claim is on its way to the database."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.reached = asyncio.Event()

    async def claim(self, owner: str, ttl: timedelta, room: Room, now: datetime, /) -> list[Claim]:
        self.reached.set()
        return await super().claim(owner, ttl, room, now)


async def test_what_a_stop_finds_claimed_goes_back_at_once(house: House) -> None:
    await some_datasets(house, "confluence")
    leases = _HeldClaims(house.database)
    engine = TurnEngine(leases, Turns(rests).take, house.hands.tell, Shift("one"))
    running = asyncio.create_task(engine.run())
    await leases.reached.wait()

    running.cancel()

    await asyncio.wait({running})
    assert await house.leases.next_due() is not None


async def test_an_engine_whose_clients_have_all_their_turns_looks_a_few_times_a_second(
    house: House,
) -> None:
    await some_datasets(house, "confluence", "github")
    enough, looks = asyncio.Event(), list[float]()

    class WatchedLeases(SqlLeases):
        async def claim(
            self, owner: str, ttl: timedelta, room: Room, now: datetime, /
        ) -> list[Claim]:
            looks.append(time.monotonic())
            if len(looks) == 6:
                enough.set()
            return await super().claim(owner, ttl, room, now)

    shift = Shift("one", turns_a_client=1)
    turns = Turns(goes_on)
    engine = TurnEngine(WatchedLeases(house.database), turns.take, house.hands.tell, shift)
    running = asyncio.create_task(engine.run())
    async with asyncio.timeout(PATIENCE):
        await enough.wait()
    running.cancel()
    await asyncio.wait({running})

    assert turns.begun.total() == 1
    assert looks[5] - looks[2] > 0.25
