"""Archived: only with a receipt, kept for its retention, and never brought back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from domain.custody_events import DatasetRetentionExpired
from domain.dataset import Dataset
from domain.errors import IllegalTransition
from domain.events import DatasetArchived
from domain.lifecycle import DatasetStatus, TeardownReason, TeardownStep
from domain.ordering import Rest
from domain.rules import LifecycleRules
from domain.work import FailureKind, PurgeArchive
from tests.domain.driving import (
    a_dataset,
    archived,
    commit,
    emptying,
    in_grace,
    only,
    order_of,
    orders_of,
    rest_of,
    snapshot,
    take,
    torn_down,
)
from tests.domain.making import (
    NOW,
    a_receipt,
    after,
    archive_purged,
    connector_restored,
    examined,
    found,
    order_failed,
    provisioned,
    step_taken,
)

MANUAL = TeardownReason.MANUAL_REQUEST


# --- archived ------------------------------------------------------------------------------------


def test_a_verified_dataset_is_archived() -> None:
    dataset = emptying()
    take(dataset, step_taken(dataset), after(hours=24))

    events = take(dataset, step_taken(dataset), after(hours=24))

    assert dataset.status is DatasetStatus.ARCHIVED
    assert dataset.archived_at == after(hours=24)
    assert only(DatasetArchived, events) == DatasetArchived(
        dataset.place.dataset_id, "folder:archive.json", 123_456
    )


def test_nothing_is_archived_without_a_receipt() -> None:
    dataset = torn_down(skip_grace=True)
    take(dataset, step_taken(dataset))

    events = take(dataset, step_taken(dataset))

    assert events == []
    assert dataset.teardown is not None
    assert dataset.teardown.step is TeardownStep.ARCHIVE_METADATA
    assert "gave no receipt" in dataset.teardown.message
    assert not dataset.is_hidden


def test_an_archive_locked_for_too_short_a_time_is_none() -> None:
    dataset = torn_down(skip_grace=True)
    take(dataset, step_taken(dataset))
    short = a_receipt(locked_until=after(days=91) - timedelta(seconds=1))

    take(dataset, step_taken(dataset, receipt=short))

    assert dataset.archive is None


def test_a_second_teardown_needs_an_archive_of_its_own() -> None:
    dataset = in_grace()
    dataset.restore(after(hours=1))
    commit(dataset)
    take(dataset, connector_restored(dataset), after(hours=1))
    take(dataset, examined(dataset), after(hours=1))
    dataset.start_teardown(MANUAL, after(hours=2))
    commit(dataset)
    take(dataset, step_taken(dataset), after(hours=2))

    take(dataset, step_taken(dataset), after(hours=2))

    assert dataset.archive is None
    assert dataset.teardown is not None
    assert dataset.teardown.step is TeardownStep.ARCHIVE_METADATA


def test_an_archive_is_kept_for_its_retention_though_its_lock_ends_before() -> None:
    dataset = archived(rules=LifecycleRules(grace_period=timedelta(0)))
    dataset.archived_at = after(hours=72)

    assert rest_of(dataset, after(days=91)).until == after(hours=72, days=90)


def test_a_dataset_that_never_held_anything_is_archived_with_no_bytes() -> None:
    dataset = a_dataset()
    dataset.start_teardown(MANUAL, NOW, skip_grace=True)
    for receipt in (None, a_receipt(), None):
        take(dataset, step_taken(dataset, receipt=receipt))
    dataset.lapse(NOW)
    take(dataset, step_taken(dataset))

    events = take(dataset, step_taken(dataset))

    assert only(DatasetArchived, events).original_size_bytes == 0


# --- retention -----------------------------------------------------------------------------------


@pytest.mark.requirement("R23")
def test_an_archive_is_kept_for_ninety_days_after_archiving() -> None:
    dataset = archived()

    assert rest_of(dataset, after(days=90, hours=23)) == Rest(
        after(days=91), "archived; kept until its retention is over"
    )


def test_an_archive_is_purged_when_its_retention_is_over() -> None:
    dataset = archived()

    assert order_of(dataset, PurgeArchive, after(days=91)).location == "folder:archive.json"


def test_an_archive_is_not_purged_before_its_lock_is_over() -> None:
    dataset = archived()
    dataset.archive = a_receipt(locked_until=after(days=100))

    assert rest_of(dataset, after(days=99)).until == after(days=100)


def test_no_agent_can_purge_an_archive_before_its_time() -> None:
    dataset = archived()
    before = snapshot(dataset)

    with pytest.raises(IllegalTransition, match="its archive is kept for a while yet"):
        dataset.apply(archive_purged(dataset), after(days=89))

    assert dataset == before


def test_a_purged_archive_leaves_its_receipt_and_an_event() -> None:
    dataset = archived()

    events = take(dataset, archive_purged(dataset), after(days=91))

    assert events == [DatasetRetentionExpired(dataset.place.dataset_id, "folder:archive.json")]
    assert dataset.archive == a_receipt()
    assert rest_of(dataset, after(days=91)) == Rest(None, "archived; nothing is left to do")


@pytest.mark.parametrize("failure", list(FailureKind))
def test_a_purge_that_fails_is_tried_again(failure: FailureKind) -> None:
    dataset = archived()

    take(dataset, order_failed(dataset, failure), after(days=91))

    assert dataset.status is DatasetStatus.ARCHIVED
    assert rest_of(dataset, after(days=91)).until == after(days=91, seconds=30)
    assert orders_of(dataset, after(days=91, seconds=30)) is PurgeArchive


def test_the_pauses_between_failed_purges_double_up_to_an_hour() -> None:
    dataset = archived()
    pauses = []

    for _ in range(9):
        take(dataset, order_failed(dataset, FailureKind.REFUSED), after(days=91))
        until = rest_of(dataset, after(days=91)).until
        assert until is not None
        pauses.append((until - after(days=91)).total_seconds())

    assert pauses == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]


def test_a_purge_that_succeeds_at_last_forgets_its_trouble() -> None:
    dataset = archived()
    take(dataset, order_failed(dataset), after(days=91))

    take(dataset, archive_purged(dataset), after(days=91, seconds=30))

    assert dataset.trouble is None


def test_an_archive_is_ordered_to_be_kept_from_the_archiving_and_not_from_the_teardown() -> None:
    dataset = archived(rules=LifecycleRules(retention=timedelta(days=1)))
    dataset.archived_at = after(days=200)

    assert rest_of(dataset, after(days=200)).until == after(days=201)


ATTEMPTS: dict[str, Callable[[Dataset], object]] = {
    "revalidate": lambda each: each.revalidate("asked for by ada", NOW),
    "restore": lambda each: each.restore(NOW),
    "start_teardown": lambda each: each.start_teardown(MANUAL, NOW),
    "template found": lambda each: each.apply(found(each), NOW),
    "provisioned": lambda each: each.apply(provisioned(each), NOW),
    "examined": lambda each: each.apply(examined(each), NOW),
}


@pytest.mark.requirement("R22", "R70")
@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_archive_immutability_no_command_and_no_outcome_brings_it_back(attempt: str) -> None:
    dataset = archived()
    before = snapshot(dataset)

    with pytest.raises(IllegalTransition):
        ATTEMPTS[attempt](dataset)

    assert dataset == before


@pytest.mark.requirement("R70")
def test_archive_immutability_time_alone_changes_nothing() -> None:
    dataset = archived()

    assert not dataset.lapse(after(days=1000))
