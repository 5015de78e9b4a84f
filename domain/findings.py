"""Findings: a scan as it goes, page by page, within limits that are told when they are reached."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.catalogue import CataloguedType, ScanReport
from domain.inference import facts_of, infer_schema
from domain.profile import Place, Room
from domain.sampling import derive_queries

if TYPE_CHECKING:
    from domain.catalogue import BrokenLine, ScannedPage
    from domain.record import Record
    from domain.template import SampleQuery

MOST_TYPES = 50
"""How many dataset types one scan tells apart."""

_BROKEN_NAMED = 20
_NOTES_KEPT = 20
_TITLES_KEPT = 1000
_LONGEST_TITLE = 200
_OBJECT_TYPES_KEPT = 50


@dataclass(frozen=True, slots=True)
class ScanLimits:
    """How much one scan looks at before it ends and says so."""

    records: int = 100_000
    size_bytes: int = 256 * 2**20
    seconds: float = 20.0


class Findings:
    """What a scan has found so far; its memory does not grow with its source."""

    def __init__(self, limits: ScanLimits) -> None:
        """Begin with nothing found."""
        self._limits = limits
        self._room = Room()
        self._types: dict[str, _Found] = {}
        self._record_count = self._size_bytes = self._broken_count = self._of_other_types = 0
        self._broken: list[BrokenLine] = []
        self._notes: dict[str, None] = {}

    def take(self, page: ScannedPage) -> None:
        """Take in one page, as far as the limit of records allows."""
        self._size_bytes += page.size_bytes
        self._broken_count += len(page.broken)
        self._broken += page.broken[: _BROKEN_NAMED - len(self._broken)]
        self._notes.update(dict.fromkeys(page.notes[: _NOTES_KEPT - len(self._notes)]))
        for dataset_type, record in page.records[: self._limits.records - self._record_count]:
            self._record_count += 1
            self._take(dataset_type, record)

    def limit_reached(self, seconds: float) -> str | None:
        """Tell which limit is reached, after so many seconds; None while there is more to look at."""
        limits = self._limits
        if self._record_count >= limits.records:
            return f"{limits.records} records"
        if self._size_bytes >= limits.size_bytes:
            return f"{limits.size_bytes} bytes"
        return f"{limits.seconds:g} seconds" if seconds >= limits.seconds else None

    def types(self) -> tuple[CataloguedType, ...]:
        """Give what was found of each type, by name."""
        return tuple(self._types[name].told(name) for name in sorted(self._types))

    def queries(self, dataset_type: str, count: int) -> tuple[SampleQuery, ...]:
        """Draft sample queries of a type: titles that were met once in the whole scan."""
        return derive_queries(self._types[dataset_type].titles(), count)

    def report(self, stopped_by: str | None) -> ScanReport:
        """Sum up how far the scan came."""
        return ScanReport(
            record_count=self._record_count,
            size_bytes=self._size_bytes,
            broken_count=self._broken_count,
            broken=tuple(self._broken),
            stopped_by=stopped_by,
            values_left_out=self._room.turned_away,
            notes=(*self._notes, *self._beyond()),
        )

    def _take(self, dataset_type: str, record: Record) -> None:
        found = self._types.get(dataset_type)
        if found is None and len(self._types) < MOST_TYPES:
            found = self._types[dataset_type] = _Found(self._room)
        if found is None:
            self._of_other_types += 1
        else:
            found.take(record)

    def _beyond(self) -> list[str]:
        if not self._of_other_types:
            return []
        return [f"{self._of_other_types} records of more than {MOST_TYPES} types were left out."]


class _Found:
    """What was found of one type: its profile, its object types, and titles to search for."""

    def __init__(self, room: Room) -> None:
        self._root = Place(room)
        self._object_types: dict[str, None] = {}
        self._ids: dict[str, str] = {}
        self._met: Counter[str] = Counter()

    def take(self, record: Record) -> None:
        self._root.add(dict(record))
        kind, title = record.get("object_type"), record.get("title")
        if isinstance(kind, str) and len(self._object_types) < _OBJECT_TYPES_KEPT:
            self._object_types[kind[:_LONGEST_TITLE]] = None
        if isinstance(title, str) and 0 < len(title) <= _LONGEST_TITLE:
            self._keep_title(title, str(record.get("id", "")))

    def titles(self) -> list[tuple[str, str]]:
        """Give the titles met once, each with the id of its record."""
        return [(self._ids[title], title) for title, times in self._met.items() if times == 1]

    def told(self, name: str) -> CataloguedType:
        return CataloguedType(
            dataset_type=name,
            record_count=self._root.count,
            schema=infer_schema(self._root),
            fields=facts_of(self._root),
            object_types=tuple(sorted(self._object_types)),
        )

    def _keep_title(self, title: str, record_id: str) -> None:
        if title in self._met:
            self._met[title] += 1
        elif record_id and len(self._met) < _TITLES_KEPT:
            self._met[title] = 1
            self._ids[title] = record_id[:_LONGEST_TITLE]
