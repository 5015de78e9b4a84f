"""Succession: a dataset stays until its successor is READY, and no longer than a day (A18)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

LONGEST_STAY = timedelta(hours=24)
"""How long a dataset waits for its successor at most."""


@dataclass(frozen=True, slots=True)
class GivingWay:
    """For whom a dataset ends, and when it ends at the latest.

    Without a `successor`, for none could be made, it ends then.
    """

    successor: UUID | None
    until: datetime
