"""The catalogue: what a discovery found in a source, type by type, and what it could not read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from functools import cached_property
from uuid import UUID

from domain.errors import FieldError, InvalidInput
from domain.record import JsonObject, Record, digest_of


class SourceKind(StrEnum):
    """Where existing datasets are looked for."""

    GLEAN = "glean"
    FOLDER = "folder"
    SAMPLES = "samples"


@dataclass(frozen=True, slots=True)
class Source:
    """A source by its kind and its name in there, written `kind:name`."""

    kind: SourceKind
    name: str

    def __str__(self) -> str:
        return f"{self.kind.value}:{self.name}"


def read_source(text: str) -> Source:
    """Read a source. Raises InvalidInput with how one is written."""
    kind, _, name = text.partition(":")
    if kind not in set(SourceKind) or not name.strip():
        message = (
            f"{text!r} is no source. Write glean:DATASOURCE, folder:PATH below the discovery root, "
            "or samples:TEMPLATE."
        )
        raise InvalidInput(message, [FieldError("source", message)])
    return Source(SourceKind(kind), name)


@dataclass(frozen=True, slots=True)
class BrokenLine:
    """A line of a file that is no record, and why."""

    file: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class ScannedPage:
    """A page of a source: records, each with its dataset type; what is broken; bytes read."""

    records: Sequence[tuple[str, Record]] = ()
    broken: Sequence[BrokenLine] = ()
    size_bytes: int = 0
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class FieldFacts:
    """What is known of one place in the records of a type.

    `path` is dotted, with `[]` for the members of a list; `present` counts how often it was there
    of the `chances` it had; `types` counts by JSON type. `distinct` is a least where it is not
    exact. `values` are all the texts there were, where they are few and return often.
    """

    path: str
    present: int
    chances: int
    types: Mapping[str, int]
    distinct: int
    is_distinct_exact: bool
    format: str | None = None
    values: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None
    shortest: int | None = None
    longest: int | None = None

    @property
    def presence(self) -> Fraction:
        """The share of chances at which the place was there, 0 to 1, exactly."""
        return Fraction(self.present, self.chances) if self.chances else Fraction(0)


@dataclass(frozen=True)
class CataloguedType:
    """One dataset type of a source: its JSON Schema and the facts behind it."""

    dataset_type: str
    record_count: int
    schema: JsonObject
    fields: tuple[FieldFacts, ...]
    object_types: tuple[str, ...] = ()

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of schema and facts: the same records give the same."""
        facts = [
            [
                each.path,
                each.present,
                each.chances,
                dict(each.types),
                each.distinct,
                each.format,
                each.values,
                each.least,
                each.most,
                each.shortest,
                each.longest,
            ]
            for each in self.fields
        ]
        return digest_of([self.dataset_type, self.record_count, self.schema, facts])


@dataclass(frozen=True, slots=True)
class ScanReport:
    """How far a scan came.

    `broken` names the first broken lines of `broken_count`; `stopped_by` the limit that ended the
    scan before its source did; `values_left_out` counts values at places beyond the limits.
    """

    record_count: int
    size_bytes: int
    broken_count: int
    broken: tuple[BrokenLine, ...]
    stopped_by: str | None
    values_left_out: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DiscoverySummary:
    """A discovery in a few words: of what, when, by whom, and the names of the types found.

    `digest` is that of all that was found.
    """

    discovery_id: UUID
    source: str
    discovered_at: datetime
    discovered_by: str
    digest: str
    dataset_types: tuple[str, ...]
    report: ScanReport


@dataclass(frozen=True, slots=True)
class Discovery:
    """One discovery as the catalogue keeps it: of what, when, by whom, and what was found."""

    discovery_id: UUID
    source: str
    discovered_at: datetime
    discovered_by: str
    types: tuple[CataloguedType, ...]
    report: ScanReport

    @property
    def digest(self) -> str:
        """The SHA-256 of all that was found, whenever and by whomever."""
        return digest_of([each.digest for each in self.types])

    @property
    def summary(self) -> DiscoverySummary:
        """The discovery in a few words."""
        return DiscoverySummary(
            self.discovery_id,
            self.source,
            self.discovered_at,
            self.discovered_by,
            self.digest,
            tuple(each.dataset_type for each in self.types),
            self.report,
        )
