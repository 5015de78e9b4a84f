"""Growth: what one more dataset costs when the registry holds ever more of them."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack
from statistics import median
from typing import TYPE_CHECKING, Any

from bench.filling import fill
from bench.setting import Cost, ignore, served_on
from service.cli.talk import Talk
from tests.storm import Client

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = (100, 1_000, 10_000)
ROUNDS = 15
MOST = 1.2
"""What one more may cost, as a ratio to what it costs beside the fewest."""


async def measure() -> list[dict[str, Any]]:
    """Measure the cost of one more dataset at each size, on both databases."""
    return [await _grow("sqlite"), await _grow("postgresql")]


async def _grow(database: str) -> dict[str, Any]:
    """Ask services of each size in turns; a ratio's terms were taken within a second."""
    taken: dict[int, list[Cost]] = {size: [] for size in SIZES}
    async with AsyncExitStack() as stack:
        talks = {size: await _talk(stack, database, size) for size in SIZES}
        for number in range(1, ROUNDS + 1):
            for size, talk in talks.items():
                taken[size].append(await _one_more(talk, number))
    cpu = _told("cpu", taken, lambda cost: cost.cpu)
    wall = _told("wall", taken, lambda cost: cost.wall)
    return {
        "what": f"one more dataset beside so many others, ratio to the fewest, at most {MOST}",
        "database": database,
        **cpu,
        **wall,
        "rounds": ROUNDS,
        "is_met": max(*cpu["cpu_ratios"].values(), *wall["wall_ratios"].values()) <= MOST,
    }


def _told(name: str, taken: dict[int, list[Cost]], of: Callable[[Cost], float]) -> dict[str, Any]:
    """Give medians in milliseconds, and medians of the ratios within a round."""
    seconds = {str(size): [of(each) for each in costs] for size, costs in taken.items()}
    least = seconds[str(SIZES[0])]
    return {
        f"{name}_ms": {size: round(median(each) * 1000, 1) for size, each in seconds.items()},
        f"{name}_ratios": {size: _ratio(each, least) for size, each in seconds.items()},
    }


def _ratio(above: list[float], below: list[float]) -> float:
    return round(median(one / other for one, other in zip(above, below, strict=True)), 2)


async def _talk(stack: AsyncExitStack, database: str, size: int) -> Talk:
    """Give a line to a service that holds so many datasets, with all that is written of each."""
    served = await stack.enter_async_context(served_on(database))
    talk = Talk(served.url)
    stack.push_async_callback(talk.close)
    await _one_more(talk, 0)
    await fill(served.service.database, size)
    return talk


async def _one_more(talk: Talk, number: int) -> Cost:
    """Tell what a dataset cost from the request to READY, in CPU of this process."""
    cpu, wall = time.process_time(), time.perf_counter()
    ending = await talk.call("lifecycle-coordinator", Client(number, ("jira",)).request, ignore)
    if ending.data["datasets"][0]["status"] != "ready":
        raise RuntimeError(ending.sentence)
    return Cost(time.process_time() - cpu, time.perf_counter() - wall)
