"""Archives as they are asked for: where each lies, how long it is kept, and whether it is intact."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.archive import ArchiveLock
from domain.errors import ArchiveDamaged, NotFound, SupplierLied
from domain.lifecycle import DatasetStatus
from domain.ordering import kept_for, lock_of

if TYPE_CHECKING:
    from datetime import datetime

    from domain.archive import ArchiveReceipt, LegalHold
    from domain.archive_documents import (
        ArchiveDocument,
        ArchiveVerificationDocument,
        LegalHoldDocument,
    )
    from domain.dataset import Dataset
    from domain.ports import Archive


def describe_archive(dataset: Dataset) -> ArchiveDocument:
    """Describe a dataset's archive, or its tombstone. Raises NotFound where there is none."""
    place, trouble, receipt = dataset.place, dataset.trouble, _any_receipt_of(dataset)
    return {
        "dataset_id": str(place.dataset_id),
        "connector_name": place.connector_name,
        "client_ref": place.client.ref,
        "journey_ref": place.journey_ref,
        "stage": place.stage.value,
        "dataset_type": place.dataset_type,
        "generation": place.generation,
        "location": receipt.location,
        "sha256": receipt.sha256,
        "size_bytes": receipt.size_bytes,
        "locked_until": receipt.locked_until.isoformat(),
        "archived_at": _time(dataset.archived_at),
        "kept_until": _time(_kept_until(dataset)),
        "legal_hold": _hold(dataset.legal_hold),
        "lock_owed": dataset.is_lock_owed,
        "error": trouble.message if trouble else None,
        "purged_at": _time(dataset.purged_at),
    }


async def verify(archive: Archive, dataset: Dataset, now: datetime) -> ArchiveVerificationDocument:
    """Read an archive back; compare its digest and its lock with what was promised by now.

    Raises:
        NotFound: there is none, or its time was up and it was purged.
        SupplierLied: it is gone, and should be there.
    """
    receipt = _receipt_of(dataset)
    promised = _promised(dataset, receipt, now)
    found = await _read_back(archive, dataset, receipt, promised)
    return {
        "dataset_id": str(dataset.place.dataset_id),
        "location": receipt.location,
        "size_bytes": found.size_bytes,
        "expected_sha256": receipt.sha256,
        "actual_sha256": found.sha256,
        "verified": found.damage is None,
        "damage": found.damage,
        "locked_until": promised.locked_until.isoformat(),
        "object_locked_until": found.lock.locked_until.isoformat() if found.lock else None,
        "object_is_held": found.lock.is_held if found.lock else None,
    }


async def sealed_content(archive: Archive, dataset: Dataset) -> bytes:
    """Give an archive's bytes, compared with its digest.

    Raises:
        NotFound: there is none, or it was purged.
        SupplierLied: it is gone or damaged, and should be there.
    """
    receipt = _receipt_of(dataset)
    content = await _present(archive, dataset.name, receipt)
    if hashlib.sha256(content).hexdigest() != receipt.sha256:
        raise SupplierLied(f"{receipt.location}: {_EXCHANGED}")
    return content


@dataclass(frozen=True, slots=True)
class _ReadBack:
    """What was found in an archive's place, and what is wrong with it, if anything is."""

    sha256: str | None
    size_bytes: int | None
    damage: str | None
    lock: ArchiveLock | None = None


async def _read_back(
    archive: Archive, dataset: Dataset, receipt: ArchiveReceipt, promised: ArchiveLock
) -> _ReadBack:
    try:
        content = await _present(archive, dataset.name, receipt)
        lock = await archive.lock_of(receipt.location)
    except ArchiveDamaged as damaged:
        return _ReadBack(damaged.sha256, damaged.size_bytes, str(damaged))
    digest = hashlib.sha256(content).hexdigest()
    damage = _EXCHANGED if digest != receipt.sha256 else _unlocked(lock, promised)
    return _ReadBack(digest, len(content), damage, lock)


async def _present(archive: Archive, name: str, receipt: ArchiveReceipt) -> bytes:
    try:
        return await archive.read(receipt.location)
    except NotFound as missing:
        until = receipt.locked_until.isoformat(timespec="seconds")
        message = f"{name} has lost its archive, which was to be kept until {until}. {missing}"
        raise SupplierLied(message) from missing


_EXCHANGED = (
    "The archive is whole, but it is not the one that was written down. Restore that one from a "
    "copy of the archive."
)


def _promised(dataset: Dataset, receipt: ArchiveReceipt, now: datetime) -> ArchiveLock:
    """Tell how an archive must be locked by now: as it was written, while a longer lock is owed."""
    return ArchiveLock(receipt.locked_until) if dataset.is_lock_owed else lock_of(dataset, now)


def _unlocked(lock: ArchiveLock, promised: ArchiveLock) -> str | None:
    """Say what is wrong where an archive's lock is less than was promised, or its hold gone."""
    if promised.is_held and not lock.is_held:
        return (
            "The archive is whole, but its legal hold was lifted there, and not by us. Look who may "
            "do that, then release it and put it on again: dataops archive hold."
        )
    if lock.locked_until >= promised.locked_until:
        return None
    wanted, found = promised.locked_until.isoformat(), lock.locked_until.isoformat()
    return (
        f"The archive is whole, but it is locked until {found} only and was to be until {wanted}. "
        "Look who may lift locks there, then have it locked again, until the end it has or a later "
        "one: dataops archive extend."
    )


def _any_receipt_of(dataset: Dataset) -> ArchiveReceipt:
    if dataset.archive is None:
        message = f"{dataset.name} is {dataset.status} and has no archive."
        raise NotFound(message)
    return dataset.archive


def _receipt_of(dataset: Dataset) -> ArchiveReceipt:
    receipt = _any_receipt_of(dataset)
    if dataset.purged_at is not None:
        purged = dataset.purged_at.isoformat(timespec="seconds")
        message = f"{dataset.name} has no archive any more: it was purged at {purged}, in time."
        raise NotFound(message)
    return receipt


def _kept_until(dataset: Dataset) -> datetime | None:
    """Tell when the archive may be purged; unknown before it is archived, and under a hold."""
    if dataset.status is not DatasetStatus.ARCHIVED or dataset.legal_hold is not None:
        return None
    return kept_for(dataset)


def _hold(hold: LegalHold | None) -> LegalHoldDocument | None:
    if hold is None:
        return None
    return {
        "reason": hold.reason,
        "placed_by": hold.placed_by,
        "placed_at": hold.placed_at.isoformat(),
    }


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
