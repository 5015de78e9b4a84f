"""Datasets driven to every status by outcomes alone, as agents would drive them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from domain.checks import (
    Evidence,
)
from domain.dataset import Dataset
from domain.events import DomainEvent
from domain.lifecycle import DatasetStatus, TeardownReason
from domain.ordering import Rest
from domain.rules import LifecycleRules
from domain.state import Wish
from domain.template import (
    DatasetTemplate,
)
from domain.work import FailureKind, Order, Outcome
from tests.domain.making import (
    BAD,
    ILL,
    NOW,
    RULES,
    a_place,
    a_receipt,
    after,
    examined,
    found,
    order_failed,
    probed,
    provisioned,
    step_taken,
)

E = TypeVar("E")


def commit(dataset: Dataset) -> list[DomainEvent]:
    """Write a dataset down as the registry does: a version more, its events handed out."""
    dataset.version += 1
    return [each.event for each in dataset.drain()]


def take(dataset: Dataset, outcome: Outcome, now: datetime = NOW) -> list[DomainEvent]:
    """Apply an outcome and commit it."""
    dataset.apply(outcome, now)
    return commit(dataset)


def a_dataset(wish: Wish | None = None, rules: LifecycleRules = RULES, **place: Any) -> Dataset:
    """A dataset that was just asked for."""
    return Dataset(place=a_place(**place), wish=wish or Wish(), rules=rules)


def provisioning(template: DatasetTemplate | None = None, **options: Any) -> Dataset:
    dataset = a_dataset(**options)
    take(dataset, found(dataset, template))
    return dataset


def validating(template: DatasetTemplate | None = None, **options: Any) -> Dataset:
    dataset = provisioning(template, **options)
    take(dataset, provisioned(dataset))
    return dataset


def ready(template: DatasetTemplate | None = None, **options: Any) -> Dataset:
    dataset = validating(template, **options)
    take(dataset, examined(dataset))
    return dataset


def failed(seen: Evidence = BAD, **options: Any) -> Dataset:
    """A dataset whose gate said no."""
    dataset = validating(**options)
    take(dataset, examined(dataset, seen))
    return dataset


def unfilled(**options: Any) -> Dataset:
    """A dataset that failed before it was ever filled."""
    dataset = provisioning(**options)
    take(dataset, order_failed(dataset, FailureKind.REFUSED))
    return dataset


def torn_down(now: datetime = NOW, *, skip_grace: bool = False, **options: Any) -> Dataset:
    """A READY dataset whose teardown has just begun."""
    dataset = ready(**options)
    dataset.start_teardown(TeardownReason.MANUAL_REQUEST, now, skip_grace=skip_grace)
    commit(dataset)
    return dataset


def in_grace(now: datetime = NOW, **options: Any) -> Dataset:
    """A dataset paused, archived and out of sight, waiting for its grace period to end."""
    dataset = torn_down(now, **options)
    take(dataset, step_taken(dataset), now)
    take(dataset, step_taken(dataset, receipt=a_receipt()), now)
    take(dataset, step_taken(dataset), now)
    return dataset


def emptying(**options: Any) -> Dataset:
    """A dataset whose grace period is over."""
    dataset = in_grace(**options)
    dataset.lapse(after(hours=24))
    commit(dataset)
    return dataset


def archived(**options: Any) -> Dataset:
    dataset = emptying(**options)
    take(dataset, step_taken(dataset), after(hours=24))
    take(dataset, step_taken(dataset), after(hours=24))
    return dataset


def demoted(**options: Any) -> Dataset:
    """A dataset whose connector failed three probes in a row, a minute apart."""
    dataset = ready(**options)
    for minute in (1, 2, 3):
        take(dataset, probed(dataset, ILL), after(minutes=minute))
    return dataset


def given_up(**options: Any) -> Dataset:
    """A dataset that stayed ill for ten minutes and is FAILED."""
    dataset = demoted(**options)
    dataset.lapse(after(minutes=13))
    commit(dataset)
    return dataset


IN_STATUS: dict[DatasetStatus, Callable[[], Dataset]] = {
    DatasetStatus.DISCOVERING: a_dataset,
    DatasetStatus.PROVISIONING: provisioning,
    DatasetStatus.VALIDATING: validating,
    DatasetStatus.READY: ready,
    DatasetStatus.FAILED: failed,
    DatasetStatus.TEARDOWN: torn_down,
    DatasetStatus.ARCHIVED: archived,
}
"""A way to every status."""


def snapshot(dataset: Dataset) -> Dataset:
    """A copy to compare with later; the facts are values, only the events' list can grow."""
    return replace(dataset, happenings=list(dataset.happenings))


def only(kind: type[E], events: Iterable[object]) -> E:
    """The one event of a kind."""
    (event,) = [each for each in events if isinstance(each, kind)]
    return event


def order_of(dataset: Dataset, kind: type[E], now: datetime = NOW) -> E:
    """The next order, which must be of this kind."""
    order = dataset.next_order(now)
    assert isinstance(order, kind)
    return order


def rest_of(dataset: Dataset, now: datetime = NOW) -> Rest:
    """The rest a dataset takes now."""
    return order_of(dataset, Rest, now)


def orders_of(dataset: Dataset, now: datetime = NOW) -> type[Order | Rest]:
    """What kind of thing comes next."""
    return type(dataset.next_order(now))
