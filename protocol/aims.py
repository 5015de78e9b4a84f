"""Aims: what a request wants of each of its datasets, and whether it has come to pass."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from a2a.types import TaskState

from domain.approvals import ApprovalStatus
from domain.lifecycle import DatasetStatus, TeardownStep
from domain.succession import MoveOutcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from domain.approvals import Approval
    from domain.commands import Move, Request
    from domain.dataset import Dataset

_S = DatasetStatus

RESTING = frozenset({_S.READY, _S.FAILED, _S.TEARDOWN, _S.ARCHIVED})
"""Where a dataset is not on its way to READY."""

TRANSITION_STAGE = "transition-stage"
RESOLVE_APPROVAL = "resolve-approval"

_COMPLETE_JOURNEY = "complete-journey"

_CLEANUP_ORPHANS = "cleanup-orphans"

_ENDING = frozenset({"teardown-dataset", _COMPLETE_JOURNEY, _CLEANUP_ORPHANS})
"""The skills that want every dataset of theirs to end."""

_OF_ARCHIVES = frozenset({"extend-retention", "hold-archive", "release-archive"})
"""The skills that have an archive locked."""

_MAY_BE_EMPTY = frozenset({_COMPLETE_JOURNEY, TRANSITION_STAGE, _CLEANUP_ORPHANS})
"""The skills that have done what they should where there is no dataset at all."""

_LETS_BE = frozenset({ApprovalStatus.REFUSED, ApprovalStatus.WITHDRAWN})
"""How an approval is resolved after which its dataset stays."""


@dataclass(frozen=True)
class Scene:
    """A request with its datasets and approvals as they stand at one moment."""

    request: Request
    datasets: Sequence[Dataset]
    approvals: Sequence[Approval] = field(default_factory=tuple)

    @property
    def state(self) -> TaskState:
        """The state of the request's task.

        A task that waits for consent says so only once nothing else of it is under way.
        """
        if not all(self._is_settled(each) or self.waits(each) for each in self.datasets):
            return TaskState.TASK_STATE_WORKING
        if any(self.waits(each) for each in self.datasets):
            return TaskState.TASK_STATE_INPUT_REQUIRED
        is_all = bool(self.datasets) or self.request.skill in _MAY_BE_EMPTY
        is_all = is_all and all(self._is_done(each) for each in self.datasets)
        is_all = is_all and not any(each.refusal for each in self.request.undertaking.moves)
        return TaskState.TASK_STATE_COMPLETED if is_all else TaskState.TASK_STATE_FAILED

    @property
    def awaited(self) -> list[Approval]:
        """The approvals that keep the task waiting."""
        waiting = {each.place.dataset_id for each in self.datasets if self.waits(each)}
        return [each for each in self.approvals if each.is_pending and each.dataset_id in waiting]

    def waits(self, dataset: Dataset) -> bool:
        """Whether a dataset is to end and somebody has to consent first."""
        approval = self._approval_of(dataset)
        is_asked = approval is not None and approval.is_pending
        return self._is_to_end(dataset) and not dataset.has_ended and is_asked

    def outcome_of(self, move: Move) -> MoveOutcome:
        """Tell what came of a dataset's move to another stage."""
        successor = self._by_id.get(move.successor) if move.successor else None
        if successor is None:
            return MoveOutcome.REFUSED
        if successor.status is _S.READY:
            before = self._by_id.get(move.before)
            has_moved = before is not None and before.has_ended
            return MoveOutcome.MOVED if has_moved else MoveOutcome.MOVING
        return MoveOutcome.FAILED if successor.status in RESTING else MoveOutcome.MOVING

    def _is_settled(self, dataset: Dataset) -> bool:
        """Tell whether a task waits no longer; it waits for no grace period, but for all else.

        A teardown that has been hindered too often is not waited for either: it goes on trying.
        """
        if self.request.skill == RESOLVE_APPROVAL:
            return True
        if self.request.skill in _OF_ARCHIVES:
            return not dataset.is_lock_owed or _is_locked_in_vain(dataset)
        if self._is_to_end(dataset) and dataset.status is _S.TEARDOWN:
            return _is_in_grace(dataset) or _is_stuck(dataset)
        if dataset.gives_way is not None and self._is_to_end(dataset):
            return self._has_no_successor(dataset.gives_way.successor)
        if self._is_to_end(dataset) and self._is_let_be(dataset):
            return True
        return dataset.status in RESTING

    def _is_done(self, dataset: Dataset) -> bool:
        if self.request.skill == RESOLVE_APPROVAL:
            return True
        if self.request.skill in _OF_ARCHIVES:
            return not dataset.is_lock_owed
        if not self._is_to_end(dataset):
            return dataset.status is _S.READY
        return dataset.status is _S.ARCHIVED or _is_in_grace(dataset)

    def _is_to_end(self, dataset: Dataset) -> bool:
        return self.request.skill in _ENDING or dataset.place.dataset_id in self._moved

    def _has_no_successor(self, successor: UUID | None) -> bool:
        """Whether a dataset that gives way stays for now: nothing that follows it is on its way."""
        found = self._by_id.get(successor) if successor else None
        return found is None or (found.status in RESTING and found.status is not _S.READY)

    def _is_let_be(self, dataset: Dataset) -> bool:
        """Whether a dataset stays: its end was refused, or whoever asked for it called that off."""
        approval = self._approval_of(dataset)
        return approval is not None and approval.status in _LETS_BE

    def _approval_of(self, dataset: Dataset) -> Approval | None:
        return self._asked.get(dataset.place.dataset_id)

    @cached_property
    def _by_id(self) -> Mapping[UUID, Dataset]:
        return {each.place.dataset_id: each for each in self.datasets}

    @cached_property
    def _asked(self) -> Mapping[UUID, Approval]:
        return {each.dataset_id: each for each in self.approvals}

    @cached_property
    def _moved(self) -> frozenset[UUID]:
        """The datasets of the stage before."""
        return frozenset(each.before for each in self.request.undertaking.moves)


def _is_in_grace(dataset: Dataset) -> bool:
    teardown = dataset.teardown
    if dataset.status is not _S.TEARDOWN or teardown is None:
        return False
    has_grace = bool(dataset.rules.grace_period) and not teardown.skip_grace
    return has_grace and teardown.step is TeardownStep.GRACE


def _is_stuck(dataset: Dataset) -> bool:
    """Whether a step of a teardown has failed as often as any order is tried by itself."""
    teardown = dataset.teardown
    return teardown is not None and teardown.retries > len(dataset.rules.retry_delays)


def _is_locked_in_vain(dataset: Dataset) -> bool:
    """Whether its archive could not be locked as often as any order is tried by itself."""
    return dataset.retries > len(dataset.rules.retry_delays)
