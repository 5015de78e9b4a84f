"""Templates: what a dataset is made from, and how the right one is found."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, NewType
from uuid import UUID

from domain.errors import InvalidInput, TemplateNotFound
from domain.masking import MaskingRule, require_maskable
from domain.record import JsonObject, digest_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TemplateId = NewType("TemplateId", UUID)

SAMPLE_QUERIES = 10
"""A template has this many sample queries at least, or none at all (seed: R30)."""

DATASET_TYPE_PATTERN = re.compile(r"[a-z0-9]{1,40}")
"""A dataset type: lower-case letters and digits, so that connector names stay injective."""

GENERIC = "generic"
"""The industry and the use case of a template that serves anybody."""


@dataclass(frozen=True, slots=True)
class ContentShare:
    """One kind of content and its share of the records in percent."""

    name: str
    percent: int


@dataclass(frozen=True, slots=True)
class ObjectType:
    """A kind of object inside a datasource and the category the search engine files it under."""

    name: str
    category: str


@dataclass(frozen=True, slots=True)
class SampleQuery:
    """A query whose answer is known: `expected_id` must be among the first ten hits."""

    query: str
    expected_id: str


class TemplateOrigin(StrEnum):
    """Whose word a template is: its supplier's, or of somebody who registered it here."""

    SUPPLIER = "supplier"
    REGISTERED = "registered"


@dataclass(frozen=True)
class DatasetTemplate:
    """What a dataset is made from (seed: DatasetTemplate, with what its services also use).

    `quality_expectations` is what `policy_for` reads: the least score by check, or settings.

    `key` is the supplier's own id of it (`healthcare_developer_productivity_confluence`),
    `record_count` the count used when nobody asks for another, `record_count_range` the
    inclusive bounds, `expected_fields` the fields completeness counts (by default all of the
    schema's properties), `max_documents` the most that are ever uploaded, `masking` what is done
    to a field of a pilot's records, by its dotted path. `generate_from` is the supplier's template
    whose records a registered template takes; the supplier's own have none.
    """

    template_id: TemplateId
    key: str
    name: str
    industry: str
    use_case: str
    dataset_type: str
    schema: JsonObject
    sample_data_url: str
    record_count_range: tuple[int, int]
    record_count: int
    quality_expectations: JsonObject
    version: str = "1.0.0"
    expected_fields: tuple[str, ...] = ()
    content_mix: tuple[ContentShare, ...] = ()
    topics: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    industries: tuple[str, ...] = ()
    object_types: tuple[ObjectType, ...] = ()
    datasource_url: str = ""
    crawl_settings: JsonObject = field(default_factory=dict)
    include_patterns: tuple[str, ...] = ("*",)
    exclude_patterns: tuple[str, ...] = ()
    max_documents: int | None = None
    sample_queries: tuple[SampleQuery, ...] = ()
    generate_from: str = ""
    masking: Mapping[str, MaskingRule] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a template whose type, range or count cannot be right."""
        low, high = self.record_count_range
        if not DATASET_TYPE_PATTERN.fullmatch(self.dataset_type):
            raise InvalidInput(_wrong(self.key, f"dataset type {self.dataset_type!r}"))
        if not 1 <= low <= self.record_count <= high:
            raise InvalidInput(_wrong(self.key, f"{self.record_count} records in [{low}, {high}]"))
        require_maskable(self.masking)
        if 0 < len(set(self.sample_queries)) < SAMPLE_QUERIES:
            few = f"{len(set(self.sample_queries))} sample queries, fewer than {SAMPLE_QUERIES},"
            raise InvalidInput(_wrong(self.key, few))

    @property
    def origin(self) -> TemplateOrigin:
        """Whose word the template is."""
        return TemplateOrigin.REGISTERED if self.is_registered else TemplateOrigin.SUPPLIER

    @property
    def is_registered(self) -> bool:
        """Whether a person registered the template here, instead of the supplier telling of it."""
        return bool(self.generate_from)

    @property
    def supplier_key(self) -> str:
        """The key by which the supplier generates records for the template."""
        return self.generate_from or self.key

    @property
    def is_generic(self) -> bool:
        """Whether the template serves any industry and use case."""
        return self.industry == GENERIC and self.use_case == GENERIC

    @property
    def counted_fields(self) -> tuple[str, ...]:
        """The fields whose presence completeness counts, in the schema's order."""
        properties = self.schema.get("properties")
        named = tuple(properties) if isinstance(properties, Mapping) else ()
        return self.expected_fields or named

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of what makes the content; seeds are derived from it."""
        return digest_of(
            {
                "key": self.key,
                "version": self.version,
                "schema": self.schema,
                "mix": [[share.name, share.percent] for share in self.content_mix],
                "topics": self.topics,
                "languages": self.languages,
                "industries": self.industries,
                "fields": self.counted_fields,
                **({"from": self.generate_from} if self.generate_from else {}),
            }
        )

    @cached_property
    def settings_digest(self) -> str:
        """The SHA-256 of what decides how the content is taken in and judged."""
        return digest_of(
            {
                "expectations": self.quality_expectations,
                "queries": [[each.query, each.expected_id] for each in self.sample_queries],
                "filters": [self.include_patterns, self.exclude_patterns, self.max_documents],
                "source": [self.datasource_url, self.crawl_settings],
                "objects": [[each.name, each.category] for each in self.object_types],
                "masking": [[path, rule.value] for path, rule in sorted(self.masking.items())],
            }
        )

    def count_for(self, wanted: int | None) -> int:
        """Choose how many records to make: as wanted inside the range, else the default.

        Raises:
            InvalidInput: `wanted` lies outside the template's range.
        """
        low, high = self.record_count_range
        if wanted is None:
            return self.record_count
        if low <= wanted <= high:
            return wanted
        message = (
            f"record_count {wanted} is outside {low} to {high}, the range of template {self.key}. "
            "Ask for a count inside it, or leave record_count out."
        )
        raise InvalidInput(message)


@dataclass(frozen=True, slots=True)
class TemplateRequest:
    """What is wanted of a template (seed: template_request); `strict` allows an exact match only."""

    industry: str
    use_case: str
    dataset_type: str
    strict: bool = False


class MatchLevel(StrEnum):
    """How near a template came to the request; the seed's fallback, hop by hop."""

    EXACT = "exact"
    INDUSTRY = "industry"
    USE_CASE = "use_case"
    TYPE = "type"
    GENERIC = "generic"


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of the search: the level tried, the templates found there, and why it went on."""

    level: MatchLevel
    candidates: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Selection:
    """The template chosen, how near it came, and every hop on the way to it."""

    template: DatasetTemplate
    level: MatchLevel
    hops: tuple[Hop, ...]


def select_template(wanted: TemplateRequest, catalogue: Sequence[DatasetTemplate]) -> Selection:
    """Match industry + use case + type, falling back to ever more general templates.

    The order is the one of `MatchLevel` (seed: template_selection_rule). Among several at one
    level registered ones come first, then the first by key is taken, so the same catalogue always
    gives the same answer.

    Raises:
        TemplateNotFound: no template of the type, or `strict` without an exact match.
    """
    hops: list[Hop] = []
    of_type = sorted(
        (each for each in catalogue if each.dataset_type == wanted.dataset_type),
        key=lambda each: (not each.is_registered, each.key),
    )
    for level in [MatchLevel.EXACT] if wanted.strict else MatchLevel:
        found = [each for each in of_type if _MATCHES[level](each, wanted)]
        hops.append(_hop(level, wanted, found))
        if found:
            return Selection(found[0], level, tuple(hops))
    raise TemplateNotFound(_nothing_for(wanted, catalogue))


_MATCHES: dict[MatchLevel, Callable[[DatasetTemplate, TemplateRequest], bool]] = {
    MatchLevel.EXACT: lambda each, wanted: (
        each.industry == wanted.industry and each.use_case == wanted.use_case
    ),
    MatchLevel.INDUSTRY: lambda each, wanted: each.industry == wanted.industry,
    MatchLevel.USE_CASE: lambda each, wanted: each.use_case == wanted.use_case,
    MatchLevel.TYPE: lambda each, _: not each.is_generic,
    MatchLevel.GENERIC: lambda each, _: each.is_generic,
}

_WANTED: dict[MatchLevel, str] = {
    MatchLevel.EXACT: "industry {0.industry}, use case {0.use_case} and type {0.dataset_type}",
    MatchLevel.INDUSTRY: "industry {0.industry} and type {0.dataset_type}",
    MatchLevel.USE_CASE: "use case {0.use_case} and type {0.dataset_type}",
    MatchLevel.TYPE: "type {0.dataset_type} in any industry",
    MatchLevel.GENERIC: "type {0.dataset_type}, made for anybody",
}


def _hop(level: MatchLevel, wanted: TemplateRequest, found: Sequence[DatasetTemplate]) -> Hop:
    keys = tuple(each.key for each in found)
    sought = _WANTED[level].format(wanted)
    reason = f"{keys[0]} is for {sought}" if keys else f"no template is for {sought}"
    return Hop(level, keys, reason)


def _nothing_for(wanted: TemplateRequest, catalogue: Sequence[DatasetTemplate]) -> str:
    same_type = sorted(each.key for each in catalogue if each.dataset_type == wanted.dataset_type)
    types = sorted({each.dataset_type for each in catalogue})
    near = same_type[:3] or get_close_matches(wanted.dataset_type, types, n=3, cutoff=0.5) or types
    strictly = "exactly " if wanted.strict else ""
    return (
        f"No template is {strictly}for {_WANTED[MatchLevel.EXACT].format(wanted)}. "
        f"Nearest in the catalogue: {', '.join(near) or 'nothing, it is empty'}."
    )


def _wrong(key: str, what: str) -> str:
    return f"Template {key} is not usable: {what} cannot be right. Mend it where it is kept."
