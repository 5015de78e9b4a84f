"""Templates and agents from the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.service.cli.commanding import Cli

CONFLUENCE = "healthcare_developer_productivity_confluence"


def test_templates_are_listed_with_whole_names_at_80_columns(cli: Cli) -> None:
    result = cli.run("templates", "list", "--industry", "healthcare")

    assert result.exit_code == 0, result.stderr
    assert CONFLUENCE in result.stdout
    assert "fintech" not in result.stdout


def test_a_template_is_shown_in_full(cli: Cli) -> None:
    result = cli.run("templates", "show", CONFLUENCE)

    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["template_id", "name", "version"]
    assert "quality_expectations" in result.stdout
    assert json.loads(result.stdout.partition("\nschema\n")[2])["type"] == "object"


def test_a_template_reads_the_same_each_time(cli: Cli) -> None:
    first, second = (cli.run("templates", "show", CONFLUENCE, "--json") for _ in range(2))

    assert first.stdout == second.stdout


@pytest.mark.parametrize("word", ["show", "preview"])
def test_an_unknown_template_leads_to_the_list_of_templates(cli: Cli, word: str) -> None:
    result = cli.run("templates", word, "nope")

    assert result.exit_code == 1
    assert "There is no template" in result.stderr
    assert "Next: dataops templates list" in result.stderr


def test_a_list_of_templates_that_a_filter_empties_says_so(cli: Cli) -> None:
    result = cli.run("templates", "list", "--industry", "nope")

    assert "No template matches." in result.stdout


def test_a_preview_shows_as_many_records_as_asked_for(cli: Cli) -> None:
    result = cli.run("templates", "preview", CONFLUENCE, "--count", "2")

    assert "record 2" in result.stdout
    assert "record 3" not in result.stdout


def test_a_match_tells_its_reasons(cli: Cli) -> None:
    result = cli.run("templates", "match", "healthcare", "developer_productivity", "confluence")

    assert CONFLUENCE in result.stdout
    assert "exact" in result.stdout
    assert "·" in result.stdout


def test_no_match_leads_to_the_list_of_templates(cli: Cli) -> None:
    result = cli.run("templates", "match", "retail", "onboarding", "telex", "--strict")

    assert result.exit_code == 1
    assert "Next: dataops templates list" in result.stderr


def test_the_agents_are_listed_with_their_skills(cli: Cli) -> None:
    result = cli.run("agents", "list")

    assert "lifecycle-coordinator" in result.stdout
    assert "restore-dataset" in result.stdout


def test_a_card_is_found_by_a_part_of_its_agents_name(cli: Cli) -> None:
    shown = cli.run("agents", "card", "teardown")

    document = cli.answer("agents", "card", "data-teardown")
    assert document["name"] in shown.stdout
    assert f"{cli.url}/agents/data-teardown" in shown.stdout


def test_words_that_fit_several_agents_or_none_are_a_usage_error(cli: Cli) -> None:
    several, none = cli.run("agents", "card", "data"), cli.run("agents", "card", "librarian")

    assert (several.exit_code, none.exit_code) == (2, 2)
    assert "lifecycle-coordinator" in none.stderr
