"""Succession: what a stage transition makes of a dataset, and how long that stays meanwhile (A18)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

LONGEST_STAY = timedelta(hours=24)
"""How long a dataset waits for its successor at most."""


class MoveOutcome(StrEnum):
    """What came of one dataset's move to another stage."""

    MOVING = "moving"
    MOVED = "moved"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class GivingWay:
    """For whom a dataset ends, and when it ends at the latest.

    Without a `successor`, for none could be made, it ends then.
    """

    successor: UUID | None
    until: datetime
