"""What every registry owes its callers, whatever database it stands on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from fractions import Fraction
from pathlib import Path
from uuid import uuid4

import pytest

from domain.commands import Principal
from domain.errors import Conflict, DuplicateDataset, NotAllowed, NotFound
from domain.events import DatasetProvisionRequested, DatasetReady, EventContext
from domain.journey import JourneyStage
from domain.lifecycle import DatasetStatus
from domain.repository import DatasetFilter, Registry, Slot
from domain.state import DatasetState
from tests.builders import (
    NOW,
    TENANT,
    a_client,
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
from tests.registry.databases import DATABASES, ME, OTHERS, House, a_fresh, open_house


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return a_fresh(request.param, tmp_path)


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with open_house(database_url) as opened:
        yield opened


def slot_of(dataset: DatasetState) -> Slot:
    place = dataset.place
    return Slot(place.client.client_id, place.stage, place.dataset_type)


async def test_the_repository_is_a_registry(house: House) -> None:
    registry: Registry = house.registry

    assert await registry.last_sequence(TENANT) == 0


@pytest.mark.parametrize("status", DatasetStatus)
async def test_a_dataset_comes_back_as_it_was_kept(house: House, status: DatasetStatus) -> None:
    dataset = a_dataset_in(status)

    kept = await house.keep(dataset)

    assert kept == dataset
    assert kept.status is status


async def test_a_new_dataset_is_due_at_once(house: House) -> None:
    await house.keep(a_dataset())

    assert await house.leases.next_due() == NOW


async def test_a_save_raises_the_version_by_one(house: House) -> None:
    dataset = await house.keep(a_dataset())
    find_template(dataset)

    await house.save(dataset)

    assert dataset.version == 1
    assert await house.registry.dataset(TENANT, dataset.place.dataset_id) == dataset


async def test_the_same_object_can_be_saved_again(house: House) -> None:
    dataset = await house.keep(a_dataset())

    for step in (find_template, fill, validate):
        step(dataset)
        await house.save(dataset)

    assert (dataset.version, dataset.status) == (3, DatasetStatus.READY)


async def test_whoever_writes_second_at_a_version_is_refused(house: House) -> None:
    mine = await house.keep(a_dataset())
    theirs = await house.registry.dataset(TENANT, mine.place.dataset_id)
    find_template(mine)
    find_template(theirs)
    await house.save(theirs)

    with pytest.raises(Conflict, match="changed by somebody else since version 0"):
        await house.save(mine)

    assert len(await house.registry.events(TENANT, 0, 10)) == 1


async def test_an_error_leaves_neither_row_nor_event(house: House) -> None:
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


async def test_a_commit_rings_and_an_error_does_not(house: House) -> None:
    with pytest.raises(ZeroDivisionError):
        async with house.registry.transaction(ME):
            raise ZeroDivisionError
    silent = house.hands.rings

    async with house.registry.transaction(ME) as transaction:
        await transaction.keep_journey(a_journey())

    assert (silent, house.hands.rings) == (0, 1)


async def test_events_come_in_the_order_of_their_commits(house: House) -> None:
    first, second = await house.keep(a_dataset()), await house.keep(a_dataset("github"))
    for dataset in (first, second, first):
        dataset.happen(DatasetReady(*dataset.ids, quality_score=Fraction(1)))
        await house.save(dataset)

    events = await house.registry.events(TENANT, 0, 10)

    told = [(each.sequence, each.context.dataset_id) for each in events]
    ids = [each.place.dataset_id for each in (first, second, first)]
    assert told == list(enumerate(ids, start=1))


async def test_events_go_on_behind_a_sequence(house: House) -> None:
    dataset = await house.keep(a_dataset_in(DatasetStatus.READY))

    events = await house.registry.events(TENANT, 2, 1)

    assert [(each.sequence, each.name) for each in events] == [(3, "DatasetProvisionCompleted")]
    assert await house.registry.last_sequence(TENANT) == 4
    assert events[0].context.dataset_id == dataset.place.dataset_id


async def test_the_events_of_one_dataset_can_be_read_alone(house: House) -> None:
    await house.keep(a_dataset_in(DatasetStatus.READY))
    other = await house.keep(a_dataset_in(DatasetStatus.PROVISIONING, a_dataset("github")))

    events = await house.registry.events(TENANT, 0, 10, dataset_id=other.place.dataset_id)

    assert [each.name for each in events] == ["DatasetProvisioningStarted"]


async def test_an_event_carries_its_envelope_and_plain_fields(house: House) -> None:
    dataset = await house.keep(a_dataset_in(DatasetStatus.VALIDATING))
    validate(dataset)
    await house.save(dataset)

    ready = (await house.registry.events(TENANT, 0, 10))[-1]

    place = dataset.place
    assert ready.fields == {
        "dataset_id": str(place.dataset_id),
        "journey_id": str(place.journey_id),
        "quality_score": 0.995,
    }
    assert ready.extensions == {"severity": "none"}
    assert ready.occurred_at == NOW
    assert ready.context == EventContext(
        tenant=TENANT,
        journey_id=place.journey_id,
        journey_ref="journey-acme-2026",
        client_ref="acme-healthcare",
        dataset_id=place.dataset_id,
        correlation="task-1",
        causation=f"{place.dataset_id}/0",
    )


async def test_an_event_of_no_single_dataset_is_published(house: House) -> None:
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


async def test_another_tenants_dataset_is_unknown_in_the_same_words(house: House) -> None:
    dataset, nobody = await house.keep(a_dataset()), uuid4()

    with pytest.raises(NotFound) as foreign:
        await house.registry.dataset("globex", dataset.place.dataset_id)
    with pytest.raises(NotFound) as unknown:
        await house.registry.dataset("globex", nobody)

    said = str(foreign.value).replace(str(dataset.place.dataset_id), str(nobody))
    assert said == str(unknown.value)


async def test_a_transaction_sees_its_own_tenant_alone(house: House) -> None:
    dataset = await house.keep(a_dataset())

    async with house.registry.transaction(OTHERS) as transaction:
        with pytest.raises(NotFound):
            await transaction.dataset(dataset.place.dataset_id)
        held = await transaction.holder(slot_of(dataset))

    assert held is None


async def test_nobody_writes_into_another_tenant(house: House) -> None:
    dataset = await house.keep(a_dataset())

    with pytest.raises(NotAllowed):
        await house.save(dataset, principal=OTHERS)


async def test_two_tenants_may_hold_the_same_place(house: House) -> None:
    await house.keep(a_dataset())

    theirs = await house.keep(a_dataset(tenant="globex"), OTHERS)

    assert theirs.place.connector_name == "ACME-sandbox-confluence"


async def test_the_reads_of_a_tenant_show_nothing_of_another(house: House) -> None:
    dataset = await house.keep(a_dataset_in(DatasetStatus.READY))
    ids = [dataset.place.dataset_id]

    page = await house.registry.datasets("globex", DatasetFilter(), 10, None)

    assert page.datasets == ()
    assert await house.registry.datasets_by_id("globex", ids) == []
    assert await house.registry.events("globex", 0, 10) == []
    assert await house.registry.quality_history("globex", ids[0]) == []


@pytest.mark.requirement("R65")
async def test_a_second_active_dataset_is_refused_and_the_first_is_named(house: House) -> None:
    first = await house.keep(a_dataset_in(DatasetStatus.READY))

    with pytest.raises(DuplicateDataset) as refused:
        await house.keep(a_dataset(generation=2))

    said = str(refused.value)
    assert str(first.place.dataset_id) in said
    assert "ACME-sandbox-confluence" in said
    assert "is ready" in said


async def test_a_successor_may_come_while_the_old_one_ends(house: House) -> None:
    old = await house.keep(a_dataset_in(DatasetStatus.TEARDOWN))

    async with house.registry.transaction(ME) as transaction:
        generation = await transaction.next_generation(slot_of(old))
        await transaction.add(a_dataset(generation=generation))
        held = await transaction.holder(slot_of(old))

    assert generation == 2
    assert held is not None
    assert held.place.generation == 2


async def test_a_restore_is_refused_once_a_successor_is_there(house: House) -> None:
    old = await house.keep(a_dataset_in(DatasetStatus.TEARDOWN))
    await house.keep(a_dataset(generation=2))
    old.restore(NOW)

    with pytest.raises(DuplicateDataset, match="is taken"):
        await house.save(old)

    untouched = await house.registry.dataset(TENANT, old.place.dataset_id)
    assert untouched.status is DatasetStatus.TEARDOWN


async def test_a_restore_takes_a_free_place_again(house: House) -> None:
    old = await house.keep(a_dataset_in(DatasetStatus.TEARDOWN))
    old.restore(NOW)

    await house.save(old)

    restored = await house.registry.dataset(TENANT, old.place.dataset_id)
    assert restored.status is DatasetStatus.VALIDATING


async def test_a_generation_is_given_once(house: House) -> None:
    await house.keep(a_dataset_in(DatasetStatus.TEARDOWN))

    with pytest.raises(Conflict, match="generation"):
        await house.keep(a_dataset(generation=1))


async def test_every_validation_stays_in_the_history(house: House) -> None:
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


async def test_a_teardown_ends_in_an_archive_and_its_purge(house: House) -> None:
    dataset = await house.keep(a_dataset_in(DatasetStatus.READY))
    for step in (tear_down, archive, purge):
        step(dataset)
        await house.save(dataset)

    ended = await house.registry.dataset(TENANT, dataset.place.dataset_id)

    assert ended == dataset
    assert ended.purged_at is not None


async def test_a_journey_keeps_its_client(house: House) -> None:
    await house.keep(a_dataset())
    stolen = a_journey(client=a_client("globex-corp"))

    with pytest.raises(Conflict, match="another client"):
        async with house.registry.transaction(ME) as transaction:
            await transaction.keep_journey(stolen)


async def test_a_client_is_found_by_reference_and_by_id(house: House) -> None:
    client = a_client()
    await house.keep(a_dataset())

    by_ref = await house.registry.client(TENANT, "acme-healthcare")
    by_id = await house.registry.client(TENANT, str(client.client_id))

    assert by_ref == by_id == client


async def test_a_client_never_seen_is_unknown(house: House) -> None:
    with pytest.raises(NotFound, match="no client 'nobody'"):
        await house.registry.client(TENANT, "nobody")


async def test_somebody_of_the_tenant_is_enough_to_read(house: House) -> None:
    dataset = await house.keep(a_dataset())

    async with house.registry.transaction(Principal(TENANT, "carol")) as transaction:
        found = await transaction.dataset(dataset.place.dataset_id)

    assert found == dataset
