"""The figures: the seed's success metrics, counted from the rows."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import update

from domain.commands import Principal
from domain.lifecycle import DatasetStatus
from registry.history import archived_datasets
from registry.metrics import read_figures
from tests.builders import NOW, a_dataset, a_dataset_in, purge
from tests.registry.databases import House


async def test_an_empty_registry_has_no_rates(house: House) -> None:
    figures = await read_figures(house.database)

    assert set(figures.by_status.values()) == {0}
    assert figures.first_pass_rate is None
    assert figures.template_coverage is None
    assert figures.average_quality is None
    assert figures.provisioning_time(95) is None
    assert (figures.events, figures.waiting, figures.oldest_due_at) == (0, 0, None)


async def test_every_status_is_counted(house: House) -> None:
    for number, status in enumerate(DatasetStatus):
        await house.keep(a_dataset_in(status, a_dataset(f"type{number}")))

    figures = await read_figures(house.database)

    assert set(figures.by_status.values()) == {1}
    assert (figures.teardowns_started, figures.teardowns_archived) == (2, 1)
    assert (figures.sandbox_datasets, figures.sandbox_from_template) == (6, 6)
    assert figures.template_coverage == 1
    assert figures.retention_violations == 0


async def test_the_first_attempt_decides_the_pass_rate(house: House) -> None:
    await house.keep(a_dataset_in(DatasetStatus.FAILED))
    await house.keep(a_dataset_in(DatasetStatus.READY, a_dataset("github")))

    figures = await read_figures(house.database)

    assert (figures.first_attempts, figures.first_passes) == (2, 1)
    assert figures.first_pass_rate == 0.5
    assert figures.average_quality == (0.995 + 0.945) / 2


async def test_provisioning_times_have_percentiles(house: House) -> None:
    for number in range(4):
        dataset = a_dataset_in(DatasetStatus.READY, a_dataset(f"type{number}"))
        dataset.ready_at = NOW + timedelta(minutes=number + 1)
        await house.keep(dataset)

    figures = await read_figures(house.database)

    assert figures.provisioning_time(50) == timedelta(minutes=2)
    assert figures.provisioning_time(51) == timedelta(minutes=3)
    assert figures.provisioning_time(100) == timedelta(minutes=4)


async def test_an_archive_purged_in_time_is_no_violation(house: House) -> None:
    dataset = await house.keep(a_dataset_in(DatasetStatus.ARCHIVED))
    purge(dataset)
    await house.save(dataset)

    figures = await read_figures(house.database)

    assert figures.retention_violations == 0


async def test_an_archive_purged_early_past_the_database_is_a_violation(house: House) -> None:
    await house.keep(a_dataset_in(DatasetStatus.ARCHIVED))
    async with house.database.engine.begin() as connection:
        await connection.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
        await connection.execute(update(archived_datasets).values(purged_at=NOW))

    figures = await read_figures(house.database)

    assert figures.retention_violations == 1


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
