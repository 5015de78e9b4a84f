"""The alert rules can fire: they name metrics there are, and a rule of both kinds for each target."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from domain.success import (
    CONNECTOR_UPTIME,
    FIRST_PASS,
    SUCCESS_METRICS,
    Bound,
    SuccessMetric,
)
from service.cli import app
from tests.service.test_metrics_page import datasets_that_differ, page_of

RULES = Path(__file__).resolve().parents[2] / "deploy" / "alerts.yml"

COUNTED_BY_FAILURES = (FIRST_PASS, CONNECTOR_UPTIME)
"""The metrics whose burning rules count what did not pass, in place of the share that did."""

_WINDOW = re.compile(r"\[(\d+)([hm])\]")


def rules(group: str | None = None) -> list[dict[str, Any]]:
    found = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    return [each for one in found if group in {None, one["name"]} for each in one["rules"]]


def halves_of(metric: SuccessMetric) -> tuple[str, str]:
    """Give the burning rule of a metric: over its long window, and over its short one."""
    (rule,) = (
        each
        for each in rules("dataops-targets-burning")
        if each["labels"]["requirement"] == metric.number
    )
    long, short = rule["expr"].split(" and ")
    return long, short


def minutes_of(half: str) -> int:
    found = _WINDOW.search(half)
    assert found is not None
    return int(found[1]) * (60 if found[2] == "h" else 1)


async def test_every_metric_that_a_rule_names_is_exposed() -> None:
    page = await page_of(*datasets_that_differ(), turns=1, scanned=True)

    exposed = set(re.findall(r"^(dataops_\w+)", page, re.MULTILINE))
    named = {name for each in rules() for name in re.findall(r"dataops_\w+", each["expr"])}
    assert len(named) > 10
    assert named <= exposed


def test_every_command_that_a_rule_advises_is_there() -> None:
    advised = [each["annotations"]["action"] for each in rules()]
    commands = {words for each in advised for words in re.findall(r"dataops ([a-z -]+)", each)}

    answers = [CliRunner().invoke(app, [*_named(each), "--help"]) for each in commands]

    assert len(commands) > 2
    assert [each.output for each in answers if each.exit_code] == []


def _named(words: str) -> list[str]:
    """Give the command of an advice, to which it may say more: dashes, and what it does."""
    found = words.split()
    return found[: 1 if found[0] == "doctor" else 2]


async def test_every_metric_a_rule_picks_by_its_key_is_one_of_the_eight() -> None:
    picked = {key for each in rules() for key in re.findall(r'metric="(\w+)"', each["expr"])}

    assert picked
    assert picked <= {each.key for each in SUCCESS_METRICS}


@pytest.mark.parametrize("group", ["dataops-targets-missed", "dataops-targets-burning"])
def test_each_success_metric_has_a_rule_of_each_kind(group: str) -> None:
    assert [each["labels"]["requirement"] for each in rules(group)] == [
        each.number for each in SUCCESS_METRICS
    ]


def test_a_target_is_missed_when_the_metric_itself_says_so() -> None:
    told = [each["expr"] for each in rules("dataops-targets-missed")]

    assert told == [f'dataops_success_met{{metric="{each.key}"}} == 0' for each in SUCCESS_METRICS]


@pytest.mark.parametrize("metric", SUCCESS_METRICS, ids=lambda each: each.key)
def test_a_metric_burns_on_the_wrong_side_over_a_long_and_a_short_window(
    metric: SuccessMetric,
) -> None:
    (long, short) = (_WINDOW.sub("", each) for each in halves_of(metric))

    worse = ">" if metric.bound is Bound.BELOW or metric in COUNTED_BY_FAILURES else "<"
    assert re.findall("[<>]=?", long) == re.findall("[<>]=?", short) == [worse]
    assert long.partition(worse)[0] == short.partition(worse)[0]
    assert [len(set(_WINDOW.findall(each))) for each in halves_of(metric)] == [1, 1]
    long_window, short_window = (minutes_of(each) for each in halves_of(metric))
    assert long_window >= 12 * short_window


def test_each_rule_looks_over_a_time_or_waits_for_one() -> None:
    assert [
        each["alert"] for each in rules() if "for" not in each and "[" not in each["expr"]
    ] == []


def test_each_rule_says_how_bad_it_is_what_is_so_and_what_to_do() -> None:
    for each in rules():
        assert each["labels"]["severity"] in {"page", "ticket"}, each["alert"]
        assert each["annotations"]["summary"].endswith("."), each["alert"]
        assert each["annotations"]["action"].endswith("."), each["alert"]


def test_no_two_rules_share_a_name() -> None:
    names = [each["alert"] for each in rules()]

    assert len(names) == len(set(names))
