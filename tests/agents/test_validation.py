"""The validation agent: honest evidence, of which the aggregate makes a verdict."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from domain.checks import Expected, judge
from domain.connector import Filters
from domain.dataset import Dataset
from domain.lifecycle import DatasetStatus
from domain.quality import CheckType, QualityPolicy, QualityScore
from domain.work import AgentName, Examined, ProbeConnector, Probed, ValidateDataset
from tests.agents.scene import (
    Scene,
    acme,
    always,
    connector_of,
    content_of,
    is_a,
    order_of,
    refused,
    unavailable,
)
from tests.domain.making import DATASET_ID
from tests.gateways.foreign import Said, said

STATUS = "/status"
SEARCH = "/search"


async def filled(scene: Scene, record_count: int = 300) -> Dataset:
    """ACME's dataset, provisioned and waiting for its gate."""
    dataset = acme(record_count=record_count)
    await scene.advance(dataset, 2)
    return dataset


async def seen(scene: Scene, dataset: Dataset) -> Examined:
    return is_a(Examined, await scene.answer(dataset))


def judged(dataset: Dataset, outcome: Examined) -> QualityScore:
    content = content_of(dataset)
    expected = Expected(
        content.record_count, content.documents, content.content_digest, content.queries
    )
    return judge(outcome.evidence, expected, QualityPolicy())


def gate(dataset: Dataset, scene: Scene) -> ValidateDataset:
    order = order_of(dataset, scene)
    assert isinstance(order, ValidateDataset)
    return order


@pytest.mark.requirement("R36")
async def test_acmes_confluence_dataset_is_judged_ready_at_0_995(scene: Scene) -> None:
    dataset = acme(record_count=None)

    await scene.advance(dataset, 3)

    assert dataset.status is DatasetStatus.READY
    assert dataset.quality_score == Fraction(995, 1000)
    assert content_of(dataset).record_count == 500


@pytest.mark.requirement("R77", "R86")
async def test_the_evidence_of_a_good_dataset_is_whole(scene: Scene) -> None:
    dataset = await filled(scene)

    evidence = (await seen(scene, dataset)).evidence

    assert (evidence.schema.total, evidence.schema.valid) == (300, 300)
    assert evidence.schema.content_digest == content_of(dataset).content_digest
    assert evidence.completeness.indexed == 300
    assert evidence.completeness.missing == (("space", 60),)
    assert [each.connected for each in evidence.probes] == [True, True, True]
    assert [each.rank for each in evidence.queries] == [1] * 10


async def test_progress_is_told_of_queries_and_records(scene: Scene) -> None:
    dataset = await filled(scene)
    scene.noted.clear()

    await scene.answer(dataset)

    told = [(each.phase, each.done, each.total, each.unit) for each in scene.noted]
    assert told[0] == ("querying", 0, 10, "queries")
    assert told[10] == ("querying", 10, 10, "queries")
    assert told[-1] == ("checking", 300, 300, "records")


# --- schema --------------------------------------------------------------------------------------


@pytest.mark.requirement("R27")
async def test_records_the_schema_refuses_are_counted_and_shown(scene: Scene) -> None:
    order = gate(await filled(scene), scene)
    strict = {**order.recipe.template.schema, "required": ["id", "space"]}
    template = replace(order.recipe.template, schema=strict)

    outcome = await scene.perform(replace(order, recipe=replace(order.recipe, template=template)))

    schema = is_a(Examined, outcome).evidence.schema
    assert (schema.total, schema.valid) == (300, 240)
    assert len(schema.faults) == 5
    assert "space" in schema.faults[0].message


async def test_a_schema_that_is_none_is_refused(scene: Scene) -> None:
    order = gate(await filled(scene), scene)
    template = replace(order.recipe.template, schema={"type": "nonsense"})

    outcome = await scene.perform(replace(order, recipe=replace(order.recipe, template=template)))

    assert "schema cannot be used" in refused(outcome)


async def test_other_records_than_were_uploaded_are_noticed(scene: Scene) -> None:
    dataset = await filled(scene)
    order = gate(dataset, scene)

    outcome = await scene.perform(replace(order, recipe=replace(order.recipe, seed=1)))

    digest = is_a(Examined, outcome).evidence.schema.content_digest
    assert digest != content_of(dataset).content_digest


# --- completeness --------------------------------------------------------------------------------


async def test_a_document_too_many_is_noticed(scene: Scene) -> None:
    dataset = await filled(scene)
    await scene.glean.index_one(
        connector_of(dataset), f"{connector_of(dataset).url_prefix}stranger"
    )

    outcome = await seen(scene, dataset)

    assert outcome.evidence.completeness.indexed == 301
    assert CheckType.COMPLETENESS in judged(dataset, outcome).failed_checks


async def test_only_the_fields_of_uploaded_records_are_counted(scene: Scene) -> None:
    dataset = acme()
    await scene.advance(dataset)
    dataset.connector = replace(connector_of(dataset), filters=Filters(max_documents=150))
    await scene.advance(dataset)

    completeness = (await seen(scene, dataset)).evidence.completeness

    assert completeness.indexed == 150
    assert completeness.fields == 150 * len(dataset_fields(dataset))
    assert completeness.missing == (("space", 30),)


def dataset_fields(dataset: Dataset) -> tuple[str, ...]:
    assert dataset.template is not None
    return dataset.template.counted_fields


# --- connector health ----------------------------------------------------------------------------


@pytest.mark.requirement("R29")
async def test_one_probe_of_three_that_fails_is_seen(scene: Scene) -> None:
    dataset = await filled(scene)
    scene.glean.faults.fail_next(STATUS, times=1)

    outcome = await seen(scene, dataset)

    score = judged(dataset, outcome)
    assert [each.connected for each in outcome.evidence.probes].count(True) == 2
    assert score.failed_checks == (CheckType.CONNECTOR_HEALTH,)


async def test_glean_down_entirely_is_an_outage_and_no_evidence(scene: Scene) -> None:
    dataset = await filled(scene)
    scene.down()

    message = unavailable(await scene.answer(dataset))

    assert "ACME-sandbox-confluence answered none of 3 probes" in message


@pytest.mark.parametrize("healthy", [True, False])
async def test_a_single_knock_is_evidence_whatever_it_finds(scene: Scene, healthy: bool) -> None:
    dataset = await filled(scene)
    await scene.advance(dataset)
    scene.pass_time(minutes=1)
    if not healthy:
        scene.down()

    outcome = is_a(Probed, await scene.answer(dataset))

    assert outcome.probe.connected is healthy


async def test_the_knocks_of_the_watch_share_one_search(scene: Scene) -> None:
    dataset = await filled(scene)
    await scene.advance(dataset)
    scene.pass_time(minutes=1)
    order = order_of(dataset, scene)
    scene.glean.requests.clear()

    for _ in range(3):
        await scene.perform(order)

    assert isinstance(order, ProbeConnector)
    assert [each.endswith(SEARCH) for each in scene.glean.paths()].count(True) == 1


async def test_a_knock_in_an_incident_tries_the_search_as_the_gate_does(scene: Scene) -> None:
    dataset = await filled(scene)
    await scene.advance(dataset)
    dataset.health = dataset.health.opened(DATASET_ID, scene.clock())
    scene.pass_time(minutes=1)
    scene.down(SEARCH, status=401)

    outcome = is_a(Probed, await scene.answer(dataset))

    assert not outcome.probe.authenticated


# --- sample queries ------------------------------------------------------------------------------


async def test_a_deleted_document_breaks_its_query(scene: Scene) -> None:
    dataset = await filled(scene)
    victim = content_of(dataset).queries[3]
    await scene.delete(dataset, victim.expected_id)

    outcome = await seen(scene, dataset)

    (broken,) = [each for each in outcome.evidence.queries if not each.passed]
    assert (broken.expected_id, broken.answered) == (victim.expected_id, True)
    assert "not among the first 10" in broken.message
    assert outcome.evidence.completeness.indexed == 299
    assert judged(dataset, outcome).failed_checks == (CheckType.SAMPLE_QUERIES,)


async def test_a_query_that_is_not_answered_has_failed(scene: Scene) -> None:
    dataset = await filled(scene)
    scene.glean.faults.fail_next(SEARCH, status=400, after=5)

    outcome = await seen(scene, dataset)

    (broken,) = [each for each in outcome.evidence.queries if not each.passed]
    assert not broken.answered
    assert "400" in broken.message


async def test_no_more_queries_are_run_than_the_policy_says(scene: Scene) -> None:
    order = gate(await filled(scene), scene)
    scene.glean.requests.clear()

    outcome = await scene.perform(replace(order, queries=order.queries * 2))

    assert len(is_a(Examined, outcome).evidence.queries) == 10


# --- failures ------------------------------------------------------------------------------------


async def test_a_supplier_that_is_down_is_an_outage(scene: Scene) -> None:
    dataset = await filled(scene)
    scene.meet(always(Said(503)))

    assert "mock-data supplier" in unavailable(await scene.answer(dataset))


async def test_a_supplier_that_lies_is_refused(scene: Scene) -> None:
    dataset = await filled(scene)
    scene.meet(always(said([{"id": "one", "title": "A title"}])))

    assert "1 records" in refused(await scene.answer(dataset))


@pytest.mark.requirement("R15")
async def test_an_order_whose_deadline_has_passed_calls_nobody(scene: Scene) -> None:
    order = gate(await filled(scene), scene)
    scene.glean.requests.clear()
    scene.pass_time(minutes=10, seconds=1)

    assert "ran out of time" in unavailable(await scene.perform(order))
    assert scene.glean.requests == []


async def test_another_agents_order_is_refused(scene: Scene) -> None:
    outcome = await scene.perform(order_of(acme(), scene), AgentName.VALIDATION)

    assert "was sent to data-validation" in refused(outcome)
