"""Discovering and registering from the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from protocol.examples import example_of
from tests.service.cli.commanding import served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.service.cli.commanding import Cli

SAMPLES = "samples:generic_slack"


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    """Give a service of our own: what is registered here would be chosen in every other test."""
    with served(tmp_path_factory.mktemp("discovering")) as found:
        yield found


def a_pack_file(folder: Path, **changes: Any) -> str:
    file = folder / "pack.json"
    file.write_text(json.dumps({**example_of("register-template")["pack"], **changes}))
    return str(file)


@pytest.mark.requirement("R11")
def test_a_discovery_is_shown_listed_and_compared(cli: Cli) -> None:
    first = cli.answer("catalogue", "discover", SAMPLES)
    second = cli.run("catalogue", "discover", SAMPLES)

    listed = cli.run("catalogue", "list", "--source", SAMPLES)
    shown = cli.run("catalogue", "show", first["discovery_id"])
    changed = cli.run("catalogue", "diff", first["discovery_id"])

    assert second.exit_code == 0, second.stderr
    assert "Nothing has changed." in second.stdout
    assert "to fill in, in the draft of slack" in second.stdout
    assert first["discovery_id"] in listed.stdout
    assert "created_at" in shown.stdout
    assert "date-time" in shown.stdout
    assert "This is the first discovery of the source." in changed.stdout


def test_the_catalogue_is_one_document_for_machines(cli: Cli) -> None:
    found = cli.answer("catalogue", "discover", SAMPLES)

    listed = cli.answer("catalogue", "list", "--limit", "1")
    shown = cli.answer("catalogue", "show", found["discovery_id"])
    changed = cli.answer("catalogue", "diff", found["discovery_id"])

    assert [each["source"] for each in listed["discoveries"]] == [SAMPLES]
    assert shown["digest"] == found["digest"]
    assert changed["discovery_id"] == found["discovery_id"]


def test_drafts_are_written_as_files_that_can_be_linted_and_registered(
    cli: Cli, tmp_path: Path
) -> None:
    drafted = cli.run("catalogue", "discover", SAMPLES, "--draft", str(tmp_path / "drafts"))
    pack = tmp_path / "drafts" / "slack.json"
    again = cli.run("catalogue", "discover", SAMPLES, "--draft", str(tmp_path / "drafts"))

    linted = cli.run("templates", "lint", str(pack))
    registered = cli.run("templates", "register", str(pack))

    assert drafted.exit_code == 0, drafted.stderr
    assert again.exit_code == 1
    assert "cannot be written" in again.stderr
    assert (linted.exit_code, registered.exit_code) == (0, 0), registered.stderr
    assert "generic_slack" in registered.stdout


def test_a_registered_template_is_listed_with_the_others(cli: Cli, tmp_path: Path) -> None:
    result = cli.run("templates", "register", a_pack_file(tmp_path))

    listed = cli.run("templates", "list", "--use-case", "customer_support")

    assert result.exit_code == 0, result.stderr
    assert "acme_support_jira" in listed.stdout


def test_a_pack_that_cannot_be_right_is_a_usage_error_with_every_field(
    cli: Cli, tmp_path: Path
) -> None:
    result = cli.run("templates", "lint", a_pack_file(tmp_path, industry="", version="one"))

    assert result.exit_code == 2
    assert "pack.industry" in result.stderr
    assert "pack.version" in result.stderr


@pytest.mark.parametrize("content", [None, "{"])
def test_a_file_that_is_no_pack_is_a_usage_error(
    cli: Cli, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "pack.json"
    if content is not None:
        file.write_text(content)

    result = cli.run("templates", "register", str(file))

    assert result.exit_code == 2
    assert "is no template pack" in result.stderr


def test_an_unknown_source_leads_to_the_catalogue(cli: Cli) -> None:
    result = cli.run("catalogue", "discover", "samples:nothing")

    assert result.exit_code == 1
    assert "There is no template 'nothing'" in result.stderr
    assert "Next: dataops catalogue list" in result.stderr


def test_a_folder_is_discovered_with_its_broken_lines_and_changes(tmp_path: Path) -> None:
    export = tmp_path / "root" / "acme"
    export.mkdir(parents=True)
    (export / "notes.txt").touch()
    (export / "jira.jsonl").write_text('{"id": "1", "n": 1}\n{\n')
    with served(tmp_path, DATAOPS_DISCOVERY_ROOT=str(tmp_path / "root")) as cli:
        empty = cli.run("catalogue", "list")
        first = cli.run("catalogue", "discover", "folder:acme")
        (export / "jira.jsonl").rename(export / "slack.jsonl")
        second = cli.run("catalogue", "discover", "folder:acme")

    assert "Nothing was discovered yet." in empty.stdout
    assert first.exit_code == 0, first.stderr
    assert "jira.jsonl line 2: it is no JSON" in first.stdout
    assert "notes.txt is left out" in first.stdout
    assert "type added" in second.stdout
    assert "type removed" in second.stdout
