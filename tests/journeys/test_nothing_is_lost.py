"""Killed in the middle and started again: every dataset ends READY exactly once."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from a2a.client.errors import A2AClientError
from a2a.types import TaskState

from service.cli.talk import Ending, Talk
from tests.journeys.scenes import COORDINATOR
from tests.processes import HeldSupplier
from tests.running import CONFLUENCE, GITHUB, TWO_TYPES

PATIENCE = 60.0

ROOT = Path(__file__).resolve().parents[2]

SERVE = ("-m", "service", "serve", "--port", "0")

_PROGRAM = """
import asyncio
from service.cli.demo import play
from service.settings import Settings
asyncio.run(play(Settings(port=0), as_json=False))
"""

A_DEMO_HELD_UP = ("-c", _PROGRAM)
"""The demo against a supplier of ours: by itself it takes nothing but defaults."""


@asynccontextmanager
async def started(*words: str, data: Path, supplier: str) -> AsyncIterator[Process]:
    """Start Python with these words over a folder; whatever still runs at the end is killed."""
    environment = os.environ | {
        "DATAOPS_DATA": str(data),
        "DATAOPS_MOCK_DATA_URL": supplier,
        "NO_COLOR": "1",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, *words, stdout=PIPE, stderr=PIPE, env=environment, cwd=ROOT
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def address_of(process: Process) -> str:
    """Read the address a service prints first."""
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().strip()


async def ask(url: str) -> Ending:
    """Send the one request, always as the same message, and follow its task to the end."""
    talk = Talk(url)
    try:
        return await talk.call(COORDINATOR, TWO_TYPES, _hear, message_id="the-one-request")
    finally:
        await talk.close()


async def _hear(data: dict[str, Any]) -> None:
    del data


def rows(data: Path, statement: str) -> list[tuple[Any, ...]]:
    """Read the registry's file as it lies there."""
    connection = sqlite3.connect(data / "dataops.db")
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


async def killed_in_the_middle(
    *words: str, data: Path, supplier: tuple[HeldSupplier, str], is_asked: bool
) -> None:
    """Start Python with these words, and kill it when it waits for the supplier's records."""
    held, url = supplier
    async with started(*words, data=data, supplier=url) as process, asyncio.timeout(PATIENCE):
        asking = None
        if is_asked:
            asking = asyncio.create_task(ask(await address_of(process)))
        await held.asked.get()
        process.kill()
        await process.wait()
        if asking is not None:
            with pytest.raises((A2AClientError, httpx.HTTPError)):
                await asking
    held.let_go.set()


async def test_a_service_killed_while_it_provisions_carries_on_when_it_is_started_again(
    tmp_path: Path, supplier: tuple[HeldSupplier, str]
) -> None:
    await killed_in_the_middle(*SERVE, data=tmp_path, supplier=supplier, is_asked=True)
    unfinished = {status for (status,) in rows(tmp_path, "SELECT status FROM datasets")}

    again = started(*SERVE, data=tmp_path, supplier=supplier[1])
    async with again as process, asyncio.timeout(PATIENCE):
        ending = await ask(await address_of(process))

    datasets = {each["connector_name"]: each["status"] for each in ending.data["datasets"]}
    told = Counter(name for (name,) in rows(tmp_path, "SELECT name FROM outbox"))
    assert "ready" not in {str(each).lower() for each in unfinished}
    assert ending.state == TaskState.TASK_STATE_COMPLETED
    assert datasets == {CONFLUENCE: "ready", GITHUB: "ready"}
    assert told == {
        "DatasetProvisionRequested": 1,
        "DatasetProvisioningStarted": 2,
        "DatasetPopulated": 2,
        "DatasetProvisionCompleted": 2,
        "DatasetReady": 2,
    }
    assert len(rows(tmp_path, "SELECT dataset_id FROM datasets")) == 2
    glean = sqlite3.connect(tmp_path / "glean.db")
    assert glean.execute("SELECT count(*) FROM datasource").fetchone() == (2,)
    glean.close()


async def test_a_demo_killed_in_its_first_act_is_carried_on(
    tmp_path: Path, supplier: tuple[HeldSupplier, str]
) -> None:
    await killed_in_the_middle(*A_DEMO_HELD_UP, data=tmp_path, supplier=supplier, is_asked=False)

    again = started(
        "-m", "service", "demo", "--data", str(tmp_path), data=tmp_path, supplier=supplier[1]
    )
    async with again as process, asyncio.timeout(PATIENCE):
        out, err = await process.communicate()

    assert process.returncode == 0, err.decode()
    assert "All went as it should" in out.decode()
