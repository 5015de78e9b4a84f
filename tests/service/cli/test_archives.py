"""Archives from the command line: listed, shown, exported, and kept for longer."""

from __future__ import annotations

import hashlib
import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests import s3
from tests.service.cli.commanding import Cli

if TYPE_CHECKING:
    from pathlib import Path

    from gateways.s3 import Place


@pytest.fixture(scope="module")
def archived(cli: Cli) -> str:
    cli.introduce("willow", "jira")
    cli.run("teardown", "WILLOW-sandbox-jira", "--force", "--yes")
    return "WILLOW-sandbox-jira"


def test_archives_are_listed_with_how_long_they_are_kept(cli: Cli, archived: str) -> None:
    told = cli.run("archive", "list")
    listed = cli.answer("archive", "list")["archives"]

    assert told.exit_code == 0
    assert archived in told.stdout
    assert [each["connector_name"] for each in listed].count(archived) == 1
    assert "until 2" in told.stdout


def test_an_archive_is_shown(cli: Cli, archived: str) -> None:
    told = cli.run("archive", "show", archived)

    assert told.exit_code == 0
    assert "kept_until" in told.stdout
    assert "sha256" in told.stdout


def test_an_archive_that_nobody_has_leads_to_the_list(cli: Cli) -> None:
    result = cli.run("archive", "show", "nothing")

    assert result.exit_code == 1
    assert "There is no dataset nothing" in result.stderr


def test_an_archive_is_kept_for_longer_until_a_day(cli: Cli, archived: str) -> None:
    told = cli.run("archive", "extend", archived, "--until", "2041-05-01")

    assert told.exit_code == 0, told.stderr
    assert cli.answer("archive", "show", archived)["kept_until"] == "2041-05-01T00:00:00+00:00"
    assert "2041-05-01" in told.stdout


def test_an_archive_is_not_kept_for_less(cli: Cli, archived: str) -> None:
    result = cli.run("archive", "extend", archived, "--until", "2020-01-01")

    assert result.exit_code == 2
    assert "only ever kept for longer" in result.stderr


def test_an_archive_is_held_and_released(cli: Cli, archived: str) -> None:
    held = cli.run("archive", "hold", archived, "--reason", "case 7")
    shown = cli.answer("archive", "show", archived)
    listed = cli.run("archive", "list").stdout
    released = cli.answer("archive", "release", archived)

    assert held.exit_code == 0, held.stderr
    assert shown["legal_hold"]["reason"] == "case 7"
    assert shown["kept_until"] is None
    assert "held: case 7" in listed
    assert released["state"] == "completed"
    assert cli.answer("archive", "show", archived)["legal_hold"] is None


@pytest.mark.requirement("R24")
def test_an_export_holds_the_bytes_and_a_manifest_of_their_digests(
    cli: Cli, archived: str, tmp_path: Path
) -> None:
    folder = tmp_path / "export"

    told = cli.run("archive", "export", archived, "--to", str(folder))

    assert told.exit_code == 0, told.stderr
    manifest = json.loads((folder / "manifest.json").read_text())
    (entry,) = manifest["archives"]
    content = (folder / entry["file"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == entry["sha256"]
    assert entry["sha256"] == cli.answer("archive", "verify", archived)["expected_sha256"]
    assert set(entry["parts"]) == {"configuration", "quality_history", "usage", "events"}
    assert entry["parts"]["quality_history"]["entries"] == 1
    assert json.loads(content)["configuration"]["connector_name"] == archived


def test_an_export_can_be_checked_without_us(cli: Cli, archived: str, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    manifest = cli.answer("archive", "export", archived, "--to", str(folder))
    check = ["sha256sum", "--check", "--quiet", "SHA256SUMS"]

    subprocess.run(check, cwd=folder, check=True)

    (folder / manifest["archives"][0]["file"]).write_bytes(b"changed")
    changed = subprocess.run(check, cwd=folder, check=False, capture_output=True)
    assert changed.returncode == 1


def test_an_export_overwrites_nothing(cli: Cli, archived: str, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")

    result = cli.run("archive", "export", archived, "--to", str(tmp_path))

    assert result.exit_code == 2
    assert "holds something already" in result.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["mine"]


def test_an_export_that_cannot_be_written_is_told(cli: Cli, archived: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")

    result = cli.run("archive", "export", archived, "--to", str(tmp_path / "file" / "export"))

    assert result.exit_code == 1
    assert "cannot be written to" in result.stderr


def test_an_archive_of_nothing_is_not_exported(cli: Cli, tmp_path: Path) -> None:
    cli.introduce("hornbeam", "jira")

    result = cli.run("archive", "export", "HORNBEAM-sandbox-jira", "--to", str(tmp_path / "export"))

    assert result.exit_code == 1
    assert "has no archive" in result.stderr
    assert not (tmp_path / "export").exists()


def on_a_bucket(place: Place) -> dict[str, str]:
    return {
        "DATAOPS_ARCHIVE": str(place).rstrip("/"),
        "DATAOPS_ARCHIVE_ENDPOINT_URL": s3.server().endpoint,
        "DATAOPS_ARCHIVE_ACCESS_KEY_ID": "secret://env/S3_ID",
        "DATAOPS_ARCHIVE_SECRET_ACCESS_KEY": "secret://env/S3_SECRET",
        "S3_ID": s3.KEYS.access_key_id,
        "S3_SECRET": s3.KEYS.secret_access_key,
    }


def test_the_doctor_finds_a_fit_bucket_in_order(cli: Cli, tmp_path: Path) -> None:
    env = on_a_bucket(s3.a_fresh_place())

    result = cli.run("doctor", "--data", str(tmp_path), **env)

    assert result.exit_code == 0, result.stderr
    assert "archive deletion" in result.stdout
    assert s3.KEYS.secret_access_key not in result.stdout + result.stderr


def test_the_doctor_finds_a_bucket_that_locks_nothing(cli: Cli, tmp_path: Path) -> None:
    env = on_a_bucket(s3.a_fresh_place(s3.PLAIN))

    result = cli.run("doctor", "--data", str(tmp_path), **env)

    assert result.exit_code == 1
    assert "Not in order: archive versioning, archive object lock, archive writing" in result.stderr
    assert "Next: make a new bucket with Object Lock" in result.stderr
