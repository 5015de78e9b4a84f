"""Schedules: work that is due by the clock, done by one process for all of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

import structlog
from cronsim import CronSim

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from domain.ports import Clock

log = structlog.get_logger("schedules")

LONGEST_SLEEP = 60.0
"""Seconds between two looks at the clock, which may be set meanwhile."""

_A_MOMENT = timedelta(microseconds=1)
"""What looking back from `now` itself would leave out: a moment that is just now."""


class Ticks(Protocol):
    """The moments of schedules, each of which one process takes."""

    async def take(self, name: str, tick: datetime, /) -> bool:
        """Take a tick; tells whether nobody had taken it before."""
        ...


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be done when: a name, a cron expression in UTC, and the work, given its tick."""

    name: str
    expression: str
    work: Callable[[datetime], Awaitable[None]]

    def last(self, now: datetime) -> datetime:
        """Give the newest moment that is not after `now`."""
        return next(CronSim(self.expression, now + _A_MOMENT, reverse=True))

    def next(self, now: datetime) -> datetime:
        """Give the first moment after `now`."""
        return next(CronSim(self.expression, now))


class Schedules:
    """Does jobs at their moments; the last one that was missed is made up for at the start.

    A job that breaks is told in the log and done again at its next moment, and so is one whose
    process dies at it. So a job does all that is due by then, and never only what its moment
    brought; a scan for orphans that came to no end is owed by the light one of the same hour.
    """

    def __init__(self, ticks: Ticks, clock: Clock) -> None:
        """Begin without jobs."""
        self._ticks = ticks
        self._clock = clock
        self._jobs: list[Job] = []
        self._behind: set[str] = set()
        self._has_caught_up = asyncio.Event()

    def every(
        self, expression: str, name: str, work: Callable[[datetime], Awaitable[None]]
    ) -> None:
        """Do some work at the moments of a cron expression. Raises CronSimError for a wrong one."""
        CronSim(expression, self._clock())
        self._jobs.append(Job(name, expression, work))

    def due_last(self) -> dict[str, datetime]:
        """Give the newest moment of each job, by its name, that is not after now."""
        return {job.name: job.last(self._clock()) for job in self._jobs}

    async def run(self) -> None:
        """Work until cancelled."""
        self._behind = {each.name for each in self._jobs}
        self._note_turns(set())
        async with asyncio.TaskGroup() as group:
            for job in self._jobs:
                group.create_task(self._keep(job))

    async def caught_up(self) -> None:
        """Wait until every job has had its turn for what was missed before the start."""
        await self._has_caught_up.wait()

    async def _keep(self, job: Job) -> None:
        while True:
            tick = job.last(self._clock())
            await self._do(job, tick)
            self._note_turns({job.name})
            await self._wait_for(job.next(tick))

    async def _do(self, job: Job, tick: datetime) -> None:
        try:
            if await self._ticks.take(job.name, tick):
                await job.work(tick)
        except Exception:
            log.exception("job.broke", job=job.name, tick=tick.isoformat())

    def _note_turns(self, names: set[str]) -> None:
        self._behind -= names
        if not self._behind:
            self._has_caught_up.set()

    async def _wait_for(self, moment: datetime) -> None:
        while (left := (moment - self._clock()).total_seconds()) > 0:  # noqa: ASYNC110 - the clock rings no bell
            await asyncio.sleep(min(left, LONGEST_SLEEP))
