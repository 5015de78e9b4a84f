"""What every registry's leases owe the engine, the simulated one's as well."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from domain.dataset import Dataset
from domain.repository import Claim, Leases, Room
from tests.builders import NOW, TENANT, a_dataset, find_template
from tests.registry.databases import ROOM, Keeping
from tests.simulation.house import KINDS, open_any

LONG = timedelta(seconds=60)
OVER = timedelta(seconds=-1)
"""A lease that is over as soon as it begins: what a process that died leaves behind."""

LATER = NOW + timedelta(hours=1)


@pytest.fixture(params=KINDS)
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Keeping]:
    async with open_any(request.param, tmp_path) as opened:
        yield opened


def claim_on(dataset: Dataset, owner: str = "one") -> Claim:
    return Claim(TENANT, dataset.place.dataset_id, owner)


async def test_a_due_dataset_is_claimed_once(house: Keeping) -> None:
    leases: Leases = house.leases
    dataset = await house.keep(a_dataset())

    first = await leases.claim("one", LONG, ROOM, NOW)
    second = await leases.claim("two", LONG, ROOM, NOW)

    assert (first, second) == ([claim_on(dataset)], [])


async def test_what_is_not_due_yet_is_not_claimed(house: Keeping) -> None:
    dataset = await house.keep(a_dataset())
    await house.save(dataset, LATER)

    early = await house.leases.claim("one", LONG, ROOM, NOW)
    in_time = await house.leases.claim("one", LONG, ROOM, LATER)

    assert (early, in_time) == ([], [claim_on(dataset)])


async def test_what_is_due_longest_is_claimed_first(house: Keeping) -> None:
    older, newer = await house.keep(a_dataset("github")), await house.keep(a_dataset())
    await house.save(newer, NOW - timedelta(minutes=1))
    await house.save(older, NOW - timedelta(minutes=2))

    claims = await house.leases.claim("one", LONG, Room(1, 16), NOW)

    assert claims == [claim_on(older)]


async def test_a_lease_that_is_over_can_be_taken_by_another(house: Keeping) -> None:
    dataset = await house.keep(a_dataset())
    await house.leases.claim("dead", OVER, ROOM, NOW)

    claims = await house.leases.claim("two", LONG, ROOM, NOW)

    assert claims == [claim_on(dataset, "two")]


async def test_a_beat_keeps_what_is_held_and_tells_what_is_not(house: Keeping) -> None:
    mine, lost = await house.keep(a_dataset()), await house.keep(a_dataset("github"))
    await house.leases.claim("one", OVER, ROOM, NOW)
    await house.leases.claim("two", LONG, ROOM, NOW)
    ids = [mine.place.dataset_id, lost.place.dataset_id]
    await house.leases.release(claim_on(mine, "two"), NOW, 0)
    await house.leases.claim("one", OVER, ROOM, NOW)

    held = await house.leases.beat("one", ids, LONG)

    assert held == {mine.place.dataset_id}
    assert await house.leases.claim("two", LONG, ROOM, NOW) == []


async def test_a_release_writes_when_the_dataset_is_due_again(house: Keeping) -> None:
    dataset = await house.keep(a_dataset())
    (claim,) = await house.leases.claim("one", LONG, ROOM, NOW)

    await house.leases.release(claim, LATER, dataset.version)

    assert await house.leases.next_due() == LATER
    assert await house.leases.claim("two", LONG, ROOM, LATER) == [claim_on(dataset, "two")]


async def test_a_release_at_an_old_version_leaves_the_row_due(house: Keeping) -> None:
    dataset = await house.keep(a_dataset())
    (claim,) = await house.leases.claim("one", LONG, ROOM, NOW)
    find_template(dataset)
    await house.save(dataset, NOW)

    await house.leases.release(claim, None, 0)

    assert await house.leases.next_due() == NOW


async def test_a_zombie_cannot_release_what_another_holds(house: Keeping) -> None:
    dataset = await house.keep(a_dataset())
    await house.leases.claim("zombie", OVER, ROOM, NOW)
    await house.leases.claim("two", LONG, ROOM, NOW)

    await house.leases.release(claim_on(dataset, "zombie"), None, 0)

    assert await house.leases.claim("three", LONG, ROOM, NOW) == []
    assert await house.leases.beat("two", [dataset.place.dataset_id], LONG) != set()


async def test_nothing_is_due_where_all_rest_or_are_held(house: Keeping) -> None:
    resting = await house.keep(a_dataset())
    await house.keep(a_dataset("github"))
    await house.save(resting, None)
    await house.leases.claim("one", LONG, ROOM, NOW)

    due = await house.leases.next_due()

    assert due is None


async def test_a_lease_changes_nothing_the_aggregate_knows(house: Keeping) -> None:
    dataset = await house.keep(a_dataset())
    await house.leases.claim("one", LONG, ROOM, NOW)

    await house.save(dataset, NOW)

    assert dataset.version == 1
