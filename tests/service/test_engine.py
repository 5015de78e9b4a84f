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
from tests.registry.databases import DATABASES, House, a_fresh, open_house
from tests.turns import PATIENCE, Turns, goes_on, rests, running, some_datasets


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


async def test_an_engine_takes_no_second_turn_beside_its_own_whose_lease_was_late(
    house: House,
) -> None:
    (dataset_id,) = await some_datasets(house, "confluence")

    async def holds_everybody_up(before: int) -> Turn:
        time.sleep(0.05)  # noqa: ASYNC251 - the whole process stands still
        return await goes_on(before)

    claimed_again = asyncio.Event()

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
    async with at_work(house, turns, leases) as engine:
        async with asyncio.timeout(PATIENCE):
            await claimed_again.wait()
        under_way = engine.turns

    assert under_way == 1
    assert turns.begun[dataset_id] == 1


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
