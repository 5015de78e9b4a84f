"""Tasks: one message one request, follow-ups, cancelling, and listening in."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from a2a.server.context import ServerCallContext
from a2a.types import Task, TaskState
from a2a.utils.errors import (
    InvalidParamsError,
    TaskNotCancelableError,
    UnsupportedOperationError,
)

from gateways.local.glean.faults import FaultKind
from protocol.addressees import Addressees
from protocol.codec import data_part, text_part
from protocol.server import A2AServer
from tests.running import ACME, CONFLUENCE, JIRA, SMALL, TWO_TYPES, RunningService, running

if TYPE_CHECKING:
    from collections.abc import Mapping

COORDINATOR = "lifecycle-coordinator"
WORKING = TaskState.TASK_STATE_WORKING


def _hold_up(service: RunningService, seconds: float = 60.0) -> None:
    """Let the next upload hang, so that what waits for it stays in flight."""
    service.glean_faults.fail_next(
        "/bulkindexdocuments", kind=FaultKind.SLOW, delay_seconds=seconds
    )


async def _in_flight(service: RunningService, given: Mapping[str, object], message: str) -> Task:
    """Begin a request and wait until its dataset is being filled."""
    _hold_up(service)
    task = await service.line.begin(COORDINATOR, given, message)
    await service.settled(JIRA, "provisioning")
    return task


async def test_wrong_input_is_mended_by_a_follow_up_on_the_same_task(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        asked = await service.call(COORDINATOR, {**SMALL, "stage": "moon"})

        mended = await service.line.say(COORDINATOR, [data_part(SMALL)], task_id=asked.task_id)

        assert (asked.state, mended.state) == ("INPUT_REQUIRED", "COMPLETED")
        task = await service.line.task(COORDINATOR, asked.task_id)
        assert task.status.state == TaskState.TASK_STATE_COMPLETED
        assert mended.dataset["connector_name"] == JIRA


async def test_a_message_sent_twice_is_one_request(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        first = await service.call(COORDINATOR, SMALL, "m-1")

        again = await service.call(COORDINATOR, SMALL, "m-1")

        assert again.task_id == first.task_id
        assert again.data == first.data
        listed = await service.call(COORDINATOR, {"skill": "list-datasets"})
        assert len(listed.data["datasets"]) == 1


async def test_a_message_sent_again_in_flight_follows_its_own_task(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        task = await _in_flight(service, SMALL, "m-1")
        again = asyncio.create_task(service.call(COORDINATOR, SMALL, "m-1"))

        await service.line.cancel(COORDINATOR, task.id)

        assert (await again).task_id == task.id
        assert (await again).state == "CANCELED"


async def test_a_blocking_message_sent_again_in_flight_waits_for_its_own_task(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as service:
        task = await _in_flight(service, SMALL, "m-1")
        message = {"messageId": "m-1", "role": "ROLE_USER", "parts": [{"data": SMALL}]}
        body = {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": message}}
        again = asyncio.create_task(service.line.rpc(COORDINATOR, body))

        await service.line.cancel(COORDINATOR, task.id)

        answered = (await again)["result"]["task"]
        assert answered["id"] == task.id
        assert answered["status"]["state"] == "TASK_STATE_CANCELED"


async def test_a_message_sent_again_for_its_task_alone_gets_it_at_once(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        task = await _in_flight(service, SMALL, "m-1")

        again = await service.line.begin(COORDINATOR, SMALL, "m-1")

        assert again.id == task.id
        assert again.status.state == WORKING


async def test_a_message_sent_again_with_another_body_is_an_error(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await service.call(COORDINATOR, SMALL, "m-1")

        with pytest.raises(InvalidParamsError, match=r"m-1.*another body"):
            await service.call(COORDINATOR, {**SMALL, "record_count": 11}, "m-1")


async def test_a_message_sent_several_times_at_once_is_one_request(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        heard = await asyncio.gather(*(service.call(COORDINATOR, SMALL, "m-1") for _ in range(4)))

        assert {each.state for each in heard} == {"COMPLETED"}
        assert len({each.task_id for each in heard}) == 1


async def test_another_body_sent_at_once_under_the_same_id_is_an_error(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        other = {**SMALL, "record_count": 11}

        first, second = await asyncio.gather(
            service.call(COORDINATOR, SMALL, "m-1"),
            service.call(COORDINATOR, other, "m-1"),
            return_exceptions=True,
        )

        assert not isinstance(first, BaseException)
        assert first.state == "COMPLETED"
        assert isinstance(second, InvalidParamsError)


async def test_the_same_call_as_text_and_as_data_is_one_request(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        first = await service.call(COORDINATOR, SMALL, "m-1")

        again = await service.line.say(
            COORDINATOR, [text_part(json.dumps(SMALL))], message_id="m-1"
        )

        assert again.task_id == first.task_id


async def test_a_follow_up_sent_again_gets_its_task(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        asked = await service.call(COORDINATOR, {**SMALL, "stage": "moon"})
        await service.line.say(
            COORDINATOR, [data_part(SMALL)], message_id="m-2", task_id=asked.task_id
        )

        again = await service.line.say(
            COORDINATOR, [data_part(SMALL)], message_id="m-2", task_id=asked.task_id
        )

        assert (again.task_id, again.state) == (asked.task_id, "COMPLETED")


async def test_a_message_to_a_task_at_work_is_turned_away(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        task = await _in_flight(service, SMALL, "m-1")
        other = [data_part({"skill": "list-datasets"})]

        with pytest.raises(UnsupportedOperationError, match="is at work and takes no message"):
            await service.line.say(COORDINATOR, other, task_id=task.id)

        await service.line.cancel(COORDINATOR, task.id)


async def test_of_two_corrections_at_once_one_is_turned_away(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        asked = await service.call(COORDINATOR, {**SMALL, "stage": "moon"})
        other = {**SMALL, "dataset_types": ["slack"]}

        heard = await asyncio.gather(
            *(
                service.line.say(COORDINATOR, [data_part(each)], task_id=asked.task_id)
                for each in (SMALL, other)
            ),
            return_exceptions=True,
        )

        assert [type(each) for each in heard].count(UnsupportedOperationError) == 1
        listed = await service.call(COORDINATOR, {"skill": "list-datasets"})
        assert len(listed.data["datasets"]) == 1


async def test_a_copy_that_listens_keeps_no_other_copy_waiting(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        task = await _in_flight(service, SMALL, "m-1")
        listening = asyncio.create_task(service.call(COORDINATOR, SMALL, "m-1"))

        again = await service.line.begin(COORDINATOR, SMALL, "m-1")

        assert again.id == task.id
        assert not listening.done()
        await service.line.cancel(COORDINATOR, task.id)
        assert (await listening).state == "CANCELED"


async def test_a_question_is_answered_in_one_event(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        heard = await service.call(COORDINATOR, {"skill": "list-datasets"})

        assert heard.states == ["COMPLETED"]
        assert heard.data["datasets"] == []


async def test_a_question_sent_twice_is_asked_twice(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        first = await service.call(COORDINATOR, {"skill": "list-datasets"}, "m-1")

        again = await service.call(COORDINATOR, {"skill": "list-datasets"}, "m-1")

        assert again.task_id != first.task_id


async def test_cancelling_takes_unfinished_datasets_down_and_leaves_ready_ones(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as service:
        service.glean_faults.fail_next(
            "/bulkindexdocuments", kind=FaultKind.SLOW, delay_seconds=60, after=1
        )
        given = {**SMALL, "dataset_types": ["jira", "slack"]}
        task = await service.line.begin(COORDINATOR, given)
        names = ("ACME-sandbox-jira", "ACME-sandbox-slack")
        ready, held = await _first_ready(service, names)

        cancelled = await service.line.cancel(COORDINATOR, task.id)

        assert cancelled.status.state == TaskState.TASK_STATE_CANCELED
        ended = await service.settled(held, "archived")
        assert ended["teardown_reason"] == "manual_request"
        assert await service.status_of(ready) == "ready"


async def _first_ready(service: RunningService, names: tuple[str, str]) -> tuple[str, str]:
    """Wait for one of two datasets to be READY and tell which."""
    async with asyncio.timeout(30):
        while True:
            wait = service.service.bell.handle()
            for name, other in (names, names[::-1]):
                if await service.status_of(name) == "ready":
                    return name, other
            await wait(0.5)


async def test_a_task_that_has_ended_cannot_be_called_off(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        made = await service.call(COORDINATOR, SMALL)

        with pytest.raises(TaskNotCancelableError):
            await service.line.cancel(COORDINATOR, made.task_id)

        assert await service.status_of(JIRA) == "ready"


async def test_a_task_that_waits_for_input_can_be_called_off(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        asked = await service.call(COORDINATOR, {**SMALL, "stage": "moon"})

        cancelled = await service.line.cancel(COORDINATOR, asked.task_id)

        assert cancelled.status.state == TaskState.TASK_STATE_CANCELED


async def test_tasks_are_read_listed_and_listened_to(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        task = await _in_flight(service, SMALL, "m-1")
        listening = asyncio.create_task(service.line.follow(COORDINATOR, task.id))

        read = await service.line.task(COORDINATOR, task.id)
        listed = await service.line.tasks(COORDINATOR)
        await service.line.cancel(COORDINATOR, task.id)

        assert read.id == task.id
        assert task.id in {each.id for each in listed}
        assert (await listening).state == "CANCELED"


async def test_a_task_tells_of_its_progress_while_it_lasts(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        given = {**SMALL, "dataset_types": ["confluence"], "record_count": 2000}

        heard = await service.call(COORDINATOR, given)

        assert heard.states[0] == "SUBMITTED"
        assert "WORKING" in heard.states
        assert heard.state == "COMPLETED"
        assert heard.dataset["record_count"] == 2000


async def test_a_task_left_behind_by_a_stop_is_carried_on(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        task = await _in_flight(service, SMALL, "m-1")

    async with running(tmp_path) as service:
        heard = await service.call(COORDINATOR, SMALL, "m-1")

    assert heard.task_id == task.id
    assert heard.state == "COMPLETED"


async def test_the_engine_is_at_rest_before_a_stop_ends_the_hops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    close, turns = A2AServer.close, list[int]()

    async def seen(self: A2AServer) -> None:
        turns.append(service.service.engine.turns)
        await close(self)

    monkeypatch.setattr(A2AServer, "close", seen)
    async with running(tmp_path, retry_delays=()) as service:
        await _in_flight(service, SMALL, "m-1")
        assert service.service.engine.turns == 1

    assert turns == [0]  # else it took an agent that was cut off for one that is lost
    async with running(tmp_path, retry_delays=()) as service:
        await service.settled(JIRA, "ready")


async def test_of_two_corrections_the_second_is_turned_away_while_the_first_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path) as service:
        asked = await service.call(COORDINATOR, {**SMALL, "stage": "moon"})
        look, looking, go_on = Addressees._require_waiting, asyncio.Event(), asyncio.Event()  # noqa: SLF001 - the look itself

        async def held(self: Addressees, named: str, context: ServerCallContext) -> None:
            looking.set()
            await go_on.wait()
            await look(self, named, context)

        monkeypatch.setattr(Addressees, "_require_waiting", held)
        first = asyncio.create_task(
            service.line.say(COORDINATOR, [data_part(SMALL)], task_id=asked.task_id)
        )
        await looking.wait()

        with pytest.raises(UnsupportedOperationError, match="is at work and takes no message"):
            await service.line.say(COORDINATOR, [data_part(TWO_TYPES)], task_id=asked.task_id)

        go_on.set()
        assert (await first).state == "COMPLETED"


async def test_a_dataset_that_fails_its_gate_ends_its_task_failed_with_the_evidence(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, retry_delays=()) as service:
        service.glean_faults.fail_next("/bulkindexdocuments", status=403, times=50)

        heard = await service.call(COORDINATOR, {**SMALL, **ACME})

        assert heard.state == "FAILED"
        assert heard.dataset["status"] == "failed"
        assert "403" in heard.sentence


async def test_a_teardown_inside_its_grace_period_is_already_complete(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await service.call(
            COORDINATOR, {**SMALL, "dataset_types": ["confluence"], "record_count": 300}
        )

        heard = await service.call(
            "data-teardown", {"skill": "teardown-dataset", "dataset_id": CONFLUENCE}
        )

        assert heard.state == "COMPLETED"
        assert "restorable until" in heard.sentence
