"""The command line itself: help, doctor, migrate, and how commands end."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from service.cli import app
from service.cli.options import usual_url
from tests.service.cli.commanding import Cli, command, environment, served

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = ("sqlalchemy", "a2a", "httpx", "pydantic", "starlette", "rich", "pygments", "tomllib")


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from service.cli import app\n"
        "app(['--help'], standalone_mode=False)\n"
        f"print([each for each in {HEAVY!r} if each in sys.modules])\n"
    )

    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )

    assert result.stdout.splitlines()[-1] == "[]"


def test_help_shows_panels_in_order_and_where_to_start(cli: Cli) -> None:
    result = cli.run("--help")

    panels = ("\nRun:", "\nDatasets:", "\nAgents & templates:", "\nOperate:")
    places = [result.stdout.index(each) for each in panels]
    assert places == sorted(places)
    assert "Start here: dataops demo" in result.stdout
    assert "5 not allowed" in result.stdout


def test_help_says_what_each_command_does_to_the_last_word(cli: Cli) -> None:
    result = cli.run("--help")

    assert "until they are READY." in " ".join(result.stdout.split())
    assert "…" not in result.stdout
    assert "..." not in result.stdout.replace("[ARGS]...", "")


def test_a_mistyped_command_is_a_usage_error_with_a_suggestion(cli: Cli) -> None:
    result = cli.run("teardwon")

    assert result.exit_code == 2
    assert "teardown" in result.stderr


def test_a_service_out_of_reach_ends_in_exit_code_4(cli: Cli) -> None:
    over_a2a = cli.run("templates", "list", "--url", "http://127.0.0.1:1")
    over_http = cli.run("agents", "list", "--url", "http://127.0.0.1:1")

    assert (over_a2a.exit_code, over_http.exit_code) == (4, 4)
    assert "Next: dataops serve" in over_a2a.stderr


@pytest.mark.parametrize("address", ["localhost:8080", "http://", "http://[::1", "http://a:b"])
def test_what_is_no_address_is_a_usage_error(cli: Cli, address: str) -> None:
    result = cli.run("agents", "list", "--url", address)

    assert result.exit_code == 2
    assert "http://" in result.stderr


def test_a_token_that_is_no_reference_is_refused_and_not_repeated(cli: Cli) -> None:
    result = cli.run("agents", "list", "--token", "hunter2")

    assert result.exit_code == 2
    assert "hunter2" not in result.stderr


def test_a_service_with_tokens_lets_in_who_has_one(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"open sesame").hexdigest()
    (tmp_path / "tokens").write_text(f"{digest} default ali\n")

    with served(tmp_path, DATAOPS_AUTH_TOKENS=f"secret://file/{tmp_path / 'tokens'}") as guarded:
        without = guarded.run("templates", "list")
        over_http = guarded.run("agents", "list")
        inside = guarded.run(
            "templates", "list", "--token", "secret://env/SESAME", SESAME="open sesame"
        )

    assert (without.exit_code, over_http.exit_code, inside.exit_code) == (5, 5, 0)
    assert "--token" in without.stderr


def test_a_pipe_gets_no_escape_bytes(cli: Cli, tmp_path: Path) -> None:
    result = subprocess.run(
        command("templates", "list"),
        cwd=tmp_path,
        env=environment(DATAOPS_BASE_URL=cli.url),
        capture_output=True,
        check=True,
    )

    assert b"\x1b" not in result.stdout + result.stderr


def test_output_that_cannot_be_written_is_told_without_a_trace(cli: Cli, tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device, no file of ours
        result = subprocess.run(
            command("agents", "list"),
            cwd=tmp_path,
            env=environment(DATAOPS_BASE_URL=cli.url),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert result.returncode == 1
    assert "✗ The command broke off." in result.stderr
    assert "Traceback" not in result.stderr
    assert "ignored" not in result.stderr


def test_a_closed_stdout_takes_everything_in_silence(cli: Cli, tmp_path: Path) -> None:
    result = subprocess.run(
        ["/bin/sh", "-c", '"$@" >&-', "sh", *command("agents", "list")],
        cwd=tmp_path,
        env=environment(DATAOPS_BASE_URL=cli.url),
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )

    assert (result.returncode, result.stderr) == (0, "")


def test_a_terminal_gets_no_escape_bytes_under_no_color(cli: Cli, tmp_path: Path) -> None:
    words = command("templates", "list")
    env = environment(DATAOPS_BASE_URL=cli.url, TERM="xterm-256color")

    plain = _on_a_terminal(words, tmp_path, {**env, "NO_COLOR": "1"})
    styled = _on_a_terminal(words, tmp_path, {**env, "NO_COLOR": ""})

    assert b"\x1b" in styled
    assert b"\x1b" not in plain


def test_migrate_makes_the_tables_and_leaves_them_alone_the_second_time(
    cli: Cli, tmp_path: Path
) -> None:
    first = cli.answer("migrate", "--data", str(tmp_path))
    second = cli.answer("migrate", "--data", str(tmp_path))

    assert first["before"] is None
    assert second["before"] == second["after"] == first["after"]


def test_the_doctor_finds_a_fresh_installation_in_order(cli: Cli, tmp_path: Path) -> None:
    result = cli.run("doctor", "--data", str(tmp_path / "new"))

    assert result.exit_code == 0, result.stderr
    assert "local stand-in" in result.stdout
    assert not (tmp_path / "new").exists()


def test_the_doctor_names_the_source_and_what_its_absence_means(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "source" / "acme").mkdir(parents=True)
    source = {"DATAOPS_SOURCE": f"folder:{tmp_path / 'source'}"}
    key = {"DATAOPS_MASKING_KEY": "secret://env/KEY", "KEY": "sixteen letters at least"}

    without = cli.run("doctor", "--data", str(tmp_path), "--json")
    with_both = cli.run("doctor", "--data", str(tmp_path), "--json", **source, **key)
    with_a_short_key = cli.run("doctor", "--data", str(tmp_path), **{**key, "KEY": "short"})

    assert _told(without.stdout) == {
        "source": "none, so pilot and production requests are refused",
        "masking key": "none, so pilot requests are refused",
    }
    assert _told(with_both.stdout) == {
        "source": f"{tmp_path / 'source'} has folders of 1 clients",
        "masking key": "can be read, and is long enough",
    }
    assert "fewer than 16" in with_a_short_key.stderr
    assert "sixteen letters" not in with_both.stdout


def _told(report: str) -> dict[str, str]:
    """What the doctor tells of the source and its key."""
    findings = json.loads(report)["findings"]
    return {each["name"]: each["told"] for each in findings if each["name"] in {*_SOURCES}}


_SOURCES = ("source", "masking key")


def test_the_doctor_says_where_each_value_comes_from(tmp_path: Path) -> None:
    (tmp_path / "dataops.toml").write_text('port = 9090\nhost = "::1"\n', "utf-8")

    report = json.loads(
        _in_folder(tmp_path, "doctor", "--data", "here", "--json", DATAOPS_HOST="127.0.0.1")
    )

    origins = {name: each["origin"] for name, each in report["settings"].items()}
    assert report["ok"]
    assert report["settings"]["host"]["value"] == "127.0.0.1"
    assert (origins["data"], origins["host"]) == ("flag", "environment")
    assert (origins["port"], origins["base_url"]) == ("file", "default")


def test_a_client_finds_the_service_by_the_settings_file(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "dataops.toml").write_text(f'base_url = "{cli.url}"\n', "utf-8")

    listed = _in_folder(tmp_path, "agents", "list", "--json")

    assert "data-teardown" in listed


def _in_folder(folder: Path, *words: str, **env: str) -> str:
    """Run a command in a folder of its own and give what it printed."""
    result = subprocess.run(
        command(*words),
        cwd=folder,
        env=environment(**env),
        capture_output=True,
        text=True,
        check=True,
    )
    return result.stdout


def test_the_doctor_sends_an_unmigrated_database_to_migrate(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "dataops.db").touch()

    before = cli.run("doctor", "--data", str(tmp_path))
    cli.run("migrate", "--data", str(tmp_path))
    after = cli.run("doctor", "--data", str(tmp_path))

    assert (before.exit_code, after.exit_code) == (1, 0)
    assert "Next: dataops migrate" in before.stderr


@pytest.mark.parametrize("command_name", ["serve", "demo", "migrate", "doctor"])
def test_a_database_that_cannot_be_used_is_told_in_our_words(
    cli: Cli, tmp_path: Path, command_name: str
) -> None:
    (tmp_path / "dataops.db").write_bytes(bytes(range(256)) * 64)

    result = cli.run(command_name, "--data", str(tmp_path))

    assert result.exit_code == 1
    assert f"{tmp_path}/dataops.db cannot be used: file is not a database" in result.stderr
    assert "Next: " in result.stderr


@pytest.mark.parametrize("command_name", ["serve", "demo", "migrate", "doctor"])
def test_a_database_of_a_newer_version_is_left_to_that_version(
    cli: Cli, tmp_path: Path, command_name: str
) -> None:
    cli.run("migrate", "--data", str(tmp_path))
    with closing(sqlite3.connect(tmp_path / "dataops.db")) as connection, connection:
        connection.execute("UPDATE registry_version SET version_num = '0099'")

    result = cli.run(command_name, "--data", str(tmp_path))

    assert result.exit_code == 1
    assert f"{tmp_path}/dataops.db is at revision 0099" in result.stderr
    assert "Start the version that made it" in result.stderr


def test_a_data_folder_that_is_a_file_is_told_in_our_words(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "data").touch()

    result = cli.run("migrate", "--data", str(tmp_path / "data"))

    assert result.exit_code == 1
    assert f"{tmp_path}/data" in result.stderr


def test_the_doctor_shows_no_password(cli: Cli, tmp_path: Path) -> None:
    url = "postgresql+psycopg://me:hunter2@127.0.0.1:1/dataops"

    result = cli.run("doctor", "--data", str(tmp_path), "--json", DATAOPS_DATABASE_URL=url)

    assert result.exit_code == 1
    assert not json.loads(result.stdout)["ok"]
    assert "hunter2" not in result.output


def test_the_doctor_misses_the_tokens_of_a_real_glean(cli: Cli, tmp_path: Path) -> None:
    result = cli.run("doctor", "--data", str(tmp_path), DATAOPS_GLEAN_URL="https://glean.example")

    assert result.exit_code == 1
    assert "GLEAN_INDEXING_TOKEN" in result.stderr


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("DATAOPS_GREACE_PERIOD", "1h", "is DATAOPS_GRACE_PERIOD meant?"),
        ("DATAOPS_HOST", "0.0.0.0", "can be reached from elsewhere"),  # noqa: S104 - as above
        ("DATAOPS_HOST", "nobody.invalid", "no address of this machine"),
        ("DATAOPS_AUTH_TOKENS", "secret://file/nowhere", "'nowhere' cannot be read"),
        ("DATAOPS_AUTH_ORDER_KEY", "secret://env/NOT_SET", "'NOT_SET' holds no secret"),
        ("DATAOPS_ARCHIVE", "folder:/dev/null/archive", "/dev/null cannot be written to"),
        ("DATAOPS_SOURCE", "folder:/dev/null", "/dev/null is no folder we can read"),
        ("DATAOPS_MASKING_KEY", "secret://env/NOT_SET", "'NOT_SET' holds no secret"),
    ],
)
def test_the_doctor_finds_what_is_not_in_order(
    cli: Cli, tmp_path: Path, name: str, value: str, told: str
) -> None:
    result = cli.run("doctor", "--data", str(tmp_path), **{name: value})

    assert result.exit_code == 1
    assert told in result.stderr


def test_the_doctor_asks_each_foreign_system_that_is_set(cli: Cli, tmp_path: Path) -> None:
    token = (cli.data / "glean.token").read_text("utf-8").strip()

    result = cli.run(
        *("doctor", "--data", str(tmp_path)),
        COLUMNS="160",
        DATAOPS_GLEAN_URL=f"{cli.url}/glean",
        DATAOPS_MOCK_DATA_URL=f"{cli.url}/mock-data",
        DATAOPS_JOURNEYS_URL=f"{cli.url}/journeys",
        DATAOPS_AGENTS_URL=cli.url,
        GLEAN_INDEXING_TOKEN=f"indexing-{token}",
        GLEAN_CLIENT_TOKEN=f"client-{token}",
    )

    assert result.exit_code == 0, result.stderr
    assert result.stdout.count("lets us in") == 4


def test_the_doctor_finds_a_token_that_glean_does_not_take(cli: Cli, tmp_path: Path) -> None:
    token = (cli.data / "glean.token").read_text("utf-8").strip()

    result = cli.run(
        *("doctor", "--data", str(tmp_path)),
        DATAOPS_GLEAN_URL=f"{cli.url}/glean",
        GLEAN_INDEXING_TOKEN=f"indexing-{token}",
        GLEAN_CLIENT_TOKEN="not-this-one",
    )

    assert result.exit_code == 1
    assert "it does not let us in" in result.stderr
    assert "not-this-one" not in result.output


def test_the_doctor_finds_foreign_systems_that_do_not_answer(cli: Cli, tmp_path: Path) -> None:
    nobody = "http://127.0.0.1:1"

    result = cli.run(
        *("doctor", "--data", str(tmp_path)),
        DATAOPS_GLEAN_URL=nobody,
        DATAOPS_MOCK_DATA_URL=nobody,
        DATAOPS_JOURNEYS_URL=nobody,
        DATAOPS_AGENTS_URL=nobody,
        GLEAN_INDEXING_TOKEN="an-indexing-token",
        GLEAN_CLIENT_TOKEN="a-client-token",
    )

    assert result.exit_code == 1
    assert (
        "Not in order: Glean, mock-data supplier, Journey Orchestration, agents." in result.stderr
    )


@pytest.mark.parametrize("word", ["doctor", "serve", "migrate"])
@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("DATAOPS_PORT", "many", "port: "),
        ("DATAOPS_ARCHIVE", "tape:hunter2", "archive: Write folder:PATH"),
        ("DATAOPS_AUTH_ORDER_KEY", "hunter2", "auth_order_key: Write secret://env/NAME"),
        ("DATAOPS_DATABASE_URL", "mysql://me:hunter2@host/name", "database_url: Write sqlite"),
    ],
)
def test_wrong_settings_are_a_usage_error_that_repeats_no_value(
    cli: Cli, word: str, name: str, value: str, told: str
) -> None:
    result = cli.run(word, **{name: value})

    assert result.exit_code == 2
    assert told in result.stderr
    assert "docs/settings.md" in result.stderr
    assert "hunter2" not in result.output


@pytest.mark.parametrize("text", [b"port = = 1", b"\xff\xfe"], ids=["no TOML", "no text"])
@pytest.mark.parametrize("words", [("doctor",), ("serve",), ("agents", "list")])
def test_a_settings_file_that_cannot_be_read_is_a_usage_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], text: bytes
) -> None:
    (tmp_path / "dataops.toml").write_bytes(text)
    monkeypatch.chdir(tmp_path)

    result = CliRunner().invoke(app, words)

    assert result.exit_code == 2
    assert "dataops.toml cannot be read" in result.stderr


def test_help_is_given_beside_a_settings_file_that_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dataops.toml").write_text("port = = 1")
    monkeypatch.chdir(tmp_path)

    result = CliRunner().invoke(app, ["agents", "list", "--help"])

    assert result.exit_code == 0


@pytest.mark.parametrize(
    ("in_file", "environment", "address"),
    [
        ("", {}, "http://127.0.0.1:8080"),
        ("port = 9", {}, "http://127.0.0.1:9"),
        ('host = "::1"\nport = 9', {}, "http://[::1]:9"),
        ('host = "0.0.0.0"', {"DATAOPS_PORT": "8"}, "http://127.0.0.1:8"),
        ('base_url = "https://dataops.example"\nport = 9', {}, "https://dataops.example"),
    ],
)
def test_clients_of_a_folder_call_where_its_service_listens(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    in_file: str,
    environment: dict[str, str],
    address: str,
) -> None:
    (tmp_path / "dataops.toml").write_text(in_file)
    monkeypatch.chdir(tmp_path)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert usual_url() == address


def test_a_service_that_anybody_could_reach_does_not_start_without_tokens(
    cli: Cli, tmp_path: Path
) -> None:
    result = cli.run("serve", "--host", "0.0.0.0", "--port", "0", "--data", str(tmp_path))  # noqa: S104 - refused, which is the point

    assert result.exit_code == 1
    assert "DATAOPS_AUTH_TOKENS" in result.stderr


def _on_a_terminal(words: list[str], folder: Path, env: dict[str, str]) -> bytes:
    """Run a command on a terminal of its own and give all it wrote."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        words, cwd=folder, env=env, stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        written = b"".join(iter(lambda: _read(ours), b""))
        assert process.wait() == 0
    os.close(ours)
    return written


def _read(terminal: int) -> bytes:
    """Read what there is; a terminal whose other end is closed is an error on Linux."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""
