"""What every registry owes its callers, whatever database it stands on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from domain.commands import Principal
from domain.errors import Conflict, NotAllowed, NotFound
from domain.events import EventContext
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


async def test_a_commit_rings_and_an_error_does_not(house: House) -> None:
    with pytest.raises(ZeroDivisionError):
        async with house.registry.transaction(ME):
            raise ZeroDivisionError
    silent = house.hands.rings

    async with house.registry.transaction(ME) as transaction:
        await transaction.keep_journey(a_journey())

    assert (silent, house.hands.rings) == (0, 1)


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
