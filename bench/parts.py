"""Where CPU time goes: each part of the house with all that it has others do for it."""

from __future__ import annotations

import pstats
from collections import defaultdict
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import cProfile
    from collections.abc import Mapping

Function: TypeAlias = tuple[str, int, str]
"""A function as the profiler names it: file, line, name."""

ELSEWHERE = "elsewhere"

IDLE = "<method 'poll' of 'select.epoll' objects>"
"""Where a loop waits that has nothing to do."""

PARTS: Mapping[str, tuple[str, ...]] = {
    "stand-ins": ("/gateways/local/",),
    "engine": ("/service/engine.py", "/service/changes.py", "/agents/coordinator.py"),
    "domain": ("/domain/",),
    "agents": ("/agents/",),
    "gateways": ("/gateways/",),
    "registry": ("/registry/",),
    "task store": ("/a2a/server/tasks/", "/a2a/server/cluster/", "/a2a/server/models"),
    "a2a hops": ("/protocol/", "/a2a/"),
    "service": ("/service/",),
    "bench": ("/bench/",),
    "sql": ("/sqlalchemy/", "/aiosqlite/"),
    "http server": ("/uvicorn/", "/starlette/", "/sse_starlette/"),
    "event loop": ("/asyncio/", "/selectors.py"),
}
"""Whose a file is, the first that fits. A function of none of them works for its callers.

SQLAlchemy runs its statements on a stack of its own, so what a statement costs is nobody's but
`sql`; what the registry costs is the rest of it.
"""


def parts_of(profile: cProfile.Profile) -> dict[str, float]:
    """Tell each part's share of the profiled time, 0.0 to 1.0, the largest first."""
    stats: Any = pstats.Stats(profile)
    spent: defaultdict[str, float] = defaultdict(float)
    owners = _Owners(stats.stats)
    for function, (_, _, own, _, _) in stats.stats.items():
        if function[2] == IDLE:
            continue
        for part, share in owners.of(function).items():
            spent[part] += own * share
    total = sum(spent.values())
    return {part: each / total for part, each in sorted(spent.items(), key=lambda it: -it[1])}


class _Owners:
    """Whose time a function spends: its own part's, or its callers' as much as each called it."""

    def __init__(self, stats: Mapping[Function, tuple[Any, ...]]) -> None:
        self._stats = stats
        self._known: dict[Function, dict[str, float]] = {}

    def of(self, function: Function) -> dict[str, float]:
        """Give the shares of the parts a function works for; they add up to 1."""
        if function not in self._known:
            part = _part(function[0])
            self._known[function] = {ELSEWHERE: 1.0}  # a circle of callers ends here
            self._known[function] = {part: 1.0} if part else self._callers(function)
        return self._known[function]

    def _callers(self, function: Function) -> dict[str, float]:
        callers: Mapping[Function, tuple[float, ...]] = self._stats[function][4]
        total = sum(each[3] for each in callers.values())
        if not total:
            return {ELSEWHERE: 1.0}
        shares: defaultdict[str, float] = defaultdict(float)
        for caller, each in callers.items():
            for part, share in self.of(caller).items():
                shares[part] += share * each[3] / total
        return dict(shares)


def _part(path: str) -> str | None:
    marks = ((part, mark) for part, marks in PARTS.items() for mark in marks)
    return next((part for part, mark in marks if mark in path), None)
