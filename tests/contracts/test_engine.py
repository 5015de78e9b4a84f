"""The engine's contract: what is due is taken up, by one engine at a time, whatever came before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import update

import service.dbos_engine
import service.engine
from agents.coordinator import Turn
from domain.errors import Conflict
from domain.repository import Room
from registry.leases import SqlLeases
from registry.tables import datasets
from service.engine import Shift
from tests.builders import NOW
from tests.contracts.works import ENGINES, BrokenLeases, Works, at_work
from tests.registry.databases import ROOM, a_fresh, open_house
from tests.turns import (
    LATER,
    PATIENCE,
    SHORT,
    Turns,
    goes_on,
    owner_of,
    rests,
    running,
    some_datasets,
    until_free,
)


@pytest.fixture(params=ENGINES)
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Works]:
    kind: str = request.param
    url = a_fresh(kind.rpartition(" ")[2], tmp_path)
    async with open_house(url) as opened:
        yield Works(opened.database, opened.hands, kind, url)


async def test_what_is_due_is_taken_up(house: Works) -> None:
    (dataset_id,) = await some_datasets(house, "confluence")
    turns = Turns(rests)

    async with at_work(house, turns):
        await turns.until(lambda: turns.begun[dataset_id] == 1)
        await until_free(house, dataset_id)

    assert await house.leases.next_due() == LATER


async def test_two_engines_never_take_one_datasets_turn_at_once(house: Works) -> None:
    ids = await some_datasets(house, "confluence", "github", "jira", "slack")

    async def takes_a_while(before: int) -> Turn:
        for _ in range(20):
            await asyncio.sleep(0)
        return Turn(NOW if before < 2 else LATER, 0, "it is due again")

    turns = Turns(takes_a_while)
    other = house.another(turns, Shift("two"))
    async with at_work(house, turns), running(other):
        await turns.until(lambda: all(turns.begun[each] >= 3 for each in ids))

    assert turns.most_at_once == 1


async def test_a_turn_that_breaks_is_tried_again_when_its_lease_has_ended(house: Works) -> None:
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


async def test_a_turn_that_broke_keeps_its_lease(house: Works) -> None:
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


async def test_a_turn_that_was_overtaken_leaves_the_row_as_it_is(house: Works) -> None:
    (dataset_id,) = await some_datasets(house, "confluence")

    async def is_overtaken_once(before: int) -> Turn:
        if before == 0:
            raise Conflict("somebody wrote first")
        return await rests(before)

    turns = Turns(is_overtaken_once)
    async with at_work(house, turns):
        await turns.until(lambda: turns.begun[dataset_id] == 2)

    assert turns.most_at_once == 1


async def test_a_lost_lease_stops_the_turn(house: Works) -> None:
    (dataset_id,) = await some_datasets(house, "confluence")
    turns = Turns(goes_on)

    async with at_work(house, turns, lease=SHORT):
        await turns.until(lambda: turns.begun[dataset_id] == 1)
        async with house.database.engine.begin() as connection:
            taken = {"lease_owner": "somebody else", "lease_until": NOW + timedelta(days=36_500)}
            await connection.execute(update(datasets).values(taken))  # else it is over in a moment
        await turns.until(lambda: turns.stopped == 1)

    assert await owner_of(house, dataset_id) == "somebody else"


async def test_a_long_turn_keeps_its_lease(house: Works) -> None:
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


async def test_a_turn_is_told_that_its_lease_is_its_own(house: Works) -> None:
    (dataset_id,) = await some_datasets(house, "confluence")
    turns = Turns(goes_on)

    async with at_work(house, turns):
        await turns.until(lambda: turns.begun[dataset_id] == 1)

        assert turns.is_ours()


async def test_a_turn_whose_lease_was_not_renewed_in_time_is_told_so(house: Works) -> None:
    (dataset_id,) = await some_datasets(house, "confluence")
    leases = BrokenLeases(house.database)
    leases.beats_to_break = 1_000_000
    turns = Turns(goes_on)

    async with at_work(house, turns, lease=SHORT, leases=leases):
        await turns.until(lambda: turns.begun[dataset_id] == 1)
        leases.claims_to_break = 1_000_000
        async with asyncio.timeout(PATIENCE):
            while turns.is_ours():  # noqa: ASYNC110 - time rings no bell
                await asyncio.sleep(SHORT.total_seconds() / 10)

        assert turns.begun[dataset_id] == 1


async def test_a_ring_wakes_the_engine_at_once(
    house: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (service.engine, service.dbos_engine):  # by itself it would look far too late
        monkeypatch.setattr(module, "LONGEST_SLEEP", 10 * PATIENCE)
    (first,) = await some_datasets(house, "confluence")
    turns = Turns(rests)
    async with at_work(house, turns) as engine:
        await turns.until(lambda: turns.begun[first] == 1)
        await until_free(house, first)
        (dataset_id,) = await some_datasets(house, "github")

        engine.ring(dataset_id)
        await turns.until(lambda: turns.begun[dataset_id] == 1)

        assert turns.begun[first] == 1


async def test_what_a_dead_process_held_is_taken_up_when_its_lease_has_ended(
    house: Works,
) -> None:
    (dataset_id,) = await some_datasets(house, "confluence")
    assert await house.leases.claim("the dead", SHORT, Room(1, 16), NOW)
    turns = Turns(rests)

    async with at_work(house, turns):
        await turns.until(lambda: turns.begun[dataset_id] == 1)

    assert turns.begun[dataset_id] == 1


async def test_what_becomes_due_while_nobody_runs_is_taken_up_at_the_start(house: Works) -> None:
    (dataset_id,) = await some_datasets(house, "confluence")
    first = Turns(rests)
    async with at_work(house, first):
        await first.until(lambda: first.begun[dataset_id] == 1)
        await until_free(house, dataset_id)
    house.hands.move(days=2)
    second = Turns(rests)

    async with at_work(house, second):
        await second.until(lambda: second.begun[dataset_id] == 1)

    assert first.begun[dataset_id] == 1


async def test_an_engine_that_is_stopped_stops_its_turns_and_gives_them_back(
    house: Works,
) -> None:
    (dataset_id,) = await some_datasets(house, "confluence")
    turns = Turns(goes_on)

    async with at_work(house, turns):
        await turns.until(lambda: turns.begun[dataset_id] == 1)

    assert turns.stopped == 1
    assert await owner_of(house, dataset_id) is None
    assert await house.leases.next_due() == NOW


async def test_no_more_turns_are_taken_at_once_than_the_shift_allows(house: Works) -> None:
    await some_datasets(house, "confluence", "github", "jira")
    let_go = asyncio.Event()

    async def ends_when_let_go(before: int) -> Turn:
        await let_go.wait()
        return await rests(before)

    turns = Turns(ends_when_let_go)
    async with at_work(house, turns, at_once=2) as engine:
        await turns.until(lambda: turns.begun.total() == 2)
        under_way = engine.turns
        let_go.set()
        await turns.until(lambda: turns.begun.total() == 3)

    assert under_way == 2
    assert turns.most_in_all == 2


async def test_a_turn_that_ends_makes_room_for_the_next(house: Works) -> None:
    ids = await some_datasets(house, "confluence", "github", "jira")
    turns = Turns(rests)

    async with at_work(house, turns, at_once=1):
        await turns.until(lambda: all(turns.begun[each] == 1 for each in ids))

    assert turns.most_at_once == 1


async def test_a_database_that_is_away_for_a_while_stops_nothing_for_good(house: Works) -> None:
    (dataset_id,) = await some_datasets(house, "confluence")
    leases = BrokenLeases(house.database)
    leases.claims_to_break = 2
    turns = Turns(rests)

    async with at_work(house, turns, leases=leases):
        await turns.until(lambda: turns.begun[dataset_id] == 1)
        await until_free(house, dataset_id)

    assert leases.claims_to_break == 0


async def test_a_beat_that_fails_stops_no_turn(house: Works) -> None:
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


async def test_a_lease_that_could_not_be_given_back_ends_by_itself(house: Works) -> None:
    (dataset_id,) = await some_datasets(house, "confluence")
    leases = BrokenLeases(house.database)
    leases.releases_to_break = 1
    turns = Turns(rests)

    async with at_work(house, turns, lease=SHORT, leases=leases):
        await turns.until(lambda: turns.begun[dataset_id] == 2)
        await until_free(house, dataset_id)

    assert turns.most_at_once == 1
