"""The four checks: evidence in, an exact score out, both sides of every threshold."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.checks import (
    SHOWN,
    CompletenessEvidence,
    Evidence,
    Expected,
    Probe,
    QueryResult,
    RecordFault,
    SchemaEvidence,
    check_completeness,
    check_connector_health,
    check_sample_queries,
    check_schema,
    is_healthy,
    judge,
)
from domain.policy import policy_for
from domain.quality import CheckType, QualityPolicy
from domain.template import SampleQuery
from tests.domain.making import (
    DIGEST,
    HEALTHY,
    ILL,
    NOTHING,
    NOW,
    QUERIES,
    WHOLE,
    evidence,
    queries,
)

POLICY = QualityPolicy()

EXPECTED = Expected(record_count=500, documents=500, content_digest=DIGEST, queries=QUERIES)


def schema(total: int, valid: int, digest: str = DIGEST) -> SchemaEvidence:
    return SchemaEvidence(total, valid, digest)


def complete(**changes: Any) -> CompletenessEvidence:
    fields: dict[str, Any] = {"indexed": 500, "filled": 5000, "fields": 5000}
    return CompletenessEvidence(**{**fields, **changes})


# --- schema --------------------------------------------------------------------------------------


@pytest.mark.requirement("R27")
def test_all_records_valid_pass_the_schema_check() -> None:
    check = check_schema(schema(500, 500), EXPECTED, POLICY, NOW)

    assert (check.check_type, check.passed, check.score) == (CheckType.SCHEMA, True, WHOLE)
    assert check.executed_at == NOW


@pytest.mark.requirement("R27", "R86")
def test_one_invalid_record_fails_the_schema_check() -> None:
    check = check_schema(schema(500, 499), EXPECTED, POLICY, NOW)

    assert (check.passed, check.score) == (False, Fraction(499, 500))


def test_no_record_at_all_fails_the_schema_check() -> None:
    check = check_schema(schema(0, 0), EXPECTED, POLICY, NOW)

    assert (check.passed, check.score) == (False, NOTHING)


def test_other_records_than_were_uploaded_score_nothing() -> None:
    check = check_schema(schema(500, 500, "cd" * 32), EXPECTED, POLICY, NOW)

    assert (check.passed, check.score) == (False, NOTHING)


@pytest.mark.parametrize("total", [499, 501])
def test_another_number_of_records_than_was_made_scores_nothing(total: int) -> None:
    check = check_schema(schema(total, total), EXPECTED, POLICY, NOW)

    assert (check.passed, check.score) == (False, NOTHING)


@pytest.mark.parametrize("valid", [-1, 501])
def test_a_count_that_cannot_be_is_no_evidence(valid: int) -> None:
    check = check_schema(schema(500, valid), EXPECTED, POLICY, NOW)

    assert (check.passed, check.score) == (False, NOTHING)


def test_more_fields_filled_than_there_are_is_no_evidence() -> None:
    check = check_completeness(complete(filled=5001), 500, POLICY, NOW)

    assert (check.passed, check.score) == (False, NOTHING)


def test_the_first_faults_are_shown() -> None:
    faults = tuple(RecordFault(f"page{each}", "title", "is missing") for each in range(9))

    check = check_schema(SchemaEvidence(500, 491, DIGEST, faults), EXPECTED, POLICY, NOW)

    assert check.details["total"] == 500
    assert [each["record_id"] for each in check.details["faults"]] == [
        f"page{each}" for each in range(SHOWN)
    ]


# --- completeness --------------------------------------------------------------------------------


@pytest.mark.requirement("R28")
def test_completeness_passes_at_exactly_95_percent_of_the_fields() -> None:
    check = check_completeness(complete(filled=4750), 500, POLICY, NOW)

    assert (check.passed, check.score) == (True, Fraction(95, 100))


@pytest.mark.requirement("R28", "R86")
def test_one_field_below_95_percent_fails() -> None:
    check = check_completeness(complete(filled=4749), 500, POLICY, NOW)

    assert (check.passed, check.score) == (False, Fraction(4749, 5000))


@pytest.mark.requirement("R28")
def test_completeness_passes_at_exactly_95_percent_of_the_documents() -> None:
    check = check_completeness(complete(indexed=475), 500, POLICY, NOW)

    assert (check.passed, check.score) == (True, Fraction(95, 100))


@pytest.mark.requirement("R28")
def test_one_document_below_95_percent_fails() -> None:
    check = check_completeness(complete(indexed=474), 500, POLICY, NOW)

    assert (check.passed, check.score) == (False, Fraction(474, 500))


def test_the_lesser_ratio_is_the_score() -> None:
    check = check_completeness(complete(indexed=480, filled=4900), 500, POLICY, NOW)

    assert check.score == Fraction(480, 500)
    assert (check.details["record_ratio"], check.details["field_ratio"]) == (0.96, 0.98)


def test_one_document_too_many_fails_outright() -> None:
    check = check_completeness(complete(indexed=501), 500, POLICY, NOW)

    assert (check.passed, check.score, check.details["overfull"]) == (False, NOTHING, True)


@pytest.mark.parametrize(
    ("expected", "absent"), [(0, {"indexed": 0}), (500, {"fields": 0, "filled": 0})]
)
def test_nothing_expected_is_nothing_passed(expected: int, absent: dict[str, int]) -> None:
    check = check_completeness(complete(**absent), expected, POLICY, NOW)

    assert (check.passed, check.score) == (False, NOTHING)


def test_the_gaps_are_shown_by_field() -> None:
    seen = CompletenessEvidence(500, 4900, 5000, (("space", 100),))

    check = check_completeness(seen, 500, POLICY, NOW)

    assert check.details["missing"] == {"space": 100}


# --- connector health ----------------------------------------------------------------------------


def test_three_healthy_probes_pass() -> None:
    check = check_connector_health((HEALTHY,) * 3, POLICY, NOW)

    assert (check.passed, check.score) == (True, WHOLE)


def test_two_of_three_probes_score_two_thirds() -> None:
    check = check_connector_health((HEALTHY, ILL, HEALTHY), POLICY, NOW)

    assert (check.passed, check.score) == (False, Fraction(2, 3))


def test_a_probe_that_was_never_made_has_not_passed() -> None:
    check = check_connector_health((HEALTHY,), POLICY, NOW)

    assert (check.passed, check.score) == (False, Fraction(1, 3))


def test_no_probe_at_all_fails() -> None:
    check = check_connector_health((), POLICY, NOW)

    assert (check.passed, check.score) == (False, NOTHING)
    assert check.details["response_time_p95_ms"] is None


def test_more_probes_than_asked_for_must_all_pass() -> None:
    check = check_connector_health((HEALTHY, HEALTHY, HEALTHY, ILL), POLICY, NOW)

    assert (check.passed, check.score) == (False, Fraction(3, 4))


@pytest.mark.requirement("R29")
@pytest.mark.parametrize(("milliseconds", "healthy"), [(4999.999, True), (5000.0, False)])
def test_an_answer_must_come_below_five_seconds(milliseconds: float, healthy: bool) -> None:
    probe = Probe(connected=True, authenticated=True, response_time_ms=milliseconds)

    assert is_healthy(probe, POLICY) is healthy


@pytest.mark.requirement("R29", "R86")
@pytest.mark.parametrize(("connected", "authenticated"), [(False, True), (True, False)])
def test_an_answer_must_come_and_let_us_in(connected: bool, authenticated: bool) -> None:
    probe = Probe(connected, authenticated, 10.0)

    assert not is_healthy(probe, POLICY)


def test_the_slowest_answer_is_shown() -> None:
    slow = Probe(connected=True, authenticated=True, response_time_ms=4000.0)

    check = check_connector_health((HEALTHY, slow, HEALTHY), POLICY, NOW)

    assert check.details["response_time_p95_ms"] == 4000.0


# --- sample queries ------------------------------------------------------------------------------


@pytest.mark.requirement("R30")
def test_ten_of_ten_queries_pass() -> None:
    check = check_sample_queries(queries(10), QUERIES, POLICY, NOW)

    assert (check.passed, check.score) == (True, WHOLE)


@pytest.mark.requirement("R30", "R86")
def test_nine_of_ten_queries_fail() -> None:
    check = check_sample_queries(queries(9), QUERIES, POLICY, NOW)

    assert (check.passed, check.score) == (False, Fraction(9, 10))
    assert [each["expected_id"] for each in check.details["failed"]] == ["page9"]


@pytest.mark.requirement("R30")
def test_fewer_queries_than_ten_cannot_pass() -> None:
    check = check_sample_queries(queries(7, count=7), QUERIES, POLICY, NOW)

    assert (check.passed, check.score) == (False, Fraction(7, 10))


def test_no_query_at_all_fails() -> None:
    check = check_sample_queries((), QUERIES, POLICY, NOW)

    assert (check.passed, check.score) == (False, NOTHING)


def test_one_query_answered_ten_times_counts_once() -> None:
    check = check_sample_queries(queries(1, count=1) * 10, QUERIES, POLICY, NOW)

    assert (check.passed, check.score) == (False, Fraction(1, 10))


def test_a_query_nobody_wanted_counts_for_nothing() -> None:
    wanted = tuple(SampleQuery(f"another {each}", f"other{each}") for each in range(10))

    check = check_sample_queries(queries(10), wanted, POLICY, NOW)

    assert (check.passed, check.score) == (False, NOTHING)


def test_more_queries_than_ten_count_as_ten() -> None:
    passed = queries(10)

    check = check_sample_queries((*passed, *passed), QUERIES, POLICY, NOW)

    assert check.score == 1


@pytest.mark.parametrize(
    ("answered", "rank", "passed"),
    [
        (True, 1, True),
        (True, 10, True),
        (True, 11, False),
        (True, 0, False),
        (True, -1, False),
        (True, None, False),
        (False, 1, False),
    ],
)
def test_a_query_passes_when_its_record_is_among_the_first_ten(
    answered: bool, rank: int | None, passed: bool
) -> None:
    result = QueryResult("infusion pump", "page1", answered, rank)

    assert result.passed is passed


# --- together ------------------------------------------------------------------------------------


@pytest.mark.requirement("R36")
def test_the_worked_examples_evidence_is_judged_ready_at_0_995() -> None:
    score = judge(evidence(), EXPECTED, POLICY)

    assert (score.overall_score, score.is_ready) == (Fraction(995, 1000), True)


def test_a_stricter_template_fails_what_the_seed_would_pass() -> None:
    strict = policy_for({"completeness": 0.99})

    score = judge(evidence(), EXPECTED, strict)

    assert score.failed_checks == (CheckType.COMPLETENESS,)


Answers = st.lists(
    st.builds(
        lambda place, rank, other: QueryResult(
            QUERIES[place].query, other or QUERIES[place].expected_id, answered=True, rank=rank
        ),
        st.integers(0, 9),
        st.none() | st.integers(-2, 12),
        st.sampled_from(["", "", "", "another"]),
    ),
    max_size=30,
).map(tuple)

Seen = st.builds(
    lambda total, valid, digest, indexed, filled, healthy, queries: evidence(
        schema=schema(total, valid, digest),
        completeness=complete(indexed=indexed, filled=filled),
        probes=(HEALTHY,) * healthy,
        queries=queries,
    ),
    total=st.sampled_from([-1, 0, 499, 500, 501]),
    valid=st.sampled_from([500, 500]) | st.integers(-10, 1000),
    digest=st.sampled_from([DIGEST, DIGEST, "cd" * 32, ""]),
    indexed=st.sampled_from([475, 500]) | st.integers(-10, 1000),
    filled=st.sampled_from([4750, 5000]) | st.integers(-10, 6000),
    healthy=st.sampled_from([3, 3]) | st.integers(0, 5),
    queries=st.just(queries(10)) | Answers,
)
"""Evidence as it may come, lies included: counts beyond all, other records, doubled queries."""


@given(Seen)
def test_every_score_lies_between_nothing_and_one(seen: Evidence) -> None:
    score = judge(seen, EXPECTED, POLICY)

    assert all(0 <= each.score <= 1 for each in score.checks)
    assert 0 <= score.overall_score <= 1
    assert all(each.passed <= (each.score >= Fraction("0.95")) for each in score.checks)


@given(Seen)
def test_only_the_truth_is_ready(seen: Evidence) -> None:
    score = judge(seen, EXPECTED, POLICY)

    found = {each.query for each in seen.queries if each.rank in range(1, 11)}
    named = {each.query for each in seen.queries if each.expected_id != "another"}
    if score.is_ready:
        assert (seen.schema.content_digest, seen.schema.total, seen.schema.valid) == (
            DIGEST,
            500,
            500,
        )
        assert 475 <= seen.completeness.indexed <= 500
        assert 4750 <= seen.completeness.filled <= 5000
        assert len(seen.probes) >= 3
        assert len(found & named) == 10


@pytest.mark.parametrize("milliseconds", [-1.0, float("nan"), float("inf")])
def test_a_time_that_cannot_be_is_not_healthy(milliseconds: float) -> None:
    assert not is_healthy(Probe(True, True, milliseconds), POLICY)
