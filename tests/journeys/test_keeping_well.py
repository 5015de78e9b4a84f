"""READY and after: revalidation, the connector's health, restoring, and asking anew in time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.lifecycle import DatasetStatus
from tests.journeys.scenes import (
    COORDINATOR,
    ONE,
    TEARDOWN,
    VALIDATION,
    dataset_of,
    documents_in,
    events_of,
    glean_faults,
    is_probed,
    names_of,
    probe_once,
    teardown,
    until,
    until_status,
)
from tests.running import GITHUB, RunningService

STATUS = "/status"
"""How the path ends on which a connector is probed."""


@pytest.fixture
async def ready(office: RunningService) -> RunningService:
    await office.call(COORDINATOR, ONE)
    return office


@pytest.fixture
async def ill(ready: RunningService) -> RunningService:
    glean_faults(ready).fail_next(STATUS, times=1000)
    for _ in range(3):
        await probe_once(ready, GITHUB)
    return ready


async def test_revalidation_runs_the_gate_again_and_ends_ready(ready: RunningService) -> None:
    heard = await ready.call(VALIDATION, {"skill": "validate-dataset", "dataset_id": GITHUB})

    assert heard.state == "COMPLETED"
    assert heard.dataset["status"] == "ready"
    assert (await names_of(ready, GITHUB))[-2:] == ["DatasetValidationStarted", "DatasetReady"]


async def test_provisioning_is_completed_only_once_however_often_the_gate_passes(
    ready: RunningService,
) -> None:
    await ready.call(VALIDATION, {"skill": "validate-dataset", "dataset_id": GITHUB})

    assert (await names_of(ready, GITHUB)).count("DatasetProvisionCompleted") == 1


async def test_two_failed_probes_leave_a_dataset_ready(ready: RunningService) -> None:
    glean_faults(ready).fail_next(STATUS, times=2)

    await probe_once(ready, GITHUB)
    dataset = await probe_once(ready, GITHUB)

    assert dataset.health.failures == 2
    assert dataset.status is DatasetStatus.READY


@pytest.mark.requirement("R17", "R18", "R74")
async def test_three_failed_probes_demote_ready_to_validating(ill: RunningService) -> None:
    dataset = await dataset_of(ill, GITHUB)

    told = await events_of(ill, GITHUB)

    assert dataset.status is DatasetStatus.VALIDATING
    assert told[-1].name == "ConnectorHealthDegraded"
    assert told[-1].fields["incident_id"] == str(dataset.health.incident_id)


async def test_one_good_probe_is_not_yet_a_recovery(ill: RunningService) -> None:
    glean_faults(ill).clear()

    dataset = await probe_once(ill, GITHUB)

    assert dataset.health.successes == 1
    assert dataset.status is DatasetStatus.VALIDATING


async def test_two_good_probes_run_the_gate_again(ill: RunningService) -> None:
    glean_faults(ill).clear()

    await probe_once(ill, GITHUB)
    await probe_once(ill, GITHUB)
    dataset = await until_status(ill, GITHUB, DatasetStatus.READY)

    assert dataset.health.incident_id is None
    assert (await names_of(ill, GITHUB))[-2:] == ["ConnectorHealthDegraded", "DatasetReady"]


@pytest.mark.requirement("R74")
async def test_one_incident_has_one_id_until_the_gate_passes(ill: RunningService) -> None:
    began = (await dataset_of(ill, GITHUB)).health.incident_id
    seen = {(await probe_once(ill, GITHUB)).health.incident_id for _ in range(2)}
    glean_faults(ill).clear()

    await probe_once(ill, GITHUB)
    await probe_once(ill, GITHUB)
    await until_status(ill, GITHUB, DatasetStatus.READY)

    assert seen == {began}
    assert (await names_of(ill, GITHUB)).count("ConnectorHealthDegraded") == 1


async def test_a_connector_that_stays_ill_fails_its_dataset_and_is_still_probed(
    ill: RunningService,
) -> None:
    ill.clock.advance(timedelta(minutes=11))
    failed = await until_status(ill, GITHUB, DatasetStatus.FAILED)
    glean_faults(ill).clear()

    for _ in range(3):
        await probe_once(ill, GITHUB)
    mended = await until_status(ill, GITHUB, DatasetStatus.READY)

    assert failed.trouble is not None
    assert "stayed ill" in failed.trouble.message
    assert mended.health.incident_id is None


async def test_a_teardown_is_undone_inside_its_grace_period(ready: RunningService) -> None:
    await teardown(ready, GITHUB)

    heard = await ready.call(TEARDOWN, {"skill": "restore-dataset", "dataset_id": GITHUB})

    dataset = await dataset_of(ready, GITHUB)
    assert heard.state == "COMPLETED"
    assert dataset.status is DatasetStatus.READY
    assert not dataset.is_hidden
    assert "DatasetRestored" in await names_of(ready, GITHUB)


async def test_a_restored_dataset_is_not_emptied_when_the_grace_period_would_have_ended(
    ready: RunningService,
) -> None:
    await teardown(ready, GITHUB)
    restored = await ready.call(TEARDOWN, {"skill": "restore-dataset", "dataset_id": GITHUB})

    ready.clock.advance(timedelta(hours=25))
    dataset = await until(ready, GITHUB, lambda each: is_probed(each, ready))

    assert dataset.status is DatasetStatus.READY
    assert await documents_in(ready, restored.dataset["datasource"]) == 100


async def test_after_the_grace_period_nothing_can_be_restored(ready: RunningService) -> None:
    await teardown(ready, GITHUB)
    ready.clock.advance(timedelta(hours=24, seconds=1))
    await until_status(ready, GITHUB, DatasetStatus.ARCHIVED)

    heard = await ready.call(TEARDOWN, {"skill": "restore-dataset", "dataset_id": GITHUB})

    assert heard.state == "REJECTED"


@pytest.mark.requirement("R67")
async def test_a_new_dataset_in_the_grace_period_outlives_its_predecessor(
    ready: RunningService,
) -> None:
    old = await dataset_of(ready, GITHUB)
    await teardown(ready, GITHUB)
    new = (await ready.call(COORDINATOR, ONE)).dataset

    ready.clock.advance(timedelta(hours=24, seconds=1))
    archived = await until_status(ready, str(old.place.dataset_id), DatasetStatus.ARCHIVED)

    assert archived.connector is not None
    assert new["generation"] == 2
    assert new["datasource"] != archived.connector.datasource
    assert (await dataset_of(ready, new["dataset_id"])).status is DatasetStatus.READY
    assert await documents_in(ready, new["datasource"]) == 100
    assert await documents_in(ready, archived.connector.datasource) == 0


async def test_the_end_of_the_successor_leaves_the_predecessor_its_grace_period(
    ready: RunningService,
) -> None:
    old = await dataset_of(ready, GITHUB)
    await teardown(ready, GITHUB)
    new = (await ready.call(COORDINATOR, ONE)).dataset

    await teardown(ready, new["dataset_id"], force=True)

    predecessor = await dataset_of(ready, str(old.place.dataset_id))
    assert (await dataset_of(ready, new["dataset_id"])).status is DatasetStatus.ARCHIVED
    assert predecessor.status is DatasetStatus.TEARDOWN
    assert predecessor.connector is not None
    assert await documents_in(ready, predecessor.connector.datasource) == 100


async def test_a_predecessor_cannot_be_restored_beside_its_successor(
    ready: RunningService,
) -> None:
    old = await dataset_of(ready, GITHUB)
    await teardown(ready, GITHUB)
    new = (await ready.call(COORDINATOR, ONE)).dataset

    heard = await ready.call(
        TEARDOWN, {"skill": "restore-dataset", "dataset_id": str(old.place.dataset_id)}
    )

    assert heard.state == "REJECTED"
    assert new["dataset_id"] in str(heard.sentences) + str(heard.data)
