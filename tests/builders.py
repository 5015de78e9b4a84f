"""Aggregates for tests, built by the domain's own code: each status is reached by its outcomes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from domain.archive import ArchiveReceipt
from domain.checks import (
    CompletenessEvidence,
    Evidence,
    Probe,
    QueryResult,
    RecordFault,
    SchemaEvidence,
)
from domain.dataset import Dataset
from domain.journey import (
    Client,
    ClientId,
    Journey,
    JourneyId,
    JourneyStage,
    JourneyStatus,
    uuid_of,
)
from domain.lifecycle import DatasetStatus, TeardownReason, TeardownStep
from domain.masking import MaskingRule
from domain.rules import LifecycleRules
from domain.state import DatasetPlace, Wish
from domain.template import (
    ContentShare,
    DatasetTemplate,
    Hop,
    MatchLevel,
    ObjectType,
    SampleQuery,
    Selection,
    TemplateId,
)
from domain.work import (
    ArchivePurged,
    Examined,
    FailureKind,
    OrderFailed,
    OrderKey,
    Provisioned,
    StepTaken,
    TemplateFound,
)

if TYPE_CHECKING:
    from domain.work import Outcome

NOW = datetime(2026, 3, 2, 9, 30, 0, 123456, tzinfo=UTC)
"""When everything happens, unless a test says otherwise."""

TENANT = "default"

ADDRESS = "http://127.0.0.1:8080"
"""Where the service would be reached."""


def a_client(ref: str = "acme-healthcare", *, code: str = "ACME", tenant: str = TENANT) -> Client:
    """Make a client; the same reference is the same client."""
    return Client(
        client_id=ClientId(uuid_of(tenant, "client", ref)),
        ref=ref,
        name="ACME Healthcare",
        code=code,
        industry="healthcare",
        use_case="developer_productivity",
    )


def a_journey(
    ref: str = "journey-acme-2026", *, client: Client | None = None, tenant: str = TENANT
) -> Journey:
    """Make an active sandbox journey of a client."""
    return Journey(
        journey_id=JourneyId(uuid_of(tenant, "journey", ref)),
        ref=ref,
        status=JourneyStatus.ACTIVE,
        stage=JourneyStage.SANDBOX,
        client=client or a_client(tenant=tenant),
    )


def a_template(
    dataset_type: str = "confluence", *, record_count: int = 500, version: str = "1.0.0"
) -> DatasetTemplate:
    """Make a template of a type with everything a template can say."""
    key = f"healthcare_developer_productivity_{dataset_type}"
    return DatasetTemplate(
        template_id=TemplateId(uuid_of("catalogue", "template", key)),
        key=key,
        name=f"Healthcare engineering: {dataset_type}",
        industry="healthcare",
        use_case="developer_productivity",
        dataset_type=dataset_type,
        schema=_schema(),
        sample_data_url=f"http://127.0.0.1:9/mock-data/{key}",
        record_count_range=(10, 5000),
        record_count=record_count,
        quality_expectations={"completeness": 0.96},
        version=version,
        content_mix=(ContentShare("Engineering docs", 60), ContentShare("Meeting notes", 40)),
        topics=("FDA compliance processes",),
        languages=("Python",),
        object_types=(ObjectType("Page", "KNOWLEDGE_HUB"),),
        datasource_url="https://acme.example/wiki",
        crawl_settings={"depth": 2, "labels": ["a", "b"]},
        exclude_patterns=("drafts/*",),
        max_documents=4000,
        sample_queries=tuple(sample_queries()),
        masking={"reviewer": MaskingRule.HASH},
    )


def sample_queries(count: int = 10) -> Sequence[SampleQuery]:
    """Make queries whose answers are known."""
    return [SampleQuery(f"device protocol {each}", f"doc-{each}") for each in range(count)]


def a_dataset(
    dataset_type: str = "confluence",
    *,
    journey: Journey | None = None,
    stage: JourneyStage = JourneyStage.SANDBOX,
    generation: int = 1,
    tenant: str = TENANT,
    at: datetime = NOW,
    dataset_id: UUID | None = None,
    wish: Wish | None = None,
    rules: LifecycleRules | None = None,
) -> Dataset:
    """Make a dataset that was just asked for: DISCOVERING, version 0."""
    of = journey or a_journey(tenant=tenant)
    place = DatasetPlace(
        tenant=tenant,
        dataset_id=dataset_id or uuid4(),
        journey_id=of.journey_id,
        journey_ref=of.ref,
        client=of.client,
        stage=stage,
        dataset_type=dataset_type,
        generation=generation,
        origin=ADDRESS,
        requested_by="journey-orchestration",
        requested_at=at,
        correlation="task-1",
    )
    return Dataset(place=place, wish=wish or Wish(), rules=rules or LifecycleRules())


def a_dataset_in(status: DatasetStatus, dataset: Dataset | None = None) -> Dataset:
    """Make a dataset, or take one that was just asked for, and bring it to a status."""
    brought = dataset or a_dataset()
    for step in _PATHS[status]:
        step(brought)
    return brought


def key_of(dataset: Dataset) -> OrderKey:
    """Give the key an order would carry now."""
    place = dataset.place
    return OrderKey(place.tenant, place.dataset_id, dataset.version, 0)


def apply(dataset: Dataset, outcome: Outcome, *, after_minutes: float = 0) -> None:
    """Apply an outcome some minutes after the request."""
    dataset.apply(outcome, dataset.place.requested_at + timedelta(minutes=after_minutes))


def find_template(dataset: Dataset, template: DatasetTemplate | None = None) -> None:
    """Let discovery find a template: DISCOVERING becomes PROVISIONING."""
    found = template or a_template(dataset.place.dataset_type)
    hops = (
        Hop(MatchLevel.EXACT, (), "no template is for exactly that"),
        Hop(MatchLevel.INDUSTRY, (found.key,), "it is for the industry"),
    )
    apply(dataset, TemplateFound(key_of(dataset), Selection(found, MatchLevel.INDUSTRY, hops)))


def fill(dataset: Dataset) -> None:
    """Let provisioning fill the connector: PROVISIONING becomes VALIDATING."""
    apply(dataset, _provisioned(dataset), after_minutes=5)


def validate(dataset: Dataset, evidence: Evidence | None = None) -> None:
    """Let validation hand in its evidence, by default of a dataset without a fault."""
    seen = evidence or some_evidence(dataset)
    apply(dataset, Examined(key_of(dataset), seen), after_minutes=7)


def some_evidence(
    dataset: Dataset, *, valid: int | None = None, at: datetime | None = None
) -> Evidence:
    """Make evidence: `valid` of the records pass the schema, by default all of them."""
    total = dataset.content.documents if dataset.content else 0
    good = total if valid is None else valid
    faults = (RecordFault("doc-3", "/title", "is empty"),) if good < total else ()
    return Evidence(
        schema=SchemaEvidence(total, good, "ab" * 32, faults),
        completeness=CompletenessEvidence(total, total * 98, total * 100, (("body", 3),)),
        probes=tuple(Probe(True, True, 12.5) for _ in range(3)),
        queries=tuple(
            QueryResult(each.query, each.expected_id, answered=True, rank=1)
            for each in sample_queries()
        ),
        executed_at=at or dataset.place.requested_at + timedelta(minutes=7),
    )


def fail_gate(dataset: Dataset) -> None:
    """Let validation find eight records in ten valid: VALIDATING becomes FAILED."""
    total = dataset.content.documents if dataset.content else 0
    validate(dataset, some_evidence(dataset, valid=total * 8 // 10))


def postpone(dataset: Dataset) -> None:
    """Let a supplier be away, so that the order is tried again later."""
    outcome = OrderFailed(key_of(dataset), FailureKind.UNAVAILABLE, "Glean did not answer.")
    apply(dataset, outcome, after_minutes=1)


def tear_down(dataset: Dataset) -> None:
    """Begin a teardown: whatever it was becomes TEARDOWN."""
    at = dataset.place.requested_at + timedelta(minutes=10)
    dataset.start_teardown(TeardownReason.MANUAL_REQUEST, at)


def archive(dataset: Dataset) -> None:
    """Take every step of a teardown: TEARDOWN becomes ARCHIVED."""
    for step in TeardownStep:
        if step is TeardownStep.GRACE:
            dataset.lapse(dataset.place.requested_at + timedelta(hours=25))
            continue
        outcome = StepTaken(key_of(dataset), step, f"{step} done", _receipt(dataset, step))
        apply(dataset, outcome, after_minutes=_MINUTES_OF.get(step, 60 * 25))


def begin_grace(dataset: Dataset) -> None:
    """Take a teardown's steps up to its grace period."""
    for step, minutes in _MINUTES_OF.items():
        outcome = StepTaken(key_of(dataset), step, f"{step} done", _receipt(dataset, step))
        apply(dataset, outcome, after_minutes=minutes)


def purge(dataset: Dataset) -> None:
    """Let the archive's retention be over."""
    apply(dataset, ArchivePurged(key_of(dataset)), after_minutes=60 * 24 * 120)


def renamed(client: Client, code: str) -> Client:
    """Give a client another code, and so its connectors other names."""
    return replace(client, code=code)


_MINUTES_OF = {
    TeardownStep.PAUSE_SYNC: 10,
    TeardownStep.ARCHIVE_METADATA: 10,
    TeardownStep.DISCONNECT: 10,
}
"""When a teardown's steps before the grace period are taken, counted from the request."""

_PATHS: dict[DatasetStatus, Sequence[Callable[[Dataset], None]]] = {
    DatasetStatus.DISCOVERING: [],
    DatasetStatus.PROVISIONING: [find_template],
    DatasetStatus.VALIDATING: [find_template, fill],
    DatasetStatus.READY: [find_template, fill, validate],
    DatasetStatus.FAILED: [find_template, fill, fail_gate],
    DatasetStatus.TEARDOWN: [find_template, fill, validate, tear_down],
    DatasetStatus.ARCHIVED: [find_template, fill, validate, tear_down, archive],
}


def _provisioned(dataset: Dataset) -> Provisioned:
    count = dataset.template.record_count if dataset.template else 0
    return Provisioned(
        key=key_of(dataset),
        record_count=count,
        documents=count,
        content_digest="ab" * 32,
        size_bytes=123_456,
        queries=tuple(sample_queries()),
    )


def _receipt(dataset: Dataset, step: TeardownStep) -> ArchiveReceipt | None:
    if step is not TeardownStep.ARCHIVE_METADATA:
        return None
    return ArchiveReceipt(
        location=f"folder:archive/{dataset.place.dataset_id}/abc.json",
        sha256="cd" * 32,
        size_bytes=2048,
        locked_until=dataset.place.requested_at + timedelta(days=91, hours=1),
    )


def _schema() -> dict[str, object]:
    return {
        "type": "object",
        "required": ["id", "title"],
        "properties": {
            "title": {"type": "string"},
            "id": {"type": "string"},
            "body": {"type": "string"},
        },
    }
