"""Templates as the mock-data supplier sends them: tolerant of their form, strict about content."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter

from domain.errors import InvalidInput, SupplierLied
from domain.journey import uuid_of
from domain.policy import policy_for
from domain.record import Json
from domain.template import ContentShare, DatasetTemplate, ObjectType, SampleQuery, TemplateId
from gateways.http import read

MOST_TEMPLATES = 1000
LARGEST_COUNT = 1_000_000
"""More records than this no template may ask for."""


def _bounds(value: Any) -> Any:
    """Take a range as `[low, high]` or as `{"min": low, "max": high}`."""
    return [value.get("min"), value.get("max")] if isinstance(value, dict) else value


def _or_empty(value: Any) -> Any:
    return [] if value is None else value


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, str_max_length=10_000)


class _Share(_Wire):
    name: str
    percent: Annotated[int, Field(ge=0, le=100)]


class _ObjectType(_Wire):
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9]+$")]
    category: str


class _Query(_Wire):
    query: str
    expected_id: str = ""
    must_include_ids: list[str] = []

    def known(self) -> SampleQuery:
        """The query with the one record it must find."""
        expected = self.expected_id or next(iter(self.must_include_ids), "")
        return SampleQuery(self.query, expected)


_Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,199}$")]
_Count = Annotated[int, Field(ge=1, le=LARGEST_COUNT)]
_Range = Annotated[list[_Count], Field(min_length=2, max_length=2), BeforeValidator(_bounds)]
_Words = Annotated[list[str], BeforeValidator(_or_empty)]


class _Template(_Wire):
    key: Annotated[_Key, Field(validation_alias=AliasChoices("template_id", "key", "id"))]
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
    content_mix: Annotated[list[_Share], BeforeValidator(_or_empty)] = []
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

    def template(self) -> DatasetTemplate:
        """The template as we know it; without a count of its own the middle of its range (A34)."""
        low, high = self.record_count_range
        policy_for(self.quality_expectations)
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
        )


_TEMPLATES: TypeAdapter[list[_Template]] = TypeAdapter(
    Annotated[list[_Template], Field(max_length=MOST_TEMPLATES)]
)


def read_templates(value: Json, source: str) -> Sequence[DatasetTemplate]:
    """Read a list of templates, a single one, or `{"templates": [...]}` (A31), sorted by key.

    Raises:
        SupplierLied: fields are missing or wrong, or two templates share a key.
    """
    wire = read(_TEMPLATES, _listed(value), source)
    found = {each.key: each for each in wire}
    if len(found) < len(wire):
        raise SupplierLied(f"{source} told of the same template twice.")
    try:
        return [found[key].template() for key in sorted(found)]
    except InvalidInput as wrong:
        raise SupplierLied(f"{source} told of an unusable template. {wrong}") from wrong


def _listed(value: Json) -> Json:
    return value.get("templates", [value]) if isinstance(value, dict) else value
