"""The provisioning agent: a connector made, filled page by page, and searchable at the end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.connector import Filters
from domain.lifecycle import DatasetStatus
from domain.record import ContentDigest
from domain.sampling import derive_queries
from domain.template import SampleQuery
from domain.work import AgentName, ProvisionDataset, Provisioned
from gateways.local.glean.faults import FaultKind
from gateways.local.mock_data import create_app as create_supplier
from gateways.mock_data import MockDataClient
from tests.agents.scene import (
    Scene,
    acme,
    always,
    connector_of,
    is_a,
    order_of,
    refused,
    unavailable,
)
from tests.gateways.foreign import RealTime, Said, Time, calling, said


async def the_order(scene: Scene, **changes: int | None) -> ProvisionDataset:
    """The order to provision ACME's dataset."""
    dataset = acme(**changes)  # type: ignore[arg-type]  # one keyword argument
    await scene.advance(dataset)
    order = order_of(dataset, scene)
    assert isinstance(order, ProvisionDataset)
    return order


def with_filters(order: ProvisionDataset, filters: Filters) -> ProvisionDataset:
    return replace(order, connector=replace(order.connector, filters=filters))


@pytest.mark.requirement("R14", "R77", "R85")
async def test_a_connector_is_made_and_holds_all_records(scene: Scene) -> None:
    order = await the_order(scene)

    outcome = is_a(Provisioned, await scene.perform(order))

    assert (outcome.record_count, outcome.documents) == (300, 300)
    assert await scene.connectors.indexed(order.connector) == 300
    assert (await scene.glean.configuration(order.connector))["homeUrl"] == order.connector.home_url


@pytest.mark.requirement("R43")
async def test_records_are_uploaded_in_pages_of_one_hundred(scene: Scene) -> None:
    order = await the_order(scene)

    await scene.perform(order)

    pages = scene.glean.bodies("/bulkindexdocuments")
    assert [len(each["documents"]) for each in pages] == [100, 100, 100]


async def test_it_waits_until_everything_is_indexed(scene: Scene) -> None:
    slow = Scene(scene.folder, indexing_delay=timedelta(seconds=20))
    order = await the_order(slow)

    await slow.perform(order)

    assert await slow.connectors.indexed(order.connector) == 300
    assert sum(slow.glean.time.slept) >= 20


async def test_ten_queries_are_derived_from_the_titles(scene: Scene) -> None:
    order = await the_order(scene)

    outcome = is_a(Provisioned, await scene.perform(order))

    supplier = MockDataClient(calling(create_supplier()), Time().timing)
    titles = [
        (each["id"], each["title"])
        async for page in supplier.generate(order.recipe)
        for each in page
    ]
    assert len(outcome.queries) == 10
    assert outcome.queries == derive_queries(titles, 10)


async def test_the_templates_own_queries_are_kept(scene: Scene) -> None:
    order = await the_order(scene)
    own = tuple(SampleQuery(f"query {number}", f"r{number}") for number in range(12))
    template = replace(order.recipe.template, sample_queries=own)

    outcome = await scene.perform(replace(order, recipe=replace(order.recipe, template=template)))

    assert is_a(Provisioned, outcome).queries == own[:10]


async def test_the_digest_and_the_size_are_those_of_the_records(scene: Scene) -> None:
    order = await the_order(scene)
    digest, sizes = ContentDigest(), list[int]()
    async for page in MockDataClient(calling(create_supplier()), Time().timing).generate(
        order.recipe
    ):
        sizes += [digest.add(record) for record in page]

    outcome = is_a(Provisioned, await scene.perform(order))

    assert outcome.content_digest == digest.hexdigest()
    assert outcome.size_bytes == sum(sizes)


async def test_provisioning_twice_is_as_provisioning_once(scene: Scene) -> None:
    order = await the_order(scene)
    first = await scene.perform(order)

    second = await scene.perform(replace(order, key=replace(order.key, attempt=1)))

    assert replace(is_a(Provisioned, second), key=order.key) == first
    assert await scene.connectors.indexed(order.connector) == 300


async def test_progress_is_told_after_every_page(scene: Scene) -> None:
    await scene.perform(await the_order(scene))

    assert [(each.phase, each.done, each.total) for each in scene.noted] == [
        ("uploading", 100, 300),
        ("uploading", 200, 300),
        ("uploading", 300, 300),
    ]


async def test_no_more_documents_are_uploaded_than_the_template_allows(scene: Scene) -> None:
    order = with_filters(await the_order(scene), Filters(max_documents=150))

    outcome = is_a(Provisioned, await scene.perform(order))

    assert (outcome.record_count, outcome.documents) == (300, 150)
    assert await scene.connectors.indexed(order.connector) == 150


@pytest.mark.requirement("R49")
async def test_filters_keep_records_out_of_the_connector_and_out_of_the_queries(
    scene: Scene,
) -> None:
    order = with_filters(await the_order(scene), Filters(include_patterns=("hcc00000*",)))

    outcome = is_a(Provisioned, await scene.perform(order))

    assert (outcome.record_count, outcome.documents) == (300, 10)
    assert all(each.expected_id.startswith("hcc00000") for each in outcome.queries)


# --- failures ------------------------------------------------------------------------------------


async def test_a_connector_name_that_somebody_else_holds_is_refused(scene: Scene) -> None:
    order = await the_order(scene)
    await scene.glean.declare(order.connector)

    outcome = await scene.perform(order)

    assert order.connector.datasource in refused(outcome)
    assert scene.glean.bodies("/bulkindexdocuments") == []


async def test_glean_down_entirely_is_an_outage(scene: Scene) -> None:
    order = await the_order(scene)
    scene.down()

    assert "Glean" in unavailable(await scene.perform(order))


async def test_one_answer_that_is_lost_does_no_harm(scene: Scene) -> None:
    order = await the_order(scene)
    scene.glean.faults.fail_next("/bulkindexdocuments", kind=FaultKind.LOST)

    outcome = is_a(Provisioned, await scene.perform(order))

    assert outcome.documents == 300


async def test_documents_that_are_never_indexed_are_an_outage_at_the_deadline(
    scene: Scene,
) -> None:
    order = await the_order(scene)
    scene.glean.faults.never_index(10)

    message = unavailable(await scene.perform(order))

    assert "where 300 were expected, and the time is up" in message
    assert timedelta(seconds=10) < order.deadline - scene.clock() < timedelta(minutes=1)


async def test_documents_that_are_never_indexed_are_named_before_the_order_is_over(
    scene: Scene,
) -> None:
    real = Scene(scene.folder, time=RealTime())
    real.glean.faults.never_index(10)
    order = replace(await the_order(scene), deadline=real.clock() + timedelta(seconds=3))

    message = unavailable(await real.perform(order))

    assert "where 300 were expected, and the time is up. Missing are, among others: hcc" in message
    assert real.clock() < order.deadline


async def test_a_supplier_that_is_down_is_an_outage(scene: Scene) -> None:
    order = await the_order(scene)
    scene.meet(always(Said(503)))

    assert "mock-data supplier" in unavailable(await scene.perform(order))


@pytest.mark.parametrize(
    "answer",
    [said([{"id": "one", "title": "A title"}]), said([{"title": "nameless"}] * 300), said("no")],
)
async def test_a_supplier_that_lies_is_refused(scene: Scene, answer: Said) -> None:
    order = await the_order(scene)
    scene.meet(always(answer))

    assert refused(await scene.perform(order))


async def test_a_template_that_vanished_is_refused(scene: Scene) -> None:
    order = await the_order(scene)
    scene.meet(always(Said(404)))

    assert "knows no template" in refused(await scene.perform(order))


async def test_an_order_whose_deadline_has_passed_calls_nobody(scene: Scene) -> None:
    order = await the_order(scene)
    scene.pass_time(minutes=30)

    message = unavailable(await scene.perform(order))

    assert "ran out of time" in message
    assert scene.glean.requests == []


async def test_another_agents_order_is_refused(scene: Scene) -> None:
    outcome = await scene.perform(order_of(acme(), scene), AgentName.PROVISIONING)

    assert "was sent to dataset-provisioning" in refused(outcome)


async def test_a_dataset_is_validated_next(scene: Scene) -> None:
    dataset = acme()

    await scene.advance(dataset, 2)

    assert dataset.status is DatasetStatus.VALIDATING
    assert connector_of(dataset).connector_name == "ACME-sandbox-confluence"
