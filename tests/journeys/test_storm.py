"""Processes are killed and frozen and the database restarts, and every dataset ends READY once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from registry.migrations import upgrade
from tests.postgres import PostgresServer
from tests.processes import Cluster, cluster
from tests.storm import Client, Storm, stories

pytestmark = pytest.mark.timeout(300)

TYPES = ("jira", "slack", "sharepoint")

ONCE = (
    "DatasetProvisioningStarted",
    "DatasetPopulated",
    "DatasetProvisionCompleted",
    "DatasetReady",
)


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    server = PostgresServer()
    server.start()
    yield server
    server.remove()


@pytest.fixture
async def town(tmp_path: Path, server: PostgresServer) -> AsyncIterator[Cluster]:
    url = server.url("postgres").render_as_string(hide_password=False)
    await asyncio.to_thread(upgrade, url)
    async with cluster(tmp_path, url) as found:
        yield found


async def _storm(town: Cluster, clients: int) -> Storm:
    processes = [await town.start() for _ in range(2)]
    return Storm(town, processes, [Client(number, TYPES) for number in range(clients)])


async def _require_all_ready_once(storm: Storm) -> None:
    datasets = await storm.processes[0].datasets()
    told = stories(await storm.processes[0].events())
    assert len(datasets) == 3 * len(storm.clients)
    assert {each["status"] for each in datasets} == {"ready"}
    assert {tuple(each[name] for name in ONCE) for each in told.values()} == {(1, 1, 1, 1)}
    assert [each.seen[-1] for each in storm.clients] == ["TASK_STATE_COMPLETED"] * len(
        storm.clients
    )
    assert [each.seen for each in storm.clients if not each.is_monotonic] == []


async def test_processes_killed_under_load_lose_and_double_nothing(town: Cluster) -> None:
    storm = await _storm(town, 20)
    asking = asyncio.create_task(storm.ask())
    for place in (0, 1):
        await asyncio.sleep(0.5)  # a moment like any other
        await storm.replace(place)

    await asking

    await _require_all_ready_once(storm)


async def test_a_database_killed_and_restarted_under_load_loses_and_doubles_nothing(
    town: Cluster, server: PostgresServer
) -> None:
    storm = await _storm(town, 20)
    asking = asyncio.create_task(storm.ask())
    await asyncio.sleep(1.0)  # a moment like any other
    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.start)
    await asyncio.sleep(1.0)  # in the middle of taking up again
    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.start)

    await asking

    await _require_all_ready_once(storm)


async def test_a_process_frozen_under_load_holds_up_nobody(town: Cluster) -> None:
    storm = await _storm(town, 20)
    frozen = storm.processes.pop()
    asking = asyncio.create_task(storm.ask())
    for _ in range(3):
        await asyncio.sleep(0.7)  # a moment like any other
        frozen.stop()
        await asyncio.sleep(0.7)  # shorter than a lease
        frozen.resume()
    frozen.stop()

    await asking

    await _require_all_ready_once(storm)
    frozen.resume()
