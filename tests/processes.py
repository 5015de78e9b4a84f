"""Real processes of the service over one database: started, killed, stopped and resumed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import ssl
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
from a2a.types import (
    CancelTaskRequest,
    GetTaskRequest,
    ListTasksRequest,
    Message,
    Role,
    SendMessageRequest,
    SubscribeToTaskRequest,
)
from starlette.requests import ClientDisconnect

from gateways.local import mock_data
from protocol.codec import data_part
from service.cli.talk import Ending, Talk
from tests.warm import commanded, first_line

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from starlette.applications import Starlette
    from starlette.types import ASGIApp, Receive, Scope, Send

    from tests.warm import Forked

PATIENCE = 60.0
"""Seconds after which a test gives up."""

PACE_SECONDS = 0.25
"""How long whoever asks again and again rests in between."""

COORDINATOR = "lifecycle-coordinator"

_CERTIFICATES = ssl.create_default_context()
"""Read once: every client reads them all, and on the loopback nobody needs them."""


@dataclass
class HeldSupplier:
    """The supplier, which keeps whoever asks for records waiting until it is let go.

    `asked` tells how many have asked for records, and wakes whoever waits for the next.
    """

    asked: asyncio.Queue[None] = field(default_factory=asyncio.Queue)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)

    def app(self) -> Starlette:
        """Give the application."""
        app = mock_data.create_app()
        app.add_middleware(self._layer)
        return app

    def _layer(self, app: ASGIApp) -> ASGIApp:
        async def held(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["path"] == "/generate-mock-data":
                self.asked.put_nowait(None)
                await self.let_go.wait()
            with suppress(ClientDisconnect):  # whoever asked may have been killed
                await app(scope, receive, send)

        return held


class Refused(Exception):
    """A call came back with an error instead of a result; its words are the service's."""


@dataclass
class Reached:
    """A service as callers reach it."""

    url: str

    async def call(
        self, given: Mapping[str, Any], *, agent: str = COORDINATOR, message_id: str | None = None
    ) -> Ending:
        """Send one skill call and follow its task to the end."""
        talk = Talk(self.url)
        try:
            return await talk.call(agent, given, _ignored, message_id=message_id)
        finally:
            await talk.close()

    async def begin(
        self, given: Mapping[str, Any], message_id: str, *, agent: str = COORDINATOR
    ) -> str:
        """Send one skill call and come back with its task's id at once. Raises Refused."""
        result = _result_of(await self.send(given, message_id, agent=agent))
        return str(result["task"]["id"])

    async def send(
        self, given: Mapping[str, Any], message_id: str, *, agent: str = COORDINATOR
    ) -> dict[str, Any]:
        """Send one skill call and come back with the whole answer at once."""
        params = _sending(given, message_id)
        params.configuration.return_immediately = True
        return await self._rpc("SendMessage", params, agent)

    async def wait_for(
        self, given: Mapping[str, Any], message_id: str, *, task_id: str = ""
    ) -> dict[str, Any]:
        """Send one skill call, or more for a task, and come back with what the task comes to.

        Raises Refused.
        """
        params = _sending(given, message_id, task_id)
        return dict(_result_of(await self._rpc("SendMessage", params))["task"])

    async def task(self, task_id: str, *, agent: str = COORDINATOR) -> dict[str, Any]:
        """Read a task. Raises Refused."""
        return _result_of(await self._rpc("GetTask", GetTaskRequest(id=task_id), agent))

    async def tasks(self) -> list[dict[str, Any]]:
        """List the tasks. Raises Refused."""
        return list(_result_of(await self._rpc("ListTasks", ListTasksRequest()))["tasks"])

    async def listen(self, task_id: str) -> AsyncIterator[dict[str, Any]]:
        """Subscribe to a task; gives what is told of it, one by one, to its end."""
        asked = _asked("SubscribeToTask", SubscribeToTaskRequest(id=task_id))
        async with self._http() as http, http.stream("POST", **asked) as stream:
            async for each in _data_of(stream):
                yield each["result"]

    async def cancel(self, task_id: str) -> dict[str, Any]:
        """Call a task off; gives the whole answer."""
        return await self._rpc("CancelTask", CancelTaskRequest(id=task_id))

    async def datasets(self) -> list[dict[str, Any]]:
        """List all datasets as the API tells them."""
        found: list[dict[str, Any]] = []
        async with self._http() as http:
            url = "/api/v1/datasets?page_size=100"
            while url:
                page = (await http.get(url)).raise_for_status().json()
                found += page["datasets"]
                token = page.get("next_page_token")
                url = f"/api/v1/datasets?page_size=100&page_token={token}" if token else ""
        return found

    async def events(self) -> list[dict[str, Any]]:
        """Read every event there was, in order."""
        found: list[dict[str, Any]] = []
        async with self._http() as http:
            while True:
                after = int(found[-1]["sequence"]) if found else 0
                page = await http.get("/api/v1/events", params={"after": after})
                fresh = page.raise_for_status().json()["events"]
                if not fresh:
                    return found
                found += fresh

    async def until(self, name: str, times: int = 1) -> list[dict[str, Any]]:
        """Listen until so many events of a name were told since the first; gives all that was."""
        heard: list[dict[str, Any]] = []
        async with asyncio.timeout(PATIENCE):
            while True:
                with suppress(httpx.HTTPError):  # its database, or the stream, may be cut off
                    async for event in self._told(int(heard[-1]["sequence"]) if heard else 0):
                        heard.append(event)
                        times -= name_of(event) == name
                        if times <= 0:
                            return heard
                await asyncio.sleep(PACE_SECONDS)

    async def _told(self, after: int) -> AsyncIterator[dict[str, Any]]:
        async with (
            self._http() as http,
            http.stream("GET", "/events", params={"after": after}) as stream,
        ):
            async for each in _data_of(stream):
                yield each

    async def get(self, path: str) -> httpx.Response:
        """Ask for a path."""
        async with self._http() as http:
            return await http.get(path)

    def _http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=self.url, timeout=PATIENCE, trust_env=False, verify=_CERTIFICATES
        )

    async def _rpc(self, method: str, params: Any, agent: str = COORDINATOR) -> dict[str, Any]:
        async with self._http() as http:
            answer = await http.post(**_asked(method, params, agent))
        return dict(answer.raise_for_status().json())


@dataclass
class Running(Reached):
    """One process of the service."""

    process: Forked

    def kill(self) -> None:
        """End it at whatever instruction it is."""
        self.process.kill()

    def stop(self) -> None:
        """Keep it from running on, as a machine does that swaps or freezes."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it run on as if nothing had been."""
        self.process.send_signal(signal.SIGCONT)

    async def end(self) -> int:
        """Ask it to end; gives its exit status."""
        self.process.terminate()
        return await self.process.wait()


@dataclass
class Cluster:
    """Processes over one database and one folder, in which the stand-ins live."""

    folder: Path
    database: str
    settings: dict[str, str]
    stack: AsyncExitStack

    async def start(self, *words: str, **settings: str) -> Running:
        """Start a process with more settings than the others', and wait until it is ready."""
        running = await self.stack.enter_async_context(_started(self._environment(settings), words))
        async with asyncio.timeout(PATIENCE):
            await running.get("/readyz")
        return running

    def _environment(self, settings: Mapping[str, str]) -> dict[str, str]:
        given = {
            "data": str(self.folder),
            "database_url": self.database,
            "log_format": "json",
            **self.settings,
            **settings,
        }
        return dict(os.environ) | {
            f"DATAOPS_{name.upper()}": value for name, value in given.items()
        }


@asynccontextmanager
async def cluster(folder: Path, database: str, **settings: str) -> AsyncIterator[Cluster]:
    """Give an empty cluster; whatever still runs at the end is killed."""
    async with AsyncExitStack() as stack:
        yield Cluster(folder, database, settings, stack)


@asynccontextmanager
async def _started(environment: dict[str, str], words: tuple[str, ...]) -> AsyncIterator[Running]:
    process, told = commanded(["serve", "--port", "0", *words], environment)
    try:
        async with asyncio.timeout(PATIENCE):
            url = await asyncio.to_thread(first_line, told)
        assert url, "The process ended before it told its address."
        yield Running(url, process)
    finally:
        process.send_signal(signal.SIGCONT)
        process.kill()
        await process.wait()


def _sending(given: Mapping[str, Any], message_id: str, task_id: str = "") -> SendMessageRequest:
    message = Message(message_id=message_id, role=Role.ROLE_USER, parts=[data_part(given)])
    message.task_id = task_id
    return SendMessageRequest(message=message)


def _asked(method: str, params: Any, agent: str = COORDINATOR) -> dict[str, Any]:
    """Give a call of an agent as it is posted."""
    from google.protobuf.json_format import MessageToDict  # noqa: PLC0415 - only here

    return {
        "url": f"/agents/{agent}",
        "json": {"jsonrpc": "2.0", "id": 1, "method": method, "params": MessageToDict(params)},
        "headers": {"A2A-Version": "1.0"},
    }


def _result_of(answer: Mapping[str, Any]) -> dict[str, Any]:
    if "error" in answer:
        raise Refused(answer["error"]["message"])
    return dict(answer["result"])


async def _data_of(stream: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    """Give what a stream of server-sent events tells, one by one."""
    async for line in stream.raise_for_status().aiter_lines():
        if line.startswith("data:"):
            yield json.loads(line.removeprefix("data:"))


def name_of(event: Mapping[str, Any]) -> str:
    """Give the short name of an event as it is published."""
    kind: str = event["type"]
    return kind.removeprefix("io.dataops.lifecycle.").removesuffix(".v1")


async def _ignored(data: dict[str, Any]) -> None:
    del data
