"""Handing over: how long until another process has what a dead one was at, and until news is told."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

import httpx

from tests.journeys.scenes import at_a_socket
from tests.postgres_databases import a_fresh_database
from tests.processes import HeldSupplier, cluster
from tests.rows import rows_in
from tests.storm import Client, Storm

if TYPE_CHECKING:
    from tests.processes import Running

ROUNDS = 3
CLIENTS = 12


COMMITTED = """
    SELECT event_id::text, pg_xact_commit_timestamp(xmin) FROM outbox
    WHERE current_setting('track_commit_timestamp') = 'on'
"""
"""When each event was committed, which only PostgreSQL can tell, and only where it is set to."""


@dataclass(frozen=True, slots=True)
class Heard:
    """An event: its own moment, and when a listener had it."""

    event_id: str
    moment: datetime
    at: datetime


async def measure() -> list[dict[str, Any]]:
    """Measure a take-over after kill -9, and the way from a commit to a listener."""
    taken = [await _take_over() for _ in range(ROUNDS)]
    return [
        {
            "what": "take-over after kill -9: seconds, at most 10",
            "median": round(median(taken), 1),
            "worst": round(max(taken), 1),
            "rounds": ROUNDS,
        },
        *[
            await _listening(database, at_once)
            for database in ("sqlite", "postgresql")
            for at_once in (1, CLIENTS)
        ],
    ]


async def _take_over() -> float:
    held = HeldSupplier()
    with tempfile.TemporaryDirectory(prefix="dataops-bench-") as folder:
        url = await asyncio.to_thread(a_fresh_database)
        async with (
            at_a_socket(held.app()) as supplier,
            cluster(Path(folder), url, mock_data_url=supplier) as town,
        ):
            one = await town.start()
            await one.begin(Client(1, ("jira",)).request, "m-1")
            await held.asked.get()
            await town.start()
            one.kill()
            killed_at = time.perf_counter()
            await held.asked.get()
            taken_over_after = time.perf_counter() - killed_at
            held.let_go.set()  # else the supplier waits for ever for its last answer
            return taken_over_after


async def _listening(database: str, at_once: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="dataops-bench-") as folder:
        url = f"sqlite+aiosqlite:///{folder}/dataops.db"
        if database == "postgresql":
            url = await asyncio.to_thread(a_fresh_database)
        async with cluster(Path(folder), url, log_level="ERROR") as town:
            running = await town.start()
            clients = [Client(number, ("jira",)) for number in range(CLIENTS)]
            listening = asyncio.create_task(_heard(running, wanted=CLIENTS))
            for first in range(0, CLIENTS, at_once):
                await Storm(town, [running], clients[first : first + at_once]).ask()
            heard = await listening
        committed = await _commits(url)
    return {
        "what": "from an event's moment to a listener of its process, commit included",
        "database": database,
        "datasets_at_once": at_once,
        "events": len(heard),
        **_spread("", [each.at - each.moment for each in heard]),
        **_spread(
            "from_commit_", [each.at - committed[each.event_id] for each in heard if committed]
        ),
    }


def _spread(which: str, delays: list[timedelta]) -> dict[str, float]:
    if not delays:
        return {}
    found = [each.total_seconds() * 1000 for each in delays]
    return {
        f"{which}p50_ms": round(median(found), 1),
        f"{which}p99_ms": round(quantiles(found, n=100)[98], 1),
    }


async def _commits(url: str) -> dict[str, datetime]:
    if url.startswith("sqlite"):
        return {}
    return dict(await asyncio.to_thread(rows_in, url, COMMITTED))  # type: ignore[arg-type]


async def _heard(running: Running, wanted: int) -> list[Heard]:
    """Listen until so many datasets are READY."""
    found: list[Heard] = []
    async with (
        httpx.AsyncClient(base_url=running.url, timeout=None, trust_env=False) as http,  # noqa: S113 - silence is no fault
        http.stream("GET", "/events", params={"after": 0}) as stream,
    ):
        async for line in stream.aiter_lines():
            if line.startswith("data:"):
                event = json.loads(line.removeprefix("data:"))
                moment = datetime.fromisoformat(event["time"])
                found.append(Heard(event["id"], moment, datetime.now(UTC)))
                wanted -= event["type"].endswith(".DatasetReady.v1")
            if not wanted:
                break
    return found
