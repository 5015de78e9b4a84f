"""Calling off: what a request made ends with it, what stood before it stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from a2a.types import Task, TaskState

from gateways.local.glean.faults import FaultKind
from tests.running import JIRA, SMALL, RunningService, running

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

COORDINATOR = "lifecycle-coordinator"
CANCELED = TaskState.TASK_STATE_CANCELED


async def _begun(
    service: RunningService, agent: str, given: Mapping[str, object], path: str
) -> Task:
    """Begin a request that a slow Glean keeps from its end."""
    service.glean_faults.fail_next(path, kind=FaultKind.SLOW, delay_seconds=2, times=50)
    return await service.line.begin(agent, given)


def _told(task: Task) -> str:
    return next(part.text for part in task.status.message.parts if part.text)


async def test_calling_a_validation_off_leaves_its_ready_dataset_alone(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await service.call(COORDINATOR, SMALL)
        given = {"skill": "validate-dataset", "dataset_id": JIRA}
        task = await _begun(service, "data-validation", given, "/search")

        cancelled = await service.line.cancel("data-validation", task.id)

        assert cancelled.status.state == CANCELED
        assert (
            _told(cancelled) == f"Called off. {JIRA} is validating with a quality score of 99.5 %."
        )
        service.glean_faults.clear()
        assert (await service.settled(JIRA, "ready"))["ready_at"] is not None


async def test_calling_a_restore_off_leaves_its_dataset_alone(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await service.call(COORDINATOR, SMALL)
        await service.call("data-teardown", {"skill": "teardown-dataset", "dataset_id": JIRA})
        given = {"skill": "restore-dataset", "dataset_id": JIRA}
        task = await _begun(service, "data-teardown", given, "/search")

        cancelled = await service.line.cancel("data-teardown", task.id)

        assert cancelled.status.state == CANCELED
        service.glean_faults.clear()
        assert await service.settled(JIRA, "ready")


async def test_calling_a_teardown_off_says_that_it_goes_on(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await service.call(COORDINATOR, SMALL)
        given = {"skill": "teardown-dataset", "dataset_id": JIRA, "force": True}
        task = await _begun(service, "data-teardown", given, "/visibilityoverrides")

        cancelled = await service.line.cancel("data-teardown", task.id)

        assert cancelled.status.state == CANCELED
        assert _told(cancelled).startswith(f"Called off. {JIRA} is being torn down (")
        service.glean_faults.clear()
        assert await service.settled(JIRA, "archived")


async def test_a_request_called_off_just_before_a_stop_is_carried_on_as_cancelled(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as service:
        task = await _begun(service, COORDINATOR, SMALL, "/bulkindexdocuments")
        await service.settled(JIRA, "provisioning")
        request = await service.service.registry.request_of_task("default", task.id)
        assert request is not None
        await service.service.desks.front.cancel(request)

    async with running(tmp_path) as service:
        heard = await service.call(COORDINATOR, SMALL, request.key.message_id)

        assert heard.task_id == task.id
        assert heard.state == "CANCELED"
        assert heard.dataset["teardown_reason"] == "manual_request"
