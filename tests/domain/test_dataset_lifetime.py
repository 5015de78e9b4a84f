"""Lifetimes: a dataset asked for a while goes by itself when the while is over."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.events import DatasetTeardownStarted
from domain.lifecycle import DatasetStatus, TeardownReason, TeardownStep
from domain.state import Wish
from domain.work import TakeStep
from tests.domain.driving import (
    IN_STATUS,
    archived,
    commit,
    failed,
    in_grace,
    order_of,
    ready,
    rest_of,
    validating,
)
from tests.domain.making import (
    NEAR_MISS,
    after,
)

HOUR = Wish(lifetime=timedelta(hours=1))


def test_a_dataset_without_a_lifetime_stays() -> None:
    dataset = ready()

    assert dataset.expires_at is None
    assert not dataset.lapse(after(days=365))


def test_a_dataset_lives_as_long_as_was_asked() -> None:
    dataset = ready(wish=HOUR)

    assert dataset.expires_at == after(hours=1)
    assert not dataset.lapse(after(minutes=59))


def test_a_dataset_whose_lifetime_is_over_is_torn_down_without_grace() -> None:
    dataset = ready(wish=HOUR)

    assert dataset.lapse(after(hours=1))

    assert dataset.teardown is not None
    assert dataset.teardown.may_empty_at == after(hours=1)
    assert commit(dataset) == [DatasetTeardownStarted(*dataset.ids, TeardownReason.MANUAL_REQUEST)]
    assert order_of(dataset, TakeStep, after(hours=1)).step is TeardownStep.PAUSE_SYNC


@pytest.mark.parametrize("status", list(DatasetStatus)[:5])
def test_a_lifetime_ends_whatever_the_status(status: DatasetStatus) -> None:
    dataset = IN_STATUS[status]()
    dataset.wish = HOUR

    assert dataset.lapse(after(hours=1))

    assert dataset.status is DatasetStatus.TEARDOWN


def test_a_lifetime_is_no_matter_to_a_dataset_in_its_grace_period() -> None:
    dataset = in_grace(wish=HOUR)

    assert not dataset.lapse(after(hours=2))


def test_a_lifetime_is_no_matter_to_an_archived_dataset() -> None:
    dataset = archived(wish=HOUR)

    assert not dataset.lapse(after(days=2))


def test_a_ready_dataset_is_looked_at_when_its_lifetime_ends_if_that_is_sooner() -> None:
    dataset = ready(wish=Wish(lifetime=timedelta(seconds=30)))

    assert rest_of(dataset).until == after(seconds=30)


def test_a_failed_dataset_is_looked_at_when_its_lifetime_ends() -> None:
    assert rest_of(failed(wish=HOUR)).until == after(hours=1)
    assert rest_of(failed(NEAR_MISS, wish=HOUR)).until == after(seconds=5)


def test_a_dataset_being_validated_does_not_lapse_by_itself() -> None:
    assert not validating().lapse(after(days=1))
