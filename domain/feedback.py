"""Feedback: what the supplier is told of a template after each validation of a dataset made from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID, uuid5

from domain.journey import JourneyStage
from domain.quality import CheckType
from domain.record import JsonObject


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """How one check ended; `score` runs from 0 to 1."""

    check_type: CheckType
    passed: bool
    score: float


@dataclass(frozen=True, slots=True)
class Feedback:
    """One validation as the supplier hears of it (seed: R4): how its template is used, how good it is.

    `run` numbers the dataset's validations from 1; `tries` counts how often it was sent in vain.
    Neither client nor journey is told.
    """

    tenant: str
    dataset_id: UUID
    run: int
    template_key: str
    template_version: str
    stage: JourneyStage
    dataset_type: str
    records_generated: int | None
    documents_indexed: int | None
    overall_score: float
    is_ready: bool
    checks: tuple[CheckOutcome, ...]
    executed_at: datetime
    tries: int = 0

    @property
    def feedback_id(self) -> UUID:
        """The id by which the supplier knows what it has heard already: of a validation, one."""
        return uuid5(self.dataset_id, f"feedback/{self.run}")

    def document(self) -> JsonObject:
        """Give what is sent, as JSON."""
        return {
            "feedback_id": str(self.feedback_id),
            "dataset_id": str(self.dataset_id),
            "template_version": self.template_version,
            "usage": {
                "stage": self.stage.value,
                "dataset_type": self.dataset_type,
                "records_generated": self.records_generated,
                "documents_indexed": self.documents_indexed,
                "validations": self.run,
            },
            "quality": {
                "executed_at": self.executed_at.isoformat(),
                "overall_score": self.overall_score,
                "is_ready": self.is_ready,
                "checks": [_check(each) for each in self.checks],
            },
        }


def _check(outcome: CheckOutcome) -> JsonObject:
    return {
        "check_type": outcome.check_type.value,
        "passed": outcome.passed,
        "score": outcome.score,
    }


class FeedbackQueue(Protocol):
    """The feedback that is not sent yet, of every tenant; written in the commit of its validation."""

    async def due(self, now: datetime, limit: int, /) -> Sequence[Feedback]:
        """Read what is to be sent by now, what has been due longest first."""
        ...

    async def done(self, feedback: Feedback, /) -> None:
        """Forget what the supplier has heard, or will never hear."""
        ...

    async def postpone(self, feedback: Feedback, until: datetime, /) -> None:
        """Send it later, and count the try."""
        ...


class FeedbackTaker(Protocol):
    """The supplier, as far as it takes feedback."""

    async def feedback(self, template_key: str, content: JsonObject, /) -> None:
        """Tell of a template's use and quality; a supplier that takes none is fine.

        Raises SupplierUnavailable, SupplierRefused.
        """
        ...
