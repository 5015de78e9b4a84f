"""Archives: what stays of a dataset, where, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from domain.moments import require_zone
from domain.record import JsonObject, canonical_json, digest_of

if TYPE_CHECKING:
    from datetime import timedelta

FORMAT = "dataops-archive/1"
"""The archive's format; a reader refuses one it does not know."""


@dataclass(frozen=True, slots=True)
class Dossier:
    """What is archived of a dataset (seed: R24): configuration, quality history, usage, events.

    Of a life beyond all measure the newest events are kept; `events_left_out` counts the others.
    """

    dataset_id: UUID
    configuration: JsonObject
    quality_history: tuple[JsonObject, ...]
    usage: JsonObject
    events: tuple[JsonObject, ...]
    format: str = FORMAT
    events_left_out: int = 0

    def document(self) -> JsonObject:
        """Give the dossier as one JSON object."""
        return {
            "format": self.format,
            "dataset_id": str(self.dataset_id),
            "configuration": self.configuration,
            "quality_history": list(self.quality_history),
            "usage": self.usage,
            "events": list(self.events),
            "events_left_out": self.events_left_out,
        }

    def content(self) -> bytes:
        """Give the dossier's bytes: canonical JSON, so that the same dossier is the same bytes."""
        return canonical_json(self.document())

    @property
    def key(self) -> str:
        """Where the dossier goes: by dataset and digest, so writing it twice is writing it once."""
        return f"{self.dataset_id}/{digest_of(self.document())}.json"


@dataclass(frozen=True, slots=True)
class ArchiveReceipt:
    """Proof of an archive: its location, SHA-256 and size in bytes, and until when it is locked."""

    location: str
    sha256: str
    size_bytes: int
    locked_until: datetime

    def __post_init__(self) -> None:
        """Refuse a time without its zone."""
        require_zone("locked_until", self.locked_until)


@dataclass(frozen=True, slots=True)
class ArchiveLock:
    """How an archive is locked: until when at least, and whether a legal hold is on it besides."""

    locked_until: datetime
    is_held: bool = False

    def __post_init__(self) -> None:
        """Refuse a time without its zone."""
        require_zone("locked_until", self.locked_until)

    def satisfies(self, wanted: ArchiveLock) -> bool:
        """Whether this lock lasts as long as the one wanted, and its legal hold is the same."""
        return self.locked_until >= wanted.locked_until and self.is_held is wanted.is_held


@dataclass(frozen=True, slots=True)
class LegalHold:
    """Why an archive may not be purged, whatever its retention says; who said so, and when."""

    reason: str
    placed_by: str
    placed_at: datetime

    def __post_init__(self) -> None:
        """Refuse a time without its zone."""
        require_zone("placed_at", self.placed_at)


def locked_until(now: datetime, grace: timedelta, retention: timedelta) -> datetime:
    """Tell until when an archive written now must be kept: past its grace and its retention.

    The object is written before the grace period and counts from after it, so the lock covers
    both; a restore leaves the object where it is, void: the next teardown writes another.
    """
    return now + grace + retention


def retain_until(archived_at: datetime, retention: timedelta) -> datetime:
    """Tell when an archive may be purged (seed: R23, by default 90 days after archiving)."""
    return archived_at + retention


def kept_until(receipt: ArchiveReceipt, archived_at: datetime, retention: timedelta) -> datetime:
    """Tell until when an archive is kept: its retention and its lock must both be over."""
    return max(retain_until(archived_at, retention), receipt.locked_until)
