"""What every registry owes its callers, the simulated one as well: versions, places, order, history."""

from __future__ import annotations

from collections.abc import AsyncIterator
from fractions import Fraction
from pathlib import Path

import pytest

from domain.errors import Conflict, DuplicateDataset
from domain.events import DatasetProvisionRequested, DatasetReady, EventContext
from domain.journey import JourneyStage
from domain.lifecycle import DatasetStatus
from domain.repository import Slot
from domain.state import DatasetState
from tests.builders import (
    NOW,
    TENANT,
    a_dataset,
    a_dataset_in,
    a_journey,
    archive,
    fail_gate,
    fill,
    find_template,
    purge,
    tear_down,
    validate,
)
from tests.registry.databases import ME, Keeping
from tests.simulation.house import KINDS, open_any


@pytest.fixture(params=KINDS)
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Keeping]:
    async with open_any(request.param, tmp_path) as opened:
        yield opened


def slot_of(dataset: DatasetState) -> Slot:
    place = dataset.place
    return Slot(place.client.client_id, place.stage, place.dataset_type)


@pytest.mark.parametrize("status", DatasetStatus)
async def test_a_dataset_comes_back_as_it_was_kept(house: Keeping, status: DatasetStatus) -> None:
    dataset = a_dataset_in(status)

    kept = await house.keep(dataset)

    assert kept == dataset
    assert kept.status is status


async def test_a_new_dataset_is_due_at_once(house: Keeping) -> None:
    await house.keep(a_dataset())

    assert await house.leases.next_due() == NOW


async def test_a_save_raises_the_version_by_one(house: Keeping) -> None:
    dataset = await house.keep(a_dataset())
    find_template(dataset)

    await house.save(dataset)

    assert dataset.version == 1
    assert await house.registry.dataset(TENANT, dataset.place.dataset_id) == dataset


async def test_the_same_object_can_be_saved_again(house: Keeping) -> None:
    dataset = await house.keep(a_dataset())

    for step in (find_template, fill, validate):
        step(dataset)
        await house.save(dataset)

    assert (dataset.version, dataset.status) == (3, DatasetStatus.READY)


async def test_whoever_writes_second_at_a_version_is_refused(house: Keeping) -> None:
    mine = await house.keep(a_dataset())
    theirs = await house.registry.dataset(TENANT, mine.place.dataset_id)
    find_template(mine)
    find_template(theirs)
    await house.save(theirs)

    with pytest.raises(Conflict, match="changed by somebody else since version 0"):
        await house.save(mine)

    assert len(await house.registry.events(TENANT, 0, 10)) == 1


async def test_an_error_leaves_neither_row_nor_event(house: Keeping) -> None:
    dataset = await house.keep(a_dataset())

    async def stumble() -> None:
        async with house.registry.transaction(ME) as transaction:
            found = await transaction.dataset(dataset.place.dataset_id)
            find_template(found)
            await transaction.save(found, None)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await stumble()

    assert await house.registry.dataset(TENANT, dataset.place.dataset_id) == dataset
    assert await house.registry.events(TENANT, 0, 10) == []


async def test_events_come_in_the_order_of_their_commits(house: Keeping) -> None:
    first, second = await house.keep(a_dataset()), await house.keep(a_dataset("github"))
    for dataset in (first, second, first):
        dataset.happen(DatasetReady(*dataset.ids, quality_score=Fraction(1)))
        await house.save(dataset)

    events = await house.registry.events(TENANT, 0, 10)

    told = [(each.sequence, each.context.dataset_id) for each in events]
    ids = [each.place.dataset_id for each in (first, second, first)]
    assert told == list(enumerate(ids, start=1))


async def test_events_go_on_behind_a_sequence(house: Keeping) -> None:
    dataset = await house.keep(a_dataset_in(DatasetStatus.READY))

    events = await house.registry.events(TENANT, 2, 1)

    assert [(each.sequence, each.name) for each in events] == [(3, "DatasetProvisionCompleted")]
    assert await house.registry.last_sequence(TENANT) == 4
    assert events[0].context.dataset_id == dataset.place.dataset_id


async def test_the_events_of_one_dataset_can_be_read_alone(house: Keeping) -> None:
    await house.keep(a_dataset_in(DatasetStatus.READY))
    other = await house.keep(a_dataset_in(DatasetStatus.PROVISIONING, a_dataset("github")))

    events = await house.registry.events(TENANT, 0, 10, dataset_id=other.place.dataset_id)

    assert [each.name for each in events] == ["DatasetProvisioningStarted"]


async def test_an_event_of_no_single_dataset_is_published(house: Keeping) -> None:
    journey = a_journey()
    event = DatasetProvisionRequested(
        journey.journey_id,
        journey.client.client_id,
        JourneyStage.SANDBOX,
        ("confluence", "github"),
        "alice",
    )
    context = EventContext(
        TENANT, journey.journey_id, journey.ref, journey.client.ref, None, "task-1"
    )

    async with house.registry.transaction(ME) as transaction:
        await transaction.publish(event, context, NOW)

    (told,) = await house.registry.events(TENANT, 0, 10)
    assert (told.name, told.context) == ("DatasetProvisionRequested", context)
    assert told.fields["dataset_types"] == ["confluence", "github"]
    assert told.fields["stage"] == "sandbox"


@pytest.mark.requirement("R65")
async def test_a_second_active_dataset_is_refused_and_the_first_is_named(house: Keeping) -> None:
    first = await house.keep(a_dataset_in(DatasetStatus.READY))

    with pytest.raises(DuplicateDataset) as refused:
        await house.keep(a_dataset(generation=2))

    said = str(refused.value)
    assert str(first.place.dataset_id) in said
    assert "ACME-sandbox-confluence" in said
    assert "is ready" in said


async def test_a_successor_may_come_while_the_old_one_ends(house: Keeping) -> None:
    old = await house.keep(a_dataset_in(DatasetStatus.TEARDOWN))

    async with house.registry.transaction(ME) as transaction:
        generation = await transaction.next_generation(slot_of(old))
        await transaction.add(a_dataset(generation=generation))
        held = await transaction.holder(slot_of(old))

    assert generation == 2
    assert held is not None
    assert held.place.generation == 2


async def test_a_restore_is_refused_once_a_successor_is_there(house: Keeping) -> None:
    old = await house.keep(a_dataset_in(DatasetStatus.TEARDOWN))
    await house.keep(a_dataset(generation=2))
    old.restore(NOW)

    with pytest.raises(DuplicateDataset, match="is taken"):
        await house.save(old)

    untouched = await house.registry.dataset(TENANT, old.place.dataset_id)
    assert untouched.status is DatasetStatus.TEARDOWN


async def test_a_restore_takes_a_free_place_again(house: Keeping) -> None:
    old = await house.keep(a_dataset_in(DatasetStatus.TEARDOWN))
    old.restore(NOW)

    await house.save(old)

    restored = await house.registry.dataset(TENANT, old.place.dataset_id)
    assert restored.status is DatasetStatus.VALIDATING


async def test_a_generation_is_given_once(house: Keeping) -> None:
    await house.keep(a_dataset_in(DatasetStatus.TEARDOWN))

    with pytest.raises(Conflict, match="generation"):
        await house.keep(a_dataset(generation=1))


async def test_every_validation_stays_in_the_history(house: Keeping) -> None:
    dataset = await house.keep(a_dataset_in(DatasetStatus.VALIDATING))
    fail_gate(dataset)
    await house.save(dataset)
    dataset.revalidate("mended", NOW)
    await house.save(dataset)
    validate(dataset)
    await house.save(dataset)

    history = await house.registry.quality_history(TENANT, dataset.place.dataset_id)

    verdicts = [(run.run, run.verdict["failed_checks"]) for run in history]
    assert verdicts == [(1, ["schema"]), (2, [])]
    assert [check["check_type"] for check in history[0].verdict["checks"]] == [
        "schema",
        "completeness",
        "connector_health",
        "sample_queries",
    ]
    assert history[0].verdict["checks"][0]["details"]["faults"][0]["path"] == "/title"


async def test_a_teardown_ends_in_an_archive_and_its_purge(house: Keeping) -> None:
    dataset = await house.keep(a_dataset_in(DatasetStatus.READY))
    for step in (tear_down, archive, purge):
        step(dataset)
        await house.save(dataset)

    ended = await house.registry.dataset(TENANT, dataset.place.dataset_id)

    assert ended == dataset
    assert ended.purged_at is not None
