"""Growth: what one more dataset costs when the registry holds ever more of them."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, text
from uuid_utils.compat import uuid7

from bench.setting import ignore, served_on
from registry.tables import datasets
from service.cli.talk import Talk
from tests.storm import Client

if TYPE_CHECKING:
    from service.cli.serve import Served

SIZES = (100, 1_000, 10_000)
ROUNDS = 15


async def measure() -> list[dict[str, Any]]:
    """Measure the CPU of one more dataset at each size, on both databases."""
    return [await _grow("sqlite"), await _grow("postgresql")]


async def _grow(database: str) -> dict[str, Any]:
    """Ask services of each size in turns; a ratio's terms were taken within a second."""
    taken: dict[int, list[float]] = {size: [] for size in SIZES}
    async with AsyncExitStack() as stack:
        talks = {size: await _talk(stack, database, size) for size in SIZES}
        for number in range(1, ROUNDS + 1):
            for size, talk in talks.items():
                taken[size].append(await _one_more(talk, number))
    least = taken[SIZES[0]]
    return {
        "what": "cpu of one more dataset beside so many others, ratio to the fewest, at most 1.2",
        "database": database,
        "cpu_ms": {str(size): round(median(each) * 1000, 1) for size, each in taken.items()},
        "ratios": {str(size): _ratio(each, least) for size, each in taken.items()},
        "rounds": ROUNDS,
    }


def _ratio(above: list[float], below: list[float]) -> float:
    return round(median(one / other for one, other in zip(above, below, strict=True)), 2)


async def _talk(stack: AsyncExitStack, database: str, size: int) -> Talk:
    """Give a line to a service that holds so many datasets."""
    served = await stack.enter_async_context(served_on(database))
    talk = Talk(served.url)
    stack.push_async_callback(talk.close)
    await _one_more(talk, 0)
    await _fill(served, 1, size)
    return talk


async def _one_more(talk: Talk, number: int) -> float:
    """Give the seconds of CPU from the request to READY."""
    started = time.process_time()
    ending = await talk.call("lifecycle-coordinator", Client(number, ("jira",)).request, ignore)
    if ending.data["datasets"][0]["status"] != "ready":
        raise RuntimeError(ending.sentence)
    return time.process_time() - started


async def _fill(served: Served, held: int, size: int) -> None:
    """Copy a READY dataset's row under other names, watched as any other, but not due today."""
    engine = served.service.database.engine
    async with engine.begin() as connection:
        model = (await connection.execute(select(datasets).limit(1))).mappings().one()
        rows = [_copy(dict(model), number) for number in range(held, size)]
        await connection.execute(insert(datasets), rows)
    async with engine.connect() as connection:
        await connection.execute(text("ANALYZE"))
        await connection.commit()


def _copy(row: dict[str, Any], number: int) -> dict[str, Any]:
    changed = {
        "dataset_id": uuid7(),
        "dataset_type": f"type-{number}",
        "connector_name": f"copy-{number}",
        "due_at": datetime.now(UTC) + timedelta(days=1),
    }
    return {**row, **changed}
