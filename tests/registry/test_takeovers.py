"""Takeovers: whoever takes a lease that ran out leaves word of it until a commit has noted it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from domain.dataset import Dataset
from domain.repository import Claim
from domain.rules import LifecycleRules
from registry.tables import datasets
from tests.builders import NOW, TENANT, a_dataset, find_template
from tests.registry.databases import ROOM, House

LONG = timedelta(seconds=60)
OVER = timedelta(seconds=-1)
"""A lease that is over as soon as it begins: what a process that died leaves behind."""

LATER = NOW + timedelta(minutes=3)
LIMIT = LifecycleRules().order_limit

Take = Callable[[House, Dataset, str], Coroutine[None, None, object]]


async def among_others(house: House, dataset: Dataset, owner: str) -> object:
    del dataset
    return await house.leases.claim(owner, LONG, ROOM, LATER)


async def by_itself(house: House, dataset: Dataset, owner: str) -> object:
    claim = Claim(TENANT, dataset.place.dataset_id, owner)
    return await house.leases.claim_one(claim, LONG, LATER)


@pytest.fixture(params=[among_others, by_itself])
def take(request: pytest.FixtureRequest) -> Take:
    """Both ways in which engines claim."""
    chosen: Take = request.param
    return chosen


async def test_whoever_takes_over_reckons_with_the_order_of_the_one_before(
    house: House, take: Take
) -> None:
    dataset = await house.keep(a_dataset())
    await house.leases.claim("dead", OVER, ROOM, NOW)

    await take(house, dataset, "two")

    assert (await _read(house, dataset)).busy_until == LATER + LIMIT


async def test_what_was_given_back_is_not_taken_over(house: House, take: Take) -> None:
    dataset = await house.keep(a_dataset())
    (claim,) = await house.leases.claim("one", OVER, ROOM, NOW)
    await house.leases.release(claim, NOW, dataset.version)

    await take(house, dataset, "two")

    assert (await _read(house, dataset)).busy_until is None


async def test_who_was_late_for_a_beat_takes_nothing_over(house: House, take: Take) -> None:
    dataset = await house.keep(a_dataset())
    await house.leases.claim("one", OVER, ROOM, NOW)

    await take(house, dataset, "one")

    assert (await _read(house, dataset)).busy_until is None


async def test_a_turn_that_comes_to_no_commit_leaves_word_of_its_takeover(house: House) -> None:
    dataset = await house.keep(a_dataset())
    await house.leases.claim("dead", OVER, ROOM, NOW)
    (claim,) = await house.leases.claim("two", LONG, ROOM, LATER)

    await house.leases.release(claim, NOW, -1)

    assert (await _read(house, dataset)).busy_until == LATER + LIMIT


async def test_the_next_commit_notes_a_takeover(house: House) -> None:
    dataset = await house.keep(a_dataset())
    await house.leases.claim("dead", OVER, ROOM, NOW)
    await house.leases.claim("two", LONG, ROOM, LATER)
    found = await _read(house, dataset)
    find_template(found)

    await house.save(found, NOW)

    assert await _left_word(house) is None
    assert (await _read(house, dataset)).busy_until == LATER + LIMIT


async def test_a_commit_that_knows_nothing_of_a_takeover_leaves_it_to_the_next(
    house: House,
) -> None:
    dataset = await house.keep(a_dataset())
    await house.leases.claim("dead", OVER, ROOM, NOW)
    found = await _read(house, dataset)
    await house.leases.claim("two", LONG, ROOM, LATER)
    find_template(found)

    await house.save(found, NOW)

    assert (await _read(house, dataset)).busy_until == LATER + LIMIT


async def _read(house: House, dataset: Dataset) -> Dataset:
    return await house.registry.dataset(TENANT, dataset.place.dataset_id)


async def _left_word(house: House) -> datetime | None:
    async with house.database.engine.connect() as connection:
        found: datetime | None = await connection.scalar(select(datasets.c.taken_over_at))
    return found
