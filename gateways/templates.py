"""Templates as the mock-data supplier sends them: tolerant of their form, strict about content."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import structlog
from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
)

from domain.errors import InvalidInput, SupplierLied
from domain.journey import uuid_of
from domain.masking import MaskingRule
from domain.policy import require_judgeable
from domain.record import Json
from domain.template import ContentShare, DatasetTemplate, ObjectType, SampleQuery, TemplateId
from gateways.http import read
from gateways.schema import JsonSchemaRecords

MOST_TEMPLATES = 1000
LARGEST_COUNT = 1_000_000
"""More records than this no template may ask for."""

log = structlog.get_logger("templates")

Category = Literal[
    "UNCATEGORIZED",
    "TICKETS",
    "CRM",
    "PUBLISHED_CONTENT",
    "COLLABORATIVE_CONTENT",
    "QUESTION_ANSWER",
    "MESSAGING",
    "CODE_REPOSITORY",
    "CHANGE_MANAGEMENT",
    "PEOPLE",
    "EMAIL",
    "SSO",
    "ATS",
    "KNOWLEDGE_HUB",
    "EXTERNAL_SHORTCUT",
    "ENTITY",
    "CALENDAR",
    "AGENTS",
    "AI_CONVERSATION",
    "AI_ARTIFACT",
]
"""What the search engine files an object type under; it refuses any other word."""

Rule = Literal["keep", "hash", "pseudonym", "redact", "date_shift", "drop"]
"""What may be done to a field of a pilot's records."""

_KEY_NAMES = ("template_id", "key", "id")
_KEY_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,199}$"


def _bounds(value: Any) -> Any:
    """Take a range as `[low, high]` or as `{"min": low, "max": high}`."""
    return [value.get("min"), value.get("max")] if isinstance(value, dict) else value


def _or_empty(value: Any) -> Any:
    return [] if value is None else value


def _whole(shares: list[_Share]) -> list[_Share]:
    """Let no part of the records be of a kind that nobody named."""
    total = sum(each.percent for each in shares)
    if total not in {0, 100}:
        raise ValueError(f"the shares add up to {total} percent, not to 100")
    return shares


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, str_max_length=10_000)


class _Share(_Wire):
    name: str
    percent: Annotated[int, Field(ge=0, le=100)]


class _ObjectType(_Wire):
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9]+$")]
    category: Category


class _Query(_Wire):
    query: str
    expected_id: str = ""
    must_include_ids: list[str] = []

    def known(self) -> SampleQuery:
        """The query with the one record it must find."""
        expected = self.expected_id or next(iter(self.must_include_ids), "")
        return SampleQuery(self.query, expected)


_Key = Annotated[str, Field(pattern=_KEY_PATTERN)]
_Count = Annotated[int, Field(ge=1, le=LARGEST_COUNT)]
_Range = Annotated[list[_Count], Field(min_length=2, max_length=2), BeforeValidator(_bounds)]
_Words = Annotated[list[str], BeforeValidator(_or_empty)]
_Mix = Annotated[list[_Share], BeforeValidator(_or_empty), AfterValidator(_whole)]


class WireTemplate(_Wire):
    """A template as it travels; unknown fields are let be."""

    key: Annotated[_Key, Field(validation_alias=AliasChoices(*_KEY_NAMES))]
    name: str
    industry: str
    use_case: str
    dataset_type: str
    schema_: Annotated[dict[str, Any], Field(alias="schema")]
    sample_data_url: str = ""
    record_count_range: _Range
    record_count: _Count | None = None
    quality_expectations: dict[str, Any] = {}
    version: str = "1.0.0"
    expected_fields: _Words = []
    content_mix: _Mix = []
    topics: _Words = []
    languages: _Words = []
    industries: _Words = []
    object_types: Annotated[list[_ObjectType], BeforeValidator(_or_empty)] = []
    datasource_url: str = ""
    crawl_settings: dict[str, Any] = {}
    include_patterns: _Words = []
    exclude_patterns: _Words = []
    max_documents: Annotated[int, Field(ge=1)] | None = None
    sample_queries: Annotated[list[_Query], BeforeValidator(_or_empty)] = []
    masking: dict[str, Rule] = {}

    def template(self, *, generate_from: str = "") -> DatasetTemplate:
        """The template as we know it; without a count of its own the middle of its range (A34).

        `generate_from` is the supplier's template a registered one takes its records from.

        Raises:
            InvalidInput: what is checked later of it, its schema too, cannot be right.
        """
        low, high = self.record_count_range
        JsonSchemaRecords().compiled(self.schema_)
        return DatasetTemplate(
            template_id=TemplateId(uuid_of("", "template", self.key)),
            key=self.key,
            name=self.name,
            industry=self.industry,
            use_case=self.use_case,
            dataset_type=self.dataset_type,
            schema=self.schema_,
            sample_data_url=self.sample_data_url,
            record_count_range=(low, high),
            record_count=self.record_count or (low + high) // 2,
            quality_expectations=self.quality_expectations,
            version=self.version,
            expected_fields=tuple(self.expected_fields),
            content_mix=tuple(ContentShare(each.name, each.percent) for each in self.content_mix),
            topics=tuple(self.topics),
            languages=tuple(self.languages),
            industries=tuple(self.industries),
            object_types=tuple(ObjectType(each.name, each.category) for each in self.object_types),
            datasource_url=self.datasource_url,
            crawl_settings=self.crawl_settings,
            include_patterns=tuple(self.include_patterns) or ("*",),
            exclude_patterns=tuple(self.exclude_patterns),
            max_documents=self.max_documents,
            sample_queries=tuple(each.known() for each in self.sample_queries),
            generate_from=generate_from,
            masking={path: MaskingRule(rule) for path, rule in self.masking.items()},
        )


_LIST: TypeAdapter[list[Json]] = TypeAdapter(
    Annotated[list[Json], Field(max_length=MOST_TEMPLATES)]
)
_BY_KEY = TypeAdapter(dict[str, WireTemplate])


def read_templates(value: Json, source: str) -> Sequence[DatasetTemplate]:
    """Read a list of templates, a single one, or `{"templates": [...]}` (A31), sorted by key.

    One that cannot be used stops no other: it is left out, and the log says why.

    Raises:
        SupplierLied: it is no list of templates, or none of them can be used.
    """
    listed = [(_key_of(each), each) for each in read(_LIST, _listed(value), source)]
    times = Counter(key for key, _ in listed)
    found, faults = {}, []
    for number, (key, each) in enumerate(listed, start=1):
        try:
            found[key] = _template(key or f"number {number}", each, times[key], source)
        except SupplierLied as fault:
            log.warning("template.unusable", template=key or number, reason=str(fault))
            faults.append(fault)
    if faults and not found:
        raise faults[0]
    return tuple(found[key] for key in sorted(found))


def _template(key: str, value: Json, times: int, source: str) -> DatasetTemplate:
    """Read one template. Raises SupplierLied, with its key."""
    wire = read(_BY_KEY, {key: value}, source)[key]
    if times > 1:
        raise SupplierLied(f"{source} told of the same template twice: {key}.")
    try:
        template = wire.template()
        require_judgeable(template)
    except InvalidInput as wrong:
        raise SupplierLied(
            f"{source} told of template {key}, which is unusable. {wrong}"
        ) from wrong
    return template


def _key_of(value: Json) -> str:
    """Give a template's key for a message and for comparing; empty where it has none."""
    names = [name for name in _KEY_NAMES if name in value] if isinstance(value, dict) else []
    key = value[names[0]] if names else None
    return key if isinstance(key, str) and re.fullmatch(_KEY_PATTERN, key) else ""


def _listed(value: Json) -> Json:
    return value.get("templates", [value]) if isinstance(value, dict) else value
