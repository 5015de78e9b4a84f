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

    `step` is what is done next; `grace_until` the end of the grace period, which counts from
    the disconnection (R20) and is unknown before it; `quiet_at` the time at which no agent can
    be at work any more on an order given before the teardown: nothing is emptied before it
    either (A19). `order_version` is the version of the last such order.
    """

    reason: TeardownReason
    started_at: datetime
    quiet_at: datetime
    order_version: int
    skip_grace: bool = False
    grace_until: datetime | None = None
    step: TeardownStep = TeardownStep.PAUSE_SYNC
    retries: int = 0
    retry_at: datetime | None = None
    message: str = ""

    @property
    def may_empty_at(self) -> datetime | None:
        """The earliest time at which the connector may be emptied; unknown while connected."""
        return None if self.grace_until is None else max(self.grace_until, self.quiet_at)

    @property
    def may_have_hidden(self) -> bool:
        """Whether documents may be out of sight: disconnecting may have begun, or be done."""
        return self.step in {TeardownStep.DISCONNECT, TeardownStep.GRACE}

    def may_be_hiding(self, now: datetime) -> bool:
        """Whether an agent may be disconnecting at this moment, and not only rest before it."""
        resting = self.retry_at is not None and self.retry_at > now
        return self.step is TeardownStep.DISCONNECT and not resting

    @property
    def is_reversible(self) -> bool:
        """Whether the dataset can still be restored."""
        return self.step not in IRREVERSIBLE

    def is_grace_over(self, now: datetime) -> bool:
        """Whether the teardown has waited long enough to go on to what cannot be undone."""
        until = self.may_empty_at
        return self.step is TeardownStep.GRACE and until is not None and now >= until

    def advanced(self) -> Teardown:
        """Go on to the next step; the last one stays."""
        following = next_step(self.step) or self.step
        return replace(self, step=following, retries=0, retry_at=None, message="")

    def disconnected(self, now: datetime, grace: timedelta) -> Teardown:
        """Begin the grace period, or leave it out."""
        return replace(self, grace_until=now if self.skip_grace else now + grace)

    def hurried(self, now: datetime) -> Teardown:
        """Leave the grace period out, or end it now; one that is over cannot be hurried."""
        if not self.is_reversible:
            return self
        until = None if self.grace_until is None else min(self.grace_until, now)
        return replace(self, skip_grace=True, grace_until=until)

    def quieted(self, at: datetime) -> Teardown:
        """Take note that the order outstanding at the start has come to its end."""
        return replace(self, quiet_at=at)

    def postponed(self, message: str, retry_at: datetime) -> Teardown:
        """Take the same step again then."""
        return replace(self, retries=self.retries + 1, retry_at=retry_at, message=message)
