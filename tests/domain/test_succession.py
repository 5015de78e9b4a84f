"""Succession: make before break, and never longer than a day (A18)."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from domain.dataset import Dataset
from domain.events import DatasetGivesWay, DatasetTeardownStarted
from domain.lifecycle import DatasetStatus, TeardownReason
from domain.state import Wish
from domain.succession import GivingWay
from domain.view import describe
from domain.work import ProbeConnector
from tests.domain.driving import (
    archived,
    commit,
    failed,
    only,
    order_of,
    ready,
    rest_of,
    torn_down,
    unfilled,
)
from tests.domain.making import NOW, RULES, after

SUCCESSOR = UUID(int=9)
DAY = timedelta(hours=24)

pytestmark = pytest.mark.requirement("R72")


def leaving(dataset: Dataset | None = None, successor: UUID | None = SUCCESSOR) -> Dataset:
    """A dataset that gives way since `NOW`."""
    stays = dataset or ready()
    stays.give_way(successor, NOW)
    commit(stays)
    return stays


@pytest.mark.parametrize("successor", [SUCCESSOR, None])
def test_a_dataset_that_gives_way_says_for_whom_and_stays_as_it_is(
    successor: UUID | None,
) -> None:
    dataset = ready()

    is_changed = dataset.give_way(successor, NOW)

    told = only(DatasetGivesWay, commit(dataset))
    assert is_changed
    assert told.successor_id == successor
    assert dataset.gives_way == GivingWay(successor, NOW + DAY)
    assert dataset.status is DatasetStatus.READY


def test_a_dataset_that_gives_way_already_gets_no_more_time_for_another() -> None:
    dataset = leaving()

    is_changed = dataset.give_way(UUID(int=10), after(hours=3))

    assert is_changed
    assert dataset.gives_way == GivingWay(UUID(int=10), NOW + DAY)


def test_giving_way_to_the_same_again_changes_nothing() -> None:
    dataset = leaving()

    is_changed = dataset.give_way(SUCCESSOR, after(hours=3))

    assert not is_changed
    assert dataset.happenings == []


@pytest.mark.parametrize("dataset", [torn_down(), archived()])
def test_what_has_ended_gives_way_to_nobody(dataset: Dataset) -> None:
    assert not dataset.give_way(SUCCESSOR, NOW)
    assert dataset.gives_way is None


def test_a_dataset_that_gives_way_is_watched_as_before() -> None:
    dataset = leaving()

    probe = order_of(dataset, ProbeConnector, after(minutes=2))

    assert probe.connector == dataset.connector


def test_a_dataset_that_gives_way_looks_at_its_successor_now_and_then() -> None:
    dataset = leaving(unfilled())

    rest = rest_of(dataset)

    assert rest.until == NOW + RULES.health_interval


def test_a_dataset_without_a_successor_rests_until_its_stay_is_over() -> None:
    dataset = leaving(unfilled(), successor=None)

    rest = rest_of(dataset)

    assert rest.until == NOW + DAY


def test_a_dataset_that_gives_way_is_torn_down_after_a_day_whatever_became_of_its_successor() -> (
    None
):
    dataset = leaving()

    early = dataset.lapse(NOW + DAY - timedelta(seconds=1))
    late = dataset.lapse(NOW + DAY)

    told = only(DatasetTeardownStarted, commit(dataset))
    assert (early, late) == (False, True)
    assert told.reason is TeardownReason.STAGE_TRANSITION
    assert dataset.gives_way is None


def test_a_dataset_that_is_restored_after_giving_way_stays() -> None:
    dataset = leaving()
    dataset.lapse(NOW + DAY)
    commit(dataset)

    dataset.restore(NOW + DAY + timedelta(minutes=1))

    assert dataset.status is DatasetStatus.VALIDATING
    assert not dataset.lapse(NOW + DAY + timedelta(minutes=2))


def test_a_dataset_stays_when_the_move_is_called_off() -> None:
    dataset = leaving()

    first, again = dataset.stay(), dataset.stay()

    assert (first, again) == (True, False)
    assert not dataset.lapse(NOW + DAY)


@pytest.mark.parametrize("successor", [SUCCESSOR, None])
def test_a_dataset_that_gives_way_is_shown_with_whom_it_waits_for(successor: UUID | None) -> None:
    shown = describe(leaving(failed(), successor))

    assert shown.get("gives_way_to") == (str(successor) if successor else None)
    assert shown.get("gives_way_until") == (NOW + DAY).isoformat()


def test_a_wish_names_whom_a_dataset_replaces() -> None:
    assert ready(wish=Wish(replaces=SUCCESSOR)).wish.replaces == SUCCESSOR
