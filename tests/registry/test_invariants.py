"""The seed's five invariants, tried past the domain: the database itself holds them."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import delete, null, update
from sqlalchemy.exc import IntegrityError

from domain.errors import DuplicateDataset, NotFound
from domain.lifecycle import DatasetStatus
from registry.tables import datasets
from tests.builders import TENANT, a_client, a_dataset, a_dataset_in, a_journey, renamed
from tests.registry.databases import ME, House
from tests.registry.past_the_domain import (
    OTHER,
    change_row,
    copy_row,
    refusal,
    replace_rows,
    run,
)

STILL_MOVING = {
    "purged_at",
    "trouble",
    "version",
    "busy_until",
    "due_at",
    "lease_owner",
    "lease_until",
    "taken_over_at",
    "retain_until",
    "legal_hold",
    "is_lock_owed",
}
"""What a purge, the engine and people who have it kept for longer write to an archived row."""


@pytest.mark.requirement("R65", "R67")
async def test_client_stage_uniqueness(house: House) -> None:
    """Only one active dataset per client, stage and type: two are refused, an ended one is not counted."""
    await house.keep(a_dataset_in(DatasetStatus.FAILED))
    second: dict[str, Any] = {"dataset_id": uuid4(), "connector_name": "ACME-sandbox-other"}

    with pytest.raises(IntegrityError, match=r"(?i)unique"):
        await copy_row(house, datasets, generation=2, **second)

    await copy_row(house, datasets, generation=3, status=DatasetStatus.TEARDOWN, **second)


@pytest.mark.requirement("R68")
async def test_quality_threshold(house: House) -> None:
    """No row becomes ready below 0.95, without a score, or by a verdict that says no."""
    dataset = await house.keep(a_dataset_in(DatasetStatus.VALIDATING))
    ready, failed = (a_dataset_in(each) for each in (DatasetStatus.READY, DatasetStatus.FAILED))
    made: dict[str, Any] = {"status": DatasetStatus.READY, "quality": ready.quality}

    for score in (0.9499, None):
        with pytest.raises(IntegrityError, match="quality_threshold"):
            await change_row(house, dataset, **made, quality_score=score)
    with pytest.raises(IntegrityError, match="only by a verdict"):
        await change_row(house, dataset, **made | {"quality": failed.quality}, quality_score=0.96)

    await change_row(house, dataset, **made, quality_score=0.95)


@pytest.mark.requirement("R65", "R69")
async def test_connector_naming(house: House) -> None:
    """No two active datasets share a connector's name, whatever its case and whosever client."""
    await house.keep(a_dataset())
    namesake = renamed(a_client("acme-other"), "Acme")

    with pytest.raises(DuplicateDataset, match="ACME-sandbox-confluence"):
        await house.keep(a_dataset(journey=a_journey("journey-other", client=namesake)))


@pytest.mark.requirement("R22", "R70")
async def test_archive_immutability(house: House) -> None:
    """Nothing takes an archived dataset back, changes any fact of it, deletes or replaces it."""
    dataset = await house.keep(a_dataset_in(DatasetStatus.ARCHIVED))
    facts = [each for each in datasets.c if each.name not in STILL_MOVING]
    changes = {each.name: update(datasets).values({each: null()}) for each in facts}
    ends = {"deleted": delete(datasets), "replaced": replace_rows(house, datasets)}

    refusals = {name: await refusal(house, each) for name, each in {**changes, **ends}.items()}

    assert [each for each, why in refusals.items() if "archived dataset never" not in why] == []
    assert await house.registry.dataset(TENANT, dataset.place.dataset_id) == dataset


@pytest.mark.requirement("R71")
async def test_stage_association(house: House) -> None:
    """A dataset has a known journey, of its client, and one of the three stages."""
    dataset = await house.keep(a_dataset())

    with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
        await change_row(house, dataset, journey_id=uuid4())
    with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
        await change_row(house, dataset, client_id=uuid4())
    with pytest.raises(IntegrityError, match=r"(?i)check"):
        await run(house, update(datasets).values({datasets.c.stage: OTHER}))


@pytest.mark.requirement("R71")
async def test_a_dataset_of_a_journey_never_seen_is_refused(house: House) -> None:
    async def add() -> None:
        async with house.registry.transaction(ME) as transaction:
            await transaction.add(a_dataset())

    with pytest.raises(NotFound, match="journey-acme-2026"):
        await add()


async def test_a_status_of_no_table_is_refused(house: House) -> None:
    await house.keep(a_dataset())

    with pytest.raises(IntegrityError, match=r"(?i)check"):
        await run(house, update(datasets).values({datasets.c.status: OTHER}))
