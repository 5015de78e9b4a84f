"""Rules: the seed's times as defaults, and the protection of stages."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.journey import JourneyStage
from domain.lifecycle import TeardownReason
from domain.rules import LifecycleRules


def test_the_seeds_times_are_the_defaults() -> None:
    rules = LifecycleRules()

    assert rules.grace_period == timedelta(hours=24)
    assert rules.retention == timedelta(days=90)
    assert rules.provisioning_limit == timedelta(minutes=60)


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
