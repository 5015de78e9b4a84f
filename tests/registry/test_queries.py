"""The read side: lists page by page, and every reference resolved."""

from __future__ import annotations

import base64
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from domain.dataset import Dataset
from domain.errors import InvalidInput, NotFound
from domain.journey import JourneyStage
from domain.lifecycle import DatasetStatus
from domain.repository import DatasetFilter
from tests.builders import NOW, TENANT, a_client, a_dataset, a_dataset_in, a_journey, renamed
from tests.registry.databases import House


async def some_datasets(house: House, count: int) -> list[Dataset]:
    """Keep datasets asked for a minute after each other, two at a time in the same minute."""
    return [
        await house.keep(a_dataset(f"type{each}", at=NOW + timedelta(minutes=each // 2)))
        for each in range(count)
    ]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
async def test_pages_show_every_dataset_once_newest_first(house: House, size: int) -> None:
    kept = await some_datasets(house, 7)

    shown: list[Dataset] = []
    token = None
    for _ in range(8):
        page = await house.registry.datasets(TENANT, DatasetFilter(), size, token)
        shown += page.datasets
        token = page.next_token
        if token is None:
            break

    newest_first = sorted(
        kept, key=lambda each: (each.place.requested_at, each.place.dataset_id), reverse=True
    )
    assert shown == newest_first


async def test_a_page_goes_on_where_it_was_though_newer_ones_came(house: House) -> None:
    kept = await some_datasets(house, 3)
    first = await house.registry.datasets(TENANT, DatasetFilter(), 2, None)
    await house.keep(a_dataset("newer", at=NOW + timedelta(days=1)))

    second = await house.registry.datasets(TENANT, DatasetFilter(), 2, first.next_token)

    shown = {each.place.dataset_id for each in (*first.datasets, *second.datasets)}
    assert shown == {each.place.dataset_id for each in kept}


@pytest.mark.parametrize("size", [0, -1, 101])
async def test_a_page_holds_one_to_a_hundred(house: House, size: int) -> None:
    with pytest.raises(InvalidInput, match="1 to 100") as refused:
        await house.registry.datasets(TENANT, DatasetFilter(), size, None)

    assert [each.field for each in refused.value.errors] == ["page_size"]


@pytest.mark.parametrize(
    "token",
    [
        "",
        "%%%",
        "é",
        "bm90IG91cnM=",
        base64.urlsafe_b64encode(
            b"2026-03-02T09:30:00 7b0d5a7e-0000-4000-8000-00000000dead"
        ).decode(),
        base64.urlsafe_b64encode(b"2026-03-02T09:30:00+00:00 nobody").decode(),
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
    ],
)
async def test_a_foreign_token_is_refused(house: House, token: str) -> None:
    with pytest.raises(InvalidInput, match="page token") as refused:
        await house.registry.datasets(TENANT, DatasetFilter(), 10, token)

    assert [each.field for each in refused.value.errors] == ["page_token"]


@pytest.mark.parametrize(
    "wanted",
    [
        DatasetFilter(journey="journey-other"),
        DatasetFilter(journey=str(a_journey("journey-other").journey_id)),
        DatasetFilter(client="globex-corp"),
        DatasetFilter(client=str(a_client("globex-corp").client_id)),
        DatasetFilter(stage=JourneyStage.PILOT),
        DatasetFilter(status=DatasetStatus.READY),
        DatasetFilter("journey-other", "globex-corp", JourneyStage.PILOT, DatasetStatus.READY),
    ],
)
async def test_a_list_shows_what_is_asked_for(house: House, wanted: DatasetFilter) -> None:
    await house.keep(a_dataset())
    client = renamed(a_client("globex-corp"), "GLOBEX")
    journey = a_journey("journey-other", client=client)
    other = a_dataset(journey=journey, stage=JourneyStage.PILOT)
    meant = await house.keep(a_dataset_in(DatasetStatus.READY, other))

    page = await house.registry.datasets(TENANT, wanted, 10, None)

    assert page.datasets == (meant,)


async def test_datasets_by_id_come_in_the_order_of_the_ids(house: House) -> None:
    first, second, third = await some_datasets(house, 3)
    ids = [third.place.dataset_id, uuid4(), first.place.dataset_id, second.place.dataset_id]

    found = await house.registry.datasets_by_id(TENANT, ids)

    assert found == [third, first, second]


async def test_a_connectors_name_means_its_newest_dataset(house: House) -> None:
    await house.keep(a_dataset_in(DatasetStatus.TEARDOWN))
    newer = await house.keep(a_dataset(generation=2, at=NOW + timedelta(hours=1)))

    found = await house.registry.dataset_id_of(TENANT, "acme-SANDBOX-confluence")

    assert found == newer.place.dataset_id


async def test_an_id_means_itself(house: House) -> None:
    dataset = await house.keep(a_dataset())

    found = await house.registry.dataset_id_of(TENANT, str(dataset.place.dataset_id))

    assert found == dataset.place.dataset_id


@pytest.mark.parametrize("ref", ["ACME-sandbox-jira", str(UUID(int=7))])
async def test_a_reference_to_nothing_is_unknown(house: House, ref: str) -> None:
    await house.keep(a_dataset())

    with pytest.raises(NotFound, match=ref):
        await house.registry.dataset_id_of(TENANT, ref)
