"""Events and archives from the command line."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.service.cli.commanding import Cli, command, environment

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def archived(cli: Cli) -> str:
    cli.introduce("maple", "jira")
    cli.run("teardown", "MAPLE-sandbox-jira", "--force", "--yes")
    return "MAPLE-sandbox-jira"


def test_past_events_come_one_document_a_line(cli: Cli, archived: str) -> None:
    result = cli.run("events", "tail", "--no-follow", "--journey", "journey-maple", "--json")

    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert events[0]["type"].endswith("DatasetProvisionRequested.v1")
    assert events[-1]["type"].endswith("DatasetArchived.v1"), archived
    assert {each["journeyref"] for each in events} == {"journey-maple"}


def test_people_read_an_event_a_line(cli: Cli, archived: str) -> None:
    dataset = cli.answer("datasets", "show", archived)["datasets"][0]["dataset_id"]

    result = cli.run("events", "tail", "--no-follow", "--journey", "journey-maple")

    ready = [line for line in result.stdout.splitlines() if "DatasetReady" in line]
    assert ready[0].endswith(dataset)


def test_every_page_of_past_events_is_read(cli: Cli) -> None:
    for name in ("page-one", "page-two", "page-three", "page-four", "page-five"):
        cli.introduce(name, "jira", "slack", "servicenow", "gdrive", "salesforce")

    result = cli.run("events", "tail", "--no-follow", "--json")

    sequences = [int(json.loads(line)["sequence"]) for line in result.stdout.splitlines()]
    assert len(sequences) > 100
    assert sequences == sorted(set(sequences))


def test_a_tail_follows_events_as_they_come(cli: Cli, archived: str, tmp_path: Path) -> None:
    words = command("events", "tail", "--after", "0", "--json")
    with subprocess.Popen(
        words,
        cwd=tmp_path,
        env=environment(DATAOPS_BASE_URL=cli.url),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        process.terminate()

    assert first["specversion"] == "1.0", archived


def test_an_archive_is_verified(cli: Cli, archived: str) -> None:
    result = cli.run("archive", "verify", archived)

    assert result.exit_code == 0, result.stderr
    assert "verified" in result.stdout


def test_an_archive_is_shown_with_its_place(cli: Cli, archived: str) -> None:
    result = cli.answer("archive", "show", archived)

    assert result["location"]
    assert result["locked_until"]


def test_a_dataset_without_an_archive_is_a_failure(cli: Cli) -> None:
    cli.introduce("nutmeg", "jira")

    result = cli.run("archive", "verify", "NUTMEG-sandbox-jira")

    assert result.exit_code == 1
    assert "has no archive" in result.stderr
    assert "Next: dataops datasets list --status archived" in result.stderr


def test_where_nothing_has_happened_people_are_told_and_machines_are_not(cli: Cli) -> None:
    words = ("events", "tail", "--no-follow", "--journey", "journey-of-nobody")

    told, given = cli.run(*words), cli.run(*words, "--json")

    assert (told.stdout, given.stdout) == ("No event yet.\n", "")
