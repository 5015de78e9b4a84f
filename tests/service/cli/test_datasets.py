"""Datasets from the command line: asked for, watched, broken, taken down and brought back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from service.cli import show
from service.cli.ending import Stopped
from service.cli.follow import finish
from service.cli.remote import Result
from tests.service.cli.commanding import served

if TYPE_CHECKING:
    from pathlib import Path

    from tests.service.cli.commanding import Cli


def test_a_request_ends_with_its_datasets_ready(cli: Cli) -> None:
    result = cli.introduce("alder", "jira", "slack")

    assert result.exit_code == 0, result.stderr
    assert "ALDER-sandbox-jira" in result.stdout
    assert "ALDER-sandbox-slack" in result.stdout
    assert "ALDER-sandbox-jira" in result.stderr  # how it came on


def test_json_is_one_document_on_stdout_and_the_rest_is_on_stderr(cli: Cli) -> None:
    cli.introduce("birch", "jira")

    result = cli.run("validate", "BIRCH-sandbox-jira", "--json")

    document = json.loads(result.stdout)
    assert result.stdout.count("\n") == 1
    assert document["state"] == "completed"
    assert document["datasets"][0]["record_count"] == 20
    assert "BIRCH-sandbox-jira" in result.stderr


def test_a_dry_run_shows_the_plan_and_changes_nothing(cli: Cli) -> None:
    words = ("acme-healthcare", "confluence", "--journey", "journey-acme-2026", "--dry-run")

    result = cli.run("request", *words)

    assert result.exit_code == 0, result.stderr
    assert "healthcare_developer_productivity_confluence" in result.stdout
    assert "ACME-sandbox-confluence is filled from mock data." in result.stdout
    assert cli.answer("datasets", "list", "--client", "acme-healthcare") == {"datasets": []}


def test_a_second_request_for_the_same_place_fails_and_names_the_first(cli: Cli) -> None:
    cli.introduce("cedar", "jira")

    result = cli.run("request", "cedar", "jira", "--journey", "journey-cedar")

    assert result.exit_code == 1
    assert "CEDAR-sandbox-jira" in result.stderr
    assert "Next: dataops datasets list" in result.stderr


def test_a_request_that_does_not_wait_can_be_watched_to_its_end(cli: Cli) -> None:
    cli.introduce("dogwood", "jira")
    words = ("dogwood", "slack", "--journey", "journey-dogwood", "--no-wait", "--json")
    accepted = json.loads(cli.run("request", *words).stdout)

    result = cli.run("watch", "DOGWOOD-sandbox-slack", "--json")

    told = [json.loads(line) for line in result.stdout.splitlines()]
    assert accepted["state"] == "working"
    assert told[-1]["status"] == "ready"
    assert told[-1]["dataset_id"] == accepted["datasets"][0]["dataset_id"]


def test_a_request_that_does_not_wait_shows_people_what_it_began(cli: Cli) -> None:
    cli.introduce("elder", "jira")
    words = ("elder", "slack", "--journey", "journey-elder", "--no-wait")

    result = cli.run("request", *words)

    assert result.exit_code == 0, result.stderr
    assert "ELDER-sandbox-slack" in result.stdout


def test_a_refusal_that_names_no_dataset_leads_to_none(cli: Cli) -> None:
    cli.introduce("ebony", "jira")
    to_ebony = ("jira", "--journey", "journey-ebony")

    unknown = cli.run("request", "ebony", "jira", "--journey", "journey-of-nobody")
    foreign = cli.run("request", "acme-healthcare", *to_ebony)
    unsourced = cli.run("request", "ebony", *to_ebony, "--stage", "PILOT")

    for each in (unknown, foreign, unsourced):
        assert each.exit_code == 1
        assert "✗ " in each.stderr
        assert "Next:" not in each.stderr


def test_a_request_without_a_journey_says_how_to_name_one(cli: Cli) -> None:
    result = cli.run("request", "elm", "jira")

    assert result.exit_code == 2
    assert "--journey" in result.stderr


def test_half_an_introduction_names_what_is_missing(cli: Cli) -> None:
    result = cli.run("request", "elm", "jira", "--name", "Elm", "--use-case", "search")

    assert result.exit_code == 2
    assert "Missing: --code --industry." in result.stderr


def test_wrong_input_is_a_usage_error(cli: Cli) -> None:
    result = cli.run("request", "acme-healthcare", "No Type", "--journey", "journey-acme-2026")

    assert result.exit_code == 2
    assert "dataset_types" in result.stderr


def test_a_dataset_that_its_gate_blocks_ends_in_exit_code_3(cli: Cli) -> None:
    cli.introduce("fir", "jira")
    cli.hide_everything("FIR-sandbox-jira")

    result = cli.run("validate", "FIR-sandbox-jira")

    assert result.exit_code == 3
    assert "Would pass if" in result.stderr
    assert "Next: dataops datasets show FIR-sandbox-jira" in result.stderr
    assert result.stderr.count("did not pass its gate") == 1


def test_two_datasets_that_fail_are_told_apart() -> None:
    names = ("RED-sandbox-jira", "BLUE-sandbox-jira")
    failed = [
        {"connector_name": name, "status": "failed", "error": f"{name} is sick."} for name in names
    ]
    result = Result("failed", "RED-sandbox-jira is sick.", {"datasets": failed})

    with pytest.raises(Stopped) as stopped:
        finish(result, show.datasets, as_json=False)

    assert stopped.value.code == 3
    assert stopped.value.why == "BLUE-sandbox-jira: BLUE-sandbox-jira is sick."


def test_watching_a_blocked_dataset_ends_in_exit_code_3(cli: Cli) -> None:
    cli.introduce("gorse", "jira")
    cli.hide_everything("GORSE-sandbox-jira")
    cli.run("validate", "GORSE-sandbox-jira")

    result = cli.run("watch", "GORSE-sandbox-jira")

    assert result.exit_code == 3
    assert "GORSE-sandbox-jira is failed" in result.stdout


def test_a_teardown_that_nobody_confirms_leaves_the_dataset_alone(cli: Cli) -> None:
    cli.introduce("hazel", "jira")

    result = cli.run("teardown", "HAZEL-sandbox-jira", given="n\n")

    assert result.exit_code == 1
    assert "--yes" in result.stderr
    assert cli.answer("datasets", "show", "HAZEL-sandbox-jira")["datasets"][0]["status"] == "ready"


def test_a_dataset_is_torn_down_and_restored(cli: Cli) -> None:
    cli.introduce("iris", "jira")

    down = cli.run("teardown", "IRIS-sandbox-jira", given="y\n")
    up = cli.run("restore", "IRIS-sandbox-jira")

    assert (down.exit_code, up.exit_code) == (0, 0)
    assert "teardown" in down.stdout
    assert "ready" in up.stdout


def test_a_forced_teardown_ends_in_the_archive(cli: Cli) -> None:
    cli.introduce("juniper", "jira")

    result = cli.run("teardown", "JUNIPER-sandbox-jira", "--force", "--yes", "--json")

    assert json.loads(result.stdout)["datasets"][0]["status"] == "archived"


def test_a_dataset_is_shown_with_the_evidence_of_its_checks(cli: Cli) -> None:
    cli.introduce("kapok", "jira")

    result = cli.run("datasets", "show", "KAPOK-sandbox-jira")

    assert result.exit_code == 0, result.stderr
    assert "KAPOK-sandbox-jira" in result.stdout
    assert "sample_queries" in result.stdout
    assert "query_count 10" in result.stdout


def test_an_unknown_dataset_is_a_failure_that_says_what_to_do(cli: Cli) -> None:
    result = cli.run("datasets", "show", "NOBODY-sandbox-jira")

    assert result.exit_code == 1
    assert "There is no dataset NOBODY-sandbox-jira." in result.stderr
    assert "Next: dataops datasets list" in result.stderr


def test_watching_an_unknown_dataset_leads_to_the_list(cli: Cli) -> None:
    result = cli.run("watch", "NOBODY-sandbox-jira")

    assert result.exit_code == 1
    assert "✗ There is no dataset NOBODY-sandbox-jira." in result.stderr
    assert "Next: dataops datasets list" in result.stderr


def test_datasets_that_share_a_name_are_listed_with_their_ids(cli: Cli) -> None:
    cli.introduce("linden", "jira")
    cli.run("teardown", "LINDEN-sandbox-jira", "--reason", "STAGE_TRANSITION", "--force", "--yes")
    cli.run("request", "linden", "jira", "--journey", "journey-linden")
    words = ("datasets", "list", "--client", "linden", "--stage", "SANDBOX")

    result = cli.run(*words, COLUMNS="160")

    heads, *rows = [line.split() for line in result.stdout.splitlines()]
    ids = [each["dataset_id"] for each in cli.answer(*words)["datasets"]]
    assert heads[-3:] == ["generation", "journey", "dataset"]
    assert [(row[1], row[-3], row[-1]) for row in rows] == [
        ("ready", "2", ids[0]),
        ("archived", "1", ids[1]),
    ]


def test_datasets_are_listed_by_client_and_status(cli: Cli) -> None:
    cli.introduce("larch", "jira", "slack")

    listed = cli.answer("datasets", "list", "--client", "larch", "--status", "ready")

    names = {each["connector_name"] for each in listed["datasets"]}
    assert names == {"LARCH-sandbox-jira", "LARCH-sandbox-slack"}


def test_an_empty_list_says_how_to_begin(tmp_path: Path) -> None:
    with served(tmp_path) as fresh:
        result = fresh.run("datasets", "list")

    assert result.exit_code == 0
    assert "dataops request" in result.stdout


def test_a_list_that_a_filter_empties_says_so(cli: Cli) -> None:
    result = cli.run("datasets", "list", "--client", "nobody-at-all")

    assert result.exit_code == 0
    assert "No dataset matches." in result.stdout


def test_identifiers_are_whole_at_80_columns(cli: Cli) -> None:
    code = "a-client-with-a-rather-long-code"
    cli.introduce(code, "stackoverflow")

    result = cli.run("datasets", "list", "--client", code)

    cells = [line[: line.find("  ")] for line in result.stdout.splitlines()[1:]]
    assert "".join(cells).startswith(f"{code.upper()}-sandbox-stackoverflow")
    assert "…" not in result.stdout
