"""What probes mean: a sick connector takes READY away, and a well one gives it another try."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from domain import checks, ordering
from domain.events import (
    ConnectorHealthDegraded,
    ConnectorUnwatched,
    DatasetValidationAborted,
    DatasetValidationStarted,
)
from domain.lifecycle import DatasetStatus
from domain.quality import Severity

if TYPE_CHECKING:
    from datetime import datetime

    from domain.health import Health
    from domain.state import DatasetState
    from domain.work import Probed

_S = DatasetStatus


def take_probe(dataset: DatasetState, outcome: Probed, now: datetime) -> None:
    """Count what one knock found."""
    if not outcome.probe.is_made:
        count_silence(dataset, outcome.probe.message, now)
        return
    if checks.is_healthy(outcome.probe, ordering.policy_of(dataset)):
        dataset.health = dataset.health.after_success(now, dataset.rules)
        _count(dataset, passed=True)
        _recover(dataset, now)
        return
    message = outcome.probe.message or f"it answered in {outcome.probe.response_time_ms:.0f} ms"
    count_failure(dataset, message, now)


def count_failure(dataset: DatasetState, message: str, now: datetime) -> None:
    """Count a probe that failed; enough of them in a row take READY away (seed: R74)."""
    dataset.health = dataset.health.after_failure(message, now, dataset.rules)
    _count(dataset, passed=False)
    if dataset.status is _S.READY and dataset.health.is_demoting(dataset.rules):
        _demote(dataset, now)


def count_silence(dataset: DatasetState, message: str, now: datetime) -> None:
    """Count a probe that was lost; each row of them is a failure, for nobody watches any more.

    The first row is told of as well.
    """
    dataset.health = dataset.health.after_silence(now, dataset.rules)
    silences, row = dataset.health.silences, dataset.rules.silences_to_tell
    if silences % row:
        return
    lost = f"{silences} probes in a row were lost. {message}"
    if silences == row:
        dataset.happen(ConnectorUnwatched(*dataset.ids, f"{dataset.name} is unwatched: {lost}"))
    count_failure(dataset, lost.rstrip("."), now)
    dataset.health = replace(dataset.health, silences=silences)


def is_only_probed(dataset: DatasetState) -> bool:
    """Whether a probe is the only order the dataset gives: READY, FAILED, or VALIDATING and ill."""
    ill = dataset.health.is_ill(dataset.rules) and not dataset.is_hidden
    return dataset.status in {_S.READY, _S.FAILED} or (ill and dataset.status is _S.VALIDATING)


def give_up_on_incident(dataset: DatasetState) -> None:
    """Make a dataset FAILED whose connector stayed ill beyond our patience; it is still probed.

    No gate has run, so this is no verdict: the last one stands beside it as it was.
    """
    message = f"{dataset.name} stayed ill: {dataset.health.last_message or 'no probe passed'}."
    dataset.fail(dataset.troubled(message, Severity.ERROR))
    dataset.health = dataset.health.given_up()
    dataset.happen(DatasetValidationAborted(*dataset.ids, message))


def after_sick_gate(dataset: DatasetState, now: datetime) -> Health:
    """Demand the full row of successes before an incident's next gate.

    Where there was no incident one is opened, once no automatic retry is left to find out.
    """
    if dataset.health.is_incident:
        return dataset.health.restarted()
    if dataset.trouble is not None and dataset.trouble.retry_at is not None:
        return dataset.health
    return dataset.health.watched(dataset.new_incident_id, now, dataset.rules)


def _count(dataset: DatasetState, *, passed: bool) -> None:
    """Count a probe towards the uptime of a connector that people may rely on (A48)."""
    if dataset.ready_at is not None:
        dataset.probes = (*dataset.probes, passed)


def _recover(dataset: DatasetState, now: datetime) -> None:
    """Run the gate again once an incident's connector answers, with the full time for it."""
    health = dataset.health
    if not health.is_incident or not health.is_recovered(dataset.rules):
        return
    dataset.pursued_since = now
    dataset.health = health.at_gate(now)
    if dataset.status is _S.FAILED:
        dataset.become(_S.VALIDATING)
        dataset.trouble = None
        dataset.health = dataset.health.resumed(now)
        dataset.happen(DatasetValidationStarted(*dataset.ids, "its connector answers again"))


def _demote(dataset: DatasetState, now: datetime) -> None:
    incident_id = dataset.new_incident_id
    dataset.health = dataset.health.opened(incident_id, now)
    dataset.become(_S.VALIDATING)
    message = f"{dataset.name} has a sick connector: {dataset.health.last_message}."
    dataset.happen(ConnectorHealthDegraded(*dataset.ids, incident_id, message))
