"""Sixty datasets at once: what each costs in CPU, and in which part of the house."""

from __future__ import annotations

import asyncio
import cProfile
import time
from typing import Any

from bench.parts import parts_of
from bench.setting import Bench, bench

CLIENTS = 20
TYPES = ["confluence", "github", "zendesk"]
COUNT = CLIENTS * len(TYPES)
RECORDS = (500 + 100 + 1000) // len(TYPES)
"""How many records a dataset has on the average, by the templates of these types."""

NOT_OURS = frozenset({"stand-ins", "bench"})


async def measure() -> list[dict[str, Any]]:
    """Measure CPU a dataset without a profiler, then divide it by the shares with one."""
    async with bench() as setting:
        await setting.provision("warmup", TYPES)
        wall, cpu, loop = await _run(setting, "plain")
    async with bench() as setting:
        await setting.provision("warmup", TYPES)
        profile = cProfile.Profile()
        profile.enable()
        await _run(setting, "profiled")
        profile.disable()
    parts = {part: _ms(loop * share) for part, share in parts_of(profile).items()}
    parts["database threads"] = _ms(cpu - loop)
    return [
        {
            "what": f"cpu a dataset, {COUNT} at once: all in one process, stand-ins included",
            "cpu_ms": _ms(cpu),
            "wall_ms": _ms(wall),
            "records_a_dataset": RECORDS,
            "parts_ms": parts,
            "without_stand_ins_ms": round(
                sum(each for part, each in parts.items() if part not in NOT_OURS), 1
            ),
        }
    ]


def _ms(seconds: float) -> float:
    return round(seconds / COUNT * 1000, 1)


async def _run(setting: Bench, prefix: str) -> tuple[float, float, float]:
    """Give seconds by the clock, of CPU, and of CPU in the loop's own thread."""
    started = _times()
    endings = await asyncio.gather(
        *(setting.provision(f"{prefix}{number}", TYPES) for number in range(CLIENTS))
    )
    for ending in endings:
        if {each["status"] for each in ending.data["datasets"]} != {"ready"}:
            raise RuntimeError(ending.sentence)
    wall, cpu, loop = (now - then for now, then in zip(_times(), started, strict=True))
    return wall, cpu, loop


def _times() -> tuple[float, float, float]:
    return time.perf_counter(), time.process_time(), time.thread_time()
