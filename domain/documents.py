"""Documents: the shape of all that is shown to callers, from which the published schemas follow.

Seeds are text, for JSON numbers are doubles; times are RFC 3339; scores are 0.0 to 1.0. What need
not be there is marked; what is not known is null.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, NotRequired, TypedDict

from domain.connector import AuthType, Readers, SyncSchedule
from domain.journey import JourneyStage
from domain.lifecycle import DatasetStatus, LifecycleStage, TeardownReason, TeardownStep
from domain.masking import MaskingRule
from domain.quality import CheckType, Severity
from domain.record import JsonObject
from domain.shape import Between, Format, OneOf
from domain.template import MatchLevel, TemplateOrigin

Id = Annotated[str, Format("uuid")]
Moment = Annotated[str, Format("date-time")]
Share = Annotated[float, Between(0, 1)]
Count = Annotated[int, Between(0)]
Ordinal = Annotated[int, Between(1)]
Stage = Annotated[str, OneOf(JourneyStage)]
Status = Annotated[str, OneOf(DatasetStatus)]
Check = Annotated[str, OneOf(CheckType)]
Loudness = Annotated[str, OneOf(Severity)]


class CheckDocument(TypedDict):
    """The result of one check (seed: DataQualityCheck); `details` is its evidence."""

    check_type: Check
    passed: bool
    score: Share
    details: JsonObject
    executed_at: Moment


class VerdictDocument(TypedDict):
    """What the gate said; as long as it has said nothing, the score is null and no check is there."""

    quality_score: Share | None
    checks: Sequence[CheckDocument]
    severity: NotRequired[Loudness]
    decided_by: NotRequired[str]
    would_pass_if: NotRequired[Sequence[str]]
    failed_checks: NotRequired[Sequence[Check]]


class QualityReportDocument(VerdictDocument):
    """One of a dataset's `runs` validations, the `run`th."""

    dataset_id: Id
    run: Ordinal
    runs: Ordinal
    executed_at: Moment


class PlaceDocument(TypedDict):
    """Where a dataset belongs, and who asked for it."""

    dataset_id: Id
    connector_name: str
    client_id: Id
    client_ref: str
    journey_id: Id
    journey_ref: str
    stage: Stage
    dataset_type: str
    generation: Ordinal
    requested_by: str


class MadeDocument(TypedDict):
    """What a dataset is made from, and what is in it."""

    template_id: str | None
    connector_id: Id | None
    datasource: str | None
    record_count: Count | None
    documents: Count | None
    content_digest: str | None
    seed: str | None
    archive_location: str | None


class TimesDocument(TypedDict):
    """When things happened to a dataset."""

    created_at: Moment
    ready_at: Moment | None
    archived_at: Moment | None


class ConditionDocument(TypedDict):
    """What troubles a dataset, where its teardown stands, and how its archive is kept.

    Each is there as far as it is so; `legal_hold` is the reason for one.
    """

    error: NotRequired[str]
    next_retry_at: NotRequired[Moment | None]
    teardown_reason: NotRequired[Annotated[str, OneOf(TeardownReason)]]
    teardown_step: NotRequired[Annotated[str, OneOf(TeardownStep)]]
    restorable_until: NotRequired[Moment | None]
    incident_id: NotRequired[Id]
    gives_way_to: NotRequired[Id | None]
    gives_way_until: NotRequired[Moment]
    retain_until: NotRequired[Moment]
    legal_hold: NotRequired[str]


class DatasetDocument(
    PlaceDocument, MadeDocument, TimesDocument, VerdictDocument, ConditionDocument
):
    """A dataset, the same on every door."""

    status: Status
    lifecycle_stage: Annotated[str, OneOf(LifecycleStage)]


class DatasetListDocument(TypedDict):
    """Datasets, as a request ends with them."""

    datasets: Sequence[DatasetDocument]


class DatasetPageDocument(DatasetListDocument):
    """A page of datasets, and the token that leads to the next."""

    next_page_token: str | None


class PlannedDatasetDocument(TypedDict):
    """A dataset as it would be made; `conflict` is the id of the active one in its place.

    `template_digest` is of what makes the content, `settings_digest` of filters, queries and gate;
    `seed` and `lifetime_seconds` are as asked for, null where they were not. `source` tells where
    the records come from; `record_count` is null where it is all that there are.
    """

    dataset_type: str
    connector_name: str
    template_id: str
    template_digest: str
    settings_digest: str
    match: Annotated[str, OneOf(MatchLevel)]
    reasons: Sequence[str]
    source: str
    record_count: Ordinal | None
    generation: Ordinal
    conflict: Id | None
    seed: str | None
    strict: bool
    lifetime_seconds: Ordinal | None
    authentication: Annotated[str, OneOf(AuthType)]
    sync_schedule: Annotated[str, OneOf(SyncSchedule)]
    permissions: Annotated[str, OneOf(Readers)]


class PlanDocument(TypedDict):
    """What a request would do; the digest binds a request to it."""

    journey_id: Id
    journey_ref: str
    client_id: Id
    plan_digest: str
    datasets: Sequence[PlannedDatasetDocument]


class ContentShareDocument(TypedDict):
    """One kind of content and its share of the records in percent."""

    name: str
    percent: Annotated[int, Between(0, 100)]


class ObjectTypeDocument(TypedDict):
    """A kind of object and the category the search engine files it under."""

    name: str
    category: str


class TemplateSummaryDocument(TypedDict):
    """A template in a few fields; the range is the least and the most records it makes.

    One that was registered here names the supplier's template its records are generated from.
    """

    template_id: str
    name: str
    industry: str
    use_case: str
    dataset_type: str
    version: str
    digest: str
    record_count: Ordinal
    record_count_range: Sequence[Ordinal]
    content_mix: Sequence[ContentShareDocument]
    topics: Sequence[str]
    languages: Sequence[str]
    industries: Sequence[str]
    origin: Annotated[str, OneOf(TemplateOrigin)]
    generate_from: str | None


class TemplateDocument(TemplateSummaryDocument):
    """A template in full."""

    schema: JsonObject
    object_types: Sequence[ObjectTypeDocument]
    quality_expectations: JsonObject
    expected_fields: Sequence[str]
    masking: Mapping[str, Annotated[str, OneOf(MaskingRule)]]


class TemplateListDocument(TypedDict):
    """The templates there are."""

    templates: Sequence[TemplateSummaryDocument]


class PreviewDocument(TypedDict):
    """Sample records of a template, as its supplier gave them."""

    template_id: str
    records: Sequence[JsonObject]


class SelectionDocument(TypedDict):
    """The template that would be chosen, and what was found at each level on the way to it."""

    template_id: str
    match: Annotated[str, OneOf(MatchLevel)]
    reasons: Sequence[str]
    candidates: Mapping[str, Sequence[str]]


class SourceDocument(TypedDict):
    """Where a connector's source is and how it is taken in."""

    type: str
    url: str
    crawl_settings: JsonObject
    sync_schedule: Annotated[str, OneOf(SyncSchedule)]


class AuthenticationDocument(TypedDict):
    """The way into a connector's source; `credentials` names a secret."""

    type: Annotated[str, OneOf(AuthType)]
    credentials: str | None


class FiltersDocument(TypedDict):
    """What may be uploaded."""

    include_patterns: Sequence[str]
    exclude_patterns: Sequence[str]
    max_documents: Ordinal | None


class ConnectorDocument(TypedDict):
    """The configuration a connector would get (seed: ConnectorConfiguration)."""

    connector_id: Id
    connector_name: str
    datasource: str
    generation: Ordinal
    category: str
    object_types: Sequence[ObjectTypeDocument]
    is_test: bool
    datasource_config: SourceDocument
    authentication: AuthenticationDocument
    filters: FiltersDocument
    permissions: Annotated[str, OneOf(Readers)]
    status: str
    template_id: str


class ProbeDocument(TypedDict):
    """One knock at a dataset's connector."""

    dataset_id: Id
    connector_name: str
    connected: bool
    authenticated: bool
    response_time_ms: Annotated[float, Between(0)]
    message: str
