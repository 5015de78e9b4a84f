"""The whole service in one process, as callers of the tests reach it: over A2A, without a socket."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
from a2a.client import ClientConfig, ClientFactory
from a2a.types import (
    CancelTaskRequest,
    GetTaskRequest,
    ListTasksRequest,
    Message,
    Part,
    Role,
    SendMessageRequest,
    StreamResponse,
    SubscribeToTaskRequest,
    Task,
    TaskState,
    TaskStatus,
)
from google.protobuf.json_format import MessageToDict
from sqlalchemy import insert

from domain.work import AgentName
from protocol.codec import data_part
from protocol.transport import StreamingTransport
from registry.history import ticks
from registry.migrations import database_file
from service.app import build_app
from service.assembly import assembled
from service.settings import Settings
from service.whole import Service
from tests.clocks import SteppedClock
from tests.registry.databases import migrated_file

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping
    from pathlib import Path

    from a2a.client import Client
    from starlette.applications import Starlette

    from gateways.local.glean.faults import Faults

BASE = "http://service.test"
PATIENCE_SECONDS = 30.0

ACME = {
    "journey_id": "journey-acme-2026",
    "client_id": "acme-healthcare",
    "stage": "sandbox",
}

TWO_TYPES = {"skill": "provision-datasets", **ACME, "dataset_types": ["confluence", "github"]}
SMALL = {
    "skill": "provision-datasets",
    **ACME,
    "dataset_types": ["jira"],
    "record_count": 10,
}
"""The smallest request there is: one dataset of few records."""

JIRA = "ACME-sandbox-jira"
CONFLUENCE = "ACME-sandbox-confluence"
GITHUB = "ACME-sandbox-github"


@dataclass(slots=True)
class Heard:
    """All that was heard of one task, in order, and what it came to."""

    task_id: str = ""
    context_id: str = ""
    states: list[str] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """The last state, such as `COMPLETED`."""
        return self.states[-1]

    @property
    def sentence(self) -> str:
        """The last sentence told."""
        return self.sentences[-1] if self.sentences else ""

    @property
    def dataset(self) -> dict[str, Any]:
        """The only dataset of a result."""
        (only,) = self.data["datasets"]
        return dict(only)

    def take(self, response: StreamResponse) -> None:
        """Take one more answer in."""
        kind = response.WhichOneof("payload")
        if kind == "task":
            self._take_task(response.task)
        elif kind == "artifact_update":
            self._take_parts(response.artifact_update.artifact.parts)
        elif kind == "status_update":
            self._take_status(response.status_update.status)

    def _take_task(self, task: Task) -> None:
        self.task_id, self.context_id = task.id, task.context_id
        for artifact in task.artifacts:
            self._take_parts(artifact.parts)
        self._take_status(task.status)

    def _take_status(self, status: TaskStatus) -> None:
        self.states.append(TaskState.Name(status.state).removeprefix("TASK_STATE_"))
        self._take_parts(status.message.parts)

    def _take_parts(self, parts: Iterable[Part]) -> None:
        for part in parts:
            if part.text:
                self.sentences.append(part.text)
            if part.WhichOneof("content") == "data":
                self.data = MessageToDict(part.data)


@dataclass(slots=True)
class Line:
    """A caller's line to the agents, under one token or none."""

    http: httpx.AsyncClient
    clients: dict[str, Client]

    async def call(
        self, agent: str, given: Mapping[str, Any], message_id: str | None = None
    ) -> Heard:
        """Send one skill call and follow its task to the end."""
        return await self.say(agent, [data_part(given)], message_id=message_id)

    async def say(
        self,
        agent: str,
        parts: list[Part],
        *,
        message_id: str | None = None,
        task_id: str | None = None,
    ) -> Heard:
        """Send any parts, as a follow-up where a task is named, and follow the task."""
        heard = Heard(task_id=task_id or "")
        async for response in self.stream(agent, parts, message_id=message_id, task_id=task_id):
            heard.take(response)
        return heard

    async def stream(
        self,
        agent: str,
        parts: list[Part],
        *,
        message_id: str | None = None,
        task_id: str | None = None,
    ) -> AsyncIterator[StreamResponse]:
        """Send parts and give the answers one by one."""
        message = Message(
            message_id=message_id or str(uuid4()),
            role=Role.ROLE_USER,
            parts=parts,
            task_id=task_id or "",
        )
        async with asyncio.timeout(PATIENCE_SECONDS):
            async for each in self.clients[agent].send_message(SendMessageRequest(message=message)):
                yield each

    async def begin(
        self, agent: str, given: Mapping[str, Any], message_id: str | None = None
    ) -> Task:
        """Send one skill call and come back with its task at once."""
        message = Message(
            message_id=message_id or str(uuid4()), role=Role.ROLE_USER, parts=[data_part(given)]
        )
        sent = SendMessageRequest(message=message)
        body = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "SendMessage",
            "params": {**MessageToDict(sent), "configuration": {"returnImmediately": True}},
        }
        answer = await self.rpc(agent, body)
        return await self.task(agent, answer["result"]["task"]["id"])

    async def rpc(self, agent: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Post a JSON-RPC body and give the answer."""
        answer = await self.http.post(f"/agents/{agent}", json=body, headers={"A2A-Version": "1.0"})
        return dict(answer.json())

    async def task(self, agent: str, task_id: str) -> Task:
        """Read a task."""
        return await self.clients[agent].get_task(GetTaskRequest(id=task_id))

    async def tasks(self, agent: str) -> list[Task]:
        """List an agent's tasks, as far as this caller may see them."""
        return list((await self.clients[agent].list_tasks(ListTasksRequest())).tasks)

    async def cancel(self, agent: str, task_id: str) -> Task:
        """Call a task off."""
        return await self.clients[agent].cancel_task(CancelTaskRequest(id=task_id))

    async def follow(self, agent: str, task_id: str) -> Heard:
        """Subscribe to a task and follow it to the end."""
        heard = Heard()
        async with asyncio.timeout(PATIENCE_SECONDS):
            stream = self.clients[agent].subscribe(SubscribeToTaskRequest(id=task_id))
            async for response in stream:
                heard.take(response)
        return heard


@dataclass(slots=True)
class RunningService:
    """A service that runs, its clock, and a line to it for whoever has no token."""

    service: Service
    app: Starlette
    clock: SteppedClock
    line: Line
    _stack: AsyncExitStack

    @property
    def http(self) -> httpx.AsyncClient:
        """The HTTP client of the line without a token; its base is the service."""
        return self.line.http

    @property
    def glean_faults(self) -> Faults:
        """What goes wrong at the local Glean next."""
        assert self.service.stand_ins.glean is not None
        faults: Faults = self.service.stand_ins.glean.state.faults
        return faults

    async def call(
        self, agent: str, given: Mapping[str, Any], message_id: str | None = None
    ) -> Heard:
        """Send one skill call without a token and follow its task to the end."""
        return await self.line.call(agent, given, message_id)

    async def line_of(self, token: str | None) -> Line:
        """Open a line under a token."""
        return await self._stack.enter_async_context(_line(self.app, self.service, token))

    async def status_of(self, dataset: str) -> str:
        """Tell a dataset's status as its agent tells it."""
        given = {"skill": "dataset-status", "dataset_id": dataset}
        return str((await self.call("lifecycle-coordinator", given)).dataset["status"])

    async def settled(self, dataset: str, status: str) -> dict[str, Any]:
        """Wait until a dataset has a status, woken by the service's own bell."""
        given = {"skill": "dataset-status", "dataset_id": dataset}
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                wait = self.service.bell.handle()
                shown = (await self.call("lifecycle-coordinator", given)).dataset
                if shown["status"] == status:
                    return shown
                await wait(0.5)


@asynccontextmanager
async def running(
    data: Path, *, base: str = BASE, **settings: Any
) -> AsyncIterator[RunningService]:
    """Run the whole service over a folder, with these settings beside the defaults.

    `base` begins every address it tells: its own, for those who reach it by a socket.

    A folder without a database is given one of a service that ran until now: migrated, with nothing
    to be made up for. Both are most of a start, and what other tests are about. What schedules make
    up for elsewhere is done when the service is given, so that no test is met by it halfway.
    """
    clock = SteppedClock()
    set_up = Settings(data=data, **settings)
    is_new = _lay_database(set_up)
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(assembled(set_up, base, clock))
        if is_new:
            await _take_ticks(service)
        app = build_app(service, [])
        await stack.enter_async_context(app.router.lifespan_context(app))
        async with asyncio.timeout(PATIENCE_SECONDS):
            await service.schedules.caught_up()
        line = await stack.enter_async_context(_line(app, service, None))
        yield RunningService(service, app, clock, line, stack)


def _lay_database(settings: Settings) -> bool:
    """Give a folder a migrated database, if it has none and wants a file; tells whether it did."""
    file = database_file(settings.database)
    if file is None or file.exists():
        return False
    file.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(migrated_file(), file)
    return True


async def _take_ticks(service: Service) -> None:
    """Note that all was done that the schedules have asked for so far."""
    taken = [
        {"name": name, "tick": tick, "owner": "before"}
        for name, tick in service.schedules.due_last().items()
    ]
    async with service.database.engine.begin() as connection:
        await connection.execute(insert(ticks), taken)


def tokens_file(folder: Path, **subjects: str) -> str:
    """Write who may call, `token="tenant subject"`, and give the reference to the file."""
    lines = [
        f"{hashlib.sha256(token.encode()).hexdigest()} {who}" for token, who in subjects.items()
    ]
    path = folder / "tokens"
    path.write_text("\n".join(lines))
    return f"secret://file/{path}"


@asynccontextmanager
async def _line(app: Starlette, service: Service, token: str | None) -> AsyncIterator[Line]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx.AsyncClient(
        transport=StreamingTransport(app), base_url=BASE, headers=headers, timeout=PATIENCE_SECONDS
    ) as http:
        factory = ClientFactory(
            ClientConfig(httpx_client=http, supported_protocol_bindings=["JSONRPC"])
        )
        yield Line(
            http, {each.value: factory.create(service.cards[each].card) for each in AgentName}
        )
