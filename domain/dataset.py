"""The Dataset aggregate: it alone decides what happens to a dataset, and what that means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain import custody, ordering
from domain.errors import StaleOutcome
from domain.events import (
    DatasetGivesWay,
    DatasetRestored,
    DatasetTeardownHurried,
    DatasetTeardownStarted,
    DatasetTeardownStepDone,
    DatasetValidationStarted,
)
from domain.failures import is_retry_due, run_out_of_time
from domain.illness import give_up_on_incident
from domain.lifecycle import ENDED, DatasetStatus, TeardownReason
from domain.moments import require_zone
from domain.ordering import Rest
from domain.outcomes import apply_outcome
from domain.state import DatasetState
from domain.succession import LONGEST_STAY, GivingWay
from domain.teardown import Teardown

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from domain.events import Happening
    from domain.work import Outcome

_S = DatasetStatus


@dataclass(kw_only=True)
class Dataset(DatasetState):
    """A dataset from request to archive (seed: Dataset, an aggregate root).

    Commands and outcomes go in; transitions and `happenings` come out. It reads no clock, calls
    nobody, and refuses every edge the transition table lacks.
    """

    def next_order(self, now: datetime) -> ordering.Next:
        """Tell the order that moves this dataset on, or until when it rests and why."""
        require_zone("now", now)
        return ordering.next_order(self, now)

    def due_at(self, now: datetime) -> datetime | None:
        """Tell when this dataset is to be looked at again; None: only when somebody asks."""
        following = self.next_order(now)
        return following.until if isinstance(following, Rest) else now

    def lapse(self, now: datetime) -> bool:
        """Let time alone do what it does: a lifetime, a stay, a grace period or a limit ends.

        A retry may fall due as well. Tells whether anything changed.
        """
        require_zone("now", now)
        if self._is_expired(now):
            self.start_teardown(TeardownReason.MANUAL_REQUEST, now, skip_grace=True)
            return True
        if self.gives_way is not None and now >= self.gives_way.until:
            return self.start_teardown(TeardownReason.STAGE_TRANSITION, now)
        if is_retry_due(self, now):
            self._try_again(now)
            return True
        if self.status is _S.VALIDATING and self.health.is_overdue(now, self.rules):
            give_up_on_incident(self)
            return True
        return run_out_of_time(self, now) or self._end_grace(now)

    def apply(self, outcome: Outcome, now: datetime) -> None:
        """Turn an outcome into a transition and its events.

        Raises:
            StaleOutcome: the order was given at another version; nothing is changed by it.
        """
        require_zone("now", now)
        if outcome.key.version != self.version:
            message = (
                f"{self.name} is at version {self.version}; the outcome belongs to version "
                f"{outcome.key.version} and changes nothing."
            )
            raise StaleOutcome(message)
        apply_outcome(self, outcome, now)

    def note_end_of(self, version: int, now: datetime) -> bool:
        """Take note that the order given at `version` has ended, whatever came of it.

        A teardown that had to wait for it need not wait any longer (A19), and neither need what
        was restored, unless another agent was lost before. Tells whether that changed anything.
        """
        require_zone("now", now)
        teardown, quiet_at = self.teardown, max(now, self.busy_until or now)
        if teardown is None:
            return version == self.version - 1 and self._end_hiding(quiet_at)
        if version != teardown.order_version or teardown.quiet_at <= quiet_at:
            return False
        self.teardown = teardown.quieted(quiet_at)
        return True

    def start_teardown(
        self, reason: TeardownReason, now: datetime, *, skip_grace: bool = False
    ) -> bool:
        """Begin the end, or hurry one that has begun; tells whether anything changed.

        `skip_grace` leaves the grace period out; it never lifts a protection.

        Raises:
            IllegalTransition: the dataset is archived.
        """
        require_zone("now", now)
        if self.status is _S.TEARDOWN and self.teardown is not None:
            return skip_grace and self._hurry(self.teardown, now)
        quiet_at = self._quiet_at(now)
        self.become(_S.TEARDOWN)
        self.teardown = Teardown(
            reason=reason,
            started_at=now,
            quiet_at=quiet_at,
            order_version=self.version,
            skip_grace=skip_grace,
        )
        self.trouble = self.gives_way = None
        self.happen(DatasetTeardownStarted(*self.ids, reason))
        return True

    def give_way(self, successor: UUID | None, now: datetime) -> bool:
        """Stay until the successor is READY, for a day at most (A18, make before break).

        One that gives way already stays no longer for it; one that has ended is left alone. Tells
        whether anything changed.
        """
        require_zone("now", now)
        if self.has_ended:
            return False
        until = self.gives_way.until if self.gives_way else now + LONGEST_STAY
        given = GivingWay(successor, until)
        if given == self.gives_way:
            return False
        self.gives_way = given
        self.happen(DatasetGivesWay(*self.ids, successor))
        return True

    def stay(self) -> bool:
        """Give way to nobody any more: the move was called off; tells whether that changed it."""
        was_leaving, self.gives_way = self.gives_way is not None, None
        return was_leaving

    def restore(self, now: datetime) -> None:
        """Undo a teardown inside its grace period: visible again, validated again.

        Raises:
            IllegalTransition: there is no teardown, it has begun to empty the connector, the
                dataset never had content to go back to, or its lifetime is over.
        """
        require_zone("now", now)
        teardown = self._restorable(now)
        if teardown.may_be_hiding(now):
            until = now + self.rules.order_limit
            self.hides_until = max(until, self.hides_until or until)
        self.become(_S.VALIDATING)
        self.is_hidden = self.is_hidden or teardown.may_have_hidden
        self.teardown = self.archive = None
        self.pursued_since = now
        self.health = self.health.closed().at_gate(now)
        self.happen(DatasetRestored(*self.ids))

    def revalidate(self, cause: str, now: datetime) -> bool:
        """Run the gate again over a dataset that is READY or FAILED.

        One that is VALIDATING already is left alone; a FAILED one that was never filled, or whose
        source has changed since, is provisioned again, within the full time limit. An incident
        stays open: its connector is probed on should the gate fail. Tells whether anything changed.

        Raises:
            IllegalTransition: the dataset is on its way in or out.
        """
        require_zone("now", now)
        if self.status is _S.VALIDATING:
            return False
        if self.status not in {_S.READY, _S.FAILED}:
            self.refuse("revalidated", "only a dataset in READY or FAILED can be")
        if self.status is _S.FAILED and self._has_to_be_filled:
            self.become(_S.PROVISIONING)
        else:
            self.become(_S.VALIDATING)
            self.happen(DatasetValidationStarted(*self.ids, cause))
        self.trouble = None
        self.pursued_since = now
        self.health = self.health.trusted(now, self.rules).at_gate(now)
        return True

    def extend_retention(self, until: datetime, now: datetime) -> bool:
        """Keep the archive for longer, or lock it so once more; tells whether that changed anything.

        Raises:
            IllegalTransition: there is no archive any more, or not yet, or its time is over.
            InvalidInput: the archive is kept for longer already, or the time is beyond all measure.
        """
        require_zone("now", now)
        return custody.extend(self, until, now)

    def hold_archive(self, reason: str, by: str, now: datetime) -> bool:
        """Keep the archive until the hold is released; tells whether that changed anything.

        One that is held already stays as it is, under its first reason.

        Raises:
            IllegalTransition: there is no archive any more, or not yet, or its time is over.
        """
        require_zone("now", now)
        return custody.hold(self, reason, by, now)

    def release_archive(self, now: datetime) -> bool:
        """Take the legal hold off; tells whether that changed anything.

        Raises:
            IllegalTransition: there is no archive any more, or not yet.
        """
        require_zone("now", now)
        return custody.release(self)

    @property
    def _has_to_be_filled(self) -> bool:
        return self.content is None or self.is_outdated

    def drain(self) -> list[Happening]:
        """Hand out the events recorded since the last time, in order."""
        drained, self.happenings = self.happenings, []
        return drained

    def drain_probes(self) -> tuple[bool, ...]:
        """Hand out the probes counted since the last time, each by whether it passed."""
        drained, self.probes = self.probes, ()
        return drained

    def _restorable(self, now: datetime) -> Teardown:
        teardown = self.teardown
        if self.status is not _S.TEARDOWN or teardown is None:
            self.refuse("restored", "only a dataset in TEARDOWN can be")
        if not teardown.is_reversible or teardown.is_grace_over(now):
            self.refuse("restored", "its grace period is over; request a new dataset instead")
        if self.content is None:
            self.refuse("restored", "it was never filled; request a new dataset instead")
        if self.expires_at is not None and now >= self.expires_at:
            ended = f"its lifetime ended at {self.expires_at.isoformat(timespec='seconds')}"
            self.refuse("restored", f"{ended}; request a new dataset instead")
        return teardown

    def _end_hiding(self, quiet_at: datetime) -> bool:
        if self.hides_until is None or self.hides_until <= quiet_at:
            return False
        self.hides_until = quiet_at
        return True

    def _hurry(self, teardown: Teardown, now: datetime) -> bool:
        hurried = teardown.hurried(now)
        if hurried == teardown:
            return False
        self.teardown = hurried
        self.happen(DatasetTeardownHurried(*self.ids, hurried.step))
        return True

    def _end_grace(self, now: datetime) -> bool:
        teardown = self.teardown
        if teardown is None or self.status is not _S.TEARDOWN or not teardown.is_grace_over(now):
            return False
        what = "left out" if teardown.skip_grace else "over"
        done = DatasetTeardownStepDone(*self.ids, teardown.step, f"its grace period is {what}")
        self.happen(done)
        self.teardown = teardown.advanced()
        return True

    def _try_again(self, now: datetime) -> None:
        self.trouble = self.trouble.without_retry() if self.trouble else None
        if self._has_to_be_filled:
            self.become(_S.PROVISIONING)
            return
        self.become(_S.VALIDATING)
        self.health = self.health.at_gate(now)
        self.happen(DatasetValidationStarted(*self.ids, "automatic retry"))

    def _is_expired(self, now: datetime) -> bool:
        due = self.expires_at
        return due is not None and now >= due and self.status not in ENDED

    def _quiet_at(self, now: datetime) -> datetime:
        """Tell when no agent can be writing to the connector any more (A19)."""
        trouble = self.trouble
        resting = trouble is not None and trouble.retry_at is not None and trouble.retry_at > now
        writes = self.status is _S.PROVISIONING or (self.status is _S.VALIDATING and self.is_hidden)
        outstanding = now + self.rules.order_limit if writes and not resting else now
        return max(outstanding, self.busy_until or now)
