"""Processes are killed and frozen and the database restarts, and every dataset ends READY once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from registry.migrations import upgrade
from tests.postgres import PostgresServer
from tests.processes import Cluster, cluster
from tests.reading import LONGEST_READ, Reader
from tests.storm import Client, Storm
from tests.verdict import faults_after

pytestmark = pytest.mark.timeout(300)

TYPES = ("jira", "slack", "sharepoint")
CLIENTS = 6

FILLED = "DatasetPopulated"
"""What is told of a dataset in the middle of its way."""


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    server = PostgresServer()
    server.start()
    yield server
    server.remove()


@pytest.fixture(params=["builtin", "dbos"])
async def town(
    tmp_path: Path, server: PostgresServer, request: pytest.FixtureRequest
) -> AsyncIterator[Cluster]:
    url = server.url("postgres").render_as_string(hide_password=False)
    await asyncio.to_thread(upgrade, url)
    async with cluster(tmp_path, url, engine=request.param) as found:
        yield found


async def _driven_from_elsewhere(town: Cluster) -> tuple[str, ...]:
    """Start agents; gives how processes are started that hand them their orders.

    The stand-ins are files, and whoever is frozen in the middle of writing to one keeps the others
    from it, as no foreign system would: so they are the agents' alone.
    """
    town.settings["auth_order_key"] = f"secret://file/{town.folder / 'order-key'}"
    (town.folder / "order-key").write_text("the key of this installation")
    town.settings["agents_url"] = (await town.start("--role", "agents")).url
    return ("--role", "coordinator")


async def _storm(town: Cluster, *words: str) -> Storm:
    processes = [await town.start(*words) for _ in range(2)]
    clients = [Client(number, TYPES, place=number) for number in range(CLIENTS)]
    return Storm(town, processes, clients + [each.rival for each in clients])


async def test_processes_killed_under_load_lose_and_double_nothing(town: Cluster) -> None:
    storm = await _storm(town)
    asking = asyncio.create_task(storm.ask())
    await storm.processes[1].until(FILLED, times=5)
    first = asyncio.create_task(storm.replace(0))
    await storm.processes[1].until(FILLED, times=15)
    is_under_load = not asking.done()
    await storm.replace(1)

    await asking

    await first
    assert is_under_load

    assert await faults_after(storm) == []


async def test_a_database_killed_and_restarted_under_load_loses_and_doubles_nothing(
    town: Cluster, server: PostgresServer
) -> None:
    storm = await _storm(town)
    asking = asyncio.create_task(storm.ask())
    for filled in (5, 15):  # the second comes while all that the first cut off is taken up again
        await storm.processes[0].until(FILLED, times=filled)
        is_under_load = not asking.done()
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)

    await asking

    assert is_under_load

    assert await faults_after(storm) == []


async def test_a_process_frozen_under_load_holds_up_nobody(town: Cluster) -> None:
    storm = await _storm(town, *await _driven_from_elsewhere(town))
    frozen = storm.processes.pop()
    asking = asyncio.create_task(storm.ask())
    (healthy,) = storm.processes
    await healthy.until("DatasetProvisionRequested", times=CLIENTS)
    reader = Reader(healthy)
    for filled in (3, 8, 13):
        await healthy.until(FILLED, times=filled)
        frozen.stop()
        await reader.until_done(asyncio.create_task(healthy.until(FILLED, times=filled + 3)))
        frozen.resume()
    frozen.stop()

    await reader.until_done(asking)

    assert reader.slowest < 2 * LONGEST_READ  # twelve clients keep the healthy one busy besides
    assert await faults_after(storm) == []
    frozen.resume()
