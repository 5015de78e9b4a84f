"""The events of custody: an archive kept for longer, under a legal hold, or until its time is up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class DatasetRetentionExpired:
    """The archive's time is up; the object is purged and a tombstone with its digest stays."""

    dataset_id: UUID
    archive_location: str


@dataclass(frozen=True, slots=True)
class DatasetRetentionExtended:
    """Somebody has the archive kept for longer: until then at least."""

    dataset_id: UUID
    archive_location: str
    retain_until: datetime


@dataclass(frozen=True, slots=True)
class DatasetLegalHoldPlaced:
    """Somebody has the archive kept until the hold is released, for this reason."""

    dataset_id: UUID
    archive_location: str
    hold_reason: str


@dataclass(frozen=True, slots=True)
class DatasetLegalHoldReleased:
    """The legal hold is off: the archive is kept for its retention again."""

    dataset_id: UUID
    archive_location: str
