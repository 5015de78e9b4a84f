"""Custody: an archive is kept for longer when somebody asks, and never for less."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from domain.archive import ArchiveLock, LegalHold
from domain.custody_events import (
    DatasetLegalHoldPlaced,
    DatasetLegalHoldReleased,
    DatasetRetentionExpired,
    DatasetRetentionExtended,
)
from domain.dataset import Dataset
from domain.errors import IllegalTransition, InvalidInput
from domain.ordering import kept_for
from domain.rules import LifecycleRules
from domain.work import FailureKind, LockArchive, PurgeArchive
from tests.domain.driving import (
    archived,
    commit,
    emptying,
    in_grace,
    only,
    order_of,
    orders_of,
    ready,
    rest_of,
    snapshot,
    take,
)
from tests.domain.making import (
    NOW,
    after,
    archive_locked,
    archive_purged,
    order_failed,
    step_taken,
)

WHEN = after(days=2)
LATER = after(days=120)
"""A month past the end of the retention, which is on the 91st day."""


def locked(dataset: Dataset, now: datetime = WHEN) -> Dataset:
    """Have the archive locked as it is asked for."""
    take(dataset, archive_locked(dataset, order_of(dataset, LockArchive, now).lock), now)
    return dataset


def extended() -> Dataset:
    dataset = archived()
    dataset.extend_retention(LATER, WHEN)
    commit(dataset)
    return locked(dataset)


def held() -> Dataset:
    dataset = archived()
    dataset.hold_archive("case 7", "ada", WHEN)
    commit(dataset)
    return locked(dataset)


def purged() -> Dataset:
    dataset = archived()
    take(dataset, archive_purged(dataset), after(days=91))
    return dataset


# --- kept for longer -----------------------------------------------------------------------------


@pytest.mark.requirement("R23", "R98")
def test_an_archive_that_is_kept_for_longer_is_purged_only_then() -> None:
    dataset = extended()

    assert rest_of(dataset, after(days=119)).until == LATER
    assert orders_of(dataset, LATER) is PurgeArchive


def test_keeping_for_longer_is_told_with_the_new_end() -> None:
    dataset = archived()

    dataset.extend_retention(LATER, WHEN)

    assert only(DatasetRetentionExtended, commit(dataset)) == DatasetRetentionExtended(
        dataset.place.dataset_id, "folder:archive.json", LATER
    )


def test_the_archive_itself_is_locked_for_as_long_before_anything_else() -> None:
    dataset = archived()
    dataset.extend_retention(LATER, WHEN)
    commit(dataset)

    order = order_of(dataset, LockArchive, WHEN)

    assert order.location == "folder:archive.json"
    assert order.lock == ArchiveLock(LATER, is_held=False)


@pytest.mark.requirement("R98")
@pytest.mark.parametrize("days", [-5, 0, 1, 90])
def test_an_archive_is_never_kept_for_less(days: int) -> None:
    dataset = archived()
    before = snapshot(dataset)

    with pytest.raises(InvalidInput, match="only ever kept for longer") as wrong:
        dataset.extend_retention(after(days=days), WHEN)

    assert [each.field for each in wrong.value.errors] == ["until"]
    assert dataset == before


def test_an_archive_is_not_kept_beyond_all_measure() -> None:
    with pytest.raises(InvalidInput, match="beyond all measure"):
        archived().extend_retention(after(days=40_000), WHEN)


def test_asking_for_the_end_there_is_locks_the_archive_again_and_tells_nobody() -> None:
    dataset = extended()

    changed = dataset.extend_retention(LATER, WHEN)

    events = commit(dataset)
    assert changed
    assert events == []
    assert dataset.retain_until == LATER
    assert order_of(dataset, LockArchive, WHEN).lock == ArchiveLock(LATER)


def test_asking_for_the_end_there_is_changes_nothing_while_its_lock_is_owed() -> None:
    dataset = archived()
    dataset.extend_retention(LATER, WHEN)
    commit(dataset)

    changed = dataset.extend_retention(LATER, WHEN)

    assert not changed
    assert order_of(dataset, LockArchive, WHEN).lock == ArchiveLock(LATER)


@pytest.mark.requirement("R23", "R98")
def test_an_archive_whose_emptying_took_long_is_locked_for_all_of_its_retention() -> None:
    dataset = emptying()
    take(dataset, step_taken(dataset), after(hours=24))
    take(dataset, step_taken(dataset), after(hours=72))

    lock = order_of(dataset, LockArchive, after(hours=72)).lock

    assert dataset.archive is not None
    assert dataset.archive.locked_until == after(days=91)
    assert lock == ArchiveLock(after(days=93))


def test_an_archive_is_kept_to_the_end_of_a_lock_that_was_rounded_up() -> None:
    dataset = archived()
    dataset.extend_retention(LATER, WHEN)

    take(dataset, archive_locked(dataset, ArchiveLock(LATER + timedelta(seconds=1))), WHEN)

    assert rest_of(dataset, LATER).until == LATER + timedelta(seconds=1)


def test_a_retention_that_is_set_longer_later_can_be_promised_of_what_is_kept() -> None:
    dataset = archived(rules=LifecycleRules(grace_period=timedelta(0)))
    dataset.rules = LifecycleRules(retention=timedelta(days=120))
    longer = kept_for(dataset)

    changed = dataset.extend_retention(longer, WHEN)

    assert changed
    assert order_of(dataset, LockArchive, WHEN).lock == ArchiveLock(longer)
    assert only(DatasetRetentionExtended, commit(dataset)).retain_until == longer


def test_an_archive_that_was_written_with_a_lock_for_all_of_it_is_not_locked_again() -> None:
    assert not archived().is_lock_owed


def test_a_time_without_a_zone_is_no_end() -> None:
    with pytest.raises(InvalidInput, match="names no zone"):
        archived().extend_retention(LATER.replace(tzinfo=None), WHEN)


@pytest.mark.requirement("R98")
def test_a_retention_that_is_set_shorter_later_takes_nothing_from_what_is_kept() -> None:
    dataset = archived(rules=LifecycleRules(grace_period=timedelta(0)))
    dataset.archived_at = after(hours=24)
    dataset.retain_until = after(days=91, hours=5)
    dataset.rules = LifecycleRules(retention=timedelta(days=1))

    assert rest_of(dataset, after(days=91)).until == after(days=91, hours=5)


def test_an_archive_of_before_there_was_custody_is_kept_for_its_retention() -> None:
    dataset = archived()
    dataset.retain_until = None

    assert rest_of(dataset, after(days=90)).until == after(days=91)


# --- under a legal hold --------------------------------------------------------------------------


@pytest.mark.requirement("R23", "R98")
def test_an_archive_under_a_legal_hold_is_kept_whatever_its_retention_says() -> None:
    dataset = held()

    resting = rest_of(dataset, after(days=5000))

    assert resting.until is None
    assert "legal hold" in resting.why


def test_a_hold_says_why_who_and_when() -> None:
    dataset = archived()

    dataset.hold_archive("case 7", "ada", WHEN)

    assert dataset.legal_hold == LegalHold("case 7", "ada", WHEN)
    assert only(DatasetLegalHoldPlaced, commit(dataset)).hold_reason == "case 7"


def test_a_hold_goes_to_the_archive_itself() -> None:
    dataset = archived()
    dataset.hold_archive("case 7", "ada", WHEN)
    commit(dataset)

    assert order_of(dataset, LockArchive, WHEN).lock == ArchiveLock(after(days=91), is_held=True)


def test_a_second_hold_leaves_the_first_as_it_is() -> None:
    dataset = held()

    assert not dataset.hold_archive("case 8", "bob", after(days=500))
    assert dataset.legal_hold == LegalHold("case 7", "ada", WHEN)


def test_what_is_held_can_be_kept_for_longer_though_its_time_is_over() -> None:
    dataset = held()

    dataset.extend_retention(after(days=600), after(days=500))

    commit(dataset)
    lock = order_of(dataset, LockArchive, after(days=500)).lock
    assert lock == ArchiveLock(after(days=600), is_held=True)


def test_what_is_held_is_not_kept_until_a_time_that_is_over() -> None:
    with pytest.raises(InvalidInput, match="only ever kept for longer"):
        held().extend_retention(after(days=400), after(days=500))


def test_a_release_takes_the_hold_off_the_archive_before_it_is_purged() -> None:
    dataset = held()
    dataset.release_archive(after(days=500))
    events = commit(dataset)

    lock = order_of(dataset, LockArchive, after(days=500)).lock
    locked(dataset, after(days=500))

    assert only(DatasetLegalHoldReleased, events).archive_location == "folder:archive.json"
    assert not lock.is_held
    assert orders_of(dataset, after(days=500)) is PurgeArchive


def test_nothing_is_locked_until_a_time_that_is_over() -> None:
    dataset = held()
    dataset.retain_until = after(days=120)
    dataset.release_archive(after(days=500))
    commit(dataset)

    assert order_of(dataset, LockArchive, after(days=500)).lock == ArchiveLock(after(days=91))


def test_what_is_not_held_is_released_by_doing_nothing() -> None:
    dataset = archived()

    assert not dataset.release_archive(WHEN)
    assert commit(dataset) == []


# --- what an agent answers -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "lock", [ArchiveLock(LATER), ArchiveLock(LATER - timedelta(seconds=1), is_held=True)]
)
def test_a_lock_that_is_less_than_was_asked_for_is_asked_for_again(lock: ArchiveLock) -> None:
    dataset = archived()
    dataset.extend_retention(LATER, WHEN)
    dataset.hold_archive("case 7", "ada", WHEN)
    commit(dataset)

    take(dataset, archive_locked(dataset, lock), WHEN)

    assert dataset.is_lock_owed
    assert dataset.trouble is not None
    assert "no proof" in dataset.trouble.message
    assert rest_of(dataset, WHEN).until == WHEN + timedelta(seconds=30)


def test_an_archive_that_cannot_be_locked_is_tried_again_and_never_purged_meanwhile() -> None:
    dataset = archived()
    dataset.hold_archive("case 7", "ada", WHEN)
    commit(dataset)

    take(dataset, order_failed(dataset, FailureKind.REFUSED), WHEN)

    assert rest_of(dataset, WHEN).until == WHEN + timedelta(seconds=30)
    assert orders_of(dataset, after(days=500)) is LockArchive


def test_no_agent_purges_what_is_held() -> None:
    dataset = held()

    with pytest.raises(IllegalTransition, match="kept for a while yet"):
        dataset.apply(archive_purged(dataset), after(days=500))


def test_no_agent_answers_for_a_lock_that_nobody_asked_for() -> None:
    dataset = archived()

    with pytest.raises(IllegalTransition, match="no order of that status asks for it"):
        dataset.apply(archive_locked(dataset, ArchiveLock(LATER)), WHEN)


# --- too early and too late ----------------------------------------------------------------------


@pytest.mark.parametrize("dataset", [ready(), in_grace()], ids=["ready", "in grace"])
def test_only_an_archived_dataset_has_an_archive_to_keep(dataset: Dataset) -> None:
    acts: list[Callable[[], bool]] = [
        lambda: dataset.extend_retention(LATER, NOW),
        lambda: dataset.hold_archive("case 7", "ada", NOW),
        lambda: dataset.release_archive(NOW),
    ]

    for act in acts:
        with pytest.raises(IllegalTransition, match="only an archived dataset can be"):
            act()


def test_of_a_purged_archive_a_tombstone_stays_and_cannot_be_kept() -> None:
    dataset = purged()

    acts: list[Callable[[], bool]] = [
        lambda: dataset.extend_retention(LATER, after(days=92)),
        lambda: dataset.hold_archive("case 7", "ada", after(days=92)),
        lambda: dataset.release_archive(after(days=92)),
    ]

    for act in acts:
        with pytest.raises(IllegalTransition, match="was purged at"):
            act()

    assert dataset.archive is not None
    assert dataset.archive.sha256 == "cd" * 32


def test_what_may_be_purged_at_this_moment_can_be_kept_no_longer() -> None:
    dataset = archived()

    with pytest.raises(IllegalTransition, match="is being purged"):
        dataset.hold_archive("case 7", "ada", after(days=91))
    with pytest.raises(IllegalTransition, match="is being purged"):
        dataset.extend_retention(LATER, after(days=91))


@pytest.mark.requirement("R98")
def test_the_purge_waits_for_retention_extension_and_hold_in_turn() -> None:
    dataset = extended()
    dataset.hold_archive("case 7", "ada", after(days=100))
    commit(dataset)
    locked(dataset, after(days=100))
    waiting = rest_of(dataset, after(days=130)).until
    dataset.release_archive(after(days=130))
    commit(dataset)
    locked(dataset, after(days=130))

    events = take(dataset, archive_purged(dataset), after(days=130))

    assert waiting is None
    assert only(DatasetRetentionExpired, events).archive_location == "folder:archive.json"
    assert dataset.purged_at == after(days=130)


def test_a_lock_and_a_hold_name_their_zones() -> None:
    naive = NOW.replace(tzinfo=None)

    with pytest.raises(InvalidInput, match="names no zone"):
        ArchiveLock(naive)
    with pytest.raises(InvalidInput, match="names no zone"):
        LegalHold("case 7", "ada", naive)
