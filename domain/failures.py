"""What failures mean: what is tried again by itself, and what waits for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.events import DatasetProvisioningFailed
from domain.lifecycle import DatasetStatus
from domain.quality import Severity
from domain.state import DatasetState, Trouble
from domain.work import FailureKind, OrderFailed

if TYPE_CHECKING:
    from datetime import datetime


def order_failed(dataset: DatasetState, outcome: OrderFailed, now: datetime) -> None:
    """Postpone what may work later; FAIL what a person has to mend.

    A teardown is never given up: its step is taken again. Before the gate a supplier that is
    merely unavailable costs retries in place, and FAILED only when they are used up.
    """
    if dataset.status is DatasetStatus.TEARDOWN and dataset.teardown is not None:
        pause = dataset.rules.teardown_retry
        dataset.teardown = dataset.teardown.postponed(outcome.message, now, pause)
        return
    if dataset.status is DatasetStatus.ARCHIVED:
        dataset.trouble = _unpurged(dataset, outcome, now)
        return
    postponed = _postponed(dataset, outcome, now)
    if postponed is not None:
        dataset.trouble = postponed
        return
    fail(dataset, outcome.message, Severity.ERROR, retry_from=None)
    dataset.happen(DatasetProvisioningFailed(*dataset.ids, outcome.message))


def fail(
    dataset: DatasetState, message: str, severity: Severity, *, retry_from: datetime | None
) -> None:
    """Make a dataset FAILED; with `retry_from` it is tried again by itself while retries last."""
    retries = _retries(dataset) + 1
    pause = dataset.rules.pause_before(retries)
    retry_at = retry_from + pause if retry_from is not None and pause is not None else None
    dataset.trouble = Trouble(dataset.status, message, severity, retries, retry_at)
    dataset.become(DatasetStatus.FAILED)


def is_retry_due(dataset: DatasetState, now: datetime) -> bool:
    """Whether a FAILED dataset's next automatic try has come."""
    trouble = dataset.trouble
    failed = dataset.status is DatasetStatus.FAILED
    return (
        failed
        and trouble is not None
        and trouble.retry_at is not None
        and (now >= trouble.retry_at)
    )


def _postponed(dataset: DatasetState, outcome: OrderFailed, now: datetime) -> Trouble | None:
    retries = _retries(dataset) + 1
    pause = dataset.rules.pause_before(retries)
    if outcome.failure is FailureKind.REFUSED or pause is None:
        return None
    retry_at = now + max(pause, outcome.retry_after or pause)
    if retry_at > dataset.place.requested_at + dataset.rules.provisioning_limit:
        return None if dataset.ready_at is None else _trouble(dataset, outcome, retry_at)
    return _trouble(dataset, outcome, retry_at)


def _trouble(dataset: DatasetState, outcome: OrderFailed, retry_at: datetime) -> Trouble:
    retries = _retries(dataset) + 1
    return Trouble(dataset.status, outcome.message, Severity.WARNING, retries, retry_at)


def _unpurged(dataset: DatasetState, outcome: OrderFailed, now: datetime) -> Trouble:
    return _trouble(dataset, outcome, now + dataset.rules.teardown_retry)


def _retries(dataset: DatasetState) -> int:
    return dataset.trouble.retries if dataset.trouble else 0
