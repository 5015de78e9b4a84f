"""What the journeys are told with: datasets as the registry has them, time that moves, events."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import uvicorn
from starlette.applications import Starlette

from domain.dataset import Dataset
from domain.events import RecordedEvent
from domain.lifecycle import DatasetStatus
from gateways.local.glean import Faults
from protocol.auth import ANONYMOUS
from protocol.transport import StreamingTransport
from registry.orphans import SqlOrphanBook
from service.app import build_app
from service.pages import pages
from tests.running import ACME, BASE, PATIENCE_SECONDS, RunningService, running
from tests.service.cli.commanding import Cli

ONE = {
    "skill": "provision-datasets",
    "journey_id": "journey-acme-2026",
    "client_id": "acme-healthcare",
    "stage": "sandbox",
    "dataset_types": ["github"],
}
"""A request for one dataset of a hundred records."""

TENANT = ANONYMOUS.tenant

COORDINATOR = "lifecycle-coordinator"
VALIDATION = "data-validation"
TEARDOWN = "data-teardown"

SEED_EVENTS = (
    "DatasetProvisionRequested",
    "DatasetProvisioningStarted",
    "DatasetProvisionCompleted",
    "DatasetValidationFailed",
    "DatasetReady",
    "DatasetTeardownStarted",
    "DatasetArchived",
)
"""The events Journey Orchestration consumes, in the order in which a dataset's life may show them."""


async def dataset_of(running: RunningService, ref: str) -> Dataset:
    """Read a dataset by id, or the newest by its connector's name."""
    registry = running.service.registry
    return await registry.dataset(TENANT, await registry.dataset_id_of(TENANT, ref))


async def until(running: RunningService, ref: str, holds: Callable[[Dataset], object]) -> Dataset:
    """Wait until something holds of a dataset; the bell says when to look again."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            wait = running.service.bell.handle()
            dataset = await dataset_of(running, ref)
            if holds(dataset):
                return dataset
            running.service.engine.ring(dataset.place.dataset_id)
            await wait(0.2)


async def until_status(running: RunningService, ref: str, status: DatasetStatus) -> Dataset:
    """Wait until a dataset has a status."""
    return await until(running, ref, lambda dataset: dataset.status is status)


async def until_asked(running: RunningService, skill: str) -> None:
    """Wait until somebody's request for a skill was taken in and is under way."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            wait = running.service.bell.handle()
            under_way = await running.service.registry.unsettled_requests(100)
            if skill in {each.skill for each in under_way}:
                return
            await wait(0.05)


def is_probed(dataset: Dataset, running: RunningService) -> bool:
    """Whether a dataset's connector has been probed since the clock was moved."""
    following = dataset.health.next_probe_at
    return following is not None and following > running.clock()


async def events_of(running: RunningService, ref: str | None = None) -> list[RecordedEvent]:
    """Read every event, or those of one dataset, in order."""
    registry = running.service.registry
    wanted = None if ref is None else await registry.dataset_id_of(TENANT, ref)
    return list(await registry.events(TENANT, 0, 1000, dataset_id=wanted))


async def names_of(running: RunningService, ref: str | None = None) -> list[str]:
    """Name every event, or those of one dataset, in order."""
    return [each.name for each in await events_of(running, ref)]


async def teardown(running: RunningService, ref: str, *, force: bool = False) -> None:
    """Ask for a dataset's end and follow the task."""
    given = {"skill": "teardown-dataset", "dataset_id": ref, "force": force}
    await running.call(TEARDOWN, given)


async def complete_journey(running: RunningService) -> None:
    """End the journey at Journey Orchestration, which tells nobody."""
    done = await running.http.post(f"/journeys/journeys/{ACME['journey_id']}/complete")
    assert done.is_success, done.text


def pass_to(running: RunningService, hour: int, minute: int) -> datetime:
    """Move the clock just past the next time it is so late, in UTC; gives that."""
    now = running.clock()
    then = now.replace(hour=hour, minute=minute, second=1)
    then += timedelta(days=then <= now)
    running.clock.advance(then - now)
    return then.replace(second=0, microsecond=0)


async def suspected(running: RunningService) -> set[UUID]:
    """Wait until a scan suspects somebody."""
    book = SqlOrphanBook(running.service.database)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            wait = running.service.bell.handle()
            fleet = await book.fleet(TENANT, only_doubtful=True)
            if found := {each.dataset_id for each in fleet.candidates if each.suspected_at}:
                return found
            await wait(0.05)


def glean_faults(running: RunningService) -> Faults:
    """Give what is planned to go wrong at the local Glean."""
    assert running.service.stand_ins.glean is not None
    faults: Faults = running.service.stand_ins.glean.state.faults
    return faults


async def probe_once(running: RunningService, ref: str) -> Dataset:
    """Let the time of the next probe come, and wait until it has been made."""
    before = (await dataset_of(running, ref)).health.next_probe_at
    running.clock.advance(timedelta(seconds=61))
    return await until(running, ref, lambda each: each.health.next_probe_at != before)


async def indexing(running: RunningService, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Call the local Glean's Indexing API as its administrator does."""
    headers = {"Authorization": f"Bearer {running.service.stand_ins.indexing_token}"}
    answer = await running.http.post(f"/glean/api/index/v1{path}", json=body, headers=headers)
    assert answer.is_success, answer.text
    found: dict[str, Any] = answer.json() if answer.content else {}
    return found


async def documents_in(running: RunningService, datasource: str) -> int:
    """Count the documents a datasource of the local Glean has indexed."""
    status = await indexing(running, f"/debug/{datasource}/status", {})
    counts = status["documents"]["counts"]["indexed"]
    return sum(int(each["count"]) for each in counts)


def at_the_api(running: RunningService) -> httpx.AsyncClient:
    """Give a client of a service's pages and API, which the service of the tests has not."""
    return httpx.AsyncClient(transport=StreamingTransport(whole(running)), base_url=BASE)


def whole(running: RunningService) -> Starlette:
    """Give all that a service serves, its pages and API as well."""
    return build_app(running.service, pages(running.service))


@asynccontextmanager
async def at_all_doors(data: Path, **settings: Any) -> AsyncIterator[tuple[RunningService, Cli]]:
    """Run the whole service on a free port, for the doors of callers outside of it."""
    listener = socket.create_server(("127.0.0.1", 0))
    async with (
        running(data, base=_address_of(listener), **settings) as office,
        at_a_socket(whole(office), listener) as url,
    ):
        yield office, Cli(url, data)


@asynccontextmanager
async def at_a_socket(app: Starlette, at: socket.socket | None = None) -> AsyncIterator[str]:
    """Serve an application on a free port, or on one that is listened to already; gives its address."""
    listener = at or socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield _address_of(listener)
    finally:
        server.should_exit = True
        await serving
        listener.close()


def _address_of(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"
