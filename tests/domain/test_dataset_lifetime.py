"""Lifetimes: a dataset asked for a while goes by itself when the while is over."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import pytest

from domain.dataset import Dataset
from domain.errors import InvalidInput
from domain.events import DatasetTeardownStarted
from domain.lifecycle import DatasetStatus, TeardownReason, TeardownStep
from domain.state import Wish
from domain.work import TakeStep
from tests.domain.driving import (
    IN_STATUS,
    a_dataset,
    archived,
    commit,
    failed,
    in_grace,
    order_of,
    provisioning,
    ready,
    rest_of,
    snapshot,
    take,
)
from tests.domain.making import (
    NEAR_MISS,
    NOW,
    a_receipt,
    after,
    evidence,
    examined,
    order_failed,
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
    assert dataset.teardown.skip_grace
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


def test_a_dataset_being_filled_does_not_lapse_within_its_hour() -> None:
    assert not provisioning().lapse(after(minutes=59))


@pytest.mark.parametrize(
    ("seconds", "until"), [(2, after(seconds=2)), (30, after(seconds=5))], ids=["life", "retry"]
)
def test_a_postponed_order_is_looked_at_again_when_the_lifetime_ends_if_that_is_sooner(
    seconds: int, until: datetime
) -> None:
    dataset = provisioning(wish=Wish(lifetime=timedelta(seconds=seconds)))

    take(dataset, order_failed(dataset))

    assert rest_of(dataset).until == until


def test_a_failed_dataset_is_looked_at_when_its_lifetime_ends_before_its_retry() -> None:
    dataset = failed(NEAR_MISS, wish=Wish(lifetime=timedelta(seconds=2)))

    assert rest_of(dataset).until == after(seconds=2)


def test_an_archived_dataset_is_not_looked_at_for_a_lifetime_long_over() -> None:
    dataset = archived(wish=Wish(lifetime=timedelta(hours=48)))

    take(dataset, order_failed(dataset), after(days=95))

    assert rest_of(dataset, after(days=95)).until == after(days=95, seconds=30)


# --- times name their zone -----------------------------------------------------------------------

NAIVE = NOW.replace(tzinfo=None)

ENTRIES: dict[str, Callable[[Dataset], object]] = {
    "next_order": lambda each: each.next_order(NAIVE),
    "lapse": lambda each: each.lapse(NAIVE),
    "apply": lambda each: each.apply(examined(each), NAIVE),
    "note_end_of": lambda each: each.note_end_of(0, NAIVE),
    "start_teardown": lambda each: each.start_teardown(TeardownReason.MANUAL_REQUEST, NAIVE),
    "restore": lambda each: each.restore(NAIVE),
    "revalidate": lambda each: each.revalidate("asked", NAIVE),
    "requested_at": lambda _: a_dataset(requested_at=NAIVE),
    "locked_until": lambda _: a_receipt(locked_until=NAIVE),
    "executed_at": lambda _: evidence(executed_at=NAIVE),
}


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_time_without_its_zone_is_refused(entry: str) -> None:
    dataset = ready()
    before = snapshot(dataset)

    with pytest.raises(InvalidInput, match="names no zone"):
        ENTRIES[entry](dataset)

    assert dataset == before


def test_a_time_of_any_zone_is_taken() -> None:
    local = NOW.astimezone(timezone(timedelta(hours=9)))

    assert a_dataset(requested_at=local).place.requested_at == NOW
