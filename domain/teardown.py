"""A teardown under way: its reason, its next step, and the times it must not run ahead of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from domain.lifecycle import TeardownReason, TeardownStep, next_step

if TYPE_CHECKING:
    from datetime import timedelta

IRREVERSIBLE = frozenset({TeardownStep.EMPTY_CONNECTOR, TeardownStep.VERIFY_EMPTIED})
"""The steps from which there is no way back."""


@dataclass(frozen=True, slots=True)
class Teardown:
    """Where a teardown stands.

    `step` is what is done next; `grace_until` the earliest time of emptying; `quiet_at` the
    deadline of the last order given before the teardown, whose agent might still be at work:
    nothing is emptied before it either (A19). `order_version` is that order's version.
    """

    reason: TeardownReason
    started_at: datetime
    grace_until: datetime
    quiet_at: datetime
    order_version: int
    step: TeardownStep = TeardownStep.PAUSE_SYNC
    retries: int = 0
    retry_at: datetime | None = None
    message: str = ""

    @property
    def may_empty_at(self) -> datetime:
        """The earliest time at which the connector may be emptied."""
        return max(self.grace_until, self.quiet_at)

    @property
    def is_reversible(self) -> bool:
        """Whether the dataset can still be restored."""
        return self.step not in IRREVERSIBLE

    def is_grace_over(self, now: datetime) -> bool:
        """Whether the teardown has waited long enough to go on to what cannot be undone."""
        return self.step is TeardownStep.GRACE and now >= self.may_empty_at

    def advanced(self) -> Teardown:
        """Go on to the next step; the last one stays."""
        following = next_step(self.step) or self.step
        return replace(self, step=following, retries=0, retry_at=None, message="")

    def hurried(self, now: datetime) -> Teardown:
        """End the grace period now."""
        return replace(self, grace_until=min(self.grace_until, now))

    def quieted(self, now: datetime) -> Teardown:
        """Take note that the order outstanding at the start has come to its end."""
        return replace(self, quiet_at=min(self.quiet_at, now))

    def postponed(self, message: str, now: datetime, pause: timedelta) -> Teardown:
        """Try the same step again after a pause that doubles up to one hour."""
        doubled = pause * min(2**self.retries, 120)
        return replace(self, retries=self.retries + 1, retry_at=now + doubled, message=message)
