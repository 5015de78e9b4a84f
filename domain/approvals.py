"""Approvals: a teardown that nobody named waits until somebody consents to it (A17, A39)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

from domain.errors import IllegalTransition
from domain.journey import JourneyStage
from domain.lifecycle import TeardownReason
from domain.moments import require_zone

if TYPE_CHECKING:
    from domain.state import DatasetState


class ApprovalStatus(StrEnum):
    """Whether somebody has decided, and how; WITHDRAWN where it was called off before that."""

    PENDING = "pending"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """The consent asked for to tear one dataset down, for one reason.

    `question` says in a sentence what would happen and why that waits; `force` that the grace
    period would be left out; `task_id` names the task that waits for it (empty: none does).
    Name, stage and journey are the dataset's, to show whoever decides what it is about.
    """

    tenant: str
    approval_id: UUID
    dataset_id: UUID
    connector_name: str
    stage: JourneyStage
    journey_ref: str
    reason: TeardownReason
    question: str
    asked_by: str
    asked_at: datetime
    task_id: str = ""
    force: bool = False
    status: ApprovalStatus = ApprovalStatus.PENDING
    resolved_by: str | None = None
    resolved_at: datetime | None = None
    comment: str | None = None

    @property
    def is_pending(self) -> bool:
        """Whether nobody has decided yet."""
        return self.status is ApprovalStatus.PENDING

    def decided(
        self, *, approve: bool, by: str, at: datetime, comment: str | None = None
    ) -> Approval:
        """Give the approval as it is once decided; the same decision again changes nothing.

        Raises:
            IllegalTransition: it was decided otherwise before; the message says by whom.
        """
        require_zone("at", at)
        wanted = ApprovalStatus.APPROVED if approve else ApprovalStatus.REFUSED
        if self.status is wanted:
            return self
        if not self.is_pending:
            raise IllegalTransition(self._decided_before())
        return replace(self, status=wanted, resolved_by=by, resolved_at=at, comment=comment)

    def withdrawn(self, *, by: str, at: datetime) -> Approval:
        """Give the approval as it is once the request for it is called off; nobody refused it.

        Raises:
            IllegalTransition: it was decided before; the message says by whom.
        """
        require_zone("at", at)
        if not self.is_pending:
            raise IllegalTransition(self._decided_before())
        return replace(
            self,
            status=ApprovalStatus.WITHDRAWN,
            resolved_by=by,
            resolved_at=at,
            comment="The request that asked for it was called off.",
        )

    def _decided_before(self) -> str:
        return (
            f"Approval {self.approval_id} was {self.status} by {self.resolved_by} at "
            f"{self.resolved_at} and stays so. Ask for the teardown of {self.connector_name} anew "
            "to have it decided anew."
        )


def asked_for(
    dataset: DatasetState,
    reason: TeardownReason,
    *,
    approval_id: UUID,
    because: str,
    by: str,
    at: datetime,
    task_id: str = "",
    force: bool = False,
) -> Approval:
    """Ask for the consent to tear a dataset down; `because` says why that needs one."""
    require_zone("at", at)
    place = dataset.place
    question = f"Tear down {dataset.name}, which is {dataset.status}, for {reason}? {because}"
    return Approval(
        tenant=place.tenant,
        approval_id=approval_id,
        dataset_id=place.dataset_id,
        connector_name=place.connector_name,
        stage=place.stage,
        journey_ref=place.journey_ref,
        reason=reason,
        question=question,
        asked_by=by,
        asked_at=at,
        task_id=task_id,
        force=force,
    )


def is_protected(dataset: DatasetState, reason: TeardownReason) -> bool:
    """Whether a teardown for this reason needs an approval: by its stage, and unless it has ended."""
    return not dataset.has_ended and dataset.rules.needs_approval(reason, dataset.place.stage)


def why_protected(stage: JourneyStage) -> str:
    """Say why a teardown in a protected stage waits."""
    return f"Datasets of stage {stage.value} end with their journey only when somebody approves."
