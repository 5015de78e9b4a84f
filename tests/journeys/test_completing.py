"""A journey is over: all its datasets end at once, the protected ones when somebody consents."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from a2a.types import TaskState

from domain.lifecycle import DatasetStatus, TeardownReason
from protocol.codec import data_part
from tests.journeys.scenes import (
    COORDINATOR,
    ONE,
    TEARDOWN,
    dataset_of,
    documents_in,
    events_of,
    names_of,
    until_status,
)
from tests.running import PATIENCE_SECONDS, Heard, RunningService, running

if TYPE_CHECKING:
    from a2a.types import Task

    from tests.processes import HeldSupplier

JOURNEY = "journey-acme-2026"
GITHUB, JIRA = "ACME-sandbox-github", "ACME-sandbox-jira"
TWO = {**ONE, "dataset_types": ["github", "jira"]}
COMPLETE = {"skill": "complete-journey", "journey_id": JOURNEY}
COMPLETED = TeardownReason.JOURNEY_COMPLETED
PROTECTED: dict[str, Any] = {"protect_stages": ("sandbox",)}


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[RunningService]:
    """The service with its sandbox protected, and one dataset in it that is READY."""
    async with running(tmp_path, **PROTECTED) as opened:
        await opened.call(COORDINATOR, ONE)
        yield opened


def decision(approval: str, *, approve: bool = True, **more: Any) -> dict[str, Any]:
    return {"skill": "resolve-approval", "approval_id": approval, "approve": approve, **more}


def approval_of(heard: Heard) -> str:
    (approval,) = heard.data["approvals"]
    return str(approval["approval_id"])


async def ended(office: RunningService, task_id: str) -> Task:
    """Wait until a task has come to its end."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            wait = office.service.bell.handle()
            task = await office.line.task(COORDINATOR, task_id)
            if task.status.state not in {
                TaskState.TASK_STATE_INPUT_REQUIRED,
                TaskState.TASK_STATE_WORKING,
                TaskState.TASK_STATE_SUBMITTED,
            }:
                return task
            await wait(0.2)


@pytest.mark.requirement("R7", "R19", "R59")
async def test_a_completed_journey_ends_all_its_datasets_with_their_grace_period(
    office: RunningService,
) -> None:
    await office.call(COORDINATOR, TWO)

    heard = await office.call(COORDINATOR, COMPLETE)

    assert heard.state == "COMPLETED"
    for name in (GITHUB, JIRA):
        dataset = await dataset_of(office, name)
        (started,) = [
            each for each in await events_of(office, name) if each.name == "DatasetTeardownStarted"
        ]
        assert started.fields["reason"] == "journey_completed"
        assert dataset.restorable_until is not None


async def test_a_journey_completed_by_mistake_is_undone_in_its_grace_period(
    office: RunningService,
) -> None:
    await office.call(COORDINATOR, ONE)
    await office.call(COORDINATOR, COMPLETE)

    heard = await office.call(TEARDOWN, {"skill": "restore-dataset", "dataset_id": GITHUB})

    assert (heard.state, heard.dataset["status"]) == ("COMPLETED", "ready")


async def test_completing_a_journey_again_changes_nothing(office: RunningService) -> None:
    await office.call(COORDINATOR, ONE)
    await office.call(COORDINATOR, COMPLETE)
    before = await office.service.registry.last_sequence("default")

    again = await office.call(COORDINATOR, COMPLETE)

    assert (again.state, again.data["datasets"]) == ("COMPLETED", [])
    assert await office.service.registry.last_sequence("default") == before


async def test_a_journey_nobody_knows_cannot_be_completed(office: RunningService) -> None:
    heard = await office.call(COORDINATOR, {**COMPLETE, "journey_id": "journey-of-nobody"})

    assert heard.state == "REJECTED"
    assert "journey-of-nobody" in heard.sentence


async def test_a_journey_is_completed_though_journey_orchestration_is_away(tmp_path: Path) -> None:
    async with running(tmp_path) as before:
        await before.call(COORDINATOR, ONE)

    async with running(tmp_path, journeys_url="http://127.0.0.1:9") as office:
        heard = await office.call(COORDINATOR, COMPLETE)

    assert heard.state == "COMPLETED"


# --- teardown racing a provisioning (A19) --------------------------------------------------------


@pytest.mark.requirement("R19", "R93")
async def test_a_journey_completed_while_a_dataset_is_filled_leaves_nothing_behind(
    tmp_path: Path, supplier: tuple[HeldSupplier, str]
) -> None:
    held, url = supplier
    async with running(tmp_path, mock_data_url=url) as office:
        task = await office.line.begin(COORDINATOR, ONE)
        await held.asked.get()
        filling = await dataset_of(office, GITHUB)

        await office.call(COORDINATOR, COMPLETE)
        held.let_go.set()
        torn = await dataset_of(office, GITHUB)
        office.clock.advance(timedelta(hours=25))
        gone = await until_status(office, GITHUB, DatasetStatus.ARCHIVED)

        assert filling.status is DatasetStatus.PROVISIONING
        assert torn.teardown is not None
        assert torn.teardown.reason is COMPLETED
        assert gone.connector is not None
        with pytest.raises(AssertionError, match="does not exist"):  # no record had come for it
            await documents_in(office, gone.connector.datasource)
        end = await ended(office, task.id)
        assert end.status.state == TaskState.TASK_STATE_FAILED


@pytest.mark.requirement("R19", "R67")
async def test_a_dataset_asked_for_again_while_the_one_before_it_ends_is_made_beside_it(
    office: RunningService,
) -> None:
    await office.call(COORDINATOR, ONE)
    first = await dataset_of(office, GITHUB)
    await office.call(COORDINATOR, COMPLETE)

    made = await office.call(COORDINATOR, ONE)
    office.clock.advance(timedelta(hours=25))
    registry = office.service.registry
    await until_status(office, str(first.place.dataset_id), DatasetStatus.ARCHIVED)

    second = await registry.dataset("default", (await dataset_of(office, GITHUB)).place.dataset_id)
    assert (made.state, second.place.generation) == ("COMPLETED", 2)
    assert second.status is DatasetStatus.READY
    assert second.connector is not None
    assert await documents_in(office, second.connector.datasource) == 100


# --- protected stages ----------------------------------------------------------------------------


@pytest.mark.requirement("R19")
async def test_a_protected_dataset_ends_only_when_somebody_consents(
    guarded: RunningService,
) -> None:
    asked = await guarded.call(COORDINATOR, COMPLETE)
    waiting = await dataset_of(guarded, GITHUB)

    decided = await guarded.call(COORDINATOR, decision(approval_of(asked), comment="All done."))

    task = await ended(guarded, asked.task_id)
    dataset = await dataset_of(guarded, GITHUB)
    assert asked.state == "INPUT_REQUIRED"
    assert approval_of(asked) in asked.sentence
    assert waiting.status is DatasetStatus.READY
    assert decided.state == "COMPLETED"
    assert decided.data["approvals"][0]["comment"] == "All done."
    assert dataset.teardown is not None
    assert dataset.teardown.reason is COMPLETED
    assert task.status.state == TaskState.TASK_STATE_COMPLETED


async def test_an_end_that_was_refused_keeps_the_dataset_and_ends_the_task(
    guarded: RunningService,
) -> None:
    asked = await guarded.call(COORDINATOR, COMPLETE)

    decided = await guarded.call(COORDINATOR, decision(approval_of(asked), approve=False))

    task = await ended(guarded, asked.task_id)
    assert decided.state == "COMPLETED"
    assert (await dataset_of(guarded, GITHUB)).status is DatasetStatus.READY
    assert task.status.state == TaskState.TASK_STATE_FAILED
    assert "refused its teardown" in task.status.message.parts[0].text


async def test_what_is_not_protected_does_not_wait_for_what_is(tmp_path: Path) -> None:
    async with running(tmp_path, protect_stages=("production",)) as office:
        await office.call(COORDINATOR, ONE)

        heard = await office.call(COORDINATOR, COMPLETE)

        assert heard.state == "COMPLETED"


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        ("journey_completed", "INPUT_REQUIRED"),
        ("orphan_cleanup", "INPUT_REQUIRED"),
        ("manual_request", "COMPLETED"),
        ("stage_transition", "COMPLETED"),
    ],
)
async def test_force_never_skips_a_protection(
    guarded: RunningService, reason: str, state: str
) -> None:
    given = {"skill": "teardown-dataset", "dataset_id": GITHUB, "reason": reason, "force": True}

    heard = await guarded.call(TEARDOWN, given)

    dataset = await dataset_of(guarded, GITHUB)
    assert heard.state == state
    assert (dataset.status is DatasetStatus.READY) is (state == "INPUT_REQUIRED")


async def test_what_was_forced_and_approved_ends_without_grace(guarded: RunningService) -> None:
    given = {"skill": "teardown-dataset", "dataset_id": GITHUB, "force": True}
    asked = await guarded.call(TEARDOWN, {**given, "reason": "orphan_cleanup"})

    await guarded.call(COORDINATOR, decision(approval_of(asked)))

    gone = await until_status(guarded, GITHUB, DatasetStatus.ARCHIVED)
    assert gone.archived_at is not None


async def test_an_approval_is_decided_once_and_whoever_comes_later_is_told(
    guarded: RunningService,
) -> None:
    asked = await guarded.call(COORDINATOR, COMPLETE)
    await guarded.call(COORDINATOR, decision(approval_of(asked), approve=False))

    again = await guarded.call(COORDINATOR, decision(approval_of(asked), approve=False))
    otherwise = await guarded.call(COORDINATOR, decision(approval_of(asked)))
    unknown = await guarded.call(COORDINATOR, decision("7b0d5a7e-0000-4000-8000-00000000dead"))

    assert again.state == "COMPLETED"
    assert (otherwise.state, unknown.state) == ("REJECTED", "REJECTED")
    assert "was refused by anonymous" in otherwise.sentence
    assert "There is no approval" in unknown.sentence
    assert (await names_of(guarded, GITHUB)).count("TeardownApprovalDecided") == 1


async def test_two_tasks_that_wait_for_one_approval_both_come_to_their_end(
    guarded: RunningService,
) -> None:
    first = await guarded.call(COORDINATOR, COMPLETE)
    second = await guarded.call(COORDINATOR, COMPLETE)

    await guarded.call(COORDINATOR, decision(GITHUB))

    ends = [await ended(guarded, each.task_id) for each in (first, second)]
    assert approval_of(first) == approval_of(second)
    assert [each.status.state for each in ends] == [TaskState.TASK_STATE_COMPLETED] * 2


async def test_a_decision_may_be_given_in_the_task_that_waits(guarded: RunningService) -> None:
    asked = await guarded.call(COORDINATOR, COMPLETE)

    heard = await guarded.line.say(
        COORDINATOR, [data_part(decision(approval_of(asked)))], task_id=asked.task_id
    )

    assert heard.task_id == asked.task_id
    assert heard.state == "COMPLETED"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"skill": "list-datasets"}, "waits for resolve-approval"),
        (decision("7b0d5a7e-0000-4000-8000-00000000dead"), "does not wait for approval"),
        (decision("nobody"), "There is no approval nobody"),
        ({"skill": "resolve-approval", "approval_id": GITHUB}, "approve: Field required"),
        ({"skill": 7}, "must be the id of a skill"),
    ],
)
async def test_an_answer_that_decides_nothing_leaves_the_task_waiting(
    guarded: RunningService, given: dict[str, Any], why: str
) -> None:
    asked = await guarded.call(COORDINATOR, COMPLETE)

    heard = await guarded.line.say(COORDINATOR, [data_part(given)], task_id=asked.task_id)
    later = await guarded.call(COORDINATOR, decision(GITHUB))

    assert heard.state == "INPUT_REQUIRED"
    assert why in heard.sentence
    assert approval_of(heard) == approval_of(asked)
    assert later.state == "COMPLETED"
    task = await ended(guarded, asked.task_id)
    assert task.status.state == TaskState.TASK_STATE_COMPLETED


async def test_a_task_that_waits_goes_on_after_a_restart(tmp_path: Path) -> None:
    async with running(tmp_path, **PROTECTED) as first:
        await first.call(COORDINATOR, ONE)
        asked = await first.call(COORDINATOR, COMPLETE)

    async with running(tmp_path, **PROTECTED) as second:
        still = await second.line.task(COORDINATOR, asked.task_id)
        await second.call(COORDINATOR, decision(GITHUB))

        task = await ended(second, asked.task_id)

    assert still.status.state == TaskState.TASK_STATE_INPUT_REQUIRED
    assert task.status.state == TaskState.TASK_STATE_COMPLETED


async def test_a_message_sent_again_while_its_task_waits_gets_that_task(
    guarded: RunningService,
) -> None:
    first = await guarded.call(COORDINATOR, COMPLETE, "the-same")

    again = await guarded.call(COORDINATOR, COMPLETE, "the-same")

    assert (again.task_id, again.state) == (first.task_id, "INPUT_REQUIRED")
    assert len((await guarded.line.task(COORDINATOR, first.task_id)).history) <= 2


async def test_a_request_called_off_while_it_waits_withdraws_what_it_asked_for(
    guarded: RunningService,
) -> None:
    asked = await guarded.call(COORDINATOR, COMPLETE)

    task = await guarded.line.cancel(COORDINATOR, asked.task_id)

    late = await guarded.call(COORDINATOR, decision(approval_of(asked)))
    assert task.status.state == TaskState.TASK_STATE_CANCELED
    assert (await dataset_of(guarded, GITHUB)).status is DatasetStatus.READY
    assert late.state == "REJECTED"
    assert await guarded.service.registry.open_approvals("default", 10) == []


async def test_whoever_wants_more_than_a_pending_approval_is_for_is_told_what_it_is_for(
    guarded: RunningService,
) -> None:
    first = await guarded.call(COORDINATOR, COMPLETE)
    teardown = {"skill": "teardown-dataset", "dataset_id": GITHUB, "force": True}

    hurried = await guarded.call(TEARDOWN, {**teardown, "reason": "orphan_cleanup"})

    (approval,) = hurried.data["approvals"]
    assert approval_of(hurried) == approval_of(first)
    assert (
        f"{approval['asked_by']} asked for it before, for journey_completed with a grace period"
        in hurried.sentence
    )
    assert "asked for it before" not in first.sentence


async def test_a_task_that_waits_for_anothers_approval_is_told_that_it_was_called_off(
    guarded: RunningService,
) -> None:
    first = await guarded.call(COORDINATOR, COMPLETE)
    second = await guarded.call(COORDINATOR, COMPLETE)

    await guarded.line.cancel(COORDINATOR, first.task_id)

    task = await ended(guarded, second.task_id)
    told = task.status.message.parts[0].text
    assert approval_of(second) == approval_of(first)
    assert task.status.state == TaskState.TASK_STATE_FAILED
    assert "called off the request that asked for its approval. Ask anew." in told
    assert "refused" not in told
