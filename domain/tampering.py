"""Tampering: what somebody can do to the audit trail past us, each with its words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from domain.audit import SYSTEM

if TYPE_CHECKING:
    from domain.audit import ChainedEntry, Checkpoint

MOST_TOLD = 20
"""How many findings are told of one by one; the others are counted."""


class Tampering(StrEnum):
    """What can have been done to a trail."""

    EDITED = "edited"
    MISSING = "missing"
    SWAPPED = "swapped"
    MOVED = "moved"
    DETACHED = "detached"
    REPEATED = "repeated"
    TRUNCATED = "truncated"
    REBUILT = "rebuilt"
    UNCHAINED = "unchained"
    ADOPTED = "adopted"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: what, with which entries, `first` to `last`, and in words."""

    kind: Tampering
    first: int
    last: int
    message: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of looking through a tenant's trail.

    `entries` counts those in the chain; `head_hash` is the hash of the last, None where there is
    none; `left_out` counts the findings beyond the first `MOST_TOLD`.
    """

    tenant: str
    entries: int
    head_hash: str | None
    checkpoints: int
    findings: tuple[Finding, ...]
    left_out: int = 0

    @property
    def is_intact(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings


def edited(sequence: int) -> Finding:
    """Tell of an entry that does not say any more what it said."""
    message = (
        f"Entry {sequence} was edited: what it says, or where it stands, is not what was written."
    )
    return Finding(Tampering.EDITED, sequence, sequence, message)


def missing(first: int, last: int) -> Finding:
    """Tell of entries that are gone, while there are later ones."""
    count = last - first + 1
    which = f"Entry {first} is" if count == 1 else f"Entries {first} to {last} are"
    message = f"{which} missing: the trail goes on with entry {last + 1}."
    return Finding(Tampering.MISSING, first, last, message)


def swapped(first: int, last: int) -> Finding:
    """Tell of two entries that have changed places."""
    message = f"Entries {first} and {last} were swapped: each stands in the other's place."
    return Finding(Tampering.SWAPPED, first, last, message)


def moved(first: int, last: int, shift: int) -> Finding:
    """Tell of entries that were written under other numbers, each `shift` higher."""
    now = f"Entry {first} was" if first == last else f"Entries {first} to {last} were"
    then = f"{first + shift}" if first == last else f"{first + shift} to {last + shift}"
    return Finding(Tampering.MOVED, first, last, f"{now} numbered {then} when written.")


def detached(sequence: int) -> Finding:
    """Tell of an entry that was not written after the one before it."""
    before = f"entry {sequence - 1}" if sequence > 1 else "the beginning of the trail"
    message = (
        f"Entry {sequence} does not follow from {before}: one of the two was written anew, or what "
        "stood between them is gone."
    )
    return Finding(Tampering.DETACHED, sequence, sequence, message)


def repeated(sequence: int) -> Finding:
    """Tell of a number that more than one entry has."""
    message = f"Entry {sequence} is there more than once."
    return Finding(Tampering.REPEATED, sequence, sequence, message)


def truncated(last: int, seen: Checkpoint) -> Finding:
    """Tell of a trail that was longer once."""
    ends = f"ends with entry {last}" if last else "is empty"
    message = f"The trail {ends}, and {_when(seen)} it had {seen.size}: what came after is gone."
    return Finding(Tampering.TRUNCATED, last + 1, seen.size, message)


def rebuilt(agreed: int, seen: Checkpoint) -> Finding:
    """Tell of a trail that is whole, and another one than a checkpoint saw."""
    since = f"after entry {agreed}" if agreed else "from its beginning"
    if agreed == seen.size:  # another checkpoint of the same size saw the trail as it is now
        since = f"at entry {agreed} or before"
    message = (
        f"The trail was written anew {since}: entry {seen.size} is not the one that was there "
        f"{_when(seen)}."
    )
    return Finding(Tampering.REBUILT, min(agreed + 1, seen.size), seen.size, message)


def unchained(count: int) -> Finding:
    """Tell of entries outside the chain."""
    which = "1 entry stands" if count == 1 else f"{count} entries stand"
    message = (
        f"{which} outside the chain: written by an older version, or by somebody past the service. "
        "Who it was is told by nothing; the next checkpoint takes them in, and they stay told of."
    )
    return Finding(Tampering.UNCHAINED, 0, 0, message)


def adopted(note: ChainedEntry) -> Finding:
    """Tell of the entries that were taken in late, by the entry that says so."""
    first, last = _adopted_by(note)
    which = f"Entry {first}" if first == last else f"Entries {first} to {last}"
    message = (
        f"{which} stood outside the chain until {note.entry.at.isoformat(timespec='seconds')}: "
        "written by an older version, if one was at work until then, or by somebody past the service."
    )
    return Finding(Tampering.ADOPTED, first, last, message)


def unreadable(why: str) -> Finding:
    """Tell of a checkpoint that cannot be held against the trail."""
    message = f"A checkpoint of the trail cannot be read. {why}"
    return Finding(Tampering.UNREADABLE, 0, 0, message)


def _adopted_by(note: ChainedEntry) -> tuple[int, int]:
    """Give the numbers of what was taken in, just before the note; its own where it does not say."""
    count = (note.entry.detail or {}).get("count")
    is_ours = note.entry.principal == SYSTEM
    if not is_ours or not isinstance(count, int) or not 0 < count < note.sequence:
        return note.sequence, note.sequence
    return note.sequence - count, note.sequence - 1


def _when(seen: Checkpoint) -> str:
    return f"at the checkpoint of {seen.at.isoformat(timespec='seconds')}"
