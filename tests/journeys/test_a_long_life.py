"""A hundred and twenty days in a moment: all that time does to a dataset, from request to tombstone."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from domain.dataset import Dataset
from domain.lifecycle import DatasetStatus
from tests.journeys.scenes import (
    COORDINATOR,
    TEARDOWN,
    dataset_of,
    documents_in,
    names_of,
    probe_once,
    teardown,
    until,
    until_status,
)
from tests.running import JIRA, SMALL, RunningService, running

STATUS = "/status"
WEEKS_READY = 4


async def pass_weeks(office: RunningService, weeks: int) -> Dataset:
    """Let weeks pass, each with a probe at its end."""
    for _ in range(weeks):
        before = (await dataset_of(office, JIRA)).health.next_probe_at
        office.clock.advance(timedelta(days=7))
        await until(office, JIRA, partial(_is_probed_since, before))
    return await dataset_of(office, JIRA)


def _is_probed_since(before: datetime | None, dataset: Dataset) -> bool:
    return dataset.health.next_probe_at != before


async def be_sick_and_recover(office: RunningService) -> Dataset:
    """Let three probes fail and two pass; gives the dataset as it was when it was sick."""
    office.glean_faults.fail_next(STATUS, times=3)
    sick = [await probe_once(office, JIRA) for _ in range(3)][-1]
    for _ in range(2):
        await probe_once(office, JIRA)
    await until_status(office, JIRA, DatasetStatus.READY)
    return sick


@pytest.mark.requirement("R1", "R9", "R17", "R18", "R20", "R22", "R23", "R57", "R74")
async def test_a_dataset_lives_through_a_hundred_and_twenty_days(tmp_path: Path) -> None:
    async with running(tmp_path) as office:
        born = office.clock()

        made = (await office.call(COORDINATOR, SMALL)).dataset
        watched = await pass_weeks(office, WEEKS_READY)
        sick = await be_sick_and_recover(office)
        await teardown(office, JIRA)
        office.clock.advance(timedelta(hours=23))
        in_grace = await dataset_of(office, JIRA)
        office.clock.advance(timedelta(hours=1, seconds=1))
        archived = await until_status(office, JIRA, DatasetStatus.ARCHIVED)
        verified = await office.call(TEARDOWN, {"skill": "verify-archive", "dataset_id": JIRA})
        office.clock.advance(timedelta(days=91))
        purged = await until(office, JIRA, lambda each: each.purged_at)

        assert office.clock() - born > timedelta(days=120)
        assert (made["status"], watched.status) == ("ready", DatasetStatus.READY)
        assert (sick.status, in_grace.status) == (DatasetStatus.VALIDATING, DatasetStatus.TEARDOWN)
        assert verified.data["verified"]
        assert archived.connector is not None
        assert await documents_in(office, archived.connector.datasource) == 0
        assert purged.status is DatasetStatus.ARCHIVED
        assert purged.archive is not None
        gone = await office.call(TEARDOWN, {"skill": "verify-archive", "dataset_id": JIRA})
        assert "it was purged" in gone.sentence
        assert await names_of(office, JIRA) == [
            "DatasetProvisioningStarted",
            "DatasetPopulated",
            "DatasetProvisionCompleted",
            "DatasetReady",
            "ConnectorHealthDegraded",
            "DatasetReady",
            "DatasetTeardownStarted",
            *["DatasetTeardownStepDone"] * 6,
            "DatasetArchived",
            "DatasetRetentionExpired",
        ]
