"""The gate: what the evidence says of a dataset, and whether it passes."""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING

from domain import checks, ordering
from domain.events import DatasetProvisionCompleted, DatasetReady, DatasetValidationFailed
from domain.failures import missed, why_outdated
from domain.illness import after_sick_gate
from domain.lifecycle import DatasetStatus
from domain.quality import CheckType

if TYPE_CHECKING:
    from datetime import datetime

    from domain.quality import QualityScore
    from domain.state import DatasetState
    from domain.work import Examined


def take_evidence(dataset: DatasetState, outcome: Examined, now: datetime) -> None:
    """Judge what a validation saw, and let the dataset pass its gate or fail it."""
    content = ordering.content_of(dataset)
    expected = checks.Expected(
        record_count=content.record_count,
        documents=content.documents,
        content_digest=content.content_digest,
        queries=content.queries,
        source_version=content.source_version,
    )
    is_outdated = checks.has_moved_on(outcome.evidence.schema, expected)
    dataset.content = replace(content, is_outdated=is_outdated)
    score = checks.judge(outcome.evidence, expected, ordering.policy_of(dataset))
    dataset.quality = score
    if dataset.first_passed is None:
        dataset.first_passed = score.is_ready and not score.failed_checks
    if score.is_ready:
        _pass_gate(dataset, score, now)
    else:
        _fail_gate(dataset, score, now)


def _pass_gate(dataset: DatasetState, score: QualityScore, now: datetime) -> None:
    dataset.become(DatasetStatus.READY)
    dataset.content = replace(ordering.content_of(dataset), renewals=0)
    dataset.trouble = None
    dataset.health = dataset.health.after_success(now, dataset.rules).closed()
    if dataset.ready_at is None:
        dataset.ready_at = now
        _complete(dataset, score, now)
    ready = DatasetReady(*dataset.ids, score.overall_score)
    dataset.happen(ready, severity=score.severity.value)


def _complete(dataset: DatasetState, score: QualityScore, now: datetime) -> None:
    seconds = (now - dataset.place.requested_at).total_seconds()
    completed = DatasetProvisionCompleted(
        *dataset.ids,
        quality_score=score.overall_score,
        record_count=ordering.content_of(dataset).documents,
        connector_id=ordering.connector_of(dataset).connector_id,
        duration_minutes=max(1, ceil(seconds / 60)),
    )
    dataset.happen(completed, durationseconds=f"{seconds:.3f}")


def _fail_gate(dataset: DatasetState, score: QualityScore, now: datetime) -> None:
    """Fail; a near miss is tried again by itself, and so is one whose connector was sick (A13)."""
    message = f"{dataset.name} did not pass its gate: {score.decided_by}.{why_outdated(dataset)}"
    dataset.fail(missed(dataset, message, score, now))
    ill = CheckType.CONNECTOR_HEALTH in score.failed_checks
    dataset.health = after_sick_gate(dataset, now) if ill else dataset.health.closed()
    failed = tuple(each.value for each in score.failed_checks)
    dataset.happen(
        DatasetValidationFailed(*dataset.ids, failed, message), severity=score.severity.value
    )
