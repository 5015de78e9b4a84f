"""The four checks: pure functions from evidence to a score."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from fractions import Fraction
from typing import TYPE_CHECKING

from domain.moments import require_zone
from domain.quality import CheckType, DataQualityCheck, QualityPolicy, QualityScore, score_quality

if TYPE_CHECKING:
    from domain.record import JsonObject
    from domain.template import SampleQuery

SHOWN = 5
"""How many failing samples a result carries: enough to see the pattern, few enough to read."""

TOP_HITS = 10
"""A sample query passes when its expected record is among this many first hits."""


@dataclass(frozen=True, slots=True)
class RecordFault:
    """One record the schema refused: which, where in it, and why."""

    record_id: str
    path: str
    message: str


@dataclass(frozen=True, slots=True)
class SchemaEvidence:
    """How many records there were, how many the schema accepted, and the first faults.

    `content_digest` is that of the records the agent had made again.
    """

    total: int
    valid: int
    content_digest: str
    faults: tuple[RecordFault, ...] = ()


@dataclass(frozen=True, slots=True)
class CompletenessEvidence:
    """Counts of documents and of filled fields; `missing` counts the gaps by field."""

    indexed: int
    filled: int
    fields: int
    missing: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Probe:
    """One knock at a connector: did it answer, did it let us in, how long did it take.

    One that was not made, for we were asked to knock less, says nothing of the connector.
    """

    connected: bool
    authenticated: bool
    response_time_ms: float
    message: str = ""
    is_made: bool = True


@dataclass(frozen=True, slots=True)
class QueryResult:
    """One sample query: answered at all, and at which rank (from 1) its record came, if it did."""

    query: str
    expected_id: str
    answered: bool
    rank: int | None
    message: str = ""

    @property
    def passed(self) -> bool:
        """Whether the expected record was among the first ten hits."""
        return self.answered and self.rank is not None and 1 <= self.rank <= TOP_HITS


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that validation saw; the aggregate alone turns it into a verdict."""

    schema: SchemaEvidence
    completeness: CompletenessEvidence
    probes: tuple[Probe, ...]
    queries: tuple[QueryResult, ...]
    executed_at: datetime

    def __post_init__(self) -> None:
        """Refuse a time without its zone."""
        require_zone("executed_at", self.executed_at)


@dataclass(frozen=True, slots=True)
class Expected:
    """What the dataset itself knows of its content; no agent's word stands against it.

    `record_count` records were made, of which `documents` are in the search engine; `queries`
    are those that must find their records.
    """

    record_count: int
    documents: int
    content_digest: str
    queries: tuple[SampleQuery, ...]


def judge(evidence: Evidence, expected: Expected, policy: QualityPolicy) -> QualityScore:
    """Run the four checks over the evidence and let the gate decide."""
    now = evidence.executed_at
    checks = (
        check_schema(evidence.schema, expected, policy, now),
        check_completeness(evidence.completeness, expected.documents, policy, now),
        check_connector_health(evidence.probes, policy, now),
        check_sample_queries(evidence.queries, expected.queries, policy, now),
    )
    return score_quality(checks, policy)


def check_schema(
    evidence: SchemaEvidence, expected: Expected, policy: QualityPolicy, now: datetime
) -> DataQualityCheck:
    """Score valid ÷ total; no record at all, or other records than were uploaded, score 0."""
    same = evidence.content_digest == expected.content_digest
    score = _ratio(evidence.valid, evidence.total)
    sound = same and evidence.total == expected.record_count
    details = {
        "total": evidence.total,
        "expected": expected.record_count,
        "valid": evidence.valid,
        "digest_matches": same,
        "faults": [asdict(each) for each in evidence.faults[:SHOWN]],
    }
    return _result(CheckType.SCHEMA, score if sound else Fraction(0), details, policy, now)


def check_completeness(
    evidence: CompletenessEvidence, expected: int, policy: QualityPolicy, now: datetime
) -> DataQualityCheck:
    """Score the lesser of the ratio of documents to those expected and the ratio of fields.

    More documents than expected fail outright: something else writes into the datasource.
    """
    records = _ratio(min(evidence.indexed, expected), expected)
    filled = _ratio(evidence.filled, evidence.fields)
    overfull = evidence.indexed > expected
    details = {
        "expected": expected,
        "indexed": evidence.indexed,
        "record_ratio": float(records),
        "filled": evidence.filled,
        "fields": evidence.fields,
        "field_ratio": float(filled),
        "overfull": overfull,
        "missing": dict(evidence.missing),
    }
    score = Fraction(0) if overfull else min(records, filled)
    return _result(CheckType.COMPLETENESS, score, details, policy, now)


def check_connector_health(
    probes: tuple[Probe, ...], policy: QualityPolicy, now: datetime
) -> DataQualityCheck:
    """Score passed ÷ probes; the slowest of so few probes is their 95th percentile."""
    passed = [each for each in probes if is_healthy(each, policy)]
    details = {
        "probes": [_shown(each) for each in probes],
        "response_time_p95_ms": max((each.response_time_ms for each in probes), default=None),
        "response_time_max_ms": policy.response_time_max_ms,
    }
    score = _ratio(len(passed), max(policy.probe_count, len(probes)))
    return _result(CheckType.CONNECTOR_HEALTH, score, details, policy, now)


def check_sample_queries(
    queries: tuple[QueryResult, ...],
    expected: tuple[SampleQuery, ...],
    policy: QualityPolicy,
    now: datetime,
) -> DataQualityCheck:
    """Score passed ÷ the number there must be; a query that was never run has not passed."""
    found = {(each.query, each.expected_id) for each in queries if each.passed}
    asked = {(each.query, each.expected_id) for each in expected[: policy.query_count]}
    passed = len(found & asked)
    details = {
        "query_count": policy.query_count,
        "passed": passed,
        "failed": [asdict(each) for each in queries if not each.passed][:SHOWN],
    }
    return _result(
        CheckType.SAMPLE_QUERIES, _ratio(passed, policy.query_count), details, policy, now
    )


def is_healthy(probe: Probe, policy: QualityPolicy) -> bool:
    """Whether a probe was let in below the limit (seed: response < 5 s)."""
    in_time = 0 <= probe.response_time_ms < policy.response_time_max_ms
    return probe.is_made and probe.connected and probe.authenticated and in_time


def _shown(probe: Probe) -> JsonObject:
    """Show a knock; whether it was made is the sweep's concern, the gate's always are."""
    return {name: value for name, value in asdict(probe).items() if name != "is_made"}


def _ratio(part: int, whole: int) -> Fraction:
    """Give part ÷ whole; nothing of nothing, and more than all, are no evidence: 0."""
    return Fraction(part, whole) if 0 <= part <= whole and whole > 0 else Fraction(0)


def _result(
    check: CheckType, score: Fraction, details: JsonObject, policy: QualityPolicy, now: datetime
) -> DataQualityCheck:
    passed = score >= policy.thresholds[check].pass_threshold
    return DataQualityCheck(check, passed, score, details, now)
