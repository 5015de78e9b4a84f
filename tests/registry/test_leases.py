"""Leases: a due dataset is taken by one owner at a time, and none is ever lost."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from domain.dataset import Dataset
from domain.repository import Claim, Leases
from tests.builders import NOW, TENANT, a_dataset, a_journey, find_template
from tests.registry.databases import House, open_house

LONG = timedelta(seconds=60)
OVER = timedelta(seconds=-1)
"""A lease that is over as soon as it begins: what a process that died leaves behind."""

LATER = NOW + timedelta(hours=1)


def claim_on(dataset: Dataset, owner: str = "one") -> Claim:
    return Claim(TENANT, dataset.place.dataset_id, owner)


async def test_a_due_dataset_is_claimed_once(house: House) -> None:
    leases: Leases = house.leases
    dataset = await house.keep(a_dataset())

    first = await leases.claim("one", LONG, 5, NOW)
    second = await leases.claim("two", LONG, 5, NOW)

    assert (first, second) == ([claim_on(dataset)], [])


async def test_two_processes_never_hold_the_same_dataset(house: House, url: str) -> None:
    for number in range(12):
        await house.keep(
            a_dataset(journey=a_journey(f"journey-{number}"), dataset_type=f"t{number}")
        )

    async with open_house(url) as other:
        turns = [each.leases.claim(name, LONG, 2, NOW) for name, each in _owners(house, other)]
        taken = [claim for claims in await asyncio.gather(*turns) for claim in claims]

    assert len({claim.dataset_id for claim in taken}) == len(taken) == 12


async def test_what_is_not_due_yet_is_not_claimed(house: House) -> None:
    dataset = await house.keep(a_dataset())
    await house.save(dataset, LATER)

    early = await house.leases.claim("one", LONG, 5, NOW)
    in_time = await house.leases.claim("one", LONG, 5, LATER)

    assert (early, in_time) == ([], [claim_on(dataset)])


async def test_what_is_due_longest_is_claimed_first(house: House) -> None:
    older, newer = await house.keep(a_dataset("github")), await house.keep(a_dataset())
    await house.save(newer, NOW - timedelta(minutes=1))
    await house.save(older, NOW - timedelta(minutes=2))

    claims = await house.leases.claim("one", LONG, 1, NOW)

    assert claims == [claim_on(older)]


async def test_a_lease_that_is_over_can_be_taken_by_another(house: House) -> None:
    dataset = await house.keep(a_dataset())
    await house.leases.claim("dead", OVER, 5, NOW)

    claims = await house.leases.claim("two", LONG, 5, NOW)

    assert claims == [claim_on(dataset, "two")]


async def test_a_beat_keeps_what_is_held_and_tells_what_is_not(house: House) -> None:
    mine, lost = await house.keep(a_dataset()), await house.keep(a_dataset("github"))
    await house.leases.claim("one", OVER, 5, NOW)
    await house.leases.claim("two", LONG, 5, NOW)
    ids = [mine.place.dataset_id, lost.place.dataset_id]
    await house.leases.release(claim_on(mine, "two"), NOW, 0)
    await house.leases.claim("one", OVER, 5, NOW)

    held = await house.leases.beat("one", ids, LONG)

    assert held == {mine.place.dataset_id}
    assert await house.leases.claim("two", LONG, 5, NOW) == []


async def test_a_release_writes_when_the_dataset_is_due_again(house: House) -> None:
    dataset = await house.keep(a_dataset())
    (claim,) = await house.leases.claim("one", LONG, 5, NOW)

    await house.leases.release(claim, LATER, dataset.version)

    assert await house.leases.next_due() == LATER
    assert await house.leases.claim("two", LONG, 5, LATER) == [claim_on(dataset, "two")]


async def test_a_release_at_an_old_version_leaves_the_row_due(house: House) -> None:
    dataset = await house.keep(a_dataset())
    (claim,) = await house.leases.claim("one", LONG, 5, NOW)
    find_template(dataset)
    await house.save(dataset, NOW)

    await house.leases.release(claim, None, 0)

    assert await house.leases.next_due() == NOW


async def test_a_zombie_cannot_release_what_another_holds(house: House) -> None:
    dataset = await house.keep(a_dataset())
    await house.leases.claim("zombie", OVER, 5, NOW)
    await house.leases.claim("two", LONG, 5, NOW)

    await house.leases.release(claim_on(dataset, "zombie"), None, 0)

    assert await house.leases.claim("three", LONG, 5, NOW) == []
    assert await house.leases.beat("two", [dataset.place.dataset_id], LONG) != set()


async def test_nothing_is_due_where_all_rest_or_are_held(house: House) -> None:
    resting = await house.keep(a_dataset())
    await house.keep(a_dataset("github"))
    await house.save(resting, None)
    await house.leases.claim("one", LONG, 5, NOW)

    due = await house.leases.next_due()

    assert due is None


async def test_a_lease_changes_nothing_the_aggregate_knows(house: House) -> None:
    dataset = await house.keep(a_dataset())
    await house.leases.claim("one", LONG, 5, NOW)

    await house.save(dataset, NOW)

    assert dataset.version == 1


def _owners(house: House, other: House) -> list[tuple[str, House]]:
    return [
        (f"{name}-{number}", each)
        for number in range(6)
        for name, each in (("a", house), ("b", other))
    ]
