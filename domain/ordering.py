"""What is to be done next: a pure function of a dataset's state and the time."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from domain.archive import ArchiveLock, kept_until, locked_until
from domain.lifecycle import ENDED, DatasetStatus, TeardownStep
from domain.policy import policy_for
from domain.quality import QualityPolicy
from domain.recipe import Extract, Recipe, SeedSource, count_for, derive_seed, is_read
from domain.template import TemplateRequest
from domain.work import (
    FindTemplate,
    LockArchive,
    Order,
    OrderKey,
    ProbeConnector,
    ProvisionDataset,
    PurgeArchive,
    RestoreConnector,
    TakeStep,
    ValidateDataset,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from domain.archive import ArchiveReceipt
    from domain.connector import ConnectorConfiguration
    from domain.state import Content, DatasetState
    from domain.succession import GivingWay
    from domain.teardown import Teardown
    from domain.template import DatasetTemplate


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing to do until `until`, or until somebody asks (None); `why` is for people."""

    until: datetime | None
    why: str


Next: TypeAlias = Order | Rest

T = TypeVar("T")


def next_order(dataset: DatasetState, now: datetime) -> Next:
    """Tell the order that moves the dataset on, or until when it rests and why."""
    following = _WHILE[dataset.status](dataset, now)
    if dataset.gives_way is None or not isinstance(following, Rest):
        return following
    return Rest(_until_it_goes(dataset.gives_way, following.until, dataset, now), following.why)


def _until_it_goes(
    gives_way: GivingWay, until: datetime | None, dataset: DatasetState, now: datetime
) -> datetime:
    """Give when to look again: by the end of its stay, and now and then at its successor.

    Whoever makes that READY wakes it as well; a wake that is lost costs no more than this.
    """
    again = now + dataset.rules.health_interval if gives_way.successor else gives_way.until
    return min(each for each in (until, gives_way.until, again) if each is not None)


def policy_of(dataset: DatasetState) -> QualityPolicy:
    """Give the gate's numbers for a dataset: the seed's, or stricter ones of its template."""
    return policy_for(_template(dataset).quality_expectations)


def recipe_of(dataset: DatasetState) -> Recipe:
    """Give the recipe of a dataset's content: the recorded one, or the one it will have."""
    template, place = _template(dataset), dataset.place
    if dataset.content is not None and not is_read(place.stage):
        return Recipe(template, dataset.content.seed, dataset.content.record_count)
    source = SeedSource(
        origin=dataset.wish.seed or str(place.client.client_id),
        stage=place.stage,
        dataset_type=place.dataset_type,
        generation=place.generation,
    )
    count = count_for(template, dataset.wish.record_count, place.stage)
    return Recipe(template, derive_seed(source, template), count, _extract(dataset))


def connector_of(dataset: DatasetState) -> ConnectorConfiguration:
    """Give the connector a dataset must have at its status."""
    return _present(dataset.connector, dataset, "connector")


def content_of(dataset: DatasetState) -> Content:
    """Give the content a dataset must have at its status."""
    return _present(dataset.content, dataset, "content")


def archive_of(dataset: DatasetState) -> ArchiveReceipt:
    """Give the receipt a dataset must have at its status."""
    return _present(dataset.archive, dataset, "archive")


def kept_for(dataset: DatasetState) -> datetime:
    """Tell until when an archived dataset's archive is kept, legal hold or not (A40).

    What was promised stands, whatever becomes of the setting afterwards.
    """
    archived_at = _present(dataset.archived_at, dataset, "time of archiving")
    until = kept_until(archive_of(dataset), archived_at, dataset.rules.retention)
    return max(until, dataset.retain_until or until)


def lock_of(dataset: DatasetState, now: datetime) -> ArchiveLock:
    """Tell how the archive itself is to be locked; nothing can be locked until a time that is over."""
    until, promised = archive_of(dataset).locked_until, dataset.retain_until
    if promised is not None and promised > now:
        until = max(until, promised)
    return ArchiveLock(until, is_held=dataset.legal_hold is not None)


def _while_filling(dataset: DatasetState, now: datetime) -> Next:
    if waiting := _postponed(dataset, now):
        return waiting
    return _provision(dataset, now) if dataset.template else _find_template(dataset, now)


def _find_template(dataset: DatasetState, now: datetime) -> Order:
    client = dataset.place.client
    wanted = TemplateRequest(
        client.industry, client.use_case, dataset.place.dataset_type, dataset.wish.strict
    )
    return FindTemplate(_key(dataset), _deadline(dataset, now), wanted)


def _extract(dataset: DatasetState) -> Extract | None:
    place = dataset.place
    if not is_read(place.stage):
        return None
    client = place.client
    return Extract(client.client_id, client.ref, place.stage, place.dataset_type, place.tenant)


def _provision(dataset: DatasetState, now: datetime) -> Order:
    return ProvisionDataset(
        key=_key(dataset),
        deadline=_deadline(dataset, now),
        recipe=recipe_of(dataset),
        connector=connector_of(dataset),
        query_count=policy_of(dataset).query_count,
    )


def _while_validating(dataset: DatasetState, now: datetime) -> Next:
    if waiting := _postponed(dataset, now):
        return waiting
    if dataset.is_hidden:
        return RestoreConnector(_key(dataset), _deadline(dataset, now), connector_of(dataset))
    if dataset.health.is_ill(dataset.rules):
        patience = dataset.health.patience_ends(dataset.rules)
        return _watch(dataset, now, "its connector is ill; the next probe is due then", patience)
    return _validate(dataset, now)


def _validate(dataset: DatasetState, now: datetime) -> Order:
    content = content_of(dataset)
    limit = dataset.decided_by or now + dataset.rules.validation_limit
    return ValidateDataset(
        key=_key(dataset),
        deadline=min(_deadline(dataset, now), limit),
        recipe=recipe_of(dataset),
        connector=connector_of(dataset),
        queries=content.queries,
        policy=policy_of(dataset),
    )


def _while_ready(dataset: DatasetState, now: datetime) -> Next:
    return _watch(dataset, now, "ready; the next health probe is due then")


def _watch(
    dataset: DatasetState, now: datetime, why: str, patience: datetime | None = None
) -> Next:
    due = dataset.health.next_probe_at or now
    if due > now:
        return Rest(_until(dataset, due, patience), why)
    return ProbeConnector(
        key=_key(dataset),
        deadline=_deadline(dataset, now),
        connector=connector_of(dataset),
        policy=policy_of(dataset),
        thorough=dataset.health.is_incident,
    )


def _while_failed(dataset: DatasetState, now: datetime) -> Next:
    trouble = dataset.trouble
    if trouble is not None and trouble.retry_at is not None:
        until = _until(dataset, trouble.retry_at)
        return Rest(until, "failed; tried again by itself then")
    if dataset.health.is_incident:
        return _watch(dataset, now, "failed in an incident; the next probe is due then")
    return Rest(_until(dataset), "failed; somebody has to mend and revalidate it")


def _while_torn_down(dataset: DatasetState, now: datetime) -> Next:
    teardown = _teardown(dataset)
    if teardown.retry_at is not None and teardown.retry_at > now:
        return Rest(teardown.retry_at, f"{teardown.step} is tried again: {teardown.message}")
    if teardown.step is TeardownStep.GRACE:
        return Rest(teardown.may_empty_at, "in its grace period; it can still be restored")
    return TakeStep(
        key=_key(dataset),
        deadline=_deadline(dataset, now),
        step=teardown.step,
        connector=dataset.connector,
        queries=dataset.content.queries if dataset.content else (),
        locked_until=locked_until(now, dataset.rules.grace_period, dataset.rules.retention),
    )


def _while_archived(dataset: DatasetState, now: datetime) -> Next:
    if dataset.archived_at is None or dataset.archive is None or dataset.purged_at is not None:
        return Rest(None, "archived; nothing is left to do")
    if dataset.is_lock_owed:
        return _postponed(dataset, now) or _lock(dataset, now, dataset.archive.location)
    if dataset.legal_hold is not None:
        return Rest(None, "archived; kept until its legal hold is released")
    until = kept_for(dataset)
    if until > now:
        return Rest(until, "archived; kept until its retention is over")
    purge = PurgeArchive(_key(dataset), _deadline(dataset, now), dataset.archive.location)
    return _postponed(dataset, now) or purge


def _lock(dataset: DatasetState, now: datetime, location: str) -> Order:
    return LockArchive(_key(dataset), _deadline(dataset, now), location, lock_of(dataset, now))


_WHILE: Mapping[DatasetStatus, Callable[[DatasetState, datetime], Next]] = MappingProxyType(
    {
        DatasetStatus.DISCOVERING: _while_filling,
        DatasetStatus.PROVISIONING: _while_filling,
        DatasetStatus.VALIDATING: _while_validating,
        DatasetStatus.READY: _while_ready,
        DatasetStatus.FAILED: _while_failed,
        DatasetStatus.TEARDOWN: _while_torn_down,
        DatasetStatus.ARCHIVED: _while_archived,
    }
)


def _postponed(dataset: DatasetState, now: datetime) -> Rest | None:
    trouble = dataset.trouble
    if trouble is None or trouble.retry_at is None or trouble.retry_at <= now:
        return None
    until = _until(dataset, trouble.retry_at)
    return Rest(until, f"tried again then: {trouble.message}")


def _key(dataset: DatasetState) -> OrderKey:
    retries = dataset.retries if dataset.teardown is None else dataset.teardown.retries
    place = dataset.place
    return OrderKey(place.tenant, place.dataset_id, dataset.version, retries)


def _deadline(dataset: DatasetState, now: datetime) -> datetime:
    """Give an order its time, at most what is left to a dataset that was never READY (A1)."""
    limit = now + dataset.rules.order_limit
    return min(limit, dataset.ready_by or limit)


def _until(dataset: DatasetState, *times: datetime | None) -> datetime | None:
    """Give the earliest of these times and, for an active dataset, of its lifetime's end."""
    end = None if dataset.status in ENDED else dataset.expires_at
    return min((each for each in (*times, end) if each is not None), default=None)


def _template(dataset: DatasetState) -> DatasetTemplate:
    return _present(dataset.template, dataset, "template")


def _teardown(dataset: DatasetState) -> Teardown:
    return _present(dataset.teardown, dataset, "teardown")


def _present(value: T | None, dataset: DatasetState, what: str) -> T:
    if value is None:
        message = f"{dataset.name} is {dataset.status} but has no {what}; its row is damaged."
        raise ValueError(message)
    return value
