"""Policies: a template may ask for more, make a check a warning, and misspell nothing."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest

from domain.errors import InvalidInput
from domain.policy import describe_policy, policy_for, require_judgeable
from domain.quality import CheckType, QualityPolicy, Severity, Threshold, score_quality
from domain.template import SampleQuery
from tests.domain.making import a_template, four_checks

SEEDS = {
    "schema_validation": {"pass_threshold": 1.00, "critical": True},
    "data_completeness": {"pass_threshold": 0.95, "critical": True},
    "connector_health": {"pass_threshold": 1.00, "response_time_max": 5000, "critical": True},
    "sample_queries": {"pass_threshold": 1.00, "query_count": 10, "critical": True},
    "overall_quality_score": {"ready_threshold": 0.95, "warning_threshold": 0.90},
}
"""The quality thresholds as the seed writes them (R35)."""


def test_a_template_without_expectations_is_judged_by_the_seeds_numbers() -> None:
    assert policy_for({}) == QualityPolicy()


@pytest.mark.requirement("R35")
def test_the_seeds_own_settings_are_the_defaults() -> None:
    assert policy_for(SEEDS) == QualityPolicy()


@pytest.mark.parametrize("name", ["completeness", "data_completeness"])
@pytest.mark.parametrize("wanted", [0.97, {"pass_threshold": 0.97}])
def test_a_template_may_ask_for_more_in_either_spelling(name: str, wanted: Any) -> None:
    policy = policy_for({name: wanted})

    assert policy.thresholds[CheckType.COMPLETENESS] == Threshold(Fraction(97, 100))


def test_a_template_may_not_ask_for_less_of_a_check_that_blocks() -> None:
    policy = policy_for({"schema": 0.5, "data_completeness": {"pass_threshold": 0.1}})

    assert policy == QualityPolicy()


def test_a_template_may_make_a_check_a_warning_with_a_minimum_of_its_own() -> None:
    policy = policy_for({"completeness": {"critical": False, "pass_threshold": 0.8}})

    needed = policy.thresholds[CheckType.COMPLETENESS]
    assert (needed.critical, needed.pass_threshold) == (False, Fraction(4, 5))


def test_a_check_made_a_warning_keeps_the_seeds_minimum_where_none_is_set() -> None:
    policy = policy_for({"schema_validation": {"critical": False}})

    assert policy.thresholds[CheckType.SCHEMA] == Threshold(Fraction(1), critical=False)


def test_a_failed_check_that_is_no_longer_critical_warns_and_does_not_block() -> None:
    policy = policy_for({"sample_queries": {"critical": False}})

    score = score_quality(four_checks(sample_queries="0.9"), policy)

    assert score.is_ready
    assert score.severity is Severity.WARNING


def test_the_overall_threshold_binds_where_no_check_blocks() -> None:
    policy = policy_for({each.value: {"critical": False} for each in CheckType})

    score = score_quality(four_checks(sample_queries="0.79"), policy)

    assert not score.is_ready


@pytest.mark.parametrize(
    ("asked", "number", "value"),
    [
        ({"overall_quality_score": {"ready_threshold": 0.99}}, "ready_threshold", Fraction("0.99")),
        ({"overall_quality_score": {"ready_threshold": 0.5}}, "ready_threshold", Fraction("0.95")),
        (
            {"overall_quality_score": {"warning_threshold": 0.93}},
            "warning_threshold",
            Fraction("0.93"),
        ),
        ({"connector_health": {"response_time_max": 800}}, "response_time_max_ms", 800),
        ({"connector_health": {"response_time_max": 9000}}, "response_time_max_ms", 5000),
        ({"sample_queries": {"query_count": 12}}, "query_count", 12),
        ({"sample_queries": {"query_count": 3}}, "query_count", 10),
    ],
)
def test_every_other_number_may_become_stricter_and_never_laxer(
    asked: dict[str, Any], number: str, value: Fraction | int
) -> None:
    assert getattr(policy_for(asked), number) == value


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"shcema": 1.0}, "quality_expectations.shcema is no check; there are schema, comp"),
        (
            {"schema": {"critcal": False}},
            "quality_expectations.schema.critcal is no setting; there are critical, pass_threshold",
        ),
        ({"schema": {"query_count": 10}}, "quality_expectations.schema.query_count is no setting"),
        (
            {"schema": 1.0, "schema_validation": 1.0},
            "quality_expectations.schema_validation names a check that is named already",
        ),
        ({"schema": 1.5}, "schema.pass_threshold is 1.5; it is a number from 0 to 1"),
        ({"schema": True}, "schema.pass_threshold is True; it is a number from 0 to 1"),
        ({"schema": "all"}, "schema.pass_threshold is 'all'; it is a number from 0 to 1"),
        ({"schema": {"critical": 0}}, "schema.critical is 0; it is true or false"),
        (
            {"connector_health": {"response_time_max": 0.5}},
            "connector_health.response_time_max is 0.5",
        ),
        (
            {"sample_queries": {"query_count": 0}},
            "sample_queries.query_count is 0; it is a whole number",
        ),
    ],
)
def test_what_cannot_be_right_is_refused_by_name(asked: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        policy_for(asked)

    assert told in str(refused.value)
    assert refused.value.errors[0].field.startswith("quality_expectations.")


# --- written down --------------------------------------------------------------------------------


def test_the_gates_numbers_are_written_down_as_plain_json() -> None:
    wanted = {"completeness": {"pass_threshold": 0.97, "critical": False}}

    written = json.loads(json.dumps(describe_policy(policy_for(wanted))))

    check = {"pass_threshold": 1.0, "weight": 0.25, "critical": True}
    assert written == {
        "checks": {
            "schema": check,
            "completeness": {"pass_threshold": 0.97, "weight": 0.25, "critical": False},
            "connector_health": check,
            "sample_queries": check,
        },
        "ready_threshold": 0.95,
        "warning_threshold": 0.9,
        "response_time_max_ms": 5000,
        "query_count": 10,
        "probe_count": 3,
    }


# --- templates no gate could let through ---------------------------------------------------------

TWELVE = {"sample_queries": {"query_count": 12}}


def many_queries(count: int, different: int) -> tuple[SampleQuery, ...]:
    return tuple(SampleQuery(f"pump {each % different}", "page0") for each in range(count))


@pytest.mark.parametrize("queries", [(), many_queries(12, 12)])
def test_a_template_with_queries_enough_or_none_of_its_own_can_be_judged(
    queries: tuple[SampleQuery, ...],
) -> None:
    require_judgeable(a_template(quality_expectations=TWELVE, sample_queries=queries))


@pytest.mark.parametrize("queries", [many_queries(11, 11), many_queries(20, 11)])
def test_a_template_that_wants_more_queries_run_than_it_has_is_refused(
    queries: tuple[SampleQuery, ...],
) -> None:
    template = a_template(quality_expectations=TWELVE, sample_queries=queries)

    with pytest.raises(InvalidInput, match=r"is 12, but template \w+ has 11 different"):
        require_judgeable(template)


def test_a_template_with_expectations_that_cannot_be_right_is_refused() -> None:
    with pytest.raises(InvalidInput, match="shcema is no check"):
        require_judgeable(a_template(quality_expectations={"shcema": 1.0}))
