"""Commands: what callers ask of the coordinator, and who they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from domain.journey import JourneyStage
from domain.lifecycle import TeardownReason
from domain.state import Wish


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: the tenant whose things are seen, and the subject held to account."""

    tenant: str
    subject: str


@dataclass(frozen=True, slots=True)
class Introduction:
    """A client introduced with its first request, where Journey Orchestration is a stand-in."""

    name: str
    code: str
    industry: str
    use_case: str


@dataclass(frozen=True, slots=True)
class ProvisionDatasets:
    """Ask for one dataset of each type for a journey's stage (seed: DatasetProvisionRequested)."""

    journey: str
    client: str
    stage: JourneyStage
    dataset_types: tuple[str, ...]
    requested_by: str | None = None
    wish: Wish = field(default_factory=Wish)
    introduction: Introduction | None = None
    plan_digest: str | None = None


@dataclass(frozen=True, slots=True)
class TeardownDataset:
    """Ask for a dataset's end; `force` leaves out the grace period, never a protection."""

    dataset_id: UUID
    reason: TeardownReason = TeardownReason.MANUAL_REQUEST
    force: bool = False


@dataclass(frozen=True, slots=True)
class ValidateNow:
    """Ask for the gate to run again."""

    dataset_id: UUID


@dataclass(frozen=True, slots=True)
class RestoreDataset:
    """Ask for a teardown to be undone inside its grace period."""

    dataset_id: UUID


class TransitionMode(StrEnum):
    """When a stage transition ends what was before: at once, or once what follows is READY (A18)."""

    IMMEDIATE = "immediate"
    MAKE_BEFORE_BREAK = "make_before_break"


@dataclass(frozen=True, slots=True)
class TransitionStage:
    """Ask for a journey's move to its next stage (seed: stage_transition_rule)."""

    journey: str
    to_stage: JourneyStage
    mode: TransitionMode = TransitionMode.IMMEDIATE


@dataclass(frozen=True, slots=True)
class CompleteJourney:
    """Ask for the end of every dataset of a journey (A17)."""

    journey: str


@dataclass(frozen=True, slots=True)
class ResolveApproval:
    """Consent to a teardown that waits for it, or refuse it."""

    approval_id: UUID
    approve: bool
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class CleanupOrphans:
    """Ask for the end of what has no active journey any more, as far as two scans have seen it so."""


@dataclass(frozen=True, slots=True)
class ExtendRetention:
    """Ask for an archive to be kept until then."""

    dataset_id: UUID
    until: datetime


@dataclass(frozen=True, slots=True)
class HoldArchive:
    """Ask for an archive to be kept until further notice, for this reason."""

    dataset_id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class ReleaseArchive:
    """Ask for an archive's legal hold to be taken off."""

    dataset_id: UUID


ArchiveCommand = ExtendRetention | HoldArchive | ReleaseArchive

Command = (
    ProvisionDatasets
    | TeardownDataset
    | ValidateNow
    | RestoreDataset
    | CleanupOrphans
    | TransitionStage
    | CompleteJourney
    | ResolveApproval
    | ArchiveCommand
)


@dataclass(frozen=True, slots=True)
class RequestKey:
    """Which message a request came with: one request a message, whatever is sent again.

    `digest` is that of the message's body; the same message id with another body is an error.
    """

    agent: str
    message_id: str
    digest: str


@dataclass(frozen=True, slots=True)
class Move:
    """What a stage transition makes of one dataset: which ends, and which follows it.

    `refusal` says why nothing follows it, or why it is not made anew.
    """

    dataset_type: str
    before: UUID
    successor: UUID | None
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Undertaking:
    """What a request does beside changing its datasets: whose consent it waits for, what it moves.

    `datasources` names those it has condemned, for no dataset accounts for them.
    """

    approvals: tuple[UUID, ...] = ()
    moves: tuple[Move, ...] = ()
    datasources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """An accepted request: the task that shows it, and the datasets it is about.

    `since` is the outbox sequence from which its story begins; `message` the caller's message as
    it came, so that another process can carry the task on; `is_cancelled` that it was called off.
    """

    task_id: str
    context_id: str
    key: RequestKey
    principal: Principal
    skill: str
    dataset_ids: tuple[UUID, ...]
    since: int
    message: bytes
    is_settled: bool = False
    is_cancelled: bool = False
    undertaking: Undertaking = field(default_factory=Undertaking)


@dataclass(frozen=True, slots=True)
class Call:
    """A command's way in: who asks, by which message, and the task that will show it."""

    principal: Principal
    key: RequestKey
    skill: str
    task_id: str
    context_id: str
    message: bytes

    def request(
        self, dataset_ids: tuple[UUID, ...], since: int, undertaking: Undertaking | None = None
    ) -> Request:
        """Write down what this call became: a request about these datasets."""
        return Request(
            task_id=self.task_id,
            context_id=self.context_id,
            key=self.key,
            principal=self.principal,
            skill=self.skill,
            dataset_ids=dataset_ids,
            since=since,
            message=self.message,
            undertaking=undertaking or Undertaking(),
        )
