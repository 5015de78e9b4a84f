"""A clock leaps an hour ahead or is set back while datasets are at work: nothing is lost or doubled.

Time is told by the clock, so what waits for a time waits as much longer as the clock was set back,
and a limit that a leap passes over is over.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from domain.dataset import Dataset
from domain.lifecycle import DatasetStatus, TeardownStep
from registry.tables import datasets
from service.clocks import wall_clock
from tests.journeys.scenes import (
    COORDINATOR,
    TEARDOWN,
    TENANT,
    VALIDATION,
    at_a_socket,
    dataset_of,
    documents_in,
    names_of,
    probe_once,
    until,
    until_status,
)
from tests.processes import PACE_SECONDS, HeldSupplier
from tests.registry.databases import DATABASES, a_fresh
from tests.running import JIRA, PATIENCE_SECONDS, SMALL, RunningService, running
from tests.verdict import MADE_ONCE

HOUR = timedelta(hours=1)

TIMES_TO_MAKE_ONE = 2
"""How often the supplier is asked for the records of a dataset: to fill it, and to validate it."""


@dataclass
class Desk:
    """A service, and the supplier it waits for."""

    office: RunningService
    supplier: HeldSupplier
    asked: int = 0

    async def at_work(self) -> str:
        """Have a dataset at work, held up at the supplier; gives its task."""
        task = await self.office.line.begin(COORDINATOR, SMALL)
        await self.supplier.asked.get()
        return task.id

    @property
    def times_asked(self) -> int:
        """How often the supplier was asked, the first time included."""
        return 1 + self.supplier.asked.qsize()


@pytest.fixture(params=DATABASES)
async def desk(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Desk]:
    held, url = HeldSupplier(), a_fresh(request.param, tmp_path)
    async with (
        at_a_socket(held.app()) as supplier,
        running(tmp_path, database_url=url, mock_data_url=supplier) as office,
    ):
        yield Desk(office, held)
        held.let_go.set()


async def test_a_clock_set_back_while_a_dataset_is_made_costs_it_nothing(desk: Desk) -> None:
    task = await desk.at_work()

    desk.office.clock.step(-HOUR)
    desk.supplier.let_go.set()

    assert (await desk.office.line.follow(COORDINATOR, task)).state == "COMPLETED"
    assert await names_of(desk.office, JIRA) == MADE_ONCE
    assert desk.times_asked == TIMES_TO_MAKE_ONE


async def test_a_leap_within_the_time_a_dataset_has_costs_it_nothing(desk: Desk) -> None:
    task = await desk.at_work()

    desk.office.clock.step(timedelta(minutes=59))
    desk.supplier.let_go.set()

    assert (await desk.office.line.follow(COORDINATOR, task)).state == "COMPLETED"
    assert await names_of(desk.office, JIRA) == MADE_ONCE
    assert desk.times_asked == TIMES_TO_MAKE_ONE


async def test_a_leap_past_the_time_a_dataset_has_is_told_and_it_is_made_when_asked_for_anew(
    desk: Desk,
) -> None:
    task = await desk.at_work()
    desk.office.clock.step(HOUR)
    desk.supplier.let_go.set()
    failed = await desk.office.line.follow(COORDINATOR, task)

    heard = await desk.office.call(VALIDATION, {"skill": "validate-dataset", "dataset_id": JIRA})

    assert "was not READY within 60 minutes" in failed.dataset["error"]
    assert heard.state == "COMPLETED"
    assert (await names_of(desk.office, JIRA)).count("DatasetReady") == 1


async def test_a_dataset_is_watched_on_when_a_clock_that_was_set_back_is_there_again(
    desk: Desk,
) -> None:
    desk.supplier.let_go.set()
    await desk.office.call(COORDINATOR, SMALL)
    await probe_once(desk.office, JIRA)
    desk.office.clock.step(-HOUR)
    waiting = await looked_at(desk.office)

    desk.office.clock.step(HOUR)
    probed = await probe_once(desk.office, JIRA)

    assert waiting.status is probed.status is DatasetStatus.READY
    assert await names_of(desk.office, JIRA) == MADE_ONCE


async def test_a_grace_period_ends_where_it_did_before_a_step_that_was_undone(desk: Desk) -> None:
    desk.supplier.let_go.set()
    await desk.office.call(COORDINATOR, SMALL)
    await desk.office.line.begin(TEARDOWN, {"skill": "teardown-dataset", "dataset_id": JIRA})
    graced = await until(desk.office, JIRA, is_in_grace)
    assert graced.connector is not None
    desk.office.clock.step(HOUR)
    await looked_at(desk.office)
    desk.office.clock.step(-HOUR)

    desk.office.clock.step(timedelta(hours=23, minutes=59))
    before = await looked_at(desk.office)
    kept = await documents_in(desk.office, graced.connector.datasource)
    desk.office.clock.step(timedelta(minutes=1))
    archived = await until_status(desk.office, JIRA, DatasetStatus.ARCHIVED)

    assert before.teardown == graced.teardown
    assert kept == 10
    assert archived.archived_at is not None


@pytest.mark.parametrize("by", [-HOUR, HOUR], ids=["ahead", "back"])
async def test_a_lease_whose_database_steps_stays_with_whoever_works(
    desk: Desk, by: timedelta
) -> None:
    task = await desk.at_work()

    await move_lease(desk.office, by)
    await until_renewed(desk.office)
    desk.supplier.let_go.set()

    assert (await desk.office.line.follow(COORDINATOR, task)).state == "COMPLETED"
    assert await names_of(desk.office, JIRA) == MADE_ONCE
    assert desk.times_asked == TIMES_TO_MAKE_ONE


def is_in_grace(dataset: Dataset) -> bool:
    """Whether a dataset waits out its grace period."""
    return dataset.teardown is not None and dataset.teardown.step is TeardownStep.GRACE


async def looked_at(office: RunningService) -> Dataset:
    """Have a turn taken with the dataset now, and give what it has become."""
    found = await dataset_of(office, JIRA)
    await office.service.coordinator.turn(TENANT, found.place.dataset_id)
    return await dataset_of(office, JIRA)


async def lease_of(office: RunningService) -> datetime:
    """Read until when the only dataset is leased."""
    async with office.service.database.reads.connect() as connection:
        until: datetime = (await connection.execute(select(datasets.c.lease_until))).scalar_one()
        return until


async def move_lease(office: RunningService, by: timedelta) -> None:
    """Move the end of a lease, as it moves against a database's clock that steps the other way."""
    moved = await lease_of(office) + by
    async with office.service.database.engine.begin() as connection:
        await connection.execute(update(datasets).values(lease_until=moved))


async def until_renewed(office: RunningService) -> None:
    """Wait until the lease ends soon, and not yet."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not timedelta(0) < await lease_of(office) - wall_clock() < HOUR / 2:  # noqa: ASYNC110 - a lease rings no bell
            await asyncio.sleep(PACE_SECONDS)
