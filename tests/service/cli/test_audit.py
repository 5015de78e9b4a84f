"""The audit trail from the command line: listed and shown by the service, verified without it."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from domain.audit import Checkpoint
from gateways.archive import FolderArchive
from service.cli import app
from tests.postgres_databases import a_fresh_database
from tests.service.cli.commanding import Cli

if TYPE_CHECKING:
    from typer.testing import Result


@pytest.fixture(scope="module")
def archived(cli: Cli) -> str:
    cli.introduce("rowan", "jira")
    cli.run("teardown", "ROWAN-sandbox-jira", "--force", "--yes")
    return "ROWAN-sandbox-jira"


@pytest.fixture
def copy(cli: Cli, archived: str, tmp_path: Path) -> Path:
    """A copy of the service's data, made while it runs, to do harm to."""
    assert archived
    folder = tmp_path / "copy"
    folder.mkdir()
    with (
        closing(sqlite3.connect(cli.data / "dataops.db")) as source,
        closing(sqlite3.connect(folder / "dataops.db")) as target,
    ):
        source.backup(target)
    shutil.copytree(cli.data / "archive", folder / "archive")
    shutil.rmtree(folder / "archive" / "audit", ignore_errors=True)  # each test brings its own
    return folder


def verify(*words: str) -> Result:
    return CliRunner().invoke(app, ("audit", "verify", *words), env={"COLUMNS": "160"})


def harm(folder: Path, *statements: str) -> None:
    with closing(sqlite3.connect(folder / "dataops.db")) as connection, connection:
        for each in ("update", "delete"):
            connection.execute(f"DROP TRIGGER IF EXISTS audit_stay_on_{each}")
        for each in statements:
            connection.execute(each)


def test_people_read_who_did_what(cli: Cli, archived: str) -> None:
    result = cli.run("audit", "list", "--dataset", archived)

    assert result.exit_code == 0, result.stderr
    (ended,) = [line for line in result.stdout.splitlines() if "TeardownStarted" in line]
    assert "ready → teardown" in ended
    assert "anonymous" in ended


def test_machines_read_an_entry_a_line(cli: Cli, archived: str) -> None:
    result = cli.run("audit", "list", "--json")

    entries = [json.loads(line) for line in result.stdout.splitlines()]
    numbers = [each["sequence"] for each in entries]
    assert numbers == list(range(1, len(numbers) + 1)), archived
    assert {each["action"] for each in entries} >= {"request", "registration"}


def test_the_list_goes_on_behind_an_entry_and_says_when_there_is_none(cli: Cli) -> None:
    behind = cli.run("audit", "list", "--after", str(10**9))
    for_machines = cli.run("audit", "list", "--after", str(10**9), "--json")

    assert (behind.stdout, for_machines.stdout) == ("No entry.\n", "")


def test_one_entry_is_shown_with_its_place(cli: Cli, archived: str) -> None:
    shown = cli.answer("audit", "show", "1")
    told = cli.run("audit", "show", "1")

    assert shown["prev_hash"] == "0" * 64, archived
    assert shown["hash"] in told.stdout


def test_an_entry_that_is_not_there_fails_by_its_number(cli: Cli) -> None:
    result = cli.run("audit", "show", "999999")

    assert result.exit_code == 1
    assert "no entry 999999" in result.stderr


def test_a_service_at_work_is_verified_past_it(cli: Cli, archived: str) -> None:
    result = verify("--data", str(cli.data), "--json")

    found = json.loads(result.stdout)
    assert result.exit_code == 0, archived
    assert found["intact"]
    assert found["trails"][0]["tenant"] == "default"
    assert found["trails"][0]["entries_per_second"] > 0


def test_people_read_that_a_trail_is_intact(copy: Path) -> None:
    result = verify("--data", str(copy))

    assert result.exit_code == 0, result.stderr
    assert "default" in result.stdout
    assert "a second" in result.stdout


def test_an_edit_ends_in_exit_code_1_and_says_where(copy: Path) -> None:
    harm(copy, "UPDATE audit SET principal = 'nobody' WHERE sequence = 2")

    told, given = verify("--data", str(copy)), verify("--data", str(copy), "--json")

    assert (told.exit_code, given.exit_code) == (1, 1)
    assert "default: Entry 2 was edited" in told.stdout
    assert "The audit trail of default is not what was written." in told.stderr
    assert json.loads(given.stdout)["trails"][0]["findings"][0]["first"] == 2


def test_very_many_findings_are_counted(copy: Path) -> None:
    harm(copy, "UPDATE audit SET principal = 'nobody', hash = digest")

    result = verify("--data", str(copy))

    assert "findings more" in result.stdout


def test_a_truncation_is_found_by_checkpoints_kept_elsewhere(
    cli: Cli, copy: Path, tmp_path: Path
) -> None:
    harm(copy)
    before = json.loads(verify("--data", str(copy), "--json").stdout)["trails"][0]
    elsewhere = tmp_path / "elsewhere"
    _keep(elsewhere, before["entries"], before["head_hash"])
    harm(copy, f"DELETE FROM audit WHERE sequence = {before['entries']}")  # noqa: S608 - a number

    alone = verify("--data", str(copy))
    held = verify("--data", str(copy), "--anchors", f"folder:{elsewhere}")

    assert alone.exit_code == 0, cli.url
    assert held.exit_code == 1
    assert f"it had {before['entries']}: what came after is gone." in held.stdout


def _keep(folder: Path, size: int, head_hash: str) -> None:
    """Keep a checkpoint as the service does."""
    now = datetime.now(UTC)
    checkpoint = Checkpoint("default", size, head_hash, now)
    asyncio.run(FolderArchive(folder).put(checkpoint.key, checkpoint.content(), now))


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    result = verify("--data", str(tmp_path / "nowhere"))

    assert result.exit_code == 1
    assert "does not exist" in result.stderr
    assert not (tmp_path / "nowhere").exists()


def test_a_database_of_an_older_version_is_to_be_migrated_first(copy: Path) -> None:
    with closing(sqlite3.connect(copy / "dataops.db")) as connection, connection:
        connection.execute("UPDATE registry_version SET version_num = '0005'")

    result = verify("--data", str(copy))

    assert result.exit_code == 1
    assert "Next: dataops migrate" in result.stderr


def test_an_empty_trail_on_postgresql_is_told(tmp_path: Path) -> None:
    env = {"DATAOPS_DATABASE_URL": a_fresh_database()}

    result = CliRunner().invoke(app, ("audit", "verify", "--data", str(tmp_path)), env=env)

    assert (result.exit_code, result.stdout) == (0, "No entry yet.\n")


@pytest.mark.parametrize("anchors", ["nowhere", "ftp://x", "folder:"])
def test_anchors_that_are_no_place_are_a_usage_error(copy: Path, anchors: str) -> None:
    result = verify("--data", str(copy), "--anchors", anchors)

    assert result.exit_code == 2
    assert "archive" in result.stderr
