"""What is owed to those who follow requests: one process each, and none without for long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from domain.commands import Request, RequestKey
from domain.repository import FOLLOW, Followed, Follows
from registry.follows import SqlFollows
from tests.builders import TENANT
from tests.processes import PATIENCE
from tests.registry.databases import DATABASES, ME, House, a_fresh, open_house

OVER = timedelta(seconds=-1)
"""A lease that is over as soon as it begins: what a process that died leaves behind."""


@pytest.fixture(params=DATABASES)
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(a_fresh(request.param, tmp_path)) as opened:
        yield opened


async def keep(house: House, task_id: str = "task-1") -> Followed:
    """Keep a request that the house's own process has taken in."""
    key = RequestKey("lifecycle-coordinator", task_id, "ab" * 32)
    request = Request(task_id, "context", key, ME, "provision-datasets", (uuid4(),), 0, b"{}")
    async with house.registry.transaction(ME) as transaction:
        await transaction.keep_request(request)
    return Followed(TENANT, task_id, "lifecycle-coordinator")


async def test_a_request_is_followed_by_whoever_took_it_in(house: House) -> None:
    follows: Follows = SqlFollows(house.database)
    request = await keep(house)

    others, mine = await follows.keep("other", FOLLOW), await follows.keep("somebody", FOLLOW)

    assert (others, mine) == ([], [request])


async def test_a_request_whose_process_is_silent_is_taken_up_by_one_other(house: House) -> None:
    follows = SqlFollows(house.database)
    requests = {await keep(house, f"task-{number}") for number in range(5)}
    await follows.keep("somebody", OVER)

    taken = await asyncio.gather(*(follows.keep(f"other-{n}", FOLLOW) for n in range(3)))

    assert sorted(len(each) for each in taken) == [0, 0, 5]
    assert {each for part in taken for each in part} == requests


async def test_whoever_follows_never_waits_for_the_writers_to_say_so() -> None:
    async with open_house(a_fresh("postgresql", Path())) as house:
        follows, request = SqlFollows(house.database), await keep(house)
        async with AsyncExitStack() as busy, asyncio.timeout(PATIENCE):
            for _ in range(house.database.engine.pool.size()):  # type: ignore[attr-defined]  # a pool that queues has one
                await busy.enter_async_context(house.database.engine.connect())

            kept = await follows.keep("somebody", FOLLOW)

    assert kept == [request]


async def test_a_process_that_leaves_keeps_nobody_waiting(house: House) -> None:
    follows = SqlFollows(house.database)
    request = await keep(house)
    await follows.leave("somebody")

    taken = await follows.keep("other", FOLLOW)

    assert taken == [request]


async def test_a_process_that_was_silent_has_lost_what_another_took_up(house: House) -> None:
    follows = SqlFollows(house.database)
    await keep(house)
    await follows.keep("somebody", OVER)
    await follows.keep("other", FOLLOW)

    mine = await follows.keep("somebody", FOLLOW)

    assert mine == []


async def test_a_settled_request_is_followed_by_nobody(house: House) -> None:
    follows = SqlFollows(house.database)
    request = await keep(house)
    await house.registry.settle_request(TENANT, request.task_id)

    mine = await follows.keep("somebody", FOLLOW)

    assert mine == []
