"""What failures mean: what is tried again by itself, and what waits for people."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from domain.events import DatasetProvisioningFailed, DatasetValidationAborted
from domain.lifecycle import DatasetStatus
from domain.quality import QualityScore, Severity
from domain.work import FailureKind, OrderFailed

if TYPE_CHECKING:
    from datetime import datetime

    from domain.state import DatasetState
    from domain.trouble import Trouble


def order_failed(dataset: DatasetState, outcome: OrderFailed, now: datetime) -> None:
    """Postpone what may work later; FAIL what a person has to mend.

    A teardown and a purge are never given up: they are tried again. Before the gate a supplier that is
    merely unavailable costs retries in place, and FAILED only when they are used up, or when the
    time of the validation is: that is begun anew by the next retry. One that was READY before is
    probed when none is left, and comes back when the outage is over (A13).
    """
    if dataset.status is DatasetStatus.TEARDOWN and dataset.teardown is not None:
        pause = dataset.rules.pause_after(dataset.teardown.retries, outcome.retry_after)
        dataset.teardown = dataset.teardown.postponed(outcome.message, now + pause)
    elif dataset.status is DatasetStatus.ARCHIVED:
        pause = dataset.rules.pause_after(dataset.retries, outcome.retry_after)
        _retry(dataset, outcome.message, now + pause)
    elif outcome.failure is FailureKind.REFUSED:
        _end_without_verdict(dataset, outcome.message)
    else:
        retry_at = _retry_time(dataset, now, outcome.retry_after)
        if retry_at is None or _is_undecided(dataset, retry_at):
            _end_in_outage(dataset, outcome.message, retry_at, now)
        else:
            _retry(dataset, outcome.message, retry_at)


def missed(dataset: DatasetState, message: str, score: QualityScore, now: datetime) -> Trouble:
    """Say what a failed gate means: a near miss is tried again by itself (A4), the rest is not.

    So is one whose source has changed: it is filled anew, as often in a row as others are tried.
    The tries that outages cost are forgotten: the gate has run. Near misses have tries of their
    own, and a dataset that was never READY must still be so in time (A11).
    """
    trouble = replace(dataset.troubled(message, score.severity), retries=0)
    pause = dataset.rules.pause_before(_tries(dataset, trouble) + 1)
    if (
        not (score.severity is Severity.WARNING or dataset.is_outdated)
        or pause is None
        or _is_out_of_time(dataset, now + pause)
    ):
        return trouble
    return replace(trouble, misses=trouble.misses + 1, retry_at=now + pause)


def why_outdated(dataset: DatasetState) -> str:
    """Tell of a gate that failed for its source's sake that nothing is damaged; else nothing."""
    told = " Nothing is damaged: its source has changed since, and has to be read again."
    return told if dataset.is_outdated else ""


def _tries(dataset: DatasetState, trouble: Trouble) -> int:
    """Tell how many tries of the kind that comes next were made."""
    content = dataset.content
    return content.renewals if content is not None and content.is_outdated else trouble.misses


def is_retry_due(dataset: DatasetState, now: datetime) -> bool:
    """Whether a FAILED dataset's next automatic try has come."""
    due = dataset.trouble.retry_at if dataset.trouble else None
    return dataset.status is DatasetStatus.FAILED and due is not None and now >= due


def _is_out_of_time(dataset: DatasetState, now: datetime) -> bool:
    """Whether a dataset that was never READY can no longer be so in time (A1)."""
    return dataset.ready_by is not None and now >= dataset.ready_by


def run_out_of_time(dataset: DatasetState, now: datetime) -> bool:
    """Make a dataset FAILED that was not READY, or not validated, in time; tells whether it was.

    Who was not READY waits for somebody who has it tried anew.
    """
    if _is_out_of_time(dataset, now):
        late = f"was not READY within {_minutes(dataset.rules.provisioning_limit)}"
        _end_without_verdict(dataset, f"{dataset.name} {late}; validate it to try it anew.")
        return True
    if _is_undecided(dataset, now):
        retry_at = _retry_time(dataset, now)
        is_given_up = retry_at is None and dataset.ready_at is None
        late = f"was not validated within {_minutes(dataset.rules.validation_limit)}"
        then = "; validate it to try it anew." if is_given_up else "."
        _end_in_outage(dataset, f"{dataset.name} {late}{then}", retry_at, now)
        return True
    return False


def _minutes(limit: timedelta) -> str:
    return f"{limit // timedelta(minutes=1)} minutes"


def _is_undecided(dataset: DatasetState, now: datetime) -> bool:
    """Whether the gate's time is over and it has not decided (seed: R15)."""
    return dataset.decided_by is not None and now >= dataset.decided_by


def _retry_time(
    dataset: DatasetState, now: datetime, asked: timedelta | None = None
) -> datetime | None:
    """Tell when an order is given again, if it may be at all (A11)."""
    pause = dataset.rules.pause_before(dataset.retries + 1, asked)
    return None if pause is None or _is_out_of_time(dataset, now + pause) else now + pause


def _retry(dataset: DatasetState, message: str, retry_at: datetime) -> None:
    dataset.trouble = dataset.troubled(message, Severity.WARNING).retried(retry_at)


def _end_in_outage(
    dataset: DatasetState, message: str, retry_at: datetime | None, now: datetime
) -> None:
    """Begin another validation then, if at all; that of an incident waits for good probes."""
    again = None if dataset.health.is_incident else retry_at
    _end_without_verdict(dataset, message, again)
    if again is None:
        _watch_over(dataset, now)


def _watch_over(dataset: DatasetState, now: datetime) -> None:
    health = dataset.health
    if dataset.ready_at is not None and not health.is_incident:
        dataset.health = health.watched(dataset.new_incident_id, now, dataset.rules)


def _end_without_verdict(
    dataset: DatasetState, message: str, retry_at: datetime | None = None
) -> None:
    was_validating = dataset.status is DatasetStatus.VALIDATING
    trouble = dataset.troubled(message, Severity.WARNING if retry_at else Severity.ERROR)
    dataset.fail(trouble.retried(retry_at) if retry_at else trouble)
    dataset.health = dataset.health.restarted()
    failed = DatasetValidationAborted if was_validating else DatasetProvisioningFailed
    dataset.happen(failed(*dataset.ids, message))
