"""Catalogue documents: the shape of what is shown of discoveries, drafts and registrations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, NotRequired, TypedDict

from domain.catalogue import SourceKind
from domain.difference import ChangeKind
from domain.documents import Count, Id, Moment, Ordinal, Share, TemplateSummaryDocument
from domain.record import JsonObject
from domain.shape import OneOf


class FieldDocument(TypedDict):
    """One place in the records of a type; `path` is dotted, `[]` stands for the members of a list.

    `distinct` is a least where it is not exact. The bounds are there where there were numbers or
    texts; lengths are in characters.
    """

    path: str
    presence: Share
    types: Mapping[str, Count]
    distinct: Count
    is_distinct_exact: bool
    format: str | None
    values: Sequence[str]
    least: NotRequired[float]
    most: NotRequired[float]
    shortest: NotRequired[Count]
    longest: NotRequired[Count]


class CataloguedTypeDocument(TypedDict):
    """One dataset type of a source: its JSON Schema 2020-12 and the facts behind it."""

    dataset_type: str
    record_count: Count
    object_types: Sequence[str]
    digest: str
    schema: JsonObject
    fields: Sequence[FieldDocument]


class BrokenLineDocument(TypedDict):
    """A line of a file that is no record, and why."""

    file: str
    line: Ordinal
    reason: str


class ScanDocument(TypedDict):
    """How far a scan came; `broken` has the first broken lines, `stopped_by` the limit it met."""

    record_count: Count
    size_bytes: Count
    broken_count: Count
    broken: Sequence[BrokenLineDocument]
    stopped_by: str | None
    values_left_out: Count
    notes: Sequence[str]


class DiscoverySummaryDocument(TypedDict):
    """A discovery in a few fields: of what, when, by whom."""

    discovery_id: Id
    source: str
    kind: Annotated[str, OneOf(SourceKind)]
    discovered_at: Moment
    discovered_by: str
    digest: str
    record_count: Count
    broken_count: Count
    dataset_types: Sequence[str]


class DiscoveryListDocument(TypedDict):
    """Discoveries, newest first."""

    discoveries: Sequence[DiscoverySummaryDocument]


class DiscoveryDocument(DiscoverySummaryDocument):
    """A discovery in full."""

    types: Sequence[CataloguedTypeDocument]
    scan: ScanDocument


class ChangeDocument(TypedDict):
    """One change of one field; empty where it was not there before, or is not there now."""

    dataset_type: str
    path: str
    change: Annotated[str, OneOf(ChangeKind)]
    before: str
    after: str


class DifferenceDocument(TypedDict):
    """What has changed in a source; `since` is the earlier discovery, null where there is none."""

    discovery_id: Id
    since: Id | None
    types_added: Sequence[str]
    types_removed: Sequence[str]
    changes: Sequence[ChangeDocument]


class DraftedQueryDocument(TypedDict):
    """A sample query that may go into a pack, and the one record it must find."""

    query: str
    expected_id: str


class FillInDocument(TypedDict):
    """A field of a pack that a person has to fill in or look at, and why."""

    field: str
    why: str


class DraftDocument(TypedDict):
    """A template pack begun from one type, and what is left to a person."""

    dataset_type: str
    pack: JsonObject
    sample_queries: Sequence[DraftedQueryDocument]
    fill_in: Sequence[FillInDocument]


class DiscoveredDocument(DiscoveryDocument):
    """A discovery as it ends: what was found, what has changed, and a draft for each type."""

    difference: DifferenceDocument
    drafts: Sequence[DraftDocument]


class RegistrationDocument(TypedDict):
    """What came of a pack: `registered` is false for a dry run, which writes nothing.

    `was_there` says that the same content was registered before, when and by whom; `warnings` are
    what may be meant so and is worth a look.
    """

    registered: bool
    was_there: bool
    registered_at: Moment | None
    registered_by: str | None
    template: TemplateSummaryDocument
    warnings: Sequence[str]
