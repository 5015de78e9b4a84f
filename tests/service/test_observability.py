"""Logs are events with fields on stderr, ours and those of libraries."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import httpx
import pytest
import structlog

from service.observability import set_up_logs
from service.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.usefixtures("logs")
def test_a_log_line_for_machines_is_one_json_object(capfd: pytest.CaptureFixture[str]) -> None:
    set_up_logs(Settings(log_format="json"))

    structlog.get_logger().info("dataset.ready", dataset_id="d-1")

    out, err = capfd.readouterr()
    line = json.loads(err)
    assert out == ""
    assert (line["event"], line["dataset_id"], line["level"]) == ("dataset.ready", "d-1", "info")


@pytest.mark.usefixtures("logs")
def test_a_log_line_for_people_has_no_escapes_in_a_pipe(capfd: pytest.CaptureFixture[str]) -> None:
    set_up_logs(Settings())

    structlog.get_logger().info("dataset.ready", dataset_id="d-1")

    err = capfd.readouterr().err
    assert "dataset.ready" in err
    assert "\x1b" not in err


@pytest.mark.usefixtures("logs")
def test_what_is_below_the_level_is_not_logged(capfd: pytest.CaptureFixture[str]) -> None:
    set_up_logs(Settings(log_level="warning"))

    structlog.get_logger().info("dataset.ready")

    assert capfd.readouterr().err == ""


@pytest.mark.usefixtures("logs")
def test_a_librarys_line_comes_out_as_ours_do(capfd: pytest.CaptureFixture[str]) -> None:
    set_up_logs(Settings(log_format="json"))

    logging.getLogger("a2a.server").warning("Version mismatch: %s", "0.3")

    line = json.loads(capfd.readouterr().err)
    assert (line["event"], line["level"]) == ("Version mismatch: 0.3", "warning")
    assert line["logger"] == "a2a.server"
    assert line["timestamp"]


@pytest.mark.usefixtures("logs")
def test_a_librarys_exception_stays_on_its_line(capfd: pytest.CaptureFixture[str]) -> None:
    set_up_logs(Settings(log_format="json"))

    broken = KeyError("thing")
    logging.getLogger("a2a.server").error("Unknown error occurred", exc_info=broken)

    (line,) = capfd.readouterr().err.splitlines()
    assert "KeyError: 'thing'" in json.loads(line)["exception"]


@pytest.mark.usefixtures("logs")
def test_what_libraries_tell_below_a_warning_is_not_written(
    capfd: pytest.CaptureFixture[str],
) -> None:
    set_up_logs(Settings(log_level="DEBUG"))

    logging.getLogger("a2a.server").info("Request body: %s", {"token": "secret"})
    structlog.get_logger().debug("dataset.ready")

    err = capfd.readouterr().err
    assert "secret" not in err
    assert "dataset.ready" in err


@pytest.mark.usefixtures("logs")
def test_setting_logs_up_again_writes_no_line_twice(capfd: pytest.CaptureFixture[str]) -> None:
    set_up_logs(Settings())
    set_up_logs(Settings())

    logging.getLogger("a2a.server").warning("Version mismatch")

    assert capfd.readouterr().err.count("Version mismatch") == 1


@pytest.mark.usefixtures("logs")
def test_what_a_caller_sent_steers_no_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    set_up_logs(Settings())

    logging.getLogger("a2a.server").warning("Unknown method %s", "\x1b[2Jx\n2026 [error] y")

    err = capfd.readouterr().err
    assert err.count("\n") == 1
    assert "\\x1b[2Jx\\n2026 [error] y" in err


async def test_a_served_process_writes_one_format_alone(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "service", "serve", "--port", "0", "--data", str(tmp_path)]
    environment = {**os.environ, "DATAOPS_LOG_FORMAT": "json"}
    process = await asyncio.create_subprocess_exec(
        *command, stdout=PIPE, stderr=PIPE, cwd=ROOT, env=environment
    )
    assert process.stdout is not None
    async with asyncio.timeout(60):
        url = (await process.stdout.readline()).decode().strip()
        async with httpx.AsyncClient() as http:
            body = {"jsonrpc": "2.0", "id": 1, "method": "Dance"}
            await http.post(f"{url}/agents/lifecycle-coordinator", json=body)
        await _say_nonsense(httpx.URL(url))
        process.terminate()
        _, err = await process.communicate()

    lines = [json.loads(each) for each in err.decode().splitlines()]
    loggers = {each.get("logger") for each in lines}
    assert {"a2a.server.routes.jsonrpc_dispatcher", "uvicorn.error"} <= loggers


@pytest.mark.parametrize(("given", "found"), [(None, "False"), ("true", "True")])
def test_the_a2a_library_traces_only_where_somebody_wants_it(given: str | None, found: str) -> None:
    wish = "OTEL_INSTRUMENTATION_A2A_SDK_ENABLED"
    environment = {name: value for name, value in os.environ.items() if name != wish}
    asked = "import service.app; from a2a.utils import telemetry; print(telemetry.otel_enabled)"

    told = subprocess.run(
        [sys.executable, "-c", asked],
        cwd=ROOT,
        env=environment | ({wish: given} if given else {}),
        capture_output=True,
        check=True,
        encoding="utf-8",
    )

    assert told.stdout.strip() == found


async def _say_nonsense(url: httpx.URL) -> None:
    """Send what is no HTTP, of which the server tells in its log, and hear it out."""
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(b"nonsense\r\n\r\n")
    await reader.read()
    writer.close()
