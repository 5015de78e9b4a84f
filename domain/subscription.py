"""Subscriptions: who wants to hear of which events, how far each has come, and how patient we are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import takewhile
from uuid import UUID

from domain.events import RecordedEvent

FIRST_PAUSE = timedelta(seconds=5)
"""What lies between the first try and the second; each pause after it is twice as long."""

LONGEST_PAUSE = timedelta(hours=1)

PATIENCE = timedelta(days=1)
"""How long one event is tried with a subscriber that fails; then it is a dead letter."""

REFUSALS = 5
"""How often an event is tried with a subscriber that is there and says no to it."""


class SubscriptionState(StrEnum):
    """Whether something is delivered: not to whoever wants no more, nor once all is told."""

    ACTIVE = "active"
    DISABLED = "disabled"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events are wanted: `kinds` by name, none meaning all; `journey` by reference or id."""

    kinds: tuple[str, ...] = ()
    journey: str | None = None

    def lets_through(self, event: RecordedEvent) -> bool:
        """Whether an event is wanted."""
        context = event.context
        of_journey = self.journey in {None, context.journey_ref, str(context.journey_id)}
        return of_journey and (not self.kinds or event.name in self.kinds)


@dataclass(frozen=True, slots=True)
class PushedTask:
    """What a subscription to a task is about; `sealed` is its configuration, closed to readers."""

    agent: str
    task_id: str
    config_id: str
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscriber: a webhook that hears of events, or of one `task` where there is one.

    `position` is the sequence of the last event (of a task: its version) that was acknowledged or
    given up. `secrets` are references, the one that counts first. `failures` were in a row, the
    first of them at `failing_since`, and `refusals` of them were of the event at hand; the next
    try is at `due_at`, None meaning at once.
    """

    tenant: str
    subscription_id: UUID
    url: str
    wanted: Wanted
    secrets: tuple[str, ...]
    created_by: str
    created_at: datetime
    position: int
    state: SubscriptionState = SubscriptionState.ACTIVE
    why: str = ""
    failures: int = 0
    refusals: int = 0
    failing_since: datetime | None = None
    due_at: datetime | None = None
    task: PushedTask | None = None

    def acknowledged(self, position: int) -> Subscription:
        """Move on behind what was acknowledged; the subscriber is well."""
        return replace(
            self,
            position=position,
            why="",
            failures=0,
            refusals=0,
            failing_since=None,
            due_at=None,
        )

    def without(self, position: int) -> Subscription:
        """Move on behind what is given up; one that only refused is well, any other is not yet."""
        if self.refusals >= REFUSALS:
            return self.acknowledged(position)
        return replace(self, position=position, refusals=0)

    def failed(self, setback: Setback, now: datetime, chance: float) -> Subscription:
        """Note a failed try, and when to try again; `chance` in [0, 1) spreads those of many."""
        return replace(
            self,
            why=setback.why,
            failures=self.failures + 1,
            refusals=self.refusals + setback.is_refusal,
            failing_since=self.failing_since or now,
            due_at=now + _pause(self.failures, setback.stay_away, chance),
        )

    def disabled(self, why: str) -> Subscription:
        """Deliver nothing any more, until somebody enables it; what was not told waits."""
        return replace(self, state=SubscriptionState.DISABLED, why=why, due_at=None)

    def is_hopeless(self, now: datetime) -> bool:
        """Whether the subscriber has failed for longer than we are patient, or refused too often."""
        since = self.failing_since or now
        return self.refusals >= REFUSALS or now - since >= PATIENCE

    def gives_up_on(self, event: RecordedEvent, now: datetime) -> bool:
        """Whether an event has been tried long enough, or refused often enough."""
        return self.refusals >= REFUSALS or self.has_waited(event, now)

    def has_waited(self, event: RecordedEvent, now: datetime) -> bool:
        """Whether an event has waited for a failing subscriber for as long as we are patient.

        It waits from when it happened, or from when the subscriber began to fail.
        """
        if self.failing_since is None:
            return False
        return now - max(event.occurred_at, self.failing_since) >= PATIENCE


@dataclass(frozen=True, slots=True)
class Setback:
    """Why a try failed; `is_refusal` where the subscriber is there and says no to what it got.

    `stay_away` is how long it asks us to leave it alone.
    """

    why: str
    is_refusal: bool = False
    stay_away: timedelta | None = None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event a subscriber never acknowledged; `is_wanted` once somebody asks for it again.

    `tries` is how often in a row the subscriber had failed by then, `why` what it said last.
    """

    sequence: int
    event_id: UUID
    name: str
    tries: int
    why: str
    failed_at: datetime
    is_wanted: bool = False


def given_up(
    subscription: Subscription, events: Sequence[RecordedEvent], now: datetime
) -> list[DeadLetter]:
    """Give up the event at the front, and those behind it that have waited too long as well."""
    first, *others = events
    waited = takewhile(lambda each: subscription.has_waited(each, now), others)
    return [_dead_letter(each, subscription, now) for each in (first, *waited)]


def _dead_letter(event: RecordedEvent, subscription: Subscription, now: datetime) -> DeadLetter:
    return DeadLetter(
        sequence=event.sequence,
        event_id=event.event_id,
        name=event.name,
        tries=subscription.failures,
        why=subscription.why,
        failed_at=now,
    )


def _pause(failures: int, asked: timedelta | None, chance: float) -> timedelta:
    """Give the pause after so many failures before; a tenth of it is chance."""
    doubled = FIRST_PAUSE * (1 << min(failures, 16))
    pause = min(max(doubled, asked or timedelta(0)), LONGEST_PAUSE)
    return pause * (1 + chance / 10)
