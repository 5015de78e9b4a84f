"""Three hundred datasets at once: on each database, in one process and in two, and under fire."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

from bench.setting import Cost
from tests.postgres_databases import a_fresh_database
from tests.processes import cluster
from tests.storm import Client, Storm
from tests.verdict import faults_after

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.processes import Running

CLIENTS = 100
TYPES = ("jira", "slack", "sharepoint")
COUNT = CLIENTS * len(TYPES)
RECORDS = 10

PACE_SECONDS = 2.0
"""How long each client rests between two looks: a hundred who look all the time are all there is."""

MOST = 1.1
"""How much more CPU a dataset may cost with two processes than with one."""

_TICK = os.sysconf("SC_CLK_TCK")


async def measure() -> list[dict[str, Any]]:
    """Measure CPU and wall time a dataset, then let processes be killed meanwhile."""
    crowds = [each for database in ("sqlite", "postgresql") for each in await _crowds(database)]
    return [*crowds, await _under_fire()]


async def _crowds(database: str) -> list[dict[str, Any]]:
    """Measure one process, two, two and one: what the machine does meanwhile hits both alike."""
    taken: dict[int, list[Cost]] = {1: [], 2: []}
    for processes in (1, 2, 2, 1):
        taken[processes].append(await _crowd(database, processes))
    one, two = (_described(database, processes, taken[processes]) for processes in taken)
    ratio = round(two["cpu_ms"] / one["cpu_ms"], 2)
    return [one, {**two, "cpu_of_two_to_one": ratio, "is_met": ratio <= MOST}]


def _described(database: str, processes: int, taken: list[Cost]) -> dict[str, Any]:
    return {
        "what": f"{COUNT} at once, {RECORDS} records each, stand-ins included",
        "database": database,
        "processes": processes,
        "cpu_ms": round(mean(each.cpu for each in taken) / COUNT * 1000, 1),
        "wall_ms": round(mean(each.wall for each in taken) / COUNT * 1000, 1),
        "cpu_ms_each": [round(each.cpu / COUNT * 1000, 1) for each in taken],
    }


async def _crowd(database: str, processes: int) -> Cost:
    async with _storm(database, processes) as storm:
        before, started = _cpu(storm.processes), time.perf_counter()
        await storm.ask()
        wall = time.perf_counter() - started
        cpu = _cpu(storm.processes) - before
        await _require_all_made_once(storm)
    return Cost(cpu, wall)


async def _under_fire() -> dict[str, Any]:
    """Kill one of two processes every few seconds, until all are READY."""
    async with _storm("postgresql", 2) as storm:
        started, kills = time.perf_counter(), 0
        asking = asyncio.create_task(storm.ask())
        while not asking.done():
            await asyncio.wait({asking}, timeout=3)
            if not asking.done():
                await storm.replace(kills % 2)
                kills += 1
        await asking
        wall = time.perf_counter() - started
        await _require_all_made_once(storm)
    return {
        "what": f"{COUNT} at once while processes are killed: all READY, each once",
        "database": "postgresql",
        "kills": kills,
        "seconds": round(wall, 1),
    }


@asynccontextmanager
async def _storm(database: str, processes: int) -> AsyncIterator[Storm]:
    with tempfile.TemporaryDirectory(prefix="dataops-bench-") as folder:
        data = Path(folder)
        url = f"sqlite+aiosqlite:///{data}/dataops.db"
        if database == "postgresql":
            url = await asyncio.to_thread(a_fresh_database)
        async with cluster(data, url, log_level="ERROR") as town:
            running = [await town.start() for _ in range(processes)]
            clients = [Client(number, TYPES, RECORDS) for number in range(CLIENTS)]
            yield Storm(town, running, clients, PACE_SECONDS)


def _cpu(processes: list[Running]) -> float:
    """Give the seconds of CPU that processes have used so far."""
    return sum(_cpu_of(each.process.pid) for each in processes)


def _cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


async def _require_all_made_once(storm: Storm) -> None:
    if faults := await faults_after(storm):
        message = f"{len(faults)} faults, such as: {' '.join(faults[:5])}"
        raise RuntimeError(message)
