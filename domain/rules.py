"""The lifecycle's times and limits, with the seed's values as defaults."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from domain.journey import JourneyStage
from domain.lifecycle import TeardownReason

BY_ITSELF = frozenset({TeardownReason.JOURNEY_COMPLETED, TeardownReason.ORPHAN_CLEANUP})
"""The reasons for which datasets end without anybody having named them."""

LONGEST_PAUSE = timedelta(hours=1)
"""The longest pause before a step of a teardown, and the longest a supplier is granted."""

_MOST_DOUBLINGS = 16


@dataclass(frozen=True, slots=True)
class LifecycleRules:
    """How long things may take and how often they are tried.

    `grace_period` (seed: 24 h) lies between disconnecting and emptying; `retention` (seed: 90
    days) keeps archives; `health_interval` parts the probes of a READY dataset, of which
    `failures_to_demote` in a row demote it and `successes_to_recover` run its gate again, while
    `silences_to_tell` that were lost in a row are told of and count as one that failed;
    `incident_patience` is how long a sick dataset stays VALIDATING before it is FAILED;
    `retry_delays` are the pauses before each automatic retry, inside `provisioning_limit`
    (seed: 60 min); `order_limit` bounds one order, after which its agent calls nobody, and
    `validation_limit` (seed: 10 min) a whole validation, with all its orders. Datasets of
    `protect_stages` end with their journey only when somebody approves (A17).
    """

    grace_period: timedelta = timedelta(hours=24)
    retention: timedelta = timedelta(days=90)
    health_interval: timedelta = timedelta(seconds=60)
    failures_to_demote: int = 3
    successes_to_recover: int = 2
    silences_to_tell: int = 5
    incident_patience: timedelta = timedelta(minutes=10)
    retry_delays: tuple[timedelta, ...] = (
        timedelta(seconds=5),
        timedelta(seconds=20),
        timedelta(seconds=80),
    )
    provisioning_limit: timedelta = timedelta(minutes=60)
    order_limit: timedelta = timedelta(minutes=30)
    validation_limit: timedelta = timedelta(minutes=10)
    teardown_retry: timedelta = timedelta(seconds=30)
    protect_stages: frozenset[JourneyStage] = frozenset()

    def pause_before(self, retry: int, asked: timedelta | None = None) -> timedelta | None:
        """Tell the pause before retry number `retry` (from 1), or None when none are left.

        A supplier may ask for a longer one.
        """
        if retry > len(self.retry_delays):
            return None
        return _longer(self.retry_delays[retry - 1], asked)

    def pause_after(self, failures: int, asked: timedelta | None = None) -> timedelta:
        """Tell the pause after so many failures, before the latest, of what is never given up.

        It doubles from `teardown_retry` up to one hour; a supplier may ask for a longer one.
        """
        doubled = self.teardown_retry * 2 ** min(failures, _MOST_DOUBLINGS)
        return _longer(min(doubled, LONGEST_PAUSE), asked)

    def needs_approval(self, reason: TeardownReason, stage: JourneyStage) -> bool:
        """Whether a teardown of this reason waits for somebody's consent in this stage (A17)."""
        return stage in self.protect_stages and reason in BY_ITSELF


def _longer(pause: timedelta, asked: timedelta | None) -> timedelta:
    """Give the pause a supplier asks for where it is longer than ours, within an hour."""
    return max(pause, min(asked or pause, LONGEST_PAUSE))
