"""The engines side by side on one PostgreSQL: `python -m bench.engines` (docs/engines.md).

Rounds alternate, so that a machine that changes its pace disturbs both alike.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.postgres_databases import a_fresh_database
from tests.processes import Running, cluster
from tests.storm import Client, Storm

ENGINES = ("builtin", "dbos")
TYPES = ("jira", "slack", "sharepoint")
CLIENTS, RECORDS = 10, 10
COUNT = CLIENTS * len(TYPES)
ROUNDS, ALONE = 3, 7


async def measure() -> list[dict[str, Any]]:
    """Measure datasets a second, thirty at once, and the time of one alone."""
    rounds = [[await _round(engine) for engine in ENGINES] for _ in range(ROUNDS)]
    found = []
    for engine, each in zip(ENGINES, zip(*rounds, strict=True), strict=True):
        found.append(
            {
                "engine": engine,
                "datasets_a_second": round(statistics.median(one for one, _ in each), 2),
                "alone_ms": round(statistics.median(one for _, one in each) * 1000),
            }
        )
    ratios = {
        "what": "dbos to builtin, median of paired rounds",
        "datasets_a_second": _ratio(rounds, 0),
        "alone": _ratio(rounds, 1),
    }
    return [*found, ratios]


def _ratio(rounds: list[list[tuple[float, float]]], which: int) -> float:
    return round(statistics.median(dbos[which] / own[which] for own, dbos in rounds), 2)


async def _round(engine: str) -> tuple[float, float]:
    """Give datasets a second, and the seconds of one alone."""
    url = await asyncio.to_thread(a_fresh_database)
    with tempfile.TemporaryDirectory(prefix="dataops-bench-") as folder:
        async with cluster(Path(folder), url, engine=engine, log_level="ERROR") as town:
            process = await town.start()
            await _ask(process, "warm", 1)
            alone = [await _ask(process, f"alone{number}", 1) for number in range(ALONE)]
            clients = [Client(number, TYPES, RECORDS) for number in range(CLIENTS)]
            started = time.perf_counter()
            await Storm(town, [process], clients).ask()
            return COUNT / (time.perf_counter() - started), statistics.median(alone)


async def _ask(process: Running, client: str, types: int) -> float:
    """Ask for a client's datasets; gives the seconds until they are READY."""
    call = {
        "skill": "provision-datasets",
        "journey_id": f"journey-{client}",
        "client_id": client,
        "stage": "sandbox",
        "dataset_types": list(TYPES[:types]),
        "record_count": RECORDS,
        "client": {
            "name": client,
            "code": client,
            "industry": "healthcare",
            "use_case": "developer_productivity",
        },
    }
    started = time.perf_counter()
    ending = await process.call(call)
    if [each["status"] for each in ending.data["datasets"]] != ["ready"] * types:
        raise RuntimeError(ending.sentence)
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(measure()), indent=2) + "\n")
