"""The seed's five invariants, tried past the domain: the database itself holds them."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Executable, delete, insert, literal, select, update
from sqlalchemy.exc import IntegrityError

from domain.dataset import Dataset
from domain.errors import DuplicateDataset, NotFound
from domain.lifecycle import DatasetStatus
from registry.history import archived_datasets, audit, outbox
from registry.tables import datasets
from tests.builders import (
    NOW,
    TENANT,
    a_client,
    a_dataset,
    a_dataset_in,
    a_journey,
    archive,
    purge,
    renamed,
    tear_down,
    validate,
)
from tests.registry.databases import ME, House


async def test_client_stage_uniqueness(house: House) -> None:
    """Only one active dataset per client, stage and type: two are refused, an ended one is not counted."""
    first = await house.keep(a_dataset_in(DatasetStatus.FAILED))

    with pytest.raises(IntegrityError, match=r"(?i)unique"):
        await copy_row(house, first, generation=2, connector_name="ACME-sandbox-other")

    await copy_row(house, first, generation=3, status=DatasetStatus.TEARDOWN)


async def test_quality_threshold(house: House) -> None:
    """No row becomes ready below 0.95, nor without a score."""
    dataset = await house.keep(a_dataset_in(DatasetStatus.VALIDATING))

    for score in (0.9499, None):
        with pytest.raises(IntegrityError, match="quality_threshold"):
            await change_row(house, dataset, status=DatasetStatus.READY, quality_score=score)

    await change_row(house, dataset, status=DatasetStatus.READY, quality_score=0.95)


async def test_connector_naming(house: House) -> None:
    """No two active datasets share a connector's name, whatever its case and whosever client."""
    await house.keep(a_dataset())
    namesake = renamed(a_client("acme-other"), "Acme")

    with pytest.raises(DuplicateDataset, match="ACME-sandbox-confluence"):
        await house.keep(a_dataset(journey=a_journey("journey-other", client=namesake)))


async def test_archive_immutability(house: House) -> None:
    """Nothing takes an archived dataset back, rewrites its archive or deletes it."""
    dataset = await house.keep(a_dataset_in(DatasetStatus.ARCHIVED))
    changes: list[dict[str, Any]] = [
        {"status": DatasetStatus.READY},
        {"archived_at": None},
        {"archive": None},
        {"generation": 9},
    ]

    for change in changes:
        with pytest.raises(IntegrityError, match="archived dataset never changes"):
            await change_row(house, dataset, **change)
    with pytest.raises(IntegrityError, match="archived dataset never changes"):
        await run(house, delete(datasets))

    assert await house.registry.dataset(TENANT, dataset.place.dataset_id) == dataset


async def test_stage_association(house: House) -> None:
    """A dataset has a known journey, of its client, and one of the three stages."""
    dataset = await house.keep(a_dataset())

    with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
        await change_row(house, dataset, journey_id=uuid4())
    with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
        await change_row(house, dataset, client_id=uuid4())
    with pytest.raises(IntegrityError, match=r"(?i)check"):
        await house_sql(house, "UPDATE datasets SET stage = 'staging'")


async def test_a_dataset_of_a_journey_never_seen_is_refused(house: House) -> None:
    async def add() -> None:
        async with house.registry.transaction(ME) as transaction:
            await transaction.add(a_dataset())

    with pytest.raises(NotFound, match="journey-acme-2026"):
        await add()


async def test_a_status_of_no_table_is_refused(house: House) -> None:
    await house.keep(a_dataset())

    with pytest.raises(IntegrityError, match=r"(?i)check"):
        await house_sql(house, "UPDATE datasets SET status = 'forgotten'")


async def test_an_archived_dataset_may_still_be_purged(house: House) -> None:
    dataset = await house.keep(a_dataset_in(DatasetStatus.ARCHIVED))
    purge(dataset)

    await house.save(dataset)

    (row,) = await run(house, select(archived_datasets))
    assert row.purged_at == dataset.purged_at
    assert row.sha256 == "cd" * 32


async def test_an_archives_row_is_written_when_the_dataset_becomes_archived(house: House) -> None:
    dataset = await house.keep(a_dataset_in(DatasetStatus.READY))
    tear_down(dataset)
    await house.save(dataset)
    before = await run(house, select(archived_datasets))
    archive(dataset)

    await house.save(dataset)

    (row,) = await run(house, select(archived_datasets))
    assert before == []
    assert row.archived_at == dataset.archived_at
    assert row.retain_until >= row.archived_at + dataset.rules.retention


async def test_an_archives_row_may_only_be_kept_longer(house: House) -> None:
    await house.keep(a_dataset_in(DatasetStatus.ARCHIVED))
    await run(house, update(archived_datasets).values(retain_until=NOW.replace(year=2030)))

    for change in ({"retain_until": NOW}, {"sha256": "00"}, {"location": "elsewhere"}):
        with pytest.raises(IntegrityError, match="archive's row stays"):
            await run(house, update(archived_datasets).values(**change))
    with pytest.raises(IntegrityError, match="archive's row stays"):
        await run(house, delete(archived_datasets))


async def test_what_was_written_down_is_never_changed_and_never_deleted(house: House) -> None:
    await house.keep(a_dataset_in(DatasetStatus.READY))

    for statement in (
        update(outbox).values(name="DatasetLost"),
        delete(outbox),
        update(audit).values(principal="nobody"),
        delete(audit),
    ):
        with pytest.raises(IntegrityError, match="never changed and never deleted"):
            await run(house, statement)


async def test_a_change_is_audited_with_who_and_from_where_to_where(house: House) -> None:
    dataset = await house.keep(a_dataset_in(DatasetStatus.VALIDATING))
    house.hands.move(minutes=1)
    validate(dataset)

    await house.save(dataset)

    _, entry = await run(house, select(audit).order_by(audit.c.at))
    assert (entry.principal, entry.action) == ("alice", "DatasetProvisionCompleted, DatasetReady")
    assert (entry.from_status, entry.to_status) == (DatasetStatus.VALIDATING, DatasetStatus.READY)
    assert (entry.dataset_id, entry.version) == (dataset.place.dataset_id, 1)


async def test_a_silent_transition_is_audited_as_well(house: House) -> None:
    dataset = await house.keep(a_dataset_in(DatasetStatus.FAILED))
    dataset.become(DatasetStatus.VALIDATING)

    await house.save(dataset)

    entries = await run(house, select(audit.c.action).where(audit.c.version == 1))
    assert [each.action for each in entries] == ["transition"]


async def test_a_plain_probe_leaves_no_entry(house: House) -> None:
    dataset = await house.keep(a_dataset_in(DatasetStatus.READY))
    dataset.health = dataset.health.after_success(NOW, dataset.rules)

    await house.save(dataset)

    assert len(await run(house, select(audit))) == 1


async def test_a_validation_is_written_check_by_check(house: House) -> None:
    await house.keep(a_dataset_in(DatasetStatus.FAILED))

    rows = await house_sql(house, "SELECT check_type, exact_score FROM quality_checks ORDER BY 1")

    assert [tuple(row) for row in rows] == [
        ("completeness", "49/50"),
        ("connector_health", "1"),
        ("sample_queries", "1"),
        ("schema", "4/5"),
    ]


async def copy_row(house: House, dataset: Dataset, **changes: Any) -> None:
    """Write a dataset's row once more, under another id and with other values."""
    changes["dataset_id"] = uuid4()
    mine = datasets.c.dataset_id == dataset.place.dataset_id
    values = [
        literal(changes[each.name], each.type) if each.name in changes else each
        for each in datasets.c
    ]
    names = [each.name for each in datasets.c]
    await run(house, insert(datasets).from_select(names, select(*values).where(mine)))


async def change_row(house: House, dataset: Dataset, **changes: Any) -> None:
    mine = datasets.c.dataset_id == dataset.place.dataset_id
    await run(house, update(datasets).where(mine).values(**changes))


async def run(house: House, statement: Executable) -> list[Any]:
    async with house.database.engine.begin() as connection:
        done = await connection.execute(statement)
        return list(done.all()) if done.returns_rows else []


async def house_sql(house: House, statement: str) -> list[Any]:
    async with house.database.engine.begin() as connection:
        done = await connection.exec_driver_sql(statement)
        return list(done.all()) if done.returns_rows else []
