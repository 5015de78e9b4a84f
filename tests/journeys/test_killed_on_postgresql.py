"""Killed on PostgreSQL with much in flight: another process finishes it all, whichever engine."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psycopg
import pytest
from a2a.client.errors import A2AClientError
from a2a.types import TaskState
from sqlalchemy import make_url
from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateways.local import mock_data
from service.cli.talk import Ending, Talk
from tests.journeys.scenes import COORDINATOR, at_a_socket
from tests.postgres import a_fresh_database
from tests.running import ACME

PATIENCE = 60.0
TYPES = ("github", "jira", "slack", "gdrive", "sharepoint", "salesforce")
MANY = {"skill": "provision-datasets", **ACME, "dataset_types": list(TYPES)}
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Supplier:
    """The supplier: it counts what it is asked to make, and holds whoever asks until let go."""

    asked: Counter[bytes] = field(default_factory=Counter)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)

    def app(self) -> Starlette:
        """Give the application."""
        app = mock_data.create_app()
        app.add_middleware(self._layer)
        return app

    def _layer(self, app: ASGIApp) -> ASGIApp:
        async def held(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["path"] != "/generate-mock-data":
                return await app(scope, receive, send)
            body = await _body(receive)
            await self._hold(body)
            kept: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

            async def again() -> Message:
                return kept.pop() if kept else await receive()

            return await app(scope, again, send)

        return held

    async def _hold(self, body: bytes) -> None:
        async with self.changed:
            self.asked[body] += 1
            self.changed.notify_all()
        await self.let_go.wait()

    async def until_all_wait(self) -> None:
        """Wait until every dataset waits for its records."""
        async with asyncio.timeout(PATIENCE), self.changed:
            await self.changed.wait_for(lambda: len(self.asked) == len(TYPES))


@pytest.fixture
async def supplier() -> AsyncIterator[tuple[Supplier, str]]:
    held = Supplier()
    async with at_a_socket(held.app()) as url:
        yield held, url
        held.let_go.set()


async def _body(receive: Receive) -> bytes:
    parts, is_more = [], True
    while is_more:
        message = await receive()
        parts.append(message.get("body", b""))
        is_more = message.get("more_body", False)
    return b"".join(parts)


@asynccontextmanager
async def served(environment: dict[str, str]) -> AsyncIterator[tuple[Process, str]]:
    """Serve in a process of its own; whatever still runs at the end is killed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "service", "serve", "--port", "0"),
        stdout=PIPE,
        stderr=PIPE,
        env=os.environ | environment,
        cwd=ROOT,
    )
    try:
        assert process.stdout is not None
        yield process, (await process.stdout.readline()).decode().strip()
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def ask(url: str) -> Ending:
    """Send the one request, always as the same message, and follow its task to the end."""
    talk = Talk(url)
    try:
        return await talk.call(COORDINATOR, MANY, _hear, message_id="the-one-request")
    finally:
        await talk.close()


async def _hear(data: object) -> None:
    del data


def rows(database: str, statement: str) -> list[tuple[str, ...]]:
    """Read the registry as it is."""
    address = make_url(database).set(drivername="postgresql")
    with psycopg.connect(address.render_as_string(hide_password=False)) as connection:
        return connection.execute(statement.encode()).fetchall()


@pytest.mark.parametrize("engine", ["builtin", "dbos"])
async def test_what_a_killed_process_had_in_flight_is_finished_by_another(
    tmp_path: Path, supplier: tuple[Supplier, str], engine: str
) -> None:
    held, url = supplier
    database = a_fresh_database()
    environment = {
        "DATAOPS_ENGINE": engine,
        "DATAOPS_DATABASE_URL": database,
        "DATAOPS_DATA": str(tmp_path),
        "DATAOPS_MOCK_DATA_URL": url,
    }
    async with served(environment) as (process, address):
        asking = asyncio.create_task(ask(address))
        await held.until_all_wait()
        process.kill()
        await process.wait()
        with pytest.raises((A2AClientError, httpx.HTTPError)):
            await asking
    held.let_go.set()

    async with served(environment) as (_, address), asyncio.timeout(PATIENCE):
        ending = await ask(address)

    statuses = [each["status"] for each in ending.data["datasets"]]
    told = Counter(name for (name,) in rows(database, "SELECT name FROM outbox"))
    assert ending.state == TaskState.TASK_STATE_COMPLETED
    assert statuses == ["ready"] * len(TYPES)
    assert told["DatasetReady"] == told["DatasetProvisionCompleted"] == len(TYPES)
    assert told["DatasetProvisioningStarted"] == len(TYPES)
    assert set(held.asked.values()) == {3}  # by the killed one, to fill, and to validate
