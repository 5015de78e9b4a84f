"""Schedules: each moment's work is done once, also after a pause, and a job that breaks goes on."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from cronsim import CronSimError
from structlog.testing import capture_logs

from registry.ticks import SqlTicks
from service import schedules as schedules_module
from service.schedules import Job, Schedules
from service.settings import Settings
from tests.registry.databases import House, a_fresh_file, open_house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

DAILY = "30 3 * * *"
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
TODAY = NOON.replace(hour=3, minute=30)
TOMORROW = TODAY + timedelta(days=1)
A_MOMENT = timedelta(microseconds=1)


class Done:
    """What was done, and a clock that a test moves."""

    def __init__(self) -> None:
        self.now = NOON
        self.ticks: asyncio.Queue[datetime] = asyncio.Queue()
        self.breaks = 0

    def clock(self) -> datetime:
        """Tell the time."""
        return self.now

    async def work(self, tick: datetime) -> None:
        """Note the tick, or break as often as it is told to."""
        self.ticks.put_nowait(tick)
        if self.breaks:
            self.breaks -= 1
            raise OSError("no room")

    async def next(self) -> datetime:
        """Wait for the next tick that is done."""
        async with asyncio.timeout(10):
            return await self.ticks.get()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(a_fresh_file(tmp_path)) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedules_module, "LONGEST_SLEEP", 0.01)


@asynccontextmanager
async def kept(house: House, done: Done) -> AsyncIterator[None]:
    schedules = Schedules(SqlTicks(house.database), done.clock)
    schedules.every(DAILY, "housekeeping", done.work)
    running = asyncio.create_task(schedules.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.wait({running})


@pytest.mark.requirement("R75", "R82", "R97")
@pytest.mark.parametrize(
    ("setting", "first", "apart"),
    [
        ("orphan_scan", timedelta(hours=2), timedelta(days=1)),
        ("orphan_recheck", timedelta(minutes=30), timedelta(hours=1)),
    ],
)
def test_orphans_are_looked_for_at_two_each_night_and_lightly_each_hour(
    setting: str, first: timedelta, apart: timedelta
) -> None:
    job = Job(setting, Settings.model_fields[setting].default, Done().work)
    midnight = NOON.replace(hour=0)
    moments = [midnight + first + each * apart for each in range(timedelta(days=3) // apart)]

    for before, moment in pairwise([moments[0] - apart, *moments]):
        assert job.next(before) == job.next(moment - A_MOMENT) == moment
        assert job.last(moment - A_MOMENT) == before
        assert job.last(moment) == moment


@pytest.mark.requirement("R75")
async def test_the_last_moment_is_made_up_for_at_the_start(house: House) -> None:
    done = Done()
    async with kept(house, done):
        assert await done.next() == TODAY


@pytest.mark.requirement("R75")
async def test_of_all_moments_that_were_missed_the_last_is_made_up_for_once(house: House) -> None:
    done = Done()
    async with kept(house, done):
        await done.next()
    done.now = TODAY + timedelta(days=5, hours=3)

    async with kept(house, done):
        made_up_for = await done.next()
    async with kept(house, done):
        done.now = TODAY + timedelta(days=6)
        following = await done.next()

    assert made_up_for == TODAY + timedelta(days=5)
    assert following == TODAY + timedelta(days=6)
    assert done.ticks.empty()


async def test_what_was_taken_for_done_is_not_made_up_for(house: House) -> None:
    done = Done()
    schedules = Schedules(SqlTicks(house.database), done.clock)
    schedules.every(DAILY, "housekeeping", done.work)

    due = schedules.due_last()

    assert due == {"housekeeping": TODAY}
    assert await SqlTicks(house.database).take("housekeeping", due["housekeeping"])
    async with kept(house, done):
        done.now = TOMORROW
        assert await done.next() == TOMORROW


async def test_a_moment_that_passes_while_the_work_is_done_comes_right_after(house: House) -> None:
    done = Done()
    busy = asyncio.Event()

    async def work_long(tick: datetime) -> None:
        await done.work(tick)
        await busy.wait()

    schedules = Schedules(SqlTicks(house.database), done.clock)
    schedules.every(DAILY, "housekeeping", work_long)
    running = asyncio.create_task(schedules.run())
    await done.next()
    done.now = TODAY + timedelta(days=3)
    busy.set()

    following = await done.next()

    running.cancel()
    await asyncio.wait({running})
    assert following == TODAY + timedelta(days=3)


async def test_it_has_caught_up_when_each_job_has_had_its_turn_well_or_broken(
    house: House,
) -> None:
    done, busy = Done(), asyncio.Event()
    done.breaks = 1

    async def work_long(_: datetime) -> None:
        await busy.wait()

    schedules = Schedules(SqlTicks(house.database), done.clock)
    schedules.every(DAILY, "what breaks", done.work)
    schedules.every(DAILY, "what takes long", work_long)
    running = asyncio.create_task(schedules.run())
    waiting = asyncio.create_task(schedules.caught_up())
    await done.next()
    await asyncio.wait({waiting}, timeout=0.05)  # long enough for one that is wrong to end

    had_caught_up = waiting.done()
    busy.set()
    await waiting

    running.cancel()
    await asyncio.wait({running})
    assert not had_caught_up


async def test_a_moment_is_kept_when_it_comes(house: House) -> None:
    done = Done()
    async with kept(house, done):
        await done.next()
        done.now = TOMORROW

        assert await done.next() == TOMORROW


async def test_of_two_processes_one_does_the_work(house: House) -> None:
    done = Done()
    async with kept(house, done), kept(house, done):
        await done.next()
        done.now = TOMORROW
        await done.next()

    assert done.ticks.empty()


async def test_work_that_breaks_is_told_and_done_at_the_next_moment(house: House) -> None:
    done = Done()
    done.breaks = 1
    with capture_logs() as lines:
        async with kept(house, done):
            await done.next()
            done.now = TOMORROW

            assert await done.next() == TOMORROW

    assert [each["event"] for each in lines] == ["job.broke"]


async def test_an_expression_that_is_none_is_refused(house: House) -> None:
    schedules = Schedules(SqlTicks(house.database), Done().clock)

    with pytest.raises(CronSimError):
        schedules.every("every day", "housekeeping", Done().work)
