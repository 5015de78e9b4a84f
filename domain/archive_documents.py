"""Documents of archives: the shape of what is shown of them and of how they are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from domain.documents import Count, Id, Moment, Ordinal, Stage
from domain.record import JsonObject


class LegalHoldDocument(TypedDict):
    """Why an archive is kept until further notice, who said so, and when."""

    reason: str
    placed_by: str
    placed_at: Moment


class ArchiveDocument(TypedDict):
    """A dataset's archive, and its tombstone once it is purged.

    `kept_until` is null while a legal hold keeps it; `lock_owed` tells that the archive itself has
    yet to be locked as the row says.
    """

    dataset_id: Id
    connector_name: str
    client_ref: str
    journey_ref: str
    stage: Stage
    dataset_type: str
    generation: Ordinal
    location: str
    sha256: str
    size_bytes: Count
    locked_until: Moment
    archived_at: Moment | None
    kept_until: Moment | None
    legal_hold: LegalHoldDocument | None
    lock_owed: bool
    error: str | None
    purged_at: Moment | None


class ArchivePageDocument(TypedDict):
    """A page of archives, and the token that leads to the next."""

    archives: Sequence[ArchiveDocument]
    next_page_token: str | None


class DossierDocument(TypedDict):
    """What an archive holds (seed: R24): configuration, quality history, usage and events."""

    format: str
    dataset_id: Id
    configuration: JsonObject
    quality_history: Sequence[JsonObject]
    usage: JsonObject
    events: Sequence[JsonObject]
    events_left_out: Count


class ArchiveVerificationDocument(TypedDict):
    """An archive read back and compared; of a damaged one, what cannot be read is null.

    `locked_until` is until when it must be locked by now: as it was written, or for longer since;
    the `object…` fields are how it is locked.
    """

    dataset_id: Id
    location: str
    size_bytes: Count | None
    expected_sha256: str
    actual_sha256: str | None
    verified: bool
    damage: str | None
    locked_until: Moment
    object_locked_until: Moment | None
    object_is_held: bool | None
