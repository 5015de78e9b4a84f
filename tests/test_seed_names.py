"""The names the design gives: its agents, its services, and the fields of its models."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import fields, replace
from fractions import Fraction
from typing import get_type_hints

import pytest

import agents
from domain.checks import Expected, judge
from domain.documents import DatasetDocument
from domain.lifecycle import DatasetStatus
from domain.policy import policy_for
from domain.quality import CheckType, DataQualityCheck, QualityScore
from domain.template import DatasetTemplate, MatchLevel, TemplateRequest, select_template
from domain.view import describe
from domain.work import AgentName
from tests.builders import a_dataset_in, a_template
from tests.domain.making import DIGEST, QUERIES, evidence

DATASET_FIELDS = {
    "dataset_id",
    "journey_id",
    "client_id",
    "stage",
    "dataset_type",
    "status",
    "template_id",
    "connector_id",
    "quality_score",
    "record_count",
    "created_at",
    "ready_at",
    "archived_at",
}


@pytest.mark.requirement("R10")
def test_the_stage_agents_are_the_seeds_four_by_its_names() -> None:
    modules = [
        importlib.import_module(f"agents.{each.name}")
        for each in pkgutil.iter_modules(agents.__path__)
    ]

    found = {
        each.__name__: name
        for module in modules
        for each in vars(module).values()
        if isinstance(each, type) and isinstance(name := getattr(each, "name", None), AgentName)
    }

    assert found == {
        "DatasetDiscoveryAgent": AgentName.DISCOVERY,
        "DatasetProvisioningAgent": AgentName.PROVISIONING,
        "DataValidationAgent": AgentName.VALIDATION,
        "DataTeardownAgent": AgentName.TEARDOWN,
    }


@pytest.mark.requirement("R25")
def test_a_quality_check_has_the_seeds_fields() -> None:
    assert [each.name for each in fields(DataQualityCheck)] == [
        "check_type",
        "passed",
        "score",
        "details",
        "executed_at",
    ]


@pytest.mark.requirement("R25", "R34")
def test_a_verdict_has_an_overall_score_and_checks_with_scores_of_0_to_1() -> None:
    quality = a_dataset_in(DatasetStatus.FAILED).quality

    assert quality is not None
    assert [each.name for each in fields(QualityScore)][:2] == ["overall_score", "checks"]
    assert len(quality.checks) == 4
    assert all(Fraction(0) <= each.score <= 1 for each in quality.checks)
    assert {type(each.passed) for each in quality.checks} == {bool}
    assert all(each.executed_at.tzinfo and each.details is not None for each in quality.checks)


@pytest.mark.requirement("R34")
def test_a_validation_gives_the_overall_score_and_the_four_checks_in_their_order() -> None:
    expected = Expected(record_count=500, documents=500, content_digest=DIGEST, queries=QUERIES)

    quality = judge(evidence(), expected, policy_for({}))

    assert isinstance(quality, QualityScore)
    assert quality.overall_score == Fraction(995, 1000)
    assert [each.check_type for each in quality.checks] == list(CheckType)


@pytest.mark.requirement("R40")
def test_a_template_is_asked_for_by_the_seeds_three_fields() -> None:
    names = [each.name for each in fields(TemplateRequest)]

    assert names[:3] == ["industry", "use_case", "dataset_type"]


@pytest.mark.requirement("R62")
@pytest.mark.parametrize("status", DatasetStatus)
def test_a_dataset_tells_the_seeds_fields_at_every_status(status: DatasetStatus) -> None:
    shown = describe(a_dataset_in(status))

    assert set(shown) >= DATASET_FIELDS
    assert set(get_type_hints(DatasetDocument)) >= DATASET_FIELDS


@pytest.mark.requirement("R62")
def test_a_dataset_at_its_end_has_a_value_in_each_of_the_seeds_fields() -> None:
    shown = describe(a_dataset_in(DatasetStatus.ARCHIVED))

    assert {name for name, value in shown.items() if value is not None} >= DATASET_FIELDS


@pytest.mark.requirement("R64")
def test_a_template_has_the_seeds_fields() -> None:
    template = a_template()

    assert {each.name for each in fields(DatasetTemplate)} >= {
        "template_id",
        "name",
        "industry",
        "use_case",
        "dataset_type",
        "schema",
        "sample_data_url",
        "record_count_range",
        "quality_expectations",
    }
    assert template.record_count_range == (10, 5000)
    assert template.quality_expectations == {"completeness": 0.96}


@pytest.mark.requirement("R64")
@pytest.mark.parametrize("industry", ["healthcare", "fintech", "manufacturing"])
@pytest.mark.parametrize("use_case", ["developer_productivity", "customer_support"])
def test_a_template_may_be_for_each_of_the_seeds_industries_and_use_cases(
    industry: str, use_case: str
) -> None:
    template = replace(a_template(), industry=industry, use_case=use_case)

    selection = select_template(TemplateRequest(industry, use_case, "confluence"), [template])

    assert (selection.template, selection.level) == (template, MatchLevel.EXACT)
