"""What outcomes mean: each becomes a transition, its facts, and its events."""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from types import MappingProxyType
from typing import TYPE_CHECKING, assert_never
from uuid import uuid5

from domain import checks, ordering
from domain.connector import configure_connector
from domain.errors import InvalidInput
from domain.events import (
    ConnectorHealthDegraded,
    DatasetArchived,
    DatasetPopulated,
    DatasetProvisionCompleted,
    DatasetProvisioningStarted,
    DatasetReady,
    DatasetRetentionExpired,
    DatasetTeardownStepDone,
    DatasetValidationFailed,
    DatasetValidationStarted,
)
from domain.failures import fail, order_failed
from domain.lifecycle import DatasetStatus, TeardownStep
from domain.quality import CheckType, QualityScore, Severity
from domain.state import Content, DatasetState, Trouble
from domain.work import (
    ArchivePurged,
    ConnectorRestored,
    Examined,
    FailureKind,
    OrderFailed,
    Outcome,
    Probed,
    Provisioned,
    StepTaken,
    TemplateFound,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_S = DatasetStatus

ANSWERS: Mapping[DatasetStatus, tuple[type, ...]] = MappingProxyType(
    {
        _S.DISCOVERING: (TemplateFound,),
        _S.PROVISIONING: (TemplateFound, Provisioned),
        _S.VALIDATING: (Examined, Probed, ConnectorRestored),
        _S.READY: (Probed,),
        _S.FAILED: (Probed,),
        _S.TEARDOWN: (StepTaken,),
        _S.ARCHIVED: (ArchivePurged,),
    }
)
"""The outcomes that answer an order of each status; OrderFailed answers any."""


def apply_outcome(dataset: DatasetState, outcome: Outcome, now: datetime) -> None:  # noqa: C901 - one arm an outcome
    """Turn an outcome of the dataset's present version into a transition and its events.

    Raises:
        IllegalTransition: the outcome answers no order that the status gives; nothing is changed.
    """
    if not isinstance(outcome, (OrderFailed, *ANSWERS[dataset.status])):
        dataset.refuse(f"given the outcome {outcome.kind}", "no order of that status asks for it")
    match outcome:
        case TemplateFound():
            _found(dataset, outcome, now)
        case Provisioned():
            _provisioned(dataset, outcome)
        case Examined():
            _examined(dataset, outcome, now)
        case Probed():
            _probed(dataset, outcome, now)
        case StepTaken():
            _step_taken(dataset, outcome, now)
        case ConnectorRestored():
            dataset.is_hidden, dataset.trouble = False, None
        case ArchivePurged():
            _purged(dataset, now)
        case OrderFailed():
            _failed(dataset, outcome, now)
        case never:
            assert_never(never)


def give_up_on_incident(dataset: DatasetState) -> None:
    """Make a dataset FAILED whose connector stayed ill beyond our patience; it is still probed."""
    message = f"{dataset.name} stayed ill: {dataset.health.last_message or 'no probe passed'}."
    dataset.trouble = Trouble(_S.VALIDATING, message, Severity.ERROR)
    dataset.become(_S.FAILED)
    dataset.health = replace(dataset.health, incident_since=None)
    failed = (CheckType.CONNECTOR_HEALTH.value,)
    dataset.happen(DatasetValidationFailed(*dataset.ids, failed, message))


def _found(dataset: DatasetState, outcome: TemplateFound, now: datetime) -> None:
    template = outcome.selection.template
    try:
        template.count_for(dataset.wish.record_count)
    except InvalidInput as wrong:
        order_failed(dataset, OrderFailed(outcome.key, FailureKind.REFUSED, str(wrong)), now)
        return
    dataset.template, dataset.hops = template, outcome.selection.hops
    dataset.connector = configure_connector(dataset.place.connector_place, template)
    dataset.trouble = None
    if dataset.status is not _S.PROVISIONING:
        dataset.become(_S.PROVISIONING)
    started = DatasetProvisioningStarted(*dataset.ids, template.template_id, dataset.place.stage)
    dataset.happen(started, templatekey=template.key)


def _provisioned(dataset: DatasetState, outcome: Provisioned) -> None:
    dataset.content = Content(
        seed=ordering.recipe_of(dataset).seed,
        record_count=outcome.record_count,
        documents=outcome.documents,
        content_digest=outcome.content_digest,
        size_bytes=outcome.size_bytes,
        queries=outcome.queries,
    )
    dataset.trouble = None
    dataset.become(_S.VALIDATING)
    dataset.happen(DatasetPopulated(*dataset.ids, outcome.record_count))


def _examined(dataset: DatasetState, outcome: Examined, now: datetime) -> None:
    score = checks.judge(outcome.evidence, ordering.policy_of(dataset))
    dataset.quality = score
    if dataset.first_passed is None:
        dataset.first_passed = score.is_ready
    if score.is_ready:
        _pass_gate(dataset, score, now)
    else:
        _fail_gate(dataset, score, now)


def _pass_gate(dataset: DatasetState, score: QualityScore, now: datetime) -> None:
    dataset.become(_S.READY)
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
        record_count=ordering.content_of(dataset).record_count,
        connector_id=ordering.connector_of(dataset).connector_id,
        duration_minutes=max(1, ceil(seconds / 60)),
    )
    dataset.happen(completed, durationseconds=f"{seconds:.3f}")


def _fail_gate(dataset: DatasetState, score: QualityScore, now: datetime) -> None:
    """Fail; a near miss is tried again by itself, and an incident ends unless health failed."""
    message = f"{dataset.name} did not pass its gate: {score.decided_by}."
    near_miss = score.severity is Severity.WARNING
    fail(dataset, message, score.severity, retry_from=now if near_miss else None)
    ill = CheckType.CONNECTOR_HEALTH in score.failed_checks
    dataset.health = dataset.health.restarted() if ill else dataset.health.closed()
    failed = tuple(each.value for each in score.failed_checks)
    dataset.happen(
        DatasetValidationFailed(*dataset.ids, failed, message), severity=score.severity.value
    )


def _probed(dataset: DatasetState, outcome: Probed, now: datetime) -> None:
    if checks.is_healthy(outcome.probe, ordering.policy_of(dataset)):
        dataset.health = dataset.health.after_success(now, dataset.rules)
        _recover(dataset, now)
        return
    message = outcome.probe.message or f"it answered in {outcome.probe.response_time_ms:.0f} ms"
    _unwell(dataset, message, now)


def _recover(dataset: DatasetState, now: datetime) -> None:
    health = dataset.health
    if dataset.status is _S.FAILED and health.is_incident and health.is_recovered(dataset.rules):
        dataset.become(_S.VALIDATING)
        dataset.trouble = None
        dataset.health = health.resumed(now)
        dataset.happen(DatasetValidationStarted(*dataset.ids, "its connector answers again"))


def _unwell(dataset: DatasetState, message: str, now: datetime) -> None:
    dataset.health = dataset.health.after_failure(message, now, dataset.rules)
    if dataset.status is _S.READY and dataset.health.is_demoting(dataset.rules):
        _demote(dataset, now)


def _demote(dataset: DatasetState, now: datetime) -> None:
    incident = uuid5(dataset.place.dataset_id, f"incident/{dataset.version}")
    dataset.health = dataset.health.opened(incident, now)
    dataset.become(_S.VALIDATING)
    message = f"{dataset.name} has a sick connector: {dataset.health.last_message}."
    dataset.happen(ConnectorHealthDegraded(*dataset.ids, incident, message))


def _step_taken(dataset: DatasetState, outcome: StepTaken, now: datetime) -> None:
    teardown = dataset.teardown
    if teardown is None or outcome.step is not teardown.step:
        dataset.refuse(f"taken through {outcome.step}", "its teardown stands elsewhere")
    dataset.archive = outcome.receipt or dataset.archive
    dataset.is_hidden = dataset.is_hidden or outcome.step is TeardownStep.DISCONNECT
    dataset.happen(DatasetTeardownStepDone(*dataset.ids, outcome.step, outcome.detail))
    dataset.teardown = teardown.advanced()
    if outcome.step is TeardownStep.VERIFY_EMPTIED:
        _archived(dataset, now)


def _archived(dataset: DatasetState, now: datetime) -> None:
    if dataset.archive is None:
        dataset.refuse("archived", "its metadata was never archived")
    dataset.become(_S.ARCHIVED)
    dataset.archived_at = now
    size = dataset.content.size_bytes if dataset.content else 0
    location = dataset.archive.location
    dataset.happen(DatasetArchived(dataset.place.dataset_id, location, size))


def _purged(dataset: DatasetState, now: datetime) -> None:
    dataset.purged_at, dataset.trouble = now, None
    location = dataset.archive.location if dataset.archive else ""
    dataset.happen(DatasetRetentionExpired(dataset.place.dataset_id, location))


def _failed(dataset: DatasetState, outcome: OrderFailed, now: datetime) -> None:
    """A probe that could not be made counts as one that failed; the rest is tried again or fails.

    READY and FAILED datasets are only ever probed; so is a VALIDATING one while it is ill.
    """
    ill = dataset.health.is_incident and not dataset.health.is_recovered(dataset.rules)
    if dataset.status in {_S.READY, _S.FAILED} or (ill and dataset.status is _S.VALIDATING):
        _unwell(dataset, outcome.message, now)
        return
    order_failed(dataset, outcome, now)
