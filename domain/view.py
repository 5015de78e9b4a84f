"""How a dataset is shown to callers: plain JSON, the same on every door."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from domain.approvals import Approval
    from domain.documents import (
        CheckDocument,
        ConditionDocument,
        DatasetDocument,
        MadeDocument,
        PlaceDocument,
        TimesDocument,
        VerdictDocument,
    )
    from domain.journey_documents import ApprovalDocument
    from domain.quality import DataQualityCheck, QualityScore
    from domain.state import DatasetState


def describe(dataset: DatasetState) -> DatasetDocument:
    """Describe a dataset: ids, place, status, score with its four checks, and what comes next."""
    return {
        **_place(dataset),
        "status": dataset.status.value,
        "lifecycle_stage": dataset.lifecycle_stage.value,
        **_made(dataset),
        **_times(dataset),
        **describe_quality(dataset.quality),
        **_condition(dataset),
    }


def describe_quality(score: QualityScore | None) -> VerdictDocument:
    """Describe a verdict: the score, the checks with their evidence, and what decided."""
    if score is None:
        return {"quality_score": None, "checks": []}
    return {
        "quality_score": float(score.overall_score),
        "severity": score.severity.value,
        "decided_by": score.decided_by,
        "would_pass_if": list(score.would_pass_if),
        "failed_checks": [each.value for each in score.failed_checks],
        "checks": [describe_check(each) for each in score.checks],
    }


def describe_check(check: DataQualityCheck) -> CheckDocument:
    """Describe one check (seed: DataQualityCheck)."""
    return {
        "check_type": check.check_type.value,
        "passed": check.passed,
        "score": float(check.score),
        "details": dict(check.details),
        "executed_at": check.executed_at.isoformat(),
    }


def describe_approval(approval: Approval) -> ApprovalDocument:
    """Describe an approval: what is asked, of which dataset, and how it was decided."""
    return {
        "approval_id": str(approval.approval_id),
        "dataset_id": str(approval.dataset_id),
        "connector_name": approval.connector_name,
        "stage": approval.stage.value,
        "journey_ref": approval.journey_ref,
        "reason": approval.reason.value,
        "question": approval.question,
        "force": approval.force,
        "asked_by": approval.asked_by,
        "asked_at": approval.asked_at.isoformat(),
        "status": approval.status.value,
        "resolved_by": approval.resolved_by,
        "resolved_at": _time(approval.resolved_at),
        "comment": approval.comment,
    }


def _place(dataset: DatasetState) -> PlaceDocument:
    place = dataset.place
    return {
        "dataset_id": str(place.dataset_id),
        "connector_name": place.connector_name,
        "client_id": str(place.client.client_id),
        "client_ref": place.client.ref,
        "journey_id": str(place.journey_id),
        "journey_ref": place.journey_ref,
        "stage": place.stage.value,
        "dataset_type": place.dataset_type,
        "generation": place.generation,
        "requested_by": place.requested_by,
    }


def _made(dataset: DatasetState) -> MadeDocument:
    """Tell what it is made from, and what is in it; None as long as it is not known."""
    connector, content = dataset.connector, dataset.content
    return {
        "template_id": dataset.template.key if dataset.template else None,
        "connector_id": str(connector.connector_id) if connector else None,
        "datasource": connector.datasource if connector else None,
        "record_count": content.record_count if content else None,
        "documents": content.documents if content else None,
        "content_digest": content.content_digest if content else None,
        "seed": str(content.seed) if content else None,
        "archive_location": dataset.archive.location if dataset.archive else None,
    }


def _times(dataset: DatasetState) -> TimesDocument:
    return {
        "created_at": dataset.place.requested_at.isoformat(),
        "ready_at": _time(dataset.ready_at),
        "archived_at": _time(dataset.archived_at),
    }


def _condition(dataset: DatasetState) -> ConditionDocument:
    """Tell what troubles the dataset and where its teardown stands, as far as either is so."""
    shown: ConditionDocument = {}
    if dataset.trouble is not None:
        shown["error"] = dataset.trouble.message
        shown["next_retry_at"] = _time(dataset.trouble.retry_at)
    if dataset.teardown is not None:
        shown["teardown_reason"] = dataset.teardown.reason.value
        shown["teardown_step"] = dataset.teardown.step.value
        shown["restorable_until"] = _time(dataset.restorable_until)
    if dataset.gives_way is not None:
        successor = dataset.gives_way.successor
        shown["gives_way_to"] = str(successor) if successor else None
        shown["gives_way_until"] = dataset.gives_way.until.isoformat()
    if dataset.health.incident_id is not None:
        shown["incident_id"] = str(dataset.health.incident_id)
    return shown


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
