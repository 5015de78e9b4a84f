"""The dataset page's data: its track, its quality report, where it came from, what happened."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from domain.lifecycle import DatasetStatus, LifecycleStage
from domain.policy import policy_for
from domain.quality import CheckType, QualityPolicy
from domain.view import describe, describe_check
from service.console.evidence import samples_of, sentence_of
from service.console.fleet import feed_entry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from domain.dataset import Dataset
    from domain.events import RecordedEvent
    from domain.record import JsonObject
    from domain.repository import QualityRun
    from service.sources import ConsoleSources

_BATCH = 500
_SHOWN_EVENTS = 100

_OPENED_BY = {
    "DatasetProvisioningStarted": LifecycleStage.PROVISIONING,
    "DatasetPopulated": LifecycleStage.VALIDATION,
    "DatasetReady": LifecycleStage.READY,
    "DatasetTeardownStarted": LifecycleStage.TEARDOWN,
    "DatasetArchived": LifecycleStage.ARCHIVED,
}
"""The event that first brings a dataset into each stage; a request brings it into the first."""

_BACK_IN_VALIDATION = ("DatasetValidationStarted", "ConnectorHealthDegraded", "DatasetRestored")

_ENTERED_BY = _OPENED_BY | dict.fromkeys(_BACK_IN_VALIDATION, LifecycleStage.VALIDATION)
"""Every event that brings a dataset into a stage, for the first time or again."""

_FAILED_BY = ("DatasetProvisioningFailed", "DatasetValidationFailed", "DatasetValidationAborted")


async def dataset_page(sources: ConsoleSources, tenant: str, ref: str) -> JsonObject:
    """Gather a dataset's page by id or connector name. Raises NotFound."""
    registry = sources.registry
    dataset_id = await registry.dataset_id_of(tenant, ref)
    newest = await registry.last_sequence(tenant)
    dataset = await registry.dataset(tenant, dataset_id)
    runs = await registry.quality_history(tenant, dataset_id)
    events = await _events_of(sources, tenant, dataset_id)
    shown = [feed_entry(each, sources.base_url) for each in events[-_SHOWN_EVENTS:]]
    return {
        "title": dataset.place.connector_name,
        "sequence": newest,
        "at": sources.clock().isoformat(),
        "dataset": describe(dataset),
        "track": track_of(dataset, events),
        "quality": quality_of(dataset, runs),
        "provenance": provenance_of(dataset),
        "archive": _archive_of(dataset),
        "events": shown[::-1],
        "earlier_events": len(events) - len(shown),
    }


def track_of(dataset: Dataset, events: Sequence[RecordedEvent]) -> list[JsonObject]:
    """Lay a life out stage by stage: when each was first reached, and how long until the next.

    `state` is `done`, `now`, `failed`, or `ahead`; a stage that was left out is `skipped`, one
    that is ahead and was reached before is `was`. Of the stage it is in, the time is that of
    the last event: it failed, or came there again.
    """
    reached = _first_times(dataset, events)
    order = list(LifecycleStage)
    here = order.index(dataset.lifecycle_stage)
    following = sorted(reached.values())
    track: list[JsonObject] = []
    for position, stage in enumerate(order):
        at = reached.get(stage)
        later = next((each for each in following if at is not None and each > at), None)
        lasted = (later - at).total_seconds() if at and later and position < here else None
        told = (_last_time(dataset, events) or at) if position == here else at
        track.append(
            {
                "stage": stage.value,
                "state": _state(dataset, position - here, at),
                "at": told.isoformat() if told else None,
                "seconds": lasted,
            }
        )
    return track


def quality_of(dataset: Dataset, runs: Sequence[QualityRun]) -> JsonObject | None:
    """Describe the last verdict with what each check needed, or None before the first."""
    score = dataset.quality
    if score is None:
        return None
    policy = _policy_of(dataset)
    return {
        "score": float(score.overall_score),
        "required": float(policy.ready_threshold),
        "is_ready": score.is_ready,
        "severity": score.severity.value,
        "decided_by": score.decided_by,
        "would_pass_if": list(score.would_pass_if),
        "checks": [_check(describe_check(each), policy) for each in score.checks],
        "runs": [
            {"run": each.run, "at": each.executed_at.isoformat(), **_verdict(each.verdict)}
            for each in runs
        ],
    }


def provenance_of(dataset: Dataset) -> JsonObject:
    """Tell what the dataset was made from, by whom, and what it can be made from again."""
    place, template, content = dataset.place, dataset.template, dataset.content
    connector = dataset.connector
    return {
        "template": template.key if template else None,
        "template_version": template.version if template else None,
        "template_digest": template.digest if template else None,
        "template_reasons": [each.reason for each in dataset.hops],
        "seed": str(content.seed) if content else None,
        "records": content.record_count if content else None,
        "documents": content.documents if content else None,
        "size_bytes": content.size_bytes if content else None,
        "content_digest": content.content_digest if content else None,
        "connector": connector.connector_name if connector else None,
        "datasource": connector.datasource if connector else None,
        "authentication": connector.authentication.type.value if connector else None,
        "permissions": connector.permissions.value if connector else None,
        "client": place.client.name,
        "journey": place.journey_ref,
        "requested_by": place.requested_by,
        "requested_at": place.requested_at.isoformat(),
        "correlation": place.correlation,
    }


async def _events_of(sources: ConsoleSources, tenant: str, dataset_id: UUID) -> list[RecordedEvent]:
    found: list[RecordedEvent] = []
    after = 0
    while True:
        read = await sources.registry.events(tenant, after, _BATCH, dataset_id=dataset_id)
        found.extend(read)
        if len(read) < _BATCH:
            return found
        after = read[-1].sequence


def _first_times(
    dataset: Dataset, events: Sequence[RecordedEvent]
) -> dict[LifecycleStage, datetime]:
    reached = {LifecycleStage.DISCOVERY: dataset.place.requested_at}
    for each in events:
        stage = _OPENED_BY.get(each.name)
        if stage is not None:
            reached.setdefault(stage, each.occurred_at)
    return reached


def _last_time(dataset: Dataset, events: Sequence[RecordedEvent]) -> datetime | None:
    """Tell when a dataset failed, or last came into the stage it is in."""
    is_failed, stage = dataset.status is DatasetStatus.FAILED, dataset.lifecycle_stage
    return next(
        (
            each.occurred_at
            for each in reversed(events)
            if (each.name in _FAILED_BY if is_failed else _ENTERED_BY.get(each.name) is stage)
        ),
        None,
    )


def _state(dataset: Dataset, distance: int, at: datetime | None) -> str:
    if distance == 0:
        return "failed" if dataset.status is DatasetStatus.FAILED else "now"
    if distance > 0:
        return "ahead" if at is None else "was"
    return "done" if at is not None else "skipped"


def _policy_of(dataset: Dataset) -> QualityPolicy:
    return policy_for(dataset.template.quality_expectations if dataset.template else {})


def _check(check: JsonObject, policy: QualityPolicy) -> JsonObject:
    kind = CheckType(check["check_type"])
    needed = policy.thresholds[kind]
    return {
        **check,
        "required": float(needed.pass_threshold),
        "weight": float(needed.weight),
        "evidence": sentence_of(kind, check["details"]),
        "samples": samples_of(kind, check["details"]),
    }


def _verdict(verdict: Mapping[str, object]) -> JsonObject:
    return {"score": verdict["quality_score"], "decided_by": verdict["decided_by"]}


def _archive_of(dataset: Dataset) -> JsonObject | None:
    receipt = dataset.archive
    if receipt is None:
        return None
    return {
        "location": receipt.location,
        "sha256": receipt.sha256,
        "size_bytes": receipt.size_bytes,
        "locked_until": receipt.locked_until.isoformat(),
        "purged_at": dataset.purged_at.isoformat() if dataset.purged_at else None,
    }
