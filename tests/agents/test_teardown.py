"""The teardown agent: each step done, told honestly, and refused where it is not true yet."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from agents.teardown import DataTeardownAgent
from domain.archive import ArchiveLock, ArchiveReceipt
from domain.connector import ConnectorConfiguration
from domain.dataset import Dataset
from domain.errors import NotFound
from domain.lifecycle import DatasetStatus, TeardownReason, TeardownStep
from domain.search_ports import Connectors, Found
from domain.work import (
    AgentName,
    ArchiveLocked,
    ArchivePurged,
    ConnectorRestored,
    Outcome,
    StepTaken,
    TakeStep,
)
from tests.agents.scene import (
    DOSSIER,
    Scene,
    acme,
    connector_of,
    content_of,
    is_a,
    order_of,
    refused,
    tear_down,
    unavailable,
)
from tests.domain.driving import (
    commit,
)

TAKEN: list[TeardownStep] = [each for each in TeardownStep if each != "grace"]
"""The steps an agent takes; grace is only waited for."""


async def made(scene: Scene) -> Dataset:
    """ACME's dataset, READY."""
    dataset = acme()
    await scene.advance(dataset, 3)
    return dataset


async def step(scene: Scene, dataset: Dataset, wanted: TeardownStep) -> TakeStep:
    """The order to take a step, all before it being done."""
    await tear_down(scene, dataset, TAKEN.index(wanted))
    order = order_of(dataset, scene)
    assert isinstance(order, TakeStep)
    assert order.step is wanted
    return order


async def test_pausing_calls_nobody_for_nothing_feeds_a_push_connector(scene: Scene) -> None:
    order = await step(scene, await made(scene), TeardownStep.PAUSE_SYNC)
    scene.glean.requests.clear()

    outcome = is_a(StepTaken, await scene.perform(order))

    assert "paused by dataops" in outcome.detail
    assert scene.glean.requests == []


# --- the archive ---------------------------------------------------------------------------------


@pytest.mark.requirement("R21", "R83")
async def test_the_dossier_is_archived_and_read_back(scene: Scene) -> None:
    order = await step(scene, await made(scene), TeardownStep.ARCHIVE_METADATA)

    outcome = is_a(StepTaken, await scene.perform(order))

    assert outcome.receipt is not None
    kept = await scene.archive.read(outcome.receipt.location)
    assert json.loads(kept) == DOSSIER.document()
    assert outcome.receipt.sha256 == hashlib.sha256(kept).hexdigest()
    assert outcome.receipt.locked_until == order.locked_until


async def test_archiving_twice_is_as_archiving_once(scene: Scene) -> None:
    order = await step(scene, await made(scene), TeardownStep.ARCHIVE_METADATA)
    first = await scene.perform(order)

    second = await scene.perform(order)

    assert second == first


@pytest.mark.requirement("R83")
async def test_an_archive_that_reads_back_other_bytes_is_refused(scene: Scene) -> None:
    order = await step(scene, await made(scene), TeardownStep.ARCHIVE_METADATA)
    await scene.perform(order)
    (file,) = [each for each in scene.folder.rglob("*.json") if each.is_file()]
    file.chmod(0o600)
    file.write_bytes(file.read_bytes().replace(b"sandbox", b"sandbow"))

    assert "is damaged" in refused(await scene.perform(order))


class Forgetful:
    """An archive that takes everything and gives something else back."""

    async def put(self, key: str, content: bytes, locked_until: datetime, /) -> ArchiveReceipt:
        return ArchiveReceipt(key, hashlib.sha256(content).hexdigest(), len(content), locked_until)

    async def read(self, _location: str, /) -> bytes:
        return b"something else"

    async def lock_of(self, _location: str, /) -> ArchiveLock:
        return ArchiveLock(datetime.now(UTC))

    async def lock(self, _location: str, _wanted: ArchiveLock, /) -> ArchiveLock:
        return ArchiveLock(datetime.now(UTC))

    async def purge(self, _location: str, _now: datetime, /) -> None:
        return None


async def test_an_archive_that_keeps_something_else_is_refused(scene: Scene) -> None:
    order = await step(scene, await made(scene), TeardownStep.ARCHIVE_METADATA)
    agent = DataTeardownAgent(scene.connectors, Forgetful(), scene.clock)

    outcome = await agent.perform(order, scene.note)

    assert "reads back other bytes than were written" in refused(outcome)


@pytest.mark.parametrize("missing", ["dossier", "locked_until"])
async def test_an_order_to_archive_nothing_is_refused(scene: Scene, missing: str) -> None:
    order = await step(scene, await made(scene), TeardownStep.ARCHIVE_METADATA)
    bare = replace(order, **{missing: None})  # type: ignore[arg-type]  # a field by its name

    assert f"came without its {missing}" in refused(await scene.perform(bare))


# --- out of sight --------------------------------------------------------------------------------


@pytest.mark.requirement("R20")
async def test_disconnecting_takes_every_document_out_of_sight(scene: Scene) -> None:
    dataset = await made(scene)
    order = await step(scene, dataset, TeardownStep.DISCONNECT)

    outcome = is_a(StepTaken, await scene.perform(order))

    query = content_of(dataset).queries[0]
    found = await scene.connectors.search(connector_of(dataset), query.query)
    assert found.record_ids == ()
    assert outcome.detail


async def test_restoring_brings_them_back(scene: Scene) -> None:
    dataset = await made(scene)
    dataset.start_teardown(TeardownReason.MANUAL_REQUEST, scene.clock())
    commit(dataset)
    await scene.advance(dataset, 3)
    dataset.restore(scene.clock())
    commit(dataset)

    outcome = is_a(ConnectorRestored, await scene.answer(dataset))

    query = content_of(dataset).queries[0]
    found = await scene.connectors.search(connector_of(dataset), query.query)
    assert found.record_ids[0] == query.expected_id
    assert outcome.detail


async def test_a_restored_dataset_passes_its_gate_again(scene: Scene) -> None:
    dataset = await made(scene)
    dataset.start_teardown(TeardownReason.MANUAL_REQUEST, scene.clock())
    commit(dataset)
    await scene.advance(dataset, 3)
    dataset.restore(scene.clock())
    commit(dataset)

    await scene.advance(dataset, 2)

    assert dataset.status is DatasetStatus.READY


# --- emptied and verified ------------------------------------------------------------------------


@pytest.mark.requirement("R20", "R84")
async def test_emptying_deletes_every_document(scene: Scene) -> None:
    dataset = await made(scene)
    order = await step(scene, dataset, TeardownStep.EMPTY_CONNECTOR)

    outcome = is_a(StepTaken, await scene.perform(order))

    assert await scene.connectors.remaining(connector_of(dataset)) == 0
    assert "Its definition remains" in outcome.detail


@pytest.mark.requirement("R84", "R87")
async def test_an_emptied_connector_is_verified(scene: Scene) -> None:
    order = await step(scene, await made(scene), TeardownStep.VERIFY_EMPTIED)

    outcome = is_a(StepTaken, await scene.perform(order))

    assert outcome.detail == "0 documents left; 10 sample queries find none"


@pytest.mark.requirement("R87")
async def test_nothing_is_verified_while_documents_are_left(scene: Scene) -> None:
    dataset = await made(scene)
    order = await step(scene, dataset, TeardownStep.EMPTY_CONNECTOR)

    outcome = await scene.perform(replace(order, step=TeardownStep.VERIFY_EMPTIED))

    assert "ACME-sandbox-confluence still holds 300 documents" in unavailable(outcome)


async def test_what_is_left_at_the_first_look_is_given_time(scene: Scene) -> None:
    dataset = await made(scene)
    order = await step(scene, dataset, TeardownStep.EMPTY_CONNECTOR)

    await scene.perform(replace(order, step=TeardownStep.VERIFY_EMPTIED))

    assert await scene.connectors.remaining(connector_of(dataset)) == 300


async def test_what_is_left_at_the_second_look_is_emptied_anew(scene: Scene) -> None:
    dataset = await made(scene)
    order = await step(scene, dataset, TeardownStep.EMPTY_CONNECTOR)
    again = replace(
        order,
        step=TeardownStep.VERIFY_EMPTIED,
        key=replace(order.key, attempt=order.key.attempt + 1),
    )

    outcome = await scene.perform(again)

    assert "still holds 300 documents" in unavailable(outcome)
    assert await scene.connectors.remaining(connector_of(dataset)) == 0


@pytest.mark.requirement("R87")
async def test_nothing_is_verified_while_a_query_is_still_answered(scene: Scene) -> None:
    dataset = await made(scene)
    order = await step(scene, dataset, TeardownStep.EMPTY_CONNECTOR)
    await scene.connectors.unhide(connector_of(dataset))
    await scene.glean.declare(connector_of(dataset))

    outcome = await scene.perform(replace(order, step=TeardownStep.VERIFY_EMPTIED))

    assert "ACME-sandbox-confluence still answers" in unavailable(outcome)


class Lagging:
    """Connectors of which one replica still finds a document that is counted no more."""

    def __init__(self, counted: int) -> None:
        self._counted = counted

    async def remaining(self, _: ConnectorConfiguration, /) -> int:
        return 0

    async def indexed(self, _: ConnectorConfiguration, /) -> int:
        return self._counted

    async def search(self, _: ConnectorConfiguration, _query: str, /) -> Found:
        return Found(("another-page",), 1.0)


async def verified(scene: Scene, counted: int) -> Outcome:
    """What becomes of the last step where a query finds another document than it should."""
    order = await step(scene, await made(scene), TeardownStep.VERIFY_EMPTIED)
    agent = DataTeardownAgent(cast("Connectors", Lagging(counted)), scene.archive, scene.clock)
    return await agent.perform(order, scene.note)


async def test_nothing_is_verified_while_a_query_finds_any_document(scene: Scene) -> None:
    outcome = await verified(scene, counted=0)

    assert "ACME-sandbox-confluence still answers" in unavailable(outcome)


async def test_a_strangers_documents_under_the_same_name_hinder_nobody(scene: Scene) -> None:
    outcome = await verified(scene, counted=3)

    assert is_a(StepTaken, outcome).step is TeardownStep.VERIFY_EMPTIED


@pytest.mark.requirement("R77")
async def test_a_whole_teardown_ends_archived(scene: Scene) -> None:
    dataset = await made(scene)

    await tear_down(scene, dataset, 5)

    assert dataset.status is DatasetStatus.ARCHIVED
    assert dataset.archive is not None


async def test_a_successors_documents_are_left_alone(scene: Scene) -> None:
    dataset = await made(scene)
    order = await step(scene, dataset, TeardownStep.EMPTY_CONNECTOR)
    foreign = replace(connector_of(dataset), home_url="https://dataops.example/datasets/another")

    await scene.perform(replace(order, connector=foreign))

    assert await scene.connectors.indexed(connector_of(dataset)) == 300


@pytest.mark.parametrize(
    "wanted",
    [TeardownStep.DISCONNECT, TeardownStep.EMPTY_CONNECTOR, TeardownStep.VERIFY_EMPTIED],
)
async def test_a_dataset_without_a_connector_has_nothing_to_undo(
    scene: Scene, wanted: TeardownStep
) -> None:
    dataset = acme()
    dataset.start_teardown(TeardownReason.MANUAL_REQUEST, scene.clock())
    order = order_of(dataset, scene)
    assert isinstance(order, TakeStep)

    outcome = await scene.perform(replace(order, step=wanted))

    assert "there never was a connector" in is_a(StepTaken, outcome).detail
    assert scene.glean.requests == []


@pytest.mark.parametrize(
    "wanted",
    [TeardownStep.DISCONNECT, TeardownStep.EMPTY_CONNECTOR, TeardownStep.VERIFY_EMPTIED],
)
async def test_a_connector_that_was_never_created_is_a_success(
    scene: Scene, wanted: TeardownStep
) -> None:
    dataset = acme()
    await scene.advance(dataset)
    dataset.start_teardown(TeardownReason.MANUAL_REQUEST, scene.clock())
    order = order_of(dataset, scene)
    assert isinstance(order, TakeStep)

    outcome = await scene.perform(replace(order, step=wanted))

    assert is_a(StepTaken, outcome).step is wanted


# --- purged --------------------------------------------------------------------------------------


async def test_an_archive_is_purged_when_its_time_is_over(scene: Scene) -> None:
    dataset = await made(scene)
    await tear_down(scene, dataset, 5)
    scene.pass_time(days=92)

    outcome = await scene.answer(dataset)

    assert isinstance(outcome, ArchivePurged)
    with pytest.raises(NotFound):
        await scene.archive.read(receipt_of(dataset).location)


async def test_an_archive_is_not_purged_before_its_time(scene: Scene) -> None:
    dataset = await made(scene)
    await tear_down(scene, dataset, 5)
    scene.pass_time(days=92)
    order = order_of(dataset, scene)
    scene.pass_time(days=-10)

    outcome = await scene.perform(replace(order, deadline=scene.clock() + timedelta(minutes=1)))

    assert "is locked until" in refused(outcome)


async def test_an_archive_is_locked_for_longer_and_held(scene: Scene) -> None:
    dataset = await made(scene)
    await tear_down(scene, dataset, 5)
    until = scene.clock() + timedelta(days=400)
    dataset.extend_retention(until, scene.clock())
    dataset.hold_archive("case 7", "counsel", scene.clock())
    commit(dataset)

    outcome = await scene.answer(dataset)

    wanted = ArchiveLock(until, is_held=True)
    assert is_a(ArchiveLocked, outcome).lock == wanted
    assert await scene.archive.lock_of(receipt_of(dataset).location) == wanted


async def test_an_archive_that_is_gone_cannot_be_locked(scene: Scene) -> None:
    dataset = await made(scene)
    await tear_down(scene, dataset, 5)
    dataset.hold_archive("case 7", "counsel", scene.clock())
    commit(dataset)
    (file,) = [each for each in scene.folder.rglob("*.json") if each.is_file()]
    file.unlink()

    assert "There is no archive" in refused(await scene.answer(dataset))


def receipt_of(dataset: Dataset) -> ArchiveReceipt:
    assert dataset.archive is not None
    return dataset.archive


# --- failures ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wanted",
    [TeardownStep.DISCONNECT, TeardownStep.EMPTY_CONNECTOR, TeardownStep.VERIFY_EMPTIED],
)
async def test_glean_down_entirely_is_an_outage(scene: Scene, wanted: TeardownStep) -> None:
    order = await step(scene, await made(scene), wanted)
    scene.down()

    assert "Glean" in unavailable(await scene.perform(order))


async def test_an_order_whose_deadline_has_passed_empties_nothing(scene: Scene) -> None:
    dataset = await made(scene)
    order = await step(scene, dataset, TeardownStep.EMPTY_CONNECTOR)
    scene.pass_time(minutes=30)

    outcome = await scene.perform(order)

    assert "ran out of time" in unavailable(outcome)
    assert await scene.connectors.indexed(connector_of(dataset)) == 300


async def test_grace_is_no_step_anybody_takes(scene: Scene) -> None:
    order = await step(scene, await made(scene), TeardownStep.PAUSE_SYNC)

    outcome = await scene.perform(replace(order, step=TeardownStep.GRACE))

    assert "was sent to data-teardown, which does not carry it out" in refused(outcome)


async def test_another_agents_order_is_refused(scene: Scene) -> None:
    outcome = await scene.perform(order_of(acme(), scene), AgentName.TEARDOWN)

    assert "was sent to data-teardown" in refused(outcome)
