"""Documents of journeys: approvals, moves, and what an event that came in has become."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, NotRequired, TypedDict

from domain.approvals import ApprovalStatus
from domain.documents import DatasetListDocument, Id, Moment, Stage
from domain.lifecycle import TeardownReason
from domain.shape import OneOf
from domain.succession import MoveOutcome


class ApprovalDocument(TypedDict):
    """A teardown that waits, or waited, for somebody's consent."""

    approval_id: Id
    dataset_id: Id
    connector_name: str
    stage: Stage
    journey_ref: str
    reason: Annotated[str, OneOf(TeardownReason)]
    question: str
    force: bool
    asked_by: str
    asked_at: Moment
    status: Annotated[str, OneOf(ApprovalStatus)]
    resolved_by: str | None
    resolved_at: Moment | None
    comment: str | None


class ApprovalListDocument(TypedDict):
    """Approvals, in order."""

    approvals: Sequence[ApprovalDocument]


class EndingListDocument(DatasetListDocument):
    """Datasets that were to end, and the approvals that any of them needed."""

    approvals: NotRequired[Sequence[ApprovalDocument]]


class ResolutionDocument(DatasetListDocument, ApprovalListDocument):
    """The approval that was decided, and its dataset."""


class ReceivedDocument(TypedDict):
    """What an event that came in has become: a request, its datasets, and the task that shows it."""

    task_id: str
    context_id: str
    skill: str
    dataset_ids: Sequence[Id]
    task_url: str


class MoveDocument(TypedDict):
    """What a stage transition made of one dataset; `refusal` says why nothing follows it."""

    dataset_type: str
    before: Id
    successor: Id | None
    outcome: Annotated[str, OneOf(MoveOutcome)]
    refusal: str | None


class TransitionDocument(DatasetListDocument):
    """The datasets of both stages, and what came of each that was there before."""

    moves: Sequence[MoveDocument]
