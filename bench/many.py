"""Sixty datasets at once: what each costs in CPU, and in which part of the house."""

from __future__ import annotations

import asyncio
import cProfile
import pstats
import time
from collections import Counter
from typing import Any

from bench.setting import Bench, bench

CLIENTS = 20
TYPES = ["confluence", "github", "zendesk"]

_PARTS = {
    "domain": ("/domain/",),
    "agents": ("/agents/",),
    "stand-ins": ("/gateways/local/",),
    "gateways": ("/gateways/", "/httpx/", "/httpcore/", "/h11/"),
    "registry": ("/registry/", "/sqlalchemy/", "/aiosqlite/", "/sqlite3/"),
    "a2a": ("/protocol/", "/a2a/", "/google/protobuf/", "/culsans/", "/aiologic/"),
    "service": ("/service/", "/uvicorn/", "/starlette/", "/sse_starlette/"),
    "pydantic": ("/pydantic",),
    "event loop": ("/asyncio/", "/selectors.py"),
}


async def measure() -> list[dict[str, Any]]:
    """Measure CPU a dataset without a profiler, then its shares with one."""
    async with bench() as setting:
        await setting.provision("warmup", TYPES)
        wall, cpu = await _run(setting, "plain")
    async with bench() as setting:
        await setting.provision("warmup", TYPES)
        profile = cProfile.Profile()
        profile.enable()
        await _run(setting, "profiled")
        profile.disable()
    count = CLIENTS * len(TYPES)
    return [
        {
            "what": f"cpu a dataset, {count} at once (stand-ins and HTTP client included)",
            "cpu_ms": round(cpu / count * 1000, 1),
            "wall_ms": round(wall / count * 1000, 1),
            "shares_percent": _shares(profile),
        }
    ]


async def _run(setting: Bench, prefix: str) -> tuple[float, float]:
    started = time.perf_counter(), time.process_time()
    endings = await asyncio.gather(
        *(setting.provision(f"{prefix}{number}", TYPES) for number in range(CLIENTS))
    )
    for ending in endings:
        if {each["status"] for each in ending.data["datasets"]} != {"ready"}:
            raise RuntimeError(ending.sentence)
    return time.perf_counter() - started[0], time.process_time() - started[1]


def _shares(profile: cProfile.Profile) -> dict[str, float]:
    spent: Counter[str] = Counter()
    stats: Any = pstats.Stats(profile)
    for (path, _, _), (_, _, own, _, _) in stats.stats.items():
        spent[_part(path)] += own
    total = sum(spent.values())
    return {part: round(100 * own / total, 1) for part, own in spent.most_common()}


def _part(path: str) -> str:
    for part, marks in _PARTS.items():
        if any(mark in path for mark in marks):
            return part
    return "built-ins and the rest"
