"""The alert rules can fire: they name metrics there are, and a rule of both kinds for each target."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from domain.success import SUCCESS_METRICS
from tests.service.test_metrics_page import datasets_that_differ, page_of

RULES = Path(__file__).resolve().parents[2] / "deploy" / "alerts.yml"


def rules(group: str | None = None) -> list[dict[str, Any]]:
    found = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    return [each for one in found if group in {None, one["name"]} for each in one["rules"]]


async def test_every_metric_that_a_rule_names_is_exposed() -> None:
    page = await page_of(*datasets_that_differ(), turns=1, scanned=True)

    exposed = set(re.findall(r"^(dataops_\w+)", page, re.MULTILINE))
    named = {name for each in rules() for name in re.findall(r"dataops_\w+", each["expr"])}
    assert len(named) > 10
    assert named <= exposed


async def test_every_metric_a_rule_picks_by_its_key_is_one_of_the_eight() -> None:
    picked = {key for each in rules() for key in re.findall(r'metric="(\w+)"', each["expr"])}

    assert picked
    assert picked <= {each.key for each in SUCCESS_METRICS}


@pytest.mark.parametrize("group", ["dataops-targets-missed", "dataops-targets-burning"])
def test_each_success_metric_has_a_rule_of_each_kind(group: str) -> None:
    assert [each["labels"]["requirement"] for each in rules(group)] == [
        each.number for each in SUCCESS_METRICS
    ]


def test_the_rules_compare_with_the_targets_of_the_design() -> None:
    compared = {
        each["labels"]["requirement"]: float(found[1])
        for each in rules("dataops-targets-missed")
        if (found := re.search(r"^dataops_\w+ (?:>=|<=|<) ([\d.]+)$", each["expr"]))
    }

    targets = {each.number: each.target for each in SUCCESS_METRICS}
    assert len(compared) == 8
    assert compared == {number: targets[number] for number in compared}


def test_each_rule_says_how_bad_it_is_what_is_so_and_what_to_do() -> None:
    for each in rules():
        assert each["labels"]["severity"] in {"page", "ticket"}, each["alert"]
        assert each["annotations"]["summary"].endswith("."), each["alert"]
        assert each["annotations"]["action"].endswith("."), each["alert"]


def test_no_two_rules_share_a_name() -> None:
    names = [each["alert"] for each in rules()]

    assert len(names) == len(set(names))
