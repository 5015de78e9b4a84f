"""What outcomes mean: each becomes a transition, its facts, and its events."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from domain import ordering
from domain.archive import kept_until, locked_until
from domain.connector import configure_connector
from domain.custody_events import DatasetRetentionExpired
from domain.errors import InvalidInput
from domain.events import (
    DatasetArchived,
    DatasetPopulated,
    DatasetProvisioningStarted,
    DatasetTeardownStepDone,
)
from domain.failures import order_failed
from domain.gate import take_evidence
from domain.illness import count_failure, count_silence, is_only_probed, take_probe
from domain.lifecycle import DatasetStatus, TeardownStep
from domain.policy import require_judgeable
from domain.quality import Severity
from domain.recipe import count_for
from domain.state import Content, DatasetState
from domain.work import (
    ArchiveLocked,
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
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from domain.rules import LifecycleRules
    from domain.teardown import Teardown
    from domain.template import DatasetTemplate

_S = DatasetStatus
_GRACE = TeardownStep.GRACE
"""The one step no agent takes: time alone ends it."""


def apply_outcome(dataset: DatasetState, outcome: Outcome, now: datetime) -> None:
    """Turn an outcome of the dataset's present version into a transition and its events.

    Raises:
        IllegalTransition: the outcome answers no order that the status gives; nothing is changed.
    """
    if not isinstance(outcome, (OrderFailed, *_asked_for(dataset))):
        dataset.refuse(f"given the outcome {outcome.kind}", "no order of that status asks for it")
    _MEANING[type(outcome)](dataset, outcome, now)


def _asked_for(dataset: DatasetState) -> tuple[type, ...]:
    """Tell the outcome that answers the order of the present state; OrderFailed answers any."""
    match dataset.status:
        case _S.VALIDATING if dataset.is_hidden:
            return (ConnectorRestored,)
        case _S.VALIDATING:
            return (Probed if is_only_probed(dataset) else Examined,)
        case _S.PROVISIONING:
            return (Provisioned if dataset.template else TemplateFound,)
        case _S.FAILED:
            return (Probed,) if dataset.health.is_incident else ()
        case _S.ARCHIVED if dataset.is_lock_owed:
            return (ArchiveLocked,)
        case status:
            return _ANSWERS[status]


_ANSWERS: Mapping[DatasetStatus, tuple[type, ...]] = MappingProxyType(
    {
        _S.DISCOVERING: (TemplateFound,),
        _S.READY: (Probed,),
        _S.TEARDOWN: (StepTaken,),
        _S.ARCHIVED: (ArchivePurged,),
    }
)


def _found(dataset: DatasetState, outcome: TemplateFound, now: datetime) -> None:
    template = outcome.selection.template
    try:
        _require_usable(template, dataset)
    except InvalidInput as wrong:
        _refuse(dataset, outcome, str(wrong), now)
        return
    dataset.template, dataset.hops = template, outcome.selection.hops
    dataset.connector = configure_connector(dataset.place.connector_place, template)
    dataset.trouble = None
    if dataset.status is not _S.PROVISIONING:
        dataset.become(_S.PROVISIONING)
    started = DatasetProvisioningStarted(*dataset.ids, template.template_id, dataset.place.stage)
    dataset.happen(started, templatekey=template.key)


def _require_usable(template: DatasetTemplate, dataset: DatasetState) -> None:
    """Hold an agent's choice to what was asked for; orders are made from it for ever after."""
    wanted = dataset.place.dataset_type
    if template.dataset_type != wanted:
        message = f"Template {template.key} is for {template.dataset_type}, not for {wanted}."
        raise InvalidInput(message)
    count_for(template, dataset.wish.record_count, dataset.place.stage)
    require_judgeable(template)


def _provisioned(dataset: DatasetState, outcome: Provisioned, now: datetime) -> None:
    recipe = ordering.recipe_of(dataset)
    made, documents = outcome.record_count, outcome.documents
    if not recipe.is_met_by(made) or not 0 <= documents <= made:
        message = (
            f"{dataset.name} was to hold {recipe.wanted} records, and its agent made {made} "
            f"and uploaded {documents} of them. Validate it to have it provisioned again."
        )
        _refuse(dataset, outcome, message, now)
        return
    dataset.content = Content(
        seed=recipe.seed,
        record_count=outcome.record_count,
        documents=outcome.documents,
        content_digest=outcome.content_digest,
        size_bytes=outcome.size_bytes,
        queries=outcome.queries,
        source_version=outcome.source_version,
        renewals=dataset.content.renewals + 1 if dataset.content and dataset.is_outdated else 0,
    )
    dataset.trouble = None
    dataset.become(_S.VALIDATING)
    dataset.health = dataset.health.at_gate(now)
    dataset.happen(DatasetPopulated(*dataset.ids, outcome.documents))


def _step_taken(dataset: DatasetState, outcome: StepTaken, now: datetime) -> None:
    teardown = dataset.teardown
    if teardown is None or outcome.step is not teardown.step or outcome.step is _GRACE:
        dataset.refuse(f"taken through {outcome.step}", "its teardown stands elsewhere")
    if not _is_proven(outcome, teardown, dataset.rules):
        message = "the teardown agent gave no receipt that locks the archive for long enough"
        _failed(dataset, OrderFailed(outcome.key, FailureKind.UNAVAILABLE, message), now)
        return
    dataset.archive = outcome.receipt or dataset.archive
    if outcome.step is TeardownStep.DISCONNECT:
        dataset.is_hidden = True
        teardown = teardown.disconnected(now, dataset.rules.grace_period)
    dataset.happen(DatasetTeardownStepDone(*dataset.ids, outcome.step, outcome.detail))
    dataset.teardown = teardown.advanced()
    if outcome.step is TeardownStep.VERIFY_EMPTIED:
        _archived(dataset, now)


def _is_proven(outcome: StepTaken, teardown: Teardown, rules: LifecycleRules) -> bool:
    """Whether what was archived, if that was the step, outlasts its grace and retention (A40)."""
    if outcome.step is not TeardownStep.ARCHIVE_METADATA:
        return True
    least = locked_until(teardown.started_at, rules.grace_period, rules.retention)
    return outcome.receipt is not None and outcome.receipt.locked_until >= least


def _archived(dataset: DatasetState, now: datetime) -> None:
    receipt = ordering.archive_of(dataset)
    dataset.become(_S.ARCHIVED)
    dataset.archived_at = now
    dataset.retain_until = kept_until(receipt, now, dataset.rules.retention)
    dataset.is_lock_owed = dataset.retain_until > receipt.locked_until  # its emptying took a while
    size = dataset.content.size_bytes if dataset.content else 0
    dataset.happen(DatasetArchived(dataset.place.dataset_id, receipt.location, size))


def _restored(dataset: DatasetState, _: ConnectorRestored, now: datetime) -> None:
    """See it as visible once nobody can hide it any more; until then it may have to be shown again."""
    until, trouble = dataset.hides_until, dataset.trouble
    shown_from = trouble.retry_at if trouble else None
    if until is not None and (shown_from is None or shown_from < until):
        message = f"{dataset.name} is visible, but an agent that was lost may yet hide it."
        trouble = dataset.troubled(message, Severity.WARNING)
        dataset.trouble = replace(trouble, retry_at=until)
        return
    dataset.is_hidden, dataset.hides_until, dataset.trouble = False, None, None
    dataset.health = dataset.health.at_gate(now)


def _locked(dataset: DatasetState, outcome: ArchiveLocked, now: datetime) -> None:
    if not outcome.lock.satisfies(ordering.lock_of(dataset, now)):
        message = "the teardown agent gave no proof that the archive is locked as it was asked to"
        _failed(dataset, OrderFailed(outcome.key, FailureKind.UNAVAILABLE, message), now)
        return
    dataset.is_lock_owed, dataset.trouble = False, None
    # A lock may be rounded up, and before its end nothing can be purged.
    dataset.retain_until = max(ordering.kept_for(dataset), outcome.lock.locked_until)


def _purged(dataset: DatasetState, _: ArchivePurged, now: datetime) -> None:
    if isinstance(ordering.next_order(dataset, now), ordering.Rest):
        dataset.refuse("purged", "its archive is kept for a while yet, or is gone already")
    dataset.purged_at, dataset.trouble = now, None
    location = dataset.archive.location if dataset.archive else ""
    dataset.happen(DatasetRetentionExpired(dataset.place.dataset_id, location))


def _refuse(dataset: DatasetState, outcome: Outcome, message: str, now: datetime) -> None:
    """Take an answer that is not what was ordered for an order that failed for good."""
    order_failed(dataset, OrderFailed(outcome.key, FailureKind.REFUSED, message), now)


def _failed(dataset: DatasetState, outcome: OrderFailed, now: datetime) -> None:
    """A probe that could not be made counts as one that failed; the rest is tried again or fails.

    An agent we have lost says nothing of the connector, but may be at work for a while yet.
    """
    if outcome.failure is FailureKind.LOST:
        dataset.lose_sight(now)
    if not is_only_probed(dataset):
        order_failed(dataset, outcome, now)
    elif outcome.failure is FailureKind.LOST:
        count_silence(dataset, outcome.message, now)
    else:
        count_failure(dataset, outcome.message, now)


_MEANING: Mapping[type, Callable[..., None]] = MappingProxyType(
    {
        TemplateFound: _found,
        Provisioned: _provisioned,
        Examined: take_evidence,
        Probed: take_probe,
        StepTaken: _step_taken,
        ConnectorRestored: _restored,
        ArchiveLocked: _locked,
        ArchivePurged: _purged,
        OrderFailed: _failed,
    }
)
"""What each outcome means; a test holds that none is left out."""
