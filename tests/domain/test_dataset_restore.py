"""Restoring: a teardown is undone before emptying and never after."""

from __future__ import annotations

from datetime import datetime

import pytest

from domain.errors import IllegalTransition
from domain.events import (
    DatasetRestored,
)
from domain.lifecycle import DatasetStatus, TeardownReason
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
    take,
    torn_down,
    unfilled,
)
from tests.domain.making import (
    NOW,
    after,
    connector_restored,
    examined,
)

MANUAL = TeardownReason.MANUAL_REQUEST


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


@pytest.mark.parametrize("status", [each for each in IN_STATUS if each != "teardown"])
def test_only_a_dataset_in_teardown_is_restored(status: DatasetStatus) -> None:
    dataset = IN_STATUS[status]()

    with pytest.raises(IllegalTransition, match="only a dataset in TEARDOWN can be"):
        dataset.restore(NOW)
