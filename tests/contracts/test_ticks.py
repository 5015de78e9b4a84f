"""What is owed to a schedule: each of its moments is taken by one process, however many look."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from registry.ticks import KEPT, SqlTicks
from tests.builders import NOW
from tests.registry.databases import DATABASES, House, a_fresh, open_house


@pytest.fixture(params=DATABASES)
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(a_fresh(request.param, tmp_path)) as opened:
        yield opened


async def test_a_tick_is_taken_once_however_many_look_at_once(house: House) -> None:
    ticks = SqlTicks(house.database)

    taken = await asyncio.gather(*(ticks.take("housekeeping", NOW) for _ in range(8)))

    assert sorted(taken) == [False] * 7 + [True]


async def test_another_moment_and_another_schedule_are_other_ticks(house: House) -> None:
    ticks = SqlTicks(house.database)
    await ticks.take("housekeeping", NOW)

    others = [
        await ticks.take("housekeeping", NOW + timedelta(days=1)),
        await ticks.take("orphans", NOW),
    ]

    assert others == [True, True]


async def test_ticks_of_long_ago_are_forgotten(house: House) -> None:
    ticks = SqlTicks(house.database)
    await ticks.take("housekeeping", NOW)

    await ticks.take("housekeeping", NOW + KEPT + timedelta(seconds=1))

    assert await ticks.take("housekeeping", NOW)
