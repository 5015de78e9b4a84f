"""Aims: what a task shows follows from its datasets and approvals, looked up once for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

from a2a.types import TaskState

from domain.approvals import Approval, asked_for
from domain.commands import Move, Request, RequestKey, Undertaking
from domain.dataset import Dataset
from domain.lifecycle import DatasetStatus, TeardownReason
from protocol.aims import TRANSITION_STAGE, Scene
from protocol.projection import Projection, Showing
from registry.progress import SqlProgressLog
from tests.builders import NOW, a_dataset, a_dataset_in
from tests.registry.databases import ME, House, a_fresh_file, open_house

T = TypeVar("T")


class Counted(tuple[T, ...]):  # noqa: SLOT001 - it counts
    """A sequence that counts how often it is walked."""

    walks = 0

    def __iter__(self) -> Iterator[T]:
        self.walks += 1
        return super().__iter__()


def ready(count: int) -> list[Dataset]:
    return [a_dataset_in(DatasetStatus.READY, a_dataset(f"type{each}")) for each in range(count)]


def an_approval(dataset: Dataset) -> Approval:
    return asked_for(
        dataset,
        TeardownReason.MANUAL_REQUEST,
        approval_id=uuid4(),
        because="It is protected.",
        by="alice",
        at=NOW,
        task_id="task-1",
    )


def a_transition(*moves: Move, approvals: tuple[UUID, ...] = ()) -> Request:
    key = RequestKey("lifecycle-coordinator", "message-1", "ab" * 32)
    about = tuple(each.before for each in moves)
    return Request(
        "task-1",
        "context-1",
        key,
        ME,
        TRANSITION_STAGE,
        about,
        0,
        b"",
        undertaking=Undertaking(approvals, moves),
    )


def test_approvals_and_moves_are_walked_once_however_many_datasets_there_are() -> None:
    datasets = ready(20)
    moves = Counted(Move("jira", each.place.dataset_id, None) for each in datasets)
    approvals = Counted(map(an_approval, datasets))
    request = replace(a_transition(), undertaking=Undertaking(moves=moves))

    state = Scene(request, datasets, approvals).state

    assert state == TaskState.TASK_STATE_INPUT_REQUIRED
    assert (moves.walks, approvals.walks) == (1, 1)


async def shown(house: House, request: Request) -> Showing:
    nobody: Any = None
    projection = Projection(house.registry, SqlProgressLog(house.database), nobody)
    return await projection.showing(request)


async def test_a_transition_that_waits_for_consent_shows_its_moves_as_well(tmp_path: Path) -> None:
    async with open_house(a_fresh_file(tmp_path)) as house:
        dataset = await house.keep(ready(1)[0])
        async with house.registry.transaction(ME) as transaction:
            asked = await transaction.ask(an_approval(dataset), dataset)
        move = Move("jira", dataset.place.dataset_id, None, "There is no template.")

        showing = await shown(house, a_transition(move, approvals=(asked.approval_id,)))

        assert showing.state == TaskState.TASK_STATE_INPUT_REQUIRED
        assert set(showing.data) == {"datasets", "approvals", "moves"}


async def test_every_refusal_is_told_whatever_it_ends_with(tmp_path: Path) -> None:
    async with open_house(a_fresh_file(tmp_path)) as house:
        refused = Move("jira", uuid4(), None, "Name one of these: ")
        made = Move("slack", uuid4(), uuid4())

        showing = await shown(house, a_transition(refused, made))

        assert "jira: Name one of these: " in showing.sentence
        assert "slack" not in showing.sentence
