"""Rules: the seed's times as defaults, and the protection of stages."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.journey import JourneyStage
from domain.lifecycle import TeardownReason
from domain.rules import LifecycleRules


@pytest.mark.requirement("R23")
def test_the_seeds_times_are_the_defaults() -> None:
    rules = LifecycleRules()

    assert rules.grace_period == timedelta(hours=24)
    assert rules.retention == timedelta(days=90)
    assert rules.provisioning_limit == timedelta(minutes=60)


@pytest.mark.parametrize(
    ("asked", "pause"),
    [
        (None, timedelta(seconds=20)),
        (timedelta(seconds=1), timedelta(seconds=20)),
        (timedelta(minutes=5), timedelta(minutes=5)),
        (timedelta.max, timedelta(hours=1)),
    ],
)
def test_a_supplier_may_ask_for_a_longer_pause_within_an_hour(
    asked: timedelta | None, pause: timedelta
) -> None:
    rules = LifecycleRules(teardown_retry=timedelta(seconds=20))

    assert rules.pause_before(2, asked) == pause
    assert rules.pause_after(0, asked) == pause


def test_a_pause_doubles_however_often_a_step_has_failed() -> None:
    assert LifecycleRules().pause_after(10_000) == timedelta(hours=1)


@pytest.mark.parametrize("reason", list(TeardownReason))
@pytest.mark.parametrize("stage", list(JourneyStage))
def test_by_default_no_teardown_needs_an_approval(
    reason: TeardownReason, stage: JourneyStage
) -> None:
    assert not LifecycleRules().needs_approval(reason, stage)


@pytest.mark.parametrize(
    ("reason", "needed"),
    [
        (TeardownReason.JOURNEY_COMPLETED, True),
        (TeardownReason.ORPHAN_CLEANUP, True),
        (TeardownReason.STAGE_TRANSITION, False),
        (TeardownReason.MANUAL_REQUEST, False),
    ],
)
def test_a_protected_stage_ends_by_itself_only_with_an_approval(
    reason: TeardownReason, needed: bool
) -> None:
    rules = LifecycleRules(protect_stages=frozenset({JourneyStage.PRODUCTION}))

    assert rules.needs_approval(reason, JourneyStage.PRODUCTION) is needed
    assert not rules.needs_approval(reason, JourneyStage.PILOT)
