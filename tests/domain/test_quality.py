"""The quality gate: exact scores, both sides of every threshold, and no vacuous pass."""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInput
from domain.quality import (
    CheckType,
    DataQualityCheck,
    QualityPolicy,
    QualityScore,
    Severity,
    Threshold,
    percent,
    score_quality,
)
from tests.domain.making import (
    NOW,
    four_checks,
)

HAIR = Fraction(1, 10**12)
"""As little as no float would notice in a sum."""

LENIENT = {check: Threshold(Fraction(0), critical=False) for check in CheckType}
"""Checks that block nothing, so that the overall score alone decides."""

Scores = st.fixed_dictionaries({each.value: st.fractions(0, 1) for each in CheckType})


def judged(policy: QualityPolicy | None = None, /, **scores: Fraction | int | str) -> QualityScore:
    return score_quality(four_checks(**scores), policy or QualityPolicy())


def weighted(schema: str, completeness: str, health: str, queries: str) -> QualityPolicy:
    """A policy of other weights in which the overall score alone decides."""
    weights = dict(zip(CheckType, (schema, completeness, health, queries), strict=True))
    return QualityPolicy(
        {
            each: Threshold(Fraction(0), Fraction(weight), critical=False)
            for each, weight in weights.items()
        }
    )


# --- the seed's numbers --------------------------------------------------------------------------


@pytest.mark.requirement("R36")
def test_the_worked_example_scores_0_995_and_is_ready() -> None:
    score = judged(schema="1.00", completeness="0.98", connector_health="1.00", sample_queries=1)

    assert score.overall_score == Fraction(995, 1000)
    assert score.is_ready
    assert score.failed_checks == ()
    assert score.severity is Severity.NONE
    assert score.decided_by == "overall 99.5 % ≥ 95 %"
    assert score.would_pass_if == ()


@pytest.mark.requirement("R31", "R35")
def test_the_defaults_are_the_seeds_own() -> None:
    policy = QualityPolicy()

    assert {each: limit.pass_threshold for each, limit in policy.thresholds.items()} == {
        CheckType.SCHEMA: 1,
        CheckType.COMPLETENESS: Fraction(95, 100),
        CheckType.CONNECTOR_HEALTH: 1,
        CheckType.SAMPLE_QUERIES: 1,
    }
    assert {each.weight for each in policy.thresholds.values()} == {Fraction(1, 4)}
    assert all(each.critical for each in policy.thresholds.values())
    assert (policy.ready_threshold, policy.warning_threshold) == (
        Fraction(95, 100),
        Fraction(90, 100),
    )
    assert (policy.response_time_max_ms, policy.query_count, policy.probe_count) == (5000, 10, 3)


@pytest.mark.requirement("R26")
def test_the_four_checks_carry_the_seeds_names() -> None:
    assert [each.value for each in CheckType] == [
        "schema",
        "completeness",
        "connector_health",
        "sample_queries",
    ]


# --- both sides of the gate ----------------------------------------------------------------------


@pytest.mark.requirement("R16", "R32")
def test_exactly_the_ready_threshold_is_ready() -> None:
    score = judged(QualityPolicy(LENIENT), schema="0.8")

    assert score.overall_score == Fraction(95, 100)
    assert score.is_ready


@pytest.mark.requirement("R16", "R32", "R33")
def test_a_hair_below_the_ready_threshold_is_not_ready() -> None:
    score = judged(QualityPolicy(LENIENT), schema=Fraction("0.8") - HAIR)

    assert not score.is_ready
    assert score.decided_by.startswith("overall 94.99 % < 95 %")
    assert "rose by 0.01 %" in score.would_pass_if[-1]


@pytest.mark.requirement("R35")
def test_from_the_warning_threshold_on_a_miss_is_near() -> None:
    score = judged(QualityPolicy(LENIENT), schema="0.6")

    assert score.overall_score == Fraction(90, 100)
    assert (score.is_ready, score.severity) == (False, Severity.WARNING)


@pytest.mark.requirement("R35")
def test_a_hair_below_the_warning_threshold_is_an_error() -> None:
    score = judged(QualityPolicy(LENIENT), schema=Fraction("0.6") - HAIR)

    assert (score.is_ready, score.severity) == (False, Severity.ERROR)


@pytest.mark.requirement("R35")
@pytest.mark.parametrize("check", list(CheckType))
def test_the_average_alone_does_not_pass_a_failed_critical_check(check: CheckType) -> None:
    score = judged(**{check.value: "0.80"})

    assert score.overall_score == Fraction(95, 100)
    assert not score.is_ready
    assert score.failed_checks == (check,)
    assert score.decided_by == f"critical check failed: {check} (overall 95 %)"


def test_a_failed_critical_check_above_the_gate_is_a_near_miss() -> None:
    score = judged(sample_queries="0.9")

    assert (score.is_ready, score.severity) == (False, Severity.WARNING)


def test_two_probes_of_three_are_a_near_miss() -> None:
    score = judged(connector_health="2/3")

    assert score.overall_score == Fraction(11, 12)
    assert score.severity is Severity.WARNING


def test_ready_with_a_failed_minor_check_warns() -> None:
    minor = dict(QualityPolicy().thresholds) | {
        CheckType.COMPLETENESS: Threshold(Fraction(95, 100), critical=False)
    }

    score = judged(QualityPolicy(minor), completeness="0.94")

    assert (score.is_ready, score.severity) == (True, Severity.WARNING)
    assert score.failed_checks == (CheckType.COMPLETENESS,)


def test_with_the_seeds_numbers_whatever_passes_scores_at_least_0_9875() -> None:
    assert judged(completeness="0.95").overall_score == Fraction(9875, 10_000)
    assert judged(completeness="0.95").is_ready


# --- what it would have taken --------------------------------------------------------------------


def test_a_blocked_dataset_is_told_what_would_have_passed() -> None:
    score = judged(schema="0.8")

    assert score.would_pass_if == ("schema reached 100 % (it is 80 %)",)


def test_a_low_dataset_is_told_how_far_its_score_must_rise() -> None:
    score = judged(schema="0.5", completeness="0.98")

    assert score.would_pass_if == (
        "schema reached 100 % (it is 50 %)",
        "the overall score rose by 8 %, from schema, completeness",
    )


# --- exactness -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "completeness", "health", "queries"),
    [("0.875", 1, 1, 1), (1, "5/6", 1, 1), (1, 1, "0.75", 1), (1, 1, 1, "0.5")],
)
def test_uneven_weights_meet_the_gate_exactly(
    schema: str, completeness: str, health: str, queries: str
) -> None:
    score = judged(
        weighted("0.4", "0.3", "0.2", "0.1"),
        schema=schema,
        completeness=completeness,
        connector_health=health,
        sample_queries=queries,
    )

    assert score.overall_score == Fraction(95, 100)
    assert score.is_ready


def test_the_score_a_float_gets_wrong_is_right() -> None:
    floats = 0.4 * 0.94 + 0.3 * 0.94 + 0.2 * 0.96 + 0.1 * 1.0

    score = judged(
        weighted("0.4", "0.3", "0.2", "0.1"),
        schema="0.94",
        completeness="0.94",
        connector_health="0.96",
        sample_queries="1.00",
    )

    assert floats < 0.95
    assert score.overall_score == Fraction(95, 100)
    assert score.is_ready


@given(Scores)
def test_the_overall_score_lies_between_the_least_and_the_greatest(
    scores: dict[str, Fraction],
) -> None:
    overall = judged(**scores).overall_score

    assert 0 <= min(scores.values()) <= overall <= max(scores.values()) <= 1


@given(Scores, st.sampled_from(CheckType), st.fractions(0, 1))
def test_a_better_check_never_makes_the_verdict_worse(
    scores: dict[str, Fraction], check: CheckType, other: Fraction
) -> None:
    better = scores | {check.value: max(other, scores[check.value])}

    before, then = judged(**scores), judged(**better)

    assert then.overall_score >= before.overall_score
    assert then.is_ready >= before.is_ready


@pytest.mark.requirement("R68", "R73")
@given(Scores)
def test_quality_threshold_ready_means_the_score_and_every_critical_check(
    scores: dict[str, Fraction],
) -> None:
    score = judged(**scores)

    assert score.is_ready == (score.overall_score >= Fraction("0.95") and not score.failed_checks)
    assert bool(score.would_pass_if) != score.is_ready


# --- nothing passes by being absent --------------------------------------------------------------


@pytest.mark.parametrize("absent", range(4))
def test_a_missing_check_is_refused(absent: int) -> None:
    three = [each for place, each in enumerate(four_checks()) if place != absent]

    with pytest.raises(InvalidInput, match="each of the four checks exactly once"):
        score_quality(three, QualityPolicy())


def test_no_checks_at_all_are_refused() -> None:
    with pytest.raises(InvalidInput, match="was given: none"):
        score_quality([], QualityPolicy())


def test_a_doubled_check_is_refused() -> None:
    schema, completeness, health, _ = four_checks()

    with pytest.raises(InvalidInput, match="exactly once"):
        score_quality([schema, completeness, health, schema], QualityPolicy())


def test_a_fifth_check_is_refused() -> None:
    four = four_checks()

    with pytest.raises(InvalidInput, match="exactly once"):
        score_quality([*four, four[0]], QualityPolicy())


def test_the_order_in_which_checks_come_is_no_matter() -> None:
    four = four_checks(completeness="0.98", schema="0.9")

    verdicts = [score_quality(each, QualityPolicy()).checks for each in permutations(four)]

    assert verdicts == [four] * 24


def test_a_check_keeps_its_evidence_and_its_time() -> None:
    check = DataQualityCheck(CheckType.SCHEMA, True, Fraction(1), {"total": 500}, NOW)

    score = score_quality([check, *four_checks()[1:]], QualityPolicy())

    assert score.checks[0] == check


# --- percents ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Fraction(949_999, 1_000_000), "94.99 %"),
        (0.94999, "94.99 %"),
        (Fraction(95, 100), "95 %"),
        (0.57, "57 %"),
        (1.0, "100 %"),
        (Fraction(99_999, 100_000), "99.99 %"),
        (0, "0 %"),
    ],
)
def test_a_percentage_below_a_threshold_never_reads_as_at_it(
    value: Fraction | float, shown: str
) -> None:
    assert percent(value) == shown


# --- policies ------------------------------------------------------------------------------------


def test_a_policy_that_leaves_a_check_out_is_refused() -> None:
    three = {each: Threshold(Fraction(1), Fraction(1, 3)) for each in list(CheckType)[:3]}

    with pytest.raises(InvalidInput, match="missing: sample_queries, sum: 1"):
        QualityPolicy(three)


def test_a_policy_whose_weights_do_not_sum_to_one_is_refused() -> None:
    heavy = {each: Threshold(Fraction(1), Fraction(3, 10)) for each in CheckType}

    with pytest.raises(InvalidInput, match="missing: none, sum: 6/5"):
        QualityPolicy(heavy)
