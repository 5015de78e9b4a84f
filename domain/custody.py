"""Custody: how long an archive is kept when people ask for more than its retention."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from domain.archive import LegalHold
from domain.custody_events import (
    DatasetLegalHoldPlaced,
    DatasetLegalHoldReleased,
    DatasetRetentionExtended,
)
from domain.errors import FieldError, InvalidInput
from domain.lifecycle import DatasetStatus
from domain.moments import require_zone
from domain.ordering import archive_of, kept_for

if TYPE_CHECKING:
    from datetime import datetime

    from domain.state import DatasetState

LONGEST = timedelta(days=36525)
"""The longest an archive is kept from now on: a hundred years, as the longest retention is."""


def extend(dataset: DatasetState, until: datetime, now: datetime) -> bool:
    """Keep the archive until then; where it is kept so already, it is locked so once more.

    A lock that somebody else lifted comes back by that. Tells whether anything changed: where the
    lock is owed already, nothing does.

    Raises:
        IllegalTransition: there is no archive to keep, or its time is over.
        InvalidInput: it would be kept for a shorter time than it is, or for more than `LONGEST`.
    """
    require_zone("until", until)
    _require_in_time(dataset, "kept for longer", now)
    kept = kept_for(dataset)
    if until == kept == dataset.retain_until:
        return _lock_again(dataset)
    if until != kept:
        _require_later(dataset, until, max(kept, now), now + LONGEST)
    dataset.retain_until = until
    location = _owe_lock(dataset)
    dataset.happen(DatasetRetentionExtended(dataset.place.dataset_id, location, until))
    return True


def hold(dataset: DatasetState, reason: str, by: str, now: datetime) -> bool:
    """Put the archive under a legal hold; the one it is under already stays.

    Raises:
        IllegalTransition: there is no archive to hold, or its time is over.
    """
    _require_in_time(dataset, "put under a legal hold", now)
    if dataset.legal_hold is not None:
        return False
    dataset.legal_hold = LegalHold(reason, by, now)
    location = _owe_lock(dataset)
    dataset.happen(DatasetLegalHoldPlaced(dataset.place.dataset_id, location, reason))
    return True


def release(dataset: DatasetState) -> bool:
    """Take the legal hold off; where there is none, nothing changes.

    Raises:
        IllegalTransition: there is no archive.
    """
    _require_archive(dataset, "released from a legal hold")
    if dataset.legal_hold is None:
        return False
    dataset.legal_hold = None
    location = _owe_lock(dataset)
    dataset.happen(DatasetLegalHoldReleased(dataset.place.dataset_id, location))
    return True


def _require_archive(dataset: DatasetState, done: str) -> None:
    if dataset.status is not DatasetStatus.ARCHIVED:
        dataset.refuse(done, "only an archived dataset can be; its teardown writes the archive")
    if dataset.purged_at is not None:
        purged = dataset.purged_at.isoformat(timespec="seconds")
        dataset.refuse(done, f"its archive was purged at {purged}, in time")


def _require_in_time(dataset: DatasetState, done: str, now: datetime) -> None:
    """Refuse what comes too late: an agent may be purging the archive at this moment."""
    _require_archive(dataset, done)
    until = kept_for(dataset)
    if dataset.legal_hold is None and now >= until:
        ended = until.isoformat(timespec="seconds")
        dataset.refuse(done, f"its retention was over at {ended} and its archive is being purged")


def _require_later(
    dataset: DatasetState, until: datetime, earliest: datetime, latest: datetime
) -> None:
    if earliest < until <= latest:
        return
    wrong = "must be later" if until <= earliest else "is beyond all measure"
    message = (
        f"The archive of {dataset.name} is only ever kept for longer; until {wrong}. Name a time "
        f"after {earliest.isoformat()} and up to {latest.isoformat(timespec='seconds')}."
    )
    raise InvalidInput(message, [FieldError("until", wrong)])


def _lock_again(dataset: DatasetState) -> bool:
    was_owed = dataset.is_lock_owed
    if not was_owed:
        _owe_lock(dataset)
    return not was_owed


def _owe_lock(dataset: DatasetState) -> str:
    """Let the archive itself be locked anew, at once; gives where it is."""
    dataset.is_lock_owed, dataset.trouble = True, None
    return archive_of(dataset).location
