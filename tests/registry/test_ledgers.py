"""Archives, history and audit: what was written down stays, whoever tries to change it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Executable, Table, delete, select, text, update
from sqlalchemy.exc import IntegrityError

from domain.audit import SYSTEM
from domain.commands import Principal
from domain.lifecycle import DatasetStatus
from domain.quality import CheckType
from registry.history import archived_datasets, audit, outbox, quality_checks, quality_runs
from registry.tables import dataset_templates, datasets
from tests.builders import NOW, TENANT, a_dataset_in, archive, postpone, purge, tear_down, validate
from tests.registry.databases import ROOM, House
from tests.registry.past_the_domain import OTHER, copy_row, refusal, replace_rows, run

LEDGERS = (quality_runs, quality_checks, dataset_templates, audit, outbox)


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


@pytest.mark.parametrize("moment", [None, NOW.replace(year=2099)])
async def test_a_purge_is_written_once(house: House, moment: datetime | None) -> None:
    dataset = await house.keep(a_dataset_in(DatasetStatus.ARCHIVED))
    purge(dataset)
    await house.save(dataset)

    again = await refusal(house, update(datasets).values(purged_at=moment))
    in_its_row = await refusal(house, update(archived_datasets).values(purged_at=moment))

    assert "archived dataset never changes" in again
    assert "archive's row stays" in in_its_row


async def test_no_archive_is_purged_before_its_time(house: House) -> None:
    await house.keep(a_dataset_in(DatasetStatus.ARCHIVED))
    early = NOW.replace(year=2000)

    of_the_dataset = await refusal(house, update(datasets).values(purged_at=early))
    of_the_archive = await refusal(house, update(archived_datasets).values(purged_at=early))

    assert "nor before its time" in of_the_dataset
    assert "purged_in_time" in of_the_archive


async def test_a_purge_writes_nothing_but_itself(house: House) -> None:
    dataset = await house.keep(a_dataset_in(DatasetStatus.ARCHIVED))
    as_archived = dataset.health
    purge(dataset)
    dataset.health = dataset.health.after_success(NOW, dataset.rules)

    await house.save(dataset)

    kept = await house.registry.dataset(TENANT, dataset.place.dataset_id)
    assert (kept.purged_at, kept.health) == (dataset.purged_at, as_archived)


async def test_a_purge_that_fails_is_tried_again_later(house: House) -> None:
    dataset = await house.keep(a_dataset_in(DatasetStatus.ARCHIVED))
    later = NOW + timedelta(hours=1)
    (claim,) = await house.leases.claim("one", timedelta(minutes=1), ROOM, NOW)
    postpone(dataset)

    await house.save(dataset, later)
    await house.leases.release(claim, later, dataset.version)

    kept = await house.registry.dataset(TENANT, dataset.place.dataset_id)
    assert (kept, kept.trouble is not None) == (dataset, True)
    assert await house.leases.next_due() == later


async def test_an_archives_row_may_only_be_kept_longer(house: House) -> None:
    await house.keep(a_dataset_in(DatasetStatus.ARCHIVED))
    kept = archived_datasets
    await run(house, update(kept).values(retain_until=NOW.replace(year=2030)))

    shortened = await refusal(house, update(kept).values(retain_until=NOW.replace(year=2029)))
    changes = [update(kept).values({each: OTHER}) for each in (kept.c.sha256, kept.c.location)]
    ends: list[Executable] = [delete(kept), update(kept).values(tenant="globex")]
    if house.database.dialect == "sqlite":  # only there does a row written over itself go first
        ends.append(replace_rows(house, kept))
    refusals = [shortened, *[await refusal(house, each) for each in (*changes, *ends)]]

    assert [each for each in refusals if "archive's row stays" not in each] == []


@pytest.mark.parametrize("ledger", LEDGERS, ids=str)
async def test_what_was_written_down_is_never_changed_and_never_deleted(
    house: House, ledger: Table
) -> None:
    await house.keep(a_dataset_in(DatasetStatus.READY))
    wrongs = [update(ledger).values(tenant="globex"), delete(ledger), replace_rows(house, ledger)]

    refusals = [await refusal(house, each) for each in wrongs]

    assert [each for each in refusals if "never changed and never deleted" not in each] == []


@pytest.mark.parametrize("kept", [*LEDGERS, archived_datasets, datasets], ids=str)
async def test_what_was_written_down_is_never_emptied_at_once(house: House, kept: Table) -> None:
    if house.database.dialect == "sqlite":
        return  # it has no other way to empty a table than to delete its rows

    why = await refusal(house, text(f"TRUNCATE {kept.name} CASCADE"))

    assert "never changed and never deleted" in why


@pytest.mark.parametrize("ledger", [audit, outbox], ids=str)
async def test_an_entry_of_no_dataset_is_refused(house: House, ledger: Table) -> None:
    await house.keep(a_dataset_in(DatasetStatus.PROVISIONING))
    strange: dict[str, Any] = {"entry_id": uuid4(), "event_id": uuid4(), "sequence": 7}

    with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
        await copy_row(house, ledger, dataset_id=uuid4(), **strange)


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

    await house.save(dataset, principal=Principal(TENANT, SYSTEM))

    assert len(await run(house, select(audit))) == 1


async def test_whatever_somebody_changes_is_audited_under_their_name(house: House) -> None:
    dataset = await house.keep(a_dataset_in(DatasetStatus.TEARDOWN))
    dataset.wish = replace(dataset.wish, lifetime=timedelta(0))

    await house.save(dataset, principal=Principal(TENANT, "mallory"))

    (entry,) = await run(house, select(audit).where(audit.c.version == 1))
    assert (entry.principal, entry.action) == ("mallory", "change")
    assert (entry.from_status, entry.to_status) == (DatasetStatus.TEARDOWN, DatasetStatus.TEARDOWN)


async def test_a_validation_is_written_check_by_check(house: House) -> None:
    await house.keep(a_dataset_in(DatasetStatus.FAILED))

    table = quality_checks.c
    rows = await run(house, select(table.check_type, table.exact_score).order_by(table.check_type))

    assert [tuple(row) for row in rows] == [
        (CheckType.COMPLETENESS, "49/50"),
        (CheckType.CONNECTOR_HEALTH, "1"),
        (CheckType.SAMPLE_QUERIES, "1"),
        (CheckType.SCHEMA, "4/5"),
    ]
