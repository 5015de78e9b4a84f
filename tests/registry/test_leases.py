"""Leases on a database: processes at once, and turns between clients, work and probes."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from domain.dataset import Dataset
from domain.lifecycle import DatasetStatus
from domain.repository import Claim, Room
from registry.turns import WORK_A_PROBE
from tests.builders import (
    NOW,
    TENANT,
    a_client,
    a_dataset,
    a_dataset_in,
    a_journey,
)
from tests.registry.databases import House, open_house

LONG = timedelta(seconds=60)
OVER = timedelta(seconds=-1)
"""A lease that is over as soon as it begins: what a process that died leaves behind."""

LATER = NOW + timedelta(hours=1)


def claim_on(dataset: Dataset, owner: str = "one") -> Claim:
    return Claim(TENANT, dataset.place.dataset_id, owner)


async def test_two_processes_never_hold_the_same_dataset(house: House, url: str) -> None:
    for number in range(12):
        await house.keep(
            a_dataset(journey=a_journey(f"journey-{number}"), dataset_type=f"t{number}")
        )

    async with open_house(url) as other:
        turns = [
            each.leases.claim(name, LONG, Room(2, 16), NOW) for name, each in _owners(house, other)
        ]
        taken = [claim for claims in await asyncio.gather(*turns) for claim in claims]

    assert len({claim.dataset_id for claim in taken}) == len(taken) == 12


def _owners(house: House, other: House) -> list[tuple[str, House]]:
    return [
        (f"{name}-{number}", each)
        for number in range(6)
        for name, each in (("a", house), ("b", other))
    ]


async def of_client(house: House, client: str, dataset_type: str, minutes: int) -> Dataset:
    """Keep a dataset of a client that has been due for so many minutes."""
    of = a_client(client, code=client.upper())
    dataset = await house.keep(a_dataset(dataset_type, journey=a_journey(client, client=of)))
    await house.save(dataset, NOW - timedelta(minutes=minutes))
    return dataset


async def test_a_client_who_asks_for_much_keeps_no_other_waiting(house: House) -> None:
    many = [await of_client(house, "many", f"t{number}", 60 - number) for number in range(5)]
    one = await of_client(house, "one", "confluence", 1)

    claims = await house.leases.claim("one", LONG, Room(2, 16), NOW)

    assert {each.dataset_id for each in claims} == {
        many[0].place.dataset_id,
        one.place.dataset_id,
    }


async def test_a_client_has_no_more_turns_than_it_may(house: House, url: str) -> None:
    for number in range(5):
        await of_client(house, "many", f"t{number}", 60 - number)
    await house.leases.claim("one", LONG, Room(2, 3), NOW)

    async with open_house(url) as other:
        claims = await other.leases.claim("two", LONG, Room(9, 3), NOW)

    assert len(claims) == 1


async def test_a_client_whose_process_died_has_its_turns_back(house: House) -> None:
    for number in range(4):
        await of_client(house, "many", f"t{number}", 60 - number)
    await house.leases.claim("dead", OVER, Room(3, 3), NOW)

    claims = await house.leases.claim("two", LONG, Room(9, 3), NOW)

    assert len(claims) == 3


async def test_a_client_at_its_limit_hides_no_other(house: House) -> None:
    for number in range(3):
        await of_client(house, "many", f"t{number}", 60 - number)
    one = await of_client(house, "one", "confluence", 1)
    await house.leases.claim("one", LONG, Room(1, 1), NOW)

    claims = await house.leases.claim("two", LONG, Room(5, 1), NOW)

    assert [each.dataset_id for each in claims] == [one.place.dataset_id]


async def kept_of(house: House, kind: str, count: int) -> list[Claim]:
    """Keep datasets of one client each, due one after the other: probes, and later than those work."""
    claims = []
    for number in range(count):
        client = a_client(f"{kind}-{number}", code=f"{kind}{number}")
        journey = a_journey(f"journey-{kind}-{number}", client=client)
        dataset = a_dataset(journey=journey)
        is_probe = kind == "probe"
        kept = await house.keep(a_dataset_in(DatasetStatus.READY, dataset) if is_probe else dataset)
        before = timedelta(hours=2) if is_probe else timedelta(hours=1)
        await house.save(kept, NOW - before + timedelta(seconds=number))
        claims.append(claim_on(kept))
    return claims


@pytest.mark.requirement("R17")
async def test_work_goes_before_probes_that_have_been_due_for_longer(house: House) -> None:
    await kept_of(house, "probe", 6)
    work = await kept_of(house, "work", 2)

    claims = await house.leases.claim("one", LONG, Room(2, 16), NOW)

    assert sorted(claims, key=str) == sorted(work, key=str)


async def test_probes_fill_what_room_work_leaves(house: House) -> None:
    probes = await kept_of(house, "probe", 6)
    work = await kept_of(house, "work", 2)

    claims = await house.leases.claim("one", LONG, Room(5, 16), NOW)

    assert sorted(claims, key=str) == sorted([*work, *probes[:3]], key=str)


TURNS = WORK_A_PROBE + 1


@pytest.mark.parametrize("a_client_may", [100, TURNS])
async def test_of_one_client_a_probe_is_made_for_every_few_turns_of_work(
    house: House, a_client_may: int
) -> None:
    journey, turns = a_journey(), TURNS
    for number in range(3 * turns):
        is_probe = number % 3 == 0
        dataset = a_dataset(f"type{number}", journey=journey)
        await house.keep(a_dataset_in(DatasetStatus.READY, dataset) if is_probe else dataset)

    claims = await house.leases.claim("one", LONG, Room(turns, a_client_may), NOW)

    ids = [each.dataset_id for each in claims]
    statuses = [each.status for each in await house.registry.datasets_by_id(TENANT, ids)]
    assert len(claims) == turns
    assert statuses.count(DatasetStatus.READY) == 1


async def test_a_client_who_is_given_one_turn_at_a_time_has_its_probes_as_well(
    house: House,
) -> None:
    journey = a_journey()
    for number in range(2 * TURNS):
        dataset = a_dataset(f"type{number}", journey=journey)
        is_probe = number in {0, 1}
        await house.keep(a_dataset_in(DatasetStatus.READY, dataset) if is_probe else dataset)

    claims = [
        claim
        for turn in range(TURNS)
        for claim in await house.leases.claim(f"{turn}", LONG, Room(1, TURNS), NOW)
    ]

    ids = [each.dataset_id for each in claims]
    statuses = [each.status for each in await house.registry.datasets_by_id(TENANT, ids)]
    assert len(claims) == TURNS
    assert statuses.count(DatasetStatus.READY) == 1


@pytest.mark.parametrize("a_client_may", range(1, WORK_A_PROBE))
async def test_a_client_who_may_have_few_turns_has_its_probes_as_well(
    house: House, a_client_may: int
) -> None:
    (probe,) = await kept_of(house, "probe", 1)
    of = (await house.registry.dataset(TENANT, probe.dataset_id)).place
    journey = a_journey(of.journey_ref, client=of.client)
    for number in range(WORK_A_PROBE):
        await house.keep(a_dataset(f"type{number}", journey=journey))

    claims = [
        claim.dataset_id
        for turn in range(a_client_may)
        for claim in await house.leases.claim(f"{turn}", LONG, Room(1, a_client_may), NOW)
    ]

    assert claims[-1] == probe.dataset_id
    assert len(claims) == a_client_may


@pytest.mark.parametrize("at_once", [1, TURNS])
async def test_many_clients_with_a_little_work_each_keep_no_probe_waiting(
    house: House, at_once: int
) -> None:
    (probe,) = await kept_of(house, "probe", 1)
    await kept_of(house, "work", 2 * TURNS)

    claims = [
        claim.dataset_id
        for turn in range(TURNS // at_once)
        for claim in await house.leases.claim(f"{turn}", LONG, Room(at_once, 16), NOW)
    ]

    assert probe.dataset_id in claims
    assert len(claims) == TURNS


async def test_probes_of_one_client_are_claimed_in_the_order_they_are_due(house: House) -> None:
    kept = [
        await house.keep(a_dataset_in(DatasetStatus.READY, a_dataset(each)))
        for each in ("jira", "slack", "gdrive")
    ]
    for place, each in enumerate(kept):
        await house.save(each, NOW - timedelta(minutes=place))

    claims = await house.leases.claim("one", LONG, Room(2, 16), NOW)

    assert {each.dataset_id for each in claims} == {each.place.dataset_id for each in kept[1:]}
