"""Calling off: what a request made ends with it, what stood before it stays."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from a2a.types import Message, Role, Task, TaskState
from a2a.utils.errors import TaskNotCancelableError

from domain.commands import Principal, RequestKey
from domain.work import AgentName
from gateways.local.glean.faults import FaultKind
from protocol import calls, executor
from protocol.auth import ANONYMOUS
from protocol.calls import request_key
from protocol.codec import data_part
from protocol.executor import NEVER_BEGUN, SkillExecutor
from protocol.telling import Telling
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


async def test_whoever_sent_a_request_hears_that_it_was_called_off(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        service.glean_faults.fail_next("/bulkindexdocuments", kind=FaultKind.SLOW, delay_seconds=60)
        sending = asyncio.create_task(service.call(COORDINATOR, SMALL, "m-1"))
        task_id = await _task_of(service, "m-1")

        await service.line.cancel(COORDINATOR, task_id)

        assert (await sending).state == "CANCELED"


async def test_whoever_waits_for_an_answer_is_told_that_it_was_called_off(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        service.glean_faults.fail_next("/bulkindexdocuments", kind=FaultKind.SLOW, delay_seconds=60)
        message = {"messageId": "m-1", "role": "ROLE_USER", "parts": [{"data": SMALL}]}
        body = {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": message}}
        sending = asyncio.create_task(service.line.rpc(COORDINATOR, body))
        task_id = await _task_of(service, "m-1")

        await service.line.cancel(COORDINATOR, task_id)

        answered = (await sending)["result"]["task"]
        assert answered["status"]["state"] == "TASK_STATE_CANCELED"


async def _task_of(service: RunningService, message_id: str) -> str:
    """Wait until a message is a request, and give its task."""
    key = RequestKey(COORDINATOR, message_id, digest_of_small())
    while True:
        wait = service.service.bell.handle()
        request = await service.service.registry.request(ANONYMOUS, key)
        if request is not None:
            await service.settled(JIRA, "provisioning")
            return request.task_id
        await wait(0.5)


async def _accepted(service: RunningService, task_id: str) -> None:
    """Wait until a task stands on a request."""
    wait = service.service.bell.handle()
    while await service.service.registry.request_of_task("default", task_id) is None:
        await wait(0.5)
        wait = service.service.bell.handle()


def digest_of_small() -> str:
    message = Message(message_id="m-1", role=Role.ROLE_USER, parts=[data_part(SMALL)])
    return request_key(AgentName.COORDINATOR, message).digest


async def test_a_correction_that_is_called_off_while_it_is_taken_in_ends_called_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path) as service:
        front, reached, go_on = service.service.desks.front, asyncio.Event(), asyncio.Event()
        perform = type(front).perform

        async def held(self: Any, *given: Any) -> Any:
            reached.set()
            await go_on.wait()
            return await perform(self, *given)

        monkeypatch.setattr(type(front), "perform", held)
        asked = await service.call(COORDINATOR, {**SMALL, "stage": "moon"})
        mending = asyncio.create_task(
            service.line.say(COORDINATOR, [data_part(SMALL)], task_id=asked.task_id)
        )
        await reached.wait()
        cancelling = asyncio.create_task(service.line.cancel(COORDINATOR, asked.task_id))
        go_on.set()

        cancelled = await cancelling

        assert cancelled.status.state == CANCELED
        assert (await mending).state == "CANCELED"
        assert (await service.settled(JIRA, "archived"))["teardown_reason"] == "manual_request"


async def test_a_correction_that_comes_in_while_its_task_is_called_off_is_called_off_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path) as service:
        service.glean_faults.fail_next("/bulkindexdocuments", kind=FaultKind.SLOW, delay_seconds=60)
        asked = await service.call(COORDINATOR, {**SMALL, "stage": "moon"})
        call_off, mending = SkillExecutor.call_off, asyncio.Event()

        async def overtaken(self: SkillExecutor, task_id: str, principal: Principal) -> bool:
            """Call off a task that is not at work; then its correction comes in."""
            is_called_off = await call_off(self, task_id, principal)
            if not mending.is_set():
                mending.set()
                await _accepted(service, task_id)
            return is_called_off

        monkeypatch.setattr(SkillExecutor, "call_off", overtaken)
        cancelling = asyncio.create_task(service.line.cancel(COORDINATOR, asked.task_id))
        await mending.wait()

        heard = await service.line.say(COORDINATOR, [data_part(SMALL)], task_id=asked.task_id)

        assert heard.state == "CANCELED"
        assert (await cancelling).status.state == CANCELED


async def test_a_correction_called_off_before_it_is_taken_in_begins_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path) as service:
        reached, go_on = asyncio.Event(), asyncio.Event()

        async def held(given: Any, principal: Principal, enquiries: Any) -> Any:
            reached.set()
            await go_on.wait()
            return await calls.looked_up(given, principal, enquiries)

        asked = await service.call(COORDINATOR, {**SMALL, "stage": "moon"})
        monkeypatch.setattr(executor, "looked_up", held)  # the last step before
        mending = asyncio.create_task(
            service.line.say(COORDINATOR, [data_part(SMALL)], task_id=asked.task_id)
        )
        await reached.wait()
        taking_in = service.service.server.handlers[AgentName.COORDINATOR]._executor  # noqa: SLF001 - its gate alone tells
        await taking_in.call_off(asked.task_id, ANONYMOUS)
        go_on.set()

        heard = await mending

        assert (heard.state, heard.sentence) == ("CANCELED", NEVER_BEGUN)
        monkeypatch.undo()
        listed = await service.call(COORDINATOR, {"skill": "list-datasets"})
        assert listed.data["datasets"] == []


async def test_a_task_whose_end_is_being_kept_cannot_be_called_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path) as service:
        finish, reached, go_on = Telling.finish, asyncio.Event(), asyncio.Event()

        async def held(self: Telling, *given: Any) -> None:
            reached.set()
            await go_on.wait()
            await finish(self, *given)

        monkeypatch.setattr(Telling, "finish", held)
        sending = asyncio.create_task(service.call(COORDINATOR, SMALL, "m-1"))
        await reached.wait()
        (request,) = await service.service.registry.unsettled_requests(2)

        with pytest.raises(TaskNotCancelableError, match="has ended"):
            await service.line.cancel(COORDINATOR, request.task_id)

        go_on.set()
        assert (await sending).state == "COMPLETED"
        monkeypatch.undo()
        assert await service.status_of(JIRA) == "ready"


async def test_a_request_called_off_by_another_process_ends_called_off_for_its_sender(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as one, running(tmp_path) as two:
        one.glean_faults.fail_next("/bulkindexdocuments", kind=FaultKind.SLOW, delay_seconds=60)
        two.glean_faults.fail_next("/bulkindexdocuments", kind=FaultKind.SLOW, delay_seconds=60)
        sending = asyncio.create_task(one.call(COORDINATOR, SMALL, "m-1"))
        task_id = await _task_of(one, "m-1")

        cancelled = await two.line.cancel(COORDINATOR, task_id)

        assert cancelled.status.state == CANCELED
        assert _told(cancelled).startswith("Called off. ")
        assert (await sending).state == "CANCELED"


async def test_the_same_message_at_two_processes_at_once_is_one_task(tmp_path: Path) -> None:
    async with running(tmp_path) as one, running(tmp_path) as two:
        heard = await asyncio.gather(
            one.call(COORDINATOR, SMALL, "m-1"), two.call(COORDINATOR, SMALL, "m-1")
        )

        states = sorted(each.state for each in heard)
        assert states in (["COMPLETED", "COMPLETED"], ["COMPLETED", "REJECTED"])
        if heard[0].task_id != heard[1].task_id:
            first, copy = sorted(heard, key=lambda each: each.state)
            assert f"is task {first.task_id} already" in copy.sentence


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
