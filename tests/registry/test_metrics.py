"""The figures: the seed's success metrics, counted from the rows."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from domain.checks import Probe
from domain.commands import Principal
from domain.dataset import Dataset
from domain.lifecycle import DatasetStatus, TeardownReason
from domain.work import Probed
from registry.history import archived_datasets
from registry.metrics import read_figures
from tests.builders import (
    NOW,
    a_dataset,
    a_dataset_in,
    apply,
    begin_grace,
    fail_gate,
    key_of,
    postpone,
    purge,
    tear_down,
)
from tests.registry.databases import House
from tests.registry.past_the_domain import change_row

HOUR = timedelta(hours=1)
WELL = Probe(connected=True, authenticated=True, response_time_ms=12.5)
SILENT = Probe(connected=False, authenticated=False, response_time_ms=5000, message="no answer")


async def test_an_empty_registry_has_no_rates(house: House) -> None:
    figures = await read_figures(house.database)

    assert set(figures.by_status.values()) == {0}
    assert figures.first_pass_rate is None
    assert figures.template_coverage is None
    assert figures.average_quality is None
    assert figures.provisioning_time(95) is None
    assert figures.teardown_success is None
    assert figures.connectors_up is None
    assert figures.retention_compliance is None
    assert (figures.events, figures.waiting, figures.oldest_due_at) == (0, 0, None)


async def test_every_status_is_counted(house: House) -> None:
    for number, status in enumerate(DatasetStatus):
        await house.keep(a_dataset_in(status, a_dataset(f"type{number}")))

    figures = await read_figures(house.database)

    assert set(figures.by_status.values()) == {1}
    assert (figures.teardowns_due, figures.teardowns_archived) == (1, 1)
    assert (figures.sandbox_datasets, figures.sandbox_from_template) == (6, 6)
    assert figures.template_coverage == 1
    assert figures.retention_compliance == 1


@pytest.mark.requirement("R94")
async def test_a_sandbox_dataset_without_a_template_is_not_covered(house: House) -> None:
    await house.keep(a_dataset_in(DatasetStatus.READY))
    bare = await house.keep(a_dataset_in(DatasetStatus.READY, a_dataset("github")))
    await change_row(house, bare, template_id=None)

    figures = await read_figures(house.database)

    assert (figures.sandbox_datasets, figures.sandbox_from_template) == (2, 1)
    assert figures.template_coverage == 0.5


@pytest.mark.requirement("R92", "R95")
async def test_the_first_attempt_decides_the_pass_rate(house: House) -> None:
    await house.keep(a_dataset_in(DatasetStatus.FAILED))
    await house.keep(a_dataset_in(DatasetStatus.READY, a_dataset("github")))

    figures = await read_figures(house.database)

    assert (figures.first_attempts, figures.first_passes) == (2, 1)
    assert figures.first_pass_rate == 0.5
    assert figures.average_quality == (0.995 + 0.945) / 2


@pytest.mark.requirement("R91")
async def test_provisioning_times_have_percentiles(house: House) -> None:
    for number in range(4):
        dataset = a_dataset_in(DatasetStatus.READY, a_dataset(f"type{number}"))
        dataset.ready_at = NOW + timedelta(minutes=number + 1)
        await house.keep(dataset)

    figures = await read_figures(house.database)

    assert figures.provisioning_time(50) == timedelta(minutes=2)
    assert figures.provisioning_time(51) == timedelta(minutes=3)
    assert figures.provisioning_time(100) == timedelta(minutes=4)


@pytest.mark.requirement("R91")
async def test_who_missed_the_hour_is_late_whether_it_failed_or_is_still_filled(
    house: House,
) -> None:
    ran_out = a_dataset_in(DatasetStatus.PROVISIONING, a_dataset("github"))
    ran_out.lapse(NOW + HOUR)
    in_time = a_dataset_in(DatasetStatus.PROVISIONING, a_dataset("jira", at=NOW + HOUR / 60))
    for each in (a_dataset_in(DatasetStatus.READY), ran_out, a_dataset("slack"), in_time):
        await house.keep(each)
    house.hands.move(hours=1)

    figures = await read_figures(house.database)

    assert figures.provisioning.lately == (timedelta(minutes=7), HOUR, HOUR)
    assert (figures.provisioning.count, figures.provisioning.late) == (3, 2)
    assert figures.provisioning_failed == 1


@pytest.mark.requirement("R91")
async def test_a_teardown_makes_nothing_of_a_missed_hour_and_calls_off_what_had_not_missed_it(
    house: House,
) -> None:
    for minutes in (59, 61):
        dataset = a_dataset_in(DatasetStatus.PROVISIONING, a_dataset(f"type{minutes}"))
        dataset.start_teardown(TeardownReason.MANUAL_REQUEST, NOW + timedelta(minutes=minutes))
        await house.keep(dataset)
    house.hands.move(hours=9)

    figures = await read_figures(house.database)

    assert figures.provisioning.lately == (timedelta(minutes=61),)


@pytest.mark.requirement("R91", "R92", "R95")
async def test_what_was_asked_for_more_than_thirty_days_ago_is_no_matter_any_more(
    house: House,
) -> None:
    before, within = NOW - timedelta(days=30), NOW - timedelta(days=29)
    ended = a_dataset_in(DatasetStatus.FAILED, a_dataset("github", at=before))
    tear_down(ended)
    await house.keep(ended)
    lasting = a_dataset_in(DatasetStatus.READY, a_dataset("slack", at=before))
    await house.keep(lasting)
    await house.keep(a_dataset_in(DatasetStatus.READY, a_dataset(at=within)))

    figures = await read_figures(house.database)

    assert (figures.first_pass_rate, figures.first_attempts) == (1, 3)
    assert (len(figures.provisioning.lately), figures.provisioning.count) == (1, 2)
    assert (figures.average_quality, figures.scored) == (0.995, 2)


async def test_a_dataset_that_fails_after_it_was_ready_was_provisioned(house: House) -> None:
    dataset = a_dataset_in(DatasetStatus.READY)
    dataset.revalidate("asked for by ada", NOW)
    fail_gate(dataset)
    await house.keep(dataset)

    figures = await read_figures(house.database)

    assert figures.by_status[DatasetStatus.FAILED] == 1
    assert figures.provisioning_failed == 0


@pytest.mark.requirement("R93")
async def test_a_teardown_in_its_grace_period_is_not_due(house: House) -> None:
    await house.keep(a_dataset_in(DatasetStatus.ARCHIVED))
    await in_grace(house, a_dataset("github"), until=NOW + timedelta(hours=24))

    figures = await read_figures(house.database)

    assert (figures.teardowns_archived, figures.teardowns_due) == (1, 1)
    assert figures.teardown_success == 1


@pytest.mark.requirement("R93")
async def test_a_teardown_that_should_be_over_and_is_not_counts(house: House) -> None:
    await house.keep(a_dataset_in(DatasetStatus.ARCHIVED))
    await in_grace(house, a_dataset("github"), until=NOW)
    tried_again = a_dataset_in(DatasetStatus.TEARDOWN, a_dataset("slack"))
    postpone(tried_again)
    await house.keep(tried_again)

    figures = await read_figures(house.database)

    assert (figures.teardowns_archived, figures.teardowns_due) == (1, 3)
    assert figures.teardown_success == 1 / 3


async def test_a_dataset_in_its_first_validation_is_not_watched(house: House) -> None:
    await house.keep(a_dataset_in(DatasetStatus.READY))
    await house.keep(a_dataset_in(DatasetStatus.VALIDATING, a_dataset("github")))
    await house.keep(a_dataset_in(DatasetStatus.FAILED, a_dataset("slack")))

    figures = await read_figures(house.database)

    assert (figures.connectors_watched, figures.connectors_well) == (1, 1)


@pytest.mark.parametrize(
    ("failures", "status"), [(1, DatasetStatus.READY), (3, DatasetStatus.VALIDATING)]
)
async def test_a_connector_whose_last_probe_failed_is_not_well(
    house: House, failures: int, status: DatasetStatus
) -> None:
    await house.keep(a_dataset_in(DatasetStatus.READY))
    sick = a_dataset_in(DatasetStatus.READY, a_dataset("github"))
    probe(sick, *[SILENT] * failures)
    await house.keep(sick)

    figures = await read_figures(house.database)

    assert sick.status is status
    assert (figures.connectors_watched, figures.connectors_well) == (2, 1)
    assert figures.connectors_up == 0.5


async def test_an_outage_that_ends_in_failed_still_counts(house: House) -> None:
    sick = a_dataset_in(DatasetStatus.READY)
    probe(sick, *[SILENT] * 3)
    sick.lapse(NOW + timedelta(hours=2))
    await house.keep(sick)

    figures = await read_figures(house.database)

    assert sick.status is DatasetStatus.FAILED
    assert (figures.connectors_watched, figures.connectors_well) == (1, 0)


async def test_a_connector_that_answers_again_is_well_before_its_gate_has_passed(
    house: House,
) -> None:
    mending = a_dataset_in(DatasetStatus.READY)
    probe(mending, *[SILENT] * 3, WELL)
    await house.keep(mending)

    figures = await read_figures(house.database)

    assert mending.status is DatasetStatus.VALIDATING
    assert (figures.connectors_watched, figures.connectors_well) == (1, 1)


@pytest.mark.requirement("R98")
async def test_an_archive_purged_in_time_is_no_violation(house: House) -> None:
    dataset = await house.keep(a_dataset_in(DatasetStatus.ARCHIVED))
    purge(dataset)
    await house.save(dataset)

    figures = await read_figures(house.database)

    assert figures.retention_compliance == 1


_WITHOUT_CHECKS = {
    "sqlite": "PRAGMA ignore_check_constraints = ON",
    "postgresql": "ALTER TABLE archived_datasets "
    "DROP CONSTRAINT ck_archived_datasets_purged_in_time",
}


@pytest.mark.requirement("R98")
async def test_an_archive_purged_early_past_the_database_is_a_violation(house: House) -> None:
    await house.keep(a_dataset_in(DatasetStatus.ARCHIVED))
    async with house.database.engine.begin() as connection:
        await connection.exec_driver_sql(_WITHOUT_CHECKS[house.database.dialect])
        await connection.execute(update(archived_datasets).values(purged_at=NOW))

    figures = await read_figures(house.database)

    assert figures.retention_violations == 1
    assert figures.retention_compliance == 0


async def test_the_events_of_all_tenants_are_counted(house: House) -> None:
    await house.keep(a_dataset_in(DatasetStatus.READY))
    for name in ("globex", "hooli"):
        dataset = a_dataset_in(DatasetStatus.PROVISIONING, a_dataset(tenant=name))
        await house.keep(dataset, Principal(name, "bob"))

    figures = await read_figures(house.database)

    assert figures.events == 6


async def test_what_waits_is_counted_and_since_when(house: House) -> None:
    await house.keep(a_dataset())
    house.hands.move(hours=1)
    await house.keep(a_dataset("github"))

    figures = await read_figures(house.database)

    assert (figures.waiting, figures.oldest_due_at) == (2, NOW)


async def in_grace(house: House, dataset: Dataset, *, until: datetime) -> None:
    """Keep a dataset that is disconnected and rests until its grace period is over."""
    a_dataset_in(DatasetStatus.TEARDOWN, dataset)
    begin_grace(dataset)
    kept = await house.keep(dataset)
    await house.save(kept, until)


def probe(dataset: Dataset, *probes: Probe) -> None:
    """Let a dataset's connector be probed, a minute after each other."""
    for minute, each in enumerate(probes, 8):
        apply(dataset, Probed(key_of(dataset), each), after_minutes=minute)
