"""Custody in SQL: kept for longer, held and released, and never for less, whoever writes."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import null, select, update

from domain.archive import ArchiveLock, LegalHold
from domain.commands import Principal
from domain.dataset import Dataset
from domain.lifecycle import DatasetStatus
from domain.work import ArchiveLocked
from registry.history import archived_datasets, audit, outbox
from registry.migrations import downgrade, upgrade
from registry.tables import datasets
from tests.builders import TENANT, a_dataset, a_dataset_in, key_of, purge
from tests.registry.databases import House, open_house
from tests.registry.past_the_domain import refusal, run

COUNSEL = Principal(TENANT, "counsel")


async def kept(house: House) -> Dataset:
    return await house.keep(a_dataset_in(DatasetStatus.ARCHIVED))


def end_of(dataset: Dataset) -> datetime:
    assert dataset.retain_until is not None
    return dataset.retain_until


def a_month_after(dataset: Dataset) -> datetime:
    return end_of(dataset) + timedelta(days=30)


async def written(house: House, dataset: Dataset) -> Dataset:
    await house.save(dataset, principal=COUNSEL)
    return await house.registry.dataset(TENANT, dataset.place.dataset_id)


@pytest.mark.requirement("R22", "R23", "R98")
async def test_what_is_kept_for_longer_is_so_in_both_rows(house: House) -> None:
    dataset = await kept(house)
    until = a_month_after(dataset)
    dataset.extend_retention(until, house.hands.now)

    after = await written(house, dataset)

    (row,) = await run(house, select(archived_datasets))
    assert (after.retain_until, after.is_lock_owed) == (until, True)
    assert row.retain_until == until


async def test_a_hold_and_its_release_come_back_as_they_were(house: House) -> None:
    dataset = await kept(house)
    dataset.hold_archive("case 7", "counsel", house.hands.now)
    held = await written(house, dataset)
    held.release_archive(house.hands.now)

    released = await written(house, held)

    assert dataset.legal_hold == LegalHold("case 7", "counsel", house.hands.now)
    assert (released.legal_hold, released.is_lock_owed) == (None, True)


async def test_that_the_archive_is_locked_is_written_down_too(house: House) -> None:
    dataset = await kept(house)
    until = a_month_after(dataset)
    dataset.extend_retention(until, house.hands.now)
    dataset = await written(house, dataset)
    dataset.apply(ArchiveLocked(key_of(dataset), ArchiveLock(until)), house.hands.now)

    assert not (await written(house, dataset)).is_lock_owed


async def test_who_held_an_archive_is_audited_and_told(house: House) -> None:
    dataset = await kept(house)
    dataset.hold_archive("case 7", "counsel", house.hands.now)

    await written(house, dataset)

    (entry,) = await run(house, select(audit).where(audit.c.version == 1))
    (event,) = await run(house, select(outbox).where(outbox.c.name == "DatasetLegalHoldPlaced"))
    assert (entry.principal, entry.action) == ("counsel", "DatasetLegalHoldPlaced")
    assert event.fields["hold_reason"] == "case 7"


async def test_the_new_end_is_told_as_a_time(house: House) -> None:
    dataset = await kept(house)
    until = a_month_after(dataset)
    dataset.extend_retention(until, house.hands.now)

    await written(house, dataset)

    (event,) = await run(house, select(outbox).where(outbox.c.name == "DatasetRetentionExtended"))
    assert datetime.fromisoformat(event.fields["retain_until"]) == until


@pytest.mark.requirement("R70", "R98")
async def test_the_database_keeps_no_archive_for_less(house: House) -> None:
    dataset = await kept(house)
    shorter = end_of(dataset) - timedelta(seconds=1)

    refusals = [
        await refusal(house, update(datasets).values(retain_until=each))
        for each in (shorter, null())
    ]

    assert all("only ever kept for longer" in each for each in refusals)


@pytest.mark.requirement("R70", "R98")
async def test_the_database_lets_nothing_be_purged_under_a_hold(house: House) -> None:
    dataset = await kept(house)
    dataset.hold_archive("case 7", "counsel", house.hands.now)
    await written(house, dataset)
    late = end_of(dataset) + timedelta(days=1)

    purged = await refusal(house, update(datasets).values(purged_at=late))
    both = await refusal(house, update(datasets).values(purged_at=late, legal_hold=null()))

    assert "not purged under a legal hold" in purged
    assert "not purged under a legal hold" in both


async def test_the_database_lets_nothing_be_purged_before_what_was_promised(house: House) -> None:
    dataset = await kept(house)
    dataset.extend_retention(a_month_after(dataset), house.hands.now)
    await written(house, dataset)
    early = end_of(dataset) - timedelta(days=1)

    refused = await refusal(house, update(datasets).values(purged_at=early))

    assert "nor before its time" in refused


async def test_a_tombstone_is_neither_held_nor_kept_for_longer(house: House) -> None:
    dataset = await kept(house)
    purge(dataset)
    await house.save(dataset)
    hold = LegalHold("case 7", "counsel", house.hands.now)

    held = await refusal(house, update(datasets).values(legal_hold=hold))
    longer = await refusal(house, update(datasets).values(retain_until=a_month_after(dataset)))

    assert "nor held after" in held
    assert "only as long as it is there" in longer
    (row,) = await run(house, select(archived_datasets))
    assert (row.sha256, row.purged_at) == ("cd" * 32, dataset.purged_at)


@pytest.mark.requirement("R98")
async def test_archives_that_were_there_are_locked_again_when_the_database_is_brought_up(
    url: str,
) -> None:
    async with open_house(url) as house:
        there = await kept(house)
        gone = await house.keep(a_dataset_in(DatasetStatus.ARCHIVED, a_dataset("github")))
        purge(gone)
        await house.save(gone)
    await asyncio.to_thread(downgrade, url, "0016")
    began = datetime.now(UTC)

    await asyncio.to_thread(upgrade, url)

    async with open_house(url) as house:
        rows = await run(house, select(datasets))
    ours, other = (
        next(row for row in rows if row.dataset_id == each.place.dataset_id)
        for each in (there, gone)
    )
    assert (ours.is_lock_owed, ours.version) == (True, there.version + 1)
    assert began <= ours.due_at <= datetime.now(UTC)
    assert (other.is_lock_owed, other.due_at) == (False, None)
