"""A subscriber moves on after an acknowledgement, and we are patient with him for a day."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.events import EventContext, RecordedEvent
from domain.journey import JourneyId
from domain.subscription import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    PATIENCE,
    REFUSALS,
    Setback,
    Subscription,
    SubscriptionState,
    Wanted,
    given_up,
)
from tests.builders import NOW

BROKEN = Setback("it answered 500")
REFUSED = Setback("it answered 400", is_refusal=True)
JOURNEY = JourneyId(UUID(int=7))


def a_subscription(**changed: Any) -> Subscription:
    plain = Subscription(
        tenant="default",
        subscription_id=UUID(int=1),
        url="https://hooks.example.com/",
        wanted=Wanted(),
        secrets=("secret://env/WEBHOOK_DEFAULT__HOOK",),
        created_by="alice",
        created_at=NOW,
        position=0,
    )
    return replace(plain, **changed)


def an_event(sequence: int = 1, at: datetime = NOW, name: str = "DatasetReady") -> RecordedEvent:
    context = EventContext("default", JOURNEY, "journey-1", "acme", None, "task-1")
    return RecordedEvent(UUID(int=sequence), sequence, name, at, context, {})


@pytest.mark.parametrize(
    ("wanted", "is_wanted"),
    [
        (Wanted(), True),
        (Wanted(("DatasetReady",)), True),
        (Wanted(("DatasetArchived",)), False),
        (Wanted(journey="journey-1"), True),
        (Wanted(journey=str(JOURNEY)), True),
        (Wanted(journey="journey-2"), False),
        (Wanted(("DatasetReady",), "journey-2"), False),
    ],
)
def test_a_subscriber_hears_of_the_kinds_and_the_journey_he_wants(
    wanted: Wanted, is_wanted: bool
) -> None:
    lets_through = wanted.lets_through(an_event())

    assert lets_through is is_wanted


def test_each_pause_is_twice_the_one_before_up_to_an_hour() -> None:
    subscription, pauses = a_subscription(), []

    for _ in range(12):
        subscription = subscription.failed(BROKEN, NOW, 0.0)
        assert subscription.due_at is not None
        pauses.append(subscription.due_at - NOW)

    assert pauses[:3] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
    assert pauses[-1] == LONGEST_PAUSE
    assert pauses == sorted(pauses)


@given(st.integers(0, 10_000), st.floats(0, 1, exclude_max=True))
def test_no_pause_is_longer_than_an_hour_and_its_share_of_chance(
    failures: int, chance: float
) -> None:
    failed = a_subscription(failures=failures).failed(BROKEN, NOW, chance)

    assert failed.due_at is not None
    assert FIRST_PAUSE <= failed.due_at - NOW <= 1.1 * LONGEST_PAUSE


@pytest.mark.parametrize(
    ("asked", "pause"),
    [
        (timedelta(minutes=10), timedelta(minutes=10)),
        (timedelta(0), FIRST_PAUSE),
        (timedelta(days=3), LONGEST_PAUSE),
    ],
)
def test_who_asks_for_a_longer_pause_gets_it_up_to_an_hour(
    asked: timedelta, pause: timedelta
) -> None:
    failed = a_subscription().failed(Setback("busy", stay_away=asked), NOW, 0.0)

    assert failed.due_at == NOW + pause


def test_an_acknowledgement_forgets_every_failure() -> None:
    failed = a_subscription().failed(REFUSED, NOW, 0.0)

    acknowledged = failed.acknowledged(5)

    assert acknowledged == a_subscription(position=5)


def test_an_event_is_tried_for_a_day_from_the_first_failure() -> None:
    failed = a_subscription().failed(BROKEN, NOW, 0.0)
    old = an_event(at=NOW - timedelta(days=30))

    before = failed.gives_up_on(old, NOW + PATIENCE - timedelta(seconds=1))
    then = failed.gives_up_on(old, NOW + PATIENCE)

    assert (before, then) == (False, True)


def test_an_event_that_came_later_is_tried_for_a_day_of_its_own() -> None:
    failed = a_subscription().failed(BROKEN, NOW, 0.0)
    later = an_event(at=NOW + timedelta(hours=5))

    gives_up = failed.gives_up_on(later, NOW + PATIENCE)

    assert not gives_up


def test_nothing_has_waited_for_who_does_not_fail() -> None:
    gives_up = a_subscription().gives_up_on(an_event(), NOW + timedelta(days=30))

    assert not gives_up


def test_an_event_that_is_refused_again_and_again_is_given_up_soon() -> None:
    subscription = a_subscription()

    for _ in range(REFUSALS):
        assert not subscription.gives_up_on(an_event(), NOW)
        subscription = subscription.failed(REFUSED, NOW, 0.0)

    assert subscription.gives_up_on(an_event(), NOW)


def test_who_only_refused_is_well_behind_the_event_he_refused() -> None:
    refused = a_subscription(refusals=REFUSALS, failures=REFUSALS, failing_since=NOW, due_at=NOW)

    behind = refused.without(3)

    assert behind == a_subscription(position=3)


def test_who_goes_on_failing_has_failed_since_the_first_time() -> None:
    failed = a_subscription().failed(BROKEN, NOW, 0.0)

    again = failed.failed(BROKEN, NOW + timedelta(hours=1), 0.0)

    assert (again.failures, again.failing_since) == (2, NOW)


def test_who_fails_is_failing_behind_the_event_given_up_as_well() -> None:
    failed = a_subscription().failed(BROKEN, NOW, 0.0)

    behind = failed.without(3)

    assert (behind.position, behind.failures, behind.due_at) == (3, 1, failed.due_at)
    assert behind.failing_since == NOW


def test_what_waited_as_long_is_given_up_with_the_event_at_the_front() -> None:
    failed = replace(a_subscription(), failing_since=NOW, failures=30, why="it answered 500")
    events = [an_event(1), an_event(2), an_event(3, NOW + timedelta(hours=2)), an_event(4)]

    dead = given_up(failed, events, NOW + PATIENCE)

    assert [each.sequence for each in dead] == [1, 2]
    assert (dead[0].tries, dead[0].why, dead[0].name) == (30, "it answered 500", "DatasetReady")
    assert not dead[0].is_wanted


def test_who_wants_no_more_is_told_nothing_until_somebody_enables_him() -> None:
    disabled = a_subscription(due_at=NOW).disabled("it answered 410")

    assert (disabled.state, disabled.why) == (SubscriptionState.DISABLED, "it answered 410")
    assert disabled.due_at is None


@pytest.mark.parametrize(
    ("subscription", "is_hopeless"),
    [
        (a_subscription(), False),
        (a_subscription(failing_since=NOW - PATIENCE), True),
        (a_subscription(failing_since=NOW - timedelta(hours=23)), False),
        (a_subscription(failing_since=NOW, refusals=REFUSALS), True),
    ],
)
def test_who_failed_for_a_day_or_refused_too_often_is_hopeless(
    subscription: Subscription, is_hopeless: bool
) -> None:
    found = subscription.is_hopeless(NOW)

    assert found is is_hopeless
