"""What the tests of the domain share: places, templates, evidence and outcomes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

from domain.archive import ArchiveLock, ArchiveReceipt
from domain.checks import (
    CompletenessEvidence,
    Evidence,
    Probe,
    QueryResult,
    SchemaEvidence,
)
from domain.connector import ConnectorConfiguration, ConnectorPlace, configure_connector
from domain.dataset import Dataset
from domain.journey import Client, ClientId, JourneyId, JourneyStage
from domain.quality import CheckType, DataQualityCheck
from domain.rules import LifecycleRules
from domain.state import DatasetPlace
from domain.template import (
    DatasetTemplate,
    Hop,
    MatchLevel,
    SampleQuery,
    Selection,
    TemplateId,
)
from domain.work import (
    ArchiveLocked,
    ArchivePurged,
    ConnectorRestored,
    Examined,
    FailureKind,
    OrderFailed,
    OrderKey,
    Probed,
    Provisioned,
    StepTaken,
    TemplateFound,
)

NOW = datetime(2026, 1, 20, 12, tzinfo=UTC)
DATASET_ID = UUID("01950000-0000-7000-8000-000000000001")
RULES = LifecycleRules()
QUERIES = tuple(SampleQuery(f"infusion pump {number}", f"page{number}") for number in range(10))


def after(**spans: float) -> datetime:
    """So much later than the beginning."""
    return NOW + timedelta(**spans)


# --- places and templates ------------------------------------------------------------------------


def a_client(**changes: Any) -> Client:
    """ACME Healthcare."""
    fields: dict[str, Any] = {
        "client_id": ClientId(UUID(int=7)),
        "ref": "acme-healthcare",
        "name": "ACME Healthcare",
        "code": "ACME",
        "industry": "healthcare",
        "use_case": "developer_productivity",
    }
    return Client(**(fields | changes))


def a_place(**changes: Any) -> DatasetPlace:
    """ACME's Confluence dataset in the sandbox."""
    fields: dict[str, Any] = {
        "tenant": "default",
        "dataset_id": DATASET_ID,
        "journey_id": JourneyId(UUID(int=9)),
        "journey_ref": "journey-acme-2026",
        "client": a_client(),
        "stage": JourneyStage.SANDBOX,
        "dataset_type": "confluence",
        "generation": 1,
        "origin": "https://dataops.example",
        "requested_by": "ada",
        "requested_at": NOW,
        "correlation": "request-1",
    }
    return DatasetPlace(**(fields | changes))


def a_template(**changes: Any) -> DatasetTemplate:
    """The seed's healthcare template of 500 Confluence pages."""
    fields: dict[str, Any] = {
        "template_id": TemplateId(UUID(int=11)),
        "key": "healthcare_developer_productivity_confluence",
        "name": "Healthcare developer productivity: Confluence",
        "industry": "healthcare",
        "use_case": "developer_productivity",
        "dataset_type": "confluence",
        "schema": {"type": "object", "properties": {"id": {}, "title": {}}},
        "sample_data_url": "/mock-data/healthcare_developer_productivity_confluence",
        "record_count_range": (300, 2000),
        "record_count": 500,
        "quality_expectations": {},
    }
    return DatasetTemplate(**(fields | changes))


def a_connector_place(**changes: Any) -> ConnectorPlace:
    """Where ACME's sandbox connector for Confluence stands."""
    fields: dict[str, Any] = {
        "client_id": ClientId(UUID(int=7)),
        "client_code": "ACME",
        "stage": JourneyStage.SANDBOX,
        "dataset_type": "confluence",
        "generation": 1,
        "dataset_id": DATASET_ID,
        "origin": "https://dataops.example",
    }
    return ConnectorPlace(**(fields | changes))


def a_connector(template: DatasetTemplate | None = None, **changes: Any) -> ConnectorConfiguration:
    """The connector of a place, made from a template."""
    return configure_connector(a_connector_place(**changes), template or a_template())


# --- evidence ------------------------------------------------------------------------------------

DIGEST = "ab" * 32
"""The digest of the records that were made."""

WHOLE = Fraction(1)
NOTHING = Fraction(0)

HEALTHY = Probe(connected=True, authenticated=True, response_time_ms=120.0)
ILL = Probe(connected=False, authenticated=False, response_time_ms=5000.0, message="no answer")


def queries(passed: int, count: int = 10) -> tuple[QueryResult, ...]:
    """So many sample queries, of which the first ones passed."""
    return tuple(
        QueryResult(each.query, each.expected_id, answered=True, rank=1 if place < passed else None)
        for place, each in enumerate(QUERIES[:count])
    )


def evidence(**changes: Any) -> Evidence:
    """Evidence of the seed's worked example: everything whole, 0.98 of the fields filled."""
    fields: dict[str, Any] = {
        "schema": SchemaEvidence(total=500, valid=500, content_digest=DIGEST),
        "completeness": CompletenessEvidence(indexed=500, filled=4900, fields=5000),
        "probes": (HEALTHY,) * 3,
        "queries": queries(10),
        "executed_at": NOW,
    }
    return Evidence(**(fields | changes))


BAD = evidence(schema=SchemaEvidence(total=500, valid=100, content_digest=DIGEST))
"""Evidence for a score far below the gate."""

NEAR_MISS = evidence(probes=(HEALTHY, HEALTHY, ILL))
"""Evidence for a score between the warning threshold and the gate: two probes of three passed."""

SICK = evidence(probes=(HEALTHY, HEALTHY, ILL), queries=queries(2))
"""Evidence of a sick connector, for a score far below the gate."""


def four_checks(**scores: Fraction | int | str) -> tuple[DataQualityCheck, ...]:
    """The four checks with these scores (1 where nothing is said), passed at the seed's numbers."""
    needed = {CheckType.COMPLETENESS: Fraction(95, 100)}
    made = []
    for each in CheckType:
        score = Fraction(scores.get(each.value, 1))
        made.append(DataQualityCheck(each, score >= needed.get(each, 1), score, {}, NOW))
    return tuple(made)


# --- outcomes ------------------------------------------------------------------------------------


def key_of(dataset: Dataset, *, version: int | None = None) -> OrderKey:
    """The key of an order given now, or at another version."""
    place = dataset.place
    at = dataset.version if version is None else version
    return OrderKey(place.tenant, place.dataset_id, at, 0)


def found(dataset: Dataset, template: DatasetTemplate | None = None) -> TemplateFound:
    chosen = template or a_template(dataset_type=dataset.place.dataset_type)
    hop = Hop(MatchLevel.EXACT, (chosen.key,), "it fits")
    return TemplateFound(key_of(dataset), Selection(chosen, MatchLevel.EXACT, (hop,)))


def provisioned(dataset: Dataset, **changes: Any) -> Provisioned:
    fields: dict[str, Any] = {
        "record_count": 500,
        "documents": 500,
        "content_digest": DIGEST,
        "size_bytes": 123_456,
        "queries": QUERIES,
    }
    return Provisioned(key_of(dataset), **(fields | changes))


def examined(dataset: Dataset, seen: Evidence | None = None) -> Examined:
    return Examined(key_of(dataset), seen or evidence())


def probed(dataset: Dataset, probe: Probe = HEALTHY) -> Probed:
    return Probed(key_of(dataset), probe)


def order_failed(
    dataset: Dataset,
    failure: FailureKind = FailureKind.UNAVAILABLE,
    retry_after: timedelta | None = None,
) -> OrderFailed:
    return OrderFailed(key_of(dataset), failure, "The supplier did not answer.", retry_after)


def a_receipt(**changes: Any) -> ArchiveReceipt:
    fields: dict[str, Any] = {
        "location": "folder:archive.json",
        "sha256": "cd" * 32,
        "size_bytes": 2048,
        "locked_until": NOW + RULES.grace_period + RULES.retention,
    }
    return ArchiveReceipt(**(fields | changes))


def step_taken(dataset: Dataset, *, receipt: ArchiveReceipt | None = None) -> StepTaken:
    """The present step of a teardown, done."""
    assert dataset.teardown is not None
    return StepTaken(key_of(dataset), dataset.teardown.step, "done", receipt)


def connector_restored(dataset: Dataset) -> ConnectorRestored:
    return ConnectorRestored(key_of(dataset), "visible again")


def archive_locked(dataset: Dataset, lock: ArchiveLock) -> ArchiveLocked:
    return ArchiveLocked(key_of(dataset), lock)


def archive_purged(dataset: Dataset) -> ArchivePurged:
    return ArchivePurged(key_of(dataset))
