"""The engine: what is due is taken up, by one engine at a time, whatever happened before."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import update

from agents.coordinator import Turn
from domain.errors import Conflict
from domain.repository import Claim, Room
from registry.database import Database
from registry.leases import SqlLeases
from registry.tables import datasets
from service.engine import Shift, TurnEngine
from tests.builders import NOW, a_dataset
from tests.registry.databases import DATABASES, ROOM, House, a_fresh, open_house

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
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def take(self, tenant: str, dataset_id: UUID) -> Turn:
        """Take a turn and keep count."""
        del tenant
        before = self.begun[dataset_id]
        self.begun[dataset_id] += 1
        self.at_once[dataset_id] += 1
        self.most_at_once = max(self.most_at_once, self.at_once[dataset_id])
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


class BrokenLeases(SqlLeases):
    """Leases on a database that is away for the next few calls of each kind."""

    claims_to_break = 0
    beats_to_break = 0
    releases_to_break = 0

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.broken = asyncio.Event()

    async def claim(self, owner: str, ttl: timedelta, room: Room, now: datetime, /) -> list[Claim]:
        if self.claims_to_break:
            self.claims_to_break -= 1
            raise ConnectionError("the database is away")
        return await super().claim(owner, ttl, room, now)

    async def beat(self, owner: str, ids: object, ttl: timedelta, /) -> set[UUID]:
        if self.beats_to_break:
            self.beats_to_break -= 1
            self.broken.set()
            raise ConnectionError("the database is away")
        return await super().beat(owner, ids, ttl)  # type: ignore[arg-type]  # passed on as it came

    async def release(self, claim: Claim, due_at: datetime | None, version: int, /) -> None:
        if self.releases_to_break:
            self.releases_to_break -= 1
            raise ConnectionError("the database is away")
        await super().release(claim, due_at, version)


async def rests(before: int) -> Turn:
    """End at once, due again tomorrow."""
    del before
    return Turn(LATER, 0, "it rests")


async def goes_on(before: int) -> Turn:
    """Never end by itself."""
    del before
    await asyncio.Event().wait()
    raise AssertionError


@pytest.fixture(params=DATABASES)
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(a_fresh(request.param, tmp_path)) as opened:
        yield opened


@asynccontextmanager
async def at_work(
    house: House,
    turns: Turns,
    *,
    owner: str = "one",
    lease: timedelta = timedelta(seconds=10),
    at_once: int = 32,
    leases: SqlLeases | None = None,
) -> AsyncIterator[TurnEngine]:
    """Let an engine work on the house's rows."""
    shift = Shift(owner, lease, at_once)
    engine = TurnEngine(leases or house.leases, turns.take, house.hands.tell, shift)
    running = asyncio.create_task(engine.run())
    try:
        yield engine
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


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


async def test_what_is_due_is_taken_up(house: House) -> None:
    (dataset_id,) = await some_datasets(house, "confluence")
    turns = Turns(rests)

    async with at_work(house, turns):
        await turns.until(lambda: turns.begun[dataset_id] == 1)
        await until_free(house, dataset_id)

    assert await house.leases.next_due() == LATER


async def test_two_engines_never_take_one_datasets_turn_at_once(house: House) -> None:
    ids = await some_datasets(house, "confluence", "github", "jira", "slack")

    async def takes_a_while(before: int) -> Turn:
        for _ in range(20):
            await asyncio.sleep(0)
        return Turn(NOW if before < 5 else LATER, 0, "it is due again")

    turns = Turns(takes_a_while)
    async with at_work(house, turns), at_work(house, turns, owner="two"):
        await turns.until(lambda: all(turns.begun[each] >= 6 for each in ids))

    assert turns.most_at_once == 1


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
    async with at_work(house, turns, lease=timedelta(milliseconds=1), leases=leases) as engine:
        async with asyncio.timeout(PATIENCE):
            await claimed_again.wait()
        under_way = engine.turns

    assert under_way == 1
    assert turns.begun[dataset_id] == 1


async def test_a_turn_that_breaks_is_tried_again_when_its_lease_has_ended(house: House) -> None:
    (dataset_id,) = await some_datasets(house, "confluence")

    async def breaks_once(before: int) -> Turn:
        if before == 0:
            raise RuntimeError("something nobody thought of")
        return await rests(before)

    turns = Turns(breaks_once)
    async with at_work(house, turns, lease=SHORT):
        await turns.until(lambda: turns.begun[dataset_id] == 2)
        await until_free(house, dataset_id)

    assert await house.leases.next_due() == LATER


async def test_a_turn_that_broke_keeps_its_lease(house: House) -> None:
    (dataset_id,) = await some_datasets(house, "confluence")

    async def breaks(before: int) -> Turn:
        raise RuntimeError(f"something nobody thought of, time {before}")

    turns = Turns(breaks)
    async with at_work(house, turns) as engine:
        await turns.until(lambda: turns.at_once[dataset_id] == 0 and turns.begun[dataset_id] == 1)
        engine.ring(dataset_id)
        await some_datasets(house, "github")
        engine.ring(dataset_id)
        await turns.until(lambda: turns.begun.total() == 2)

    assert turns.begun[dataset_id] == 1
    assert await owner_of(house, dataset_id) == "one"


async def test_a_turn_that_was_overtaken_leaves_the_row_as_it_is(house: House) -> None:
    (dataset_id,) = await some_datasets(house, "confluence")

    async def is_overtaken_once(before: int) -> Turn:
        if before == 0:
            raise Conflict("somebody wrote first")
        return await rests(before)

    turns = Turns(is_overtaken_once)
    async with at_work(house, turns):
        await turns.until(lambda: turns.begun[dataset_id] == 2)

    assert turns.most_at_once == 1


async def test_a_lost_lease_stops_the_turn(house: House) -> None:
    (dataset_id,) = await some_datasets(house, "confluence")
    turns = Turns(goes_on)

    async with at_work(house, turns, lease=SHORT):
        await turns.until(lambda: turns.begun[dataset_id] == 1)
        async with house.database.engine.begin() as connection:
            taken = {"lease_owner": "somebody else", "lease_until": NOW + timedelta(days=36_500)}
            await connection.execute(update(datasets).values(taken))  # else it is over in a moment
        await turns.until(lambda: turns.stopped == 1)

    assert await owner_of(house, dataset_id) == "somebody else"


async def test_a_long_turn_keeps_its_lease(house: House) -> None:
    (dataset_id,) = await some_datasets(house, "confluence")
    beaten = asyncio.Event()

    class WatchedLeases(SqlLeases):
        beats = 0

        async def beat(self, owner: str, ids: object, ttl: timedelta, /) -> set[UUID]:
            held = await super().beat(owner, ids, ttl)  # type: ignore[arg-type]  # passed on as it came
            self.beats += 1
            if self.beats == 8:  # twice the length of a lease
                beaten.set()
            return held

    turns = Turns(goes_on)
    async with at_work(house, turns, lease=SHORT, leases=WatchedLeases(house.database)):
        async with asyncio.timeout(PATIENCE):
            await beaten.wait()
        others = await house.leases.claim("two", SHORT, ROOM, NOW)

    assert others == []
    assert turns.begun[dataset_id] == 1


async def test_a_ring_wakes_the_engine_at_once(house: House) -> None:
    turns = Turns(rests)
    async with at_work(house, turns) as engine:
        await until_asleep(engine)
        (dataset_id,) = await some_datasets(house, "confluence")
        started = time.monotonic()

        engine.ring(dataset_id)
        await turns.until(lambda: turns.begun[dataset_id] == 1)

    assert time.monotonic() - started < 0.5


async def until_asleep(engine: TurnEngine) -> None:
    """Let an engine look around once, so that it waits for a ring or for the next second."""
    async with asyncio.timeout(PATIENCE):
        for _ in range(200):
            await asyncio.sleep(0)
    assert engine.turns == 0


async def test_what_a_dead_process_held_is_taken_up_when_its_lease_has_ended(
    house: House,
) -> None:
    (dataset_id,) = await some_datasets(house, "confluence")
    assert await house.leases.claim("the dead", SHORT, Room(1, 16), NOW)
    turns = Turns(rests)

    async with at_work(house, turns):
        await turns.until(lambda: turns.begun[dataset_id] == 1)

    assert turns.begun[dataset_id] == 1


async def test_what_becomes_due_while_nobody_runs_is_taken_up_at_the_start(house: House) -> None:
    (dataset_id,) = await some_datasets(house, "confluence")
    first = Turns(rests)
    async with at_work(house, first):
        await first.until(lambda: first.begun[dataset_id] == 1)
        await until_free(house, dataset_id)
    house.hands.move(days=2)
    second = Turns(rests)

    async with at_work(house, second, owner="two"):
        await second.until(lambda: second.begun[dataset_id] == 1)

    assert first.begun[dataset_id] == 1


async def test_an_engine_that_is_stopped_stops_its_turns_and_gives_them_back(
    house: House,
) -> None:
    (dataset_id,) = await some_datasets(house, "confluence")
    turns = Turns(goes_on)

    async with at_work(house, turns):
        await turns.until(lambda: turns.begun[dataset_id] == 1)

    assert turns.stopped == 1
    assert await owner_of(house, dataset_id) is None
    assert await house.leases.next_due() == NOW


async def test_no_more_turns_are_taken_at_once_than_the_shift_allows(house: House) -> None:
    await some_datasets(house, "confluence", "github", "jira")
    turns = Turns(goes_on)

    async with at_work(house, turns, at_once=2) as engine:
        await turns.until(lambda: turns.begun.total() == 2)
        await until_no_news()
        under_way = engine.turns

    assert under_way == 2
    assert turns.begun.total() == 2


async def until_no_news() -> None:
    """Give whoever could do more the chance to."""
    for _ in range(200):
        await asyncio.sleep(0)


async def test_a_turn_that_ends_makes_room_for_the_next(house: House) -> None:
    ids = await some_datasets(house, "confluence", "github", "jira")
    turns = Turns(rests)

    async with at_work(house, turns, at_once=1):
        await turns.until(lambda: all(turns.begun[each] == 1 for each in ids))

    assert turns.most_at_once == 1


async def test_a_database_that_is_away_for_a_while_stops_nothing_for_good(house: House) -> None:
    (dataset_id,) = await some_datasets(house, "confluence")
    leases = BrokenLeases(house.database)
    leases.claims_to_break = 2
    turns = Turns(rests)

    async with at_work(house, turns, leases=leases):
        await turns.until(lambda: turns.begun[dataset_id] == 1)
        await until_free(house, dataset_id)

    assert leases.claims_to_break == 0


async def test_a_beat_that_fails_stops_no_turn(house: House) -> None:
    (dataset_id,) = await some_datasets(house, "confluence")
    leases = BrokenLeases(house.database)
    leases.beats_to_break = 1
    let_go = asyncio.Event()

    async def ends_when_let_go(before: int) -> Turn:
        await let_go.wait()
        return await rests(before)

    turns = Turns(ends_when_let_go)
    async with at_work(house, turns, lease=SHORT, leases=leases):
        async with asyncio.timeout(PATIENCE):
            await leases.broken.wait()
        let_go.set()
        await until_free(house, dataset_id)

    assert turns.stopped == 0
    assert await house.leases.next_due() == LATER


async def test_a_lease_that_could_not_be_given_back_ends_by_itself(house: House) -> None:
    (dataset_id,) = await some_datasets(house, "confluence")
    leases = BrokenLeases(house.database)
    leases.releases_to_break = 1
    turns = Turns(rests)

    async with at_work(house, turns, lease=SHORT, leases=leases):
        await turns.until(lambda: turns.begun[dataset_id] == 2)
        await until_free(house, dataset_id)

    assert turns.most_at_once == 1


class _HeldClaims(SqlLeases):
    """Leases that tell when a claim is on its way to the database."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.reached = asyncio.Event()

    async def claim(self, owner: str, ttl: timedelta, room: Room, now: datetime, /) -> list[Claim]:
        self.reached.set()
        return await super().claim(owner, ttl, room, now)


async def test_what_a_stop_finds_claimed_goes_back_at_once(house: House) -> None:
    await house.keep(a_dataset())
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
