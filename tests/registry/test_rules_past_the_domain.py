"""The seed's invariants, tried with SQL: whoever has the database's password is refused as well."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import String, delete, insert, literal, null, update
from sqlalchemy.exc import IntegrityError

from domain.dataset import Dataset
from domain.journey import JourneyStage
from domain.lifecycle import DatasetStatus
from registry.history import archived_datasets
from registry.tables import clients, datasets, journeys
from tests.builders import TENANT, a_client, a_dataset, a_dataset_in, a_journey
from tests.registry.databases import House
from tests.registry.past_the_domain import change_row, copy_row, refusal, run

ANEW: dict[str, Any] = {"dataset_id": uuid4(), "generation": 7}


async def refused(house: House, dataset: Dataset, **changes: Any) -> str:
    """Try to change a dataset's row; tells why that is refused, nothing where it is not."""
    mine = datasets.c.dataset_id == dataset.place.dataset_id
    return await refusal(house, update(datasets).where(mine).values(**changes))


async def copied(house: House, **changes: Any) -> str:
    """Try to write a dataset's row once more; tells why that is refused, nothing where it is not."""
    try:
        await copy_row(house, datasets, **changes)
    except IntegrityError as error:
        return str(error.orig)
    return ""


@pytest.mark.requirement("R67")
@pytest.mark.parametrize("status", [each for each in DatasetStatus if each.value != "archived"])
async def test_a_row_of_a_taken_place_is_refused_in_every_active_status(
    house: House, status: DatasetStatus
) -> None:
    await house.keep(a_dataset_in(DatasetStatus.READY))
    ended = status is DatasetStatus.TEARDOWN

    try:
        await copy_row(house, datasets, **ANEW, status=status, connector_name="ACME-sandbox-else")
        is_taken_in = True
    except IntegrityError:
        is_taken_in = False

    assert is_taken_in is ended


@pytest.mark.requirement("R67")
async def test_a_row_is_not_moved_into_a_place_that_is_taken(house: House) -> None:
    await house.keep(a_dataset_in(DatasetStatus.READY))
    other = await house.keep(a_dataset_in(DatasetStatus.READY, a_dataset("github")))
    ended = await house.keep(a_dataset_in(DatasetStatus.TEARDOWN, a_dataset("jira")))
    await house.keep(a_dataset("jira", generation=2))

    moved = await refused(house, other, dataset_type="confluence", generation=9)
    revived = await refused(house, ended, status=DatasetStatus.VALIDATING)

    assert "unique" in moved.lower()
    assert "unique" in revived.lower()


@pytest.mark.requirement("R68", "R73")
@pytest.mark.parametrize("score", [None, 0.0, 0.9499999])
async def test_a_ready_row_is_not_left_below_the_threshold(
    house: House, score: float | None
) -> None:
    ready = await house.keep(a_dataset_in(DatasetStatus.READY))
    failed = await house.keep(a_dataset_in(DatasetStatus.FAILED, a_dataset("github")))

    lowered = await refused(house, ready, quality_score=score)
    made: dict[str, Any] = {"status": DatasetStatus.READY, "quality": ready.quality}
    promoted = await refused(house, failed, **made, quality_score=score)

    assert "quality_threshold" in lowered
    assert "quality_threshold" in promoted


@pytest.mark.requirement("R68", "R73")
async def test_a_row_is_not_made_ready_by_a_score_alone(house: House) -> None:
    failed = await house.keep(a_dataset_in(DatasetStatus.FAILED))
    unjudged = await house.keep(a_dataset_in(DatasetStatus.VALIDATING, a_dataset("github")))
    ready = await house.keep(a_dataset_in(DatasetStatus.READY, a_dataset("jira")))
    good: dict[str, Any] = {"status": DatasetStatus.READY, "quality_score": 0.96}

    whys = [
        *[await refused(house, each, **good) for each in (failed, unjudged)],
        *[await refused(house, ready, quality=each) for each in (failed.quality, null())],
        *[await refused(house, failed, **good, quality=each) for each in (failed.quality, null())],
        await copied(house, **ANEW, **good, dataset_type="other", connector_name="other"),
    ]

    assert [each for each in whys if "only by a verdict without a failed" not in each] == []


@pytest.mark.requirement("R69")
@pytest.mark.parametrize("name", ["ACME-sandbox-confluence", "acme-SANDBOX-Confluence"])
async def test_a_row_is_not_given_a_name_that_is_taken_in_any_stage(
    house: House, name: str
) -> None:
    await house.keep(a_dataset_in(DatasetStatus.READY))
    other = await house.keep(a_dataset("github", stage=JourneyStage.PILOT))

    why = await refused(house, other, connector_name=name)

    assert "unique" in why.lower()


@pytest.mark.requirement("R70", "R22")
async def test_nothing_is_archived_without_its_archive(house: House) -> None:
    dataset = await house.keep(a_dataset_in(DatasetStatus.TEARDOWN))

    why = await refused(house, dataset, status=DatasetStatus.ARCHIVED)

    assert "archived_has_archive" in why


@pytest.mark.requirement("R70", "R22")
async def test_an_archived_row_and_its_archive_stay(house: House) -> None:
    dataset = await house.keep(a_dataset_in(DatasetStatus.ARCHIVED))

    back = [await refused(house, dataset, status=each) for each in DatasetStatus]
    gone = [await refusal(house, delete(each)) for each in (archived_datasets, datasets)]

    assert [each for each in back if "archived dataset never changes" not in each] == []
    assert all(gone)


@pytest.mark.requirement("R71")
async def test_a_row_has_a_journey_that_is_there_and_is_its_clients(house: House) -> None:
    dataset = await house.keep(a_dataset())
    other = a_journey("journey-other", client=a_client("globex", code="GLOBEX"))
    await house.keep(a_dataset("github", journey=other))

    unknown = await refused(house, dataset, journey_id=uuid4())
    anothers = await refused(house, dataset, journey_id=other.journey_id)
    of_no_client = await refused(house, dataset, client_id=other.client.client_id)

    for each in (unknown, anothers, of_no_client):
        assert "foreign key" in each.lower()


@pytest.mark.requirement("R71")
async def test_journeys_and_clients_that_datasets_have_are_not_taken_away(house: House) -> None:
    await house.keep(a_dataset())

    refusals = [await refusal(house, delete(each)) for each in (journeys, clients)]

    assert [each for each in refusals if "foreign key" not in each.lower()] == []


@pytest.mark.requirement("R71")
async def test_a_journey_has_a_client_that_is_there(house: House) -> None:
    await house.keep(a_dataset())
    row = {
        "tenant": TENANT,
        "journey_id": uuid4(),
        "client_id": uuid4(),
        "ref": "journey-of-nobody",
        "status": "active",
        "stage": "sandbox",
        "seen_at": house.hands.now,
    }

    why = await refusal(house, insert(journeys).values(**row))

    assert "foreign key" in why.lower()


@pytest.mark.requirement("R71", "R53")
@pytest.mark.parametrize("stage", ["moon", "SANDBOX", ""])
async def test_a_row_has_one_of_the_three_stages(house: House, stage: str) -> None:
    dataset = await house.keep(a_dataset())
    mine = datasets.c.dataset_id == dataset.place.dataset_id
    raw = update(datasets).where(mine).values({datasets.c.stage: literal(stage, String())})

    why = await refusal(house, raw)

    assert "check" in why.lower()


async def test_what_is_right_is_taken(house: House) -> None:
    """So that none of the refusals above is one of everything."""
    dataset = await house.keep(a_dataset_in(DatasetStatus.VALIDATING))
    verdict = a_dataset_in(DatasetStatus.READY).quality

    ready: dict[str, Any] = {"status": DatasetStatus.READY, "quality_score": 0.95}
    await change_row(house, dataset, **ready, quality=verdict)
    await change_row(house, dataset, status=DatasetStatus.VALIDATING)
    await change_row(house, dataset, **ready)
    await change_row(house, dataset, connector_name="ACME-sandbox-else")

    (row,) = await run(house, datasets.select())
    assert (row.status, row.connector_name) == (DatasetStatus.READY, "ACME-sandbox-else")
