"""A hundred and twenty days in a moment: all that time does to a dataset, from request to tombstone."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from domain.dataset import Dataset
from domain.events import RecordedEvent
from domain.lifecycle import DatasetStatus, TeardownReason, TeardownStep
from tests.journeys.scenes import (
    COORDINATOR,
    TEARDOWN,
    complete_journey,
    dataset_of,
    documents_in,
    events_of,
    pass_to,
    probe_once,
    suspected,
    until,
    until_status,
)
from tests.running import JIRA, SMALL, RunningService, running

STATUS = "/status"
WEEKS_READY = 4

EXTEND = {"skill": "extend-retention", "dataset_id": JIRA}
HOLD = {"skill": "hold-archive", "dataset_id": JIRA, "reason": "case 7"}
RELEASE = {"skill": "release-archive", "dataset_id": JIRA}


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


async def be_orphaned(office: RunningService) -> Dataset:
    """Let the journey end without a word, and the scans find out; gives the dataset out of sight."""
    await complete_journey(office)
    pass_to(office, 2, 0)
    await suspected(office)
    pass_to(office, 2, 30)
    return await until(office, JIRA, lambda each: each.teardown and each.teardown.grace_until)


async def be_kept_for_longer(office: RunningService) -> Dataset:
    """Let an archive outlive its retention by an extension, and that by a legal hold."""
    until_then = (office.clock() + timedelta(days=95)).isoformat()
    await office.call(TEARDOWN, EXTEND | {"until": until_then})
    office.clock.advance(timedelta(days=91))
    await office.call(TEARDOWN, HOLD)
    office.clock.advance(timedelta(days=5))
    return await dataset_of(office, JIRA)


def steps_in(told: list[RecordedEvent]) -> dict[str, datetime]:
    """Tell which steps of a teardown were taken, and when."""
    done = [each for each in told if each.name == "DatasetTeardownStepDone"]
    return {str(each.fields["step"]): each.occurred_at for each in done}


@pytest.mark.usefixtures("_quick_looks")
@pytest.mark.requirement("R1", "R9", "R17", "R18", "R19", "R20", "R22", "R23", "R57", "R74", "R75")
async def test_a_dataset_lives_through_a_hundred_and_twenty_days(tmp_path: Path) -> None:
    async with running(tmp_path) as office:
        born = office.clock()

        made = (await office.call(COORDINATOR, SMALL)).dataset
        watched = await pass_weeks(office, WEEKS_READY)
        sick = await be_sick_and_recover(office)
        orphaned = await be_orphaned(office)
        office.clock.advance(timedelta(hours=23))
        in_grace = await dataset_of(office, JIRA)
        office.clock.advance(timedelta(hours=1, seconds=1))
        archived = await until_status(office, JIRA, DatasetStatus.ARCHIVED)
        verified = await office.call(TEARDOWN, {"skill": "verify-archive", "dataset_id": JIRA})
        kept = await be_kept_for_longer(office)
        nothing_due = kept.due_at(office.clock())
        await office.call(TEARDOWN, RELEASE)
        purged = await until(office, JIRA, lambda each: each.purged_at)

        assert office.clock() - born > timedelta(days=120)
        assert (made["status"], watched.status) == ("ready", DatasetStatus.READY)
        assert (sick.status, in_grace.status) == (DatasetStatus.VALIDATING, DatasetStatus.TEARDOWN)
        assert orphaned.teardown is not None
        assert orphaned.teardown.reason is TeardownReason.ORPHAN_CLEANUP
        assert verified.data["verified"]
        assert archived.connector is not None
        assert await documents_in(office, archived.connector.datasource) == 0
        assert (kept.legal_hold is not None, nothing_due) == (True, None)
        assert purged.status is DatasetStatus.ARCHIVED
        assert purged.archive is not None
        gone = await office.call(TEARDOWN, {"skill": "verify-archive", "dataset_id": JIRA})
        assert "it was purged" in gone.sentence
        told = await events_of(office, JIRA)
        steps = steps_in(told)
        assert list(steps) == [each.value for each in TeardownStep]
        assert orphaned.teardown.grace_until is not None
        out_of_sight = orphaned.teardown.grace_until - timedelta(hours=24)
        assert orphaned.teardown.started_at <= out_of_sight <= steps["disconnect"]
        assert [each.name for each in told] == [
            "DatasetProvisioningStarted",
            "DatasetPopulated",
            "DatasetProvisionCompleted",
            "DatasetReady",
            "ConnectorHealthDegraded",
            "DatasetReady",
            "DatasetTeardownStarted",
            *["DatasetTeardownStepDone"] * 6,
            "DatasetArchived",
            "DatasetRetentionExtended",
            "DatasetLegalHoldPlaced",
            "DatasetLegalHoldReleased",
            "DatasetRetentionExpired",
        ]
