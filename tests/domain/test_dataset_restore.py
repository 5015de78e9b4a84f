"""Restoring: a teardown is undone before emptying and never after."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from domain.errors import IllegalTransition
from domain.events import (
    DatasetRestored,
)
from domain.lifecycle import DatasetStatus, TeardownReason
from domain.state import Wish
from domain.work import (
    RestoreConnector,
    ValidateDataset,
)
from tests.domain.driving import (
    IN_STATUS,
    commit,
    emptying,
    given_up,
    in_grace,
    order_of,
    orders_of,
    snapshot,
    take,
    torn_down,
    unfilled,
)
from tests.domain.making import (
    NOW,
    a_receipt,
    after,
    connector_restored,
    examined,
    order_failed,
    step_taken,
)

MANUAL = TeardownReason.MANUAL_REQUEST
TWO_HOURS = Wish(lifetime=timedelta(hours=2))
TWO_DAYS = Wish(lifetime=timedelta(days=2))


def test_a_teardown_is_undone_inside_its_grace_period() -> None:
    dataset = in_grace()

    dataset.restore(after(hours=23))

    assert dataset.status is DatasetStatus.VALIDATING
    assert dataset.teardown is None
    assert commit(dataset) == [DatasetRestored(*dataset.ids)]


def test_a_restored_dataset_is_made_visible_and_then_validated() -> None:
    dataset = in_grace()
    dataset.restore(after(hours=1))
    commit(dataset)

    first = order_of(dataset, RestoreConnector, after(hours=1))
    take(dataset, connector_restored(dataset), after(hours=1))

    assert first.connector == dataset.connector
    assert not dataset.is_hidden
    assert orders_of(dataset, after(hours=1)) is ValidateDataset


def test_a_dataset_restored_before_it_was_hidden_is_validated_at_once() -> None:
    dataset = torn_down()

    dataset.restore(NOW)

    assert orders_of(dataset) is ValidateDataset


@pytest.mark.parametrize("answered", [False, True])
def test_a_dataset_restored_while_it_is_being_hidden_is_made_visible(answered: bool) -> None:
    dataset = torn_down()
    take(dataset, step_taken(dataset))
    take(dataset, step_taken(dataset, receipt=a_receipt()))
    if answered:
        take(dataset, order_failed(dataset))

    dataset.restore(NOW)

    assert orders_of(dataset) is RestoreConnector


def test_a_dataset_is_restored_as_long_as_its_emptying_has_to_wait() -> None:
    dataset = in_grace()
    assert dataset.teardown is not None
    dataset.teardown = replace(dataset.teardown, quiet_at=after(hours=25))

    dataset.restore(after(hours=24, minutes=30))

    assert dataset.status is DatasetStatus.VALIDATING


def test_a_restored_connector_forgets_the_trouble_it_gave() -> None:
    dataset = in_grace()
    dataset.restore(after(hours=1))
    commit(dataset)
    take(dataset, order_failed(dataset), after(hours=1))

    take(dataset, connector_restored(dataset), after(hours=1, seconds=5))

    assert dataset.trouble is None


def test_a_restored_dataset_becomes_ready_again() -> None:
    dataset = torn_down()
    dataset.restore(NOW)
    commit(dataset)

    take(dataset, examined(dataset))

    assert dataset.status is DatasetStatus.READY


def test_a_restored_incident_is_closed() -> None:
    dataset = given_up()
    dataset.start_teardown(MANUAL, after(minutes=13))

    dataset.restore(after(minutes=14))

    assert not dataset.health.is_incident


@pytest.mark.parametrize("moment", [after(hours=24), after(hours=30)])
def test_a_teardown_is_not_undone_when_its_grace_is_over(moment: datetime) -> None:
    dataset = in_grace()

    with pytest.raises(IllegalTransition, match="its grace period is over"):
        dataset.restore(moment)


def test_a_teardown_is_not_undone_once_emptying_has_begun() -> None:
    dataset = emptying()

    with pytest.raises(IllegalTransition, match="its grace period is over"):
        dataset.restore(after(hours=1))


def test_a_dataset_that_was_never_filled_is_not_restored() -> None:
    dataset = unfilled()
    dataset.start_teardown(MANUAL, NOW)

    with pytest.raises(IllegalTransition, match="it was never filled"):
        dataset.restore(after(hours=1))


def test_a_dataset_is_restored_within_its_lifetime() -> None:
    dataset = in_grace(wish=TWO_HOURS)

    dataset.restore(after(hours=1, minutes=59))

    assert dataset.status is DatasetStatus.VALIDATING


def test_a_dataset_whose_lifetime_is_over_is_not_restored_and_keeps_its_grace() -> None:
    dataset = in_grace(wish=TWO_HOURS)
    before = snapshot(dataset)

    with pytest.raises(IllegalTransition, match="its lifetime ended at 2026-01-20T14:00:00"):
        dataset.restore(after(hours=3))

    assert dataset == before


@pytest.mark.parametrize(
    ("wish", "until"), [(TWO_HOURS, after(hours=2)), (TWO_DAYS, after(hours=24))]
)
def test_a_dataset_is_restorable_until_its_grace_or_its_lifetime_ends(
    wish: Wish, until: datetime
) -> None:
    assert in_grace(wish=wish).restorable_until == until


@pytest.mark.parametrize("status", [each for each in IN_STATUS if each != "teardown"])
def test_only_a_dataset_in_teardown_is_restored(status: DatasetStatus) -> None:
    dataset = IN_STATUS[status]()

    with pytest.raises(IllegalTransition, match="only a dataset in TEARDOWN can be"):
        dataset.restore(NOW)
