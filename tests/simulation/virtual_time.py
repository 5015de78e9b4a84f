"""Virtual time: a loop that never waits, and runs what is ready in an order that chance decides."""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import UTC, datetime, timedelta
from heapq import heappop
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Coroutine

T = TypeVar("T")

START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
"""When every simulation begins."""

_CLEANINGS = 8
"""How often what is left is cancelled before it must have ended."""


def simulated(main: Coroutine[Any, Any, T], chance: Random) -> T:
    """Run to the end in virtual time; the same chance gives the same order of everything.

    Raises:
        RuntimeError: everything waits and nothing is due, or something outlives its cancellation.
    """
    loop = VirtualLoop(chance)
    try:
        return loop.run_until_complete(main)
    finally:
        _clean_up(loop)
        loop.close()


class VirtualLoop(asyncio.BaseEventLoop):
    """The standard loop, with another clock and another order of what is ready.

    Any of what is ready may be next, as it may where processes are many; the time leaps to the
    next timer when nothing is.
    """

    def __init__(self, chance: Random) -> None:
        super().__init__()
        self.now = 0.0
        self._chance = chance
        self._ready: deque[asyncio.Handle] = deque()
        self._scheduled: list[asyncio.TimerHandle] = []

    def time(self) -> float:
        """Tell the virtual time, in seconds from the start."""
        return self.now

    def _run_once(self) -> None:
        """Run one handle: the standard loop's step, without its wait for the network."""
        ready = self._ready
        if not ready:
            self._leap()
        if len(ready) > 1:
            ready.rotate(-int(self._chance.random() * len(ready)))
        handle = ready.popleft()
        if not handle.cancelled():
            handle._run()  # noqa: SLF001 - a loop is who runs handles

    def _leap(self) -> None:
        """Move the time on to the next timer, and make ready all that are due then."""
        timers = self._scheduled
        while timers and timers[0].cancelled():
            heappop(timers)
        if not timers:
            message = "Everything waits and nothing is due: the simulation stands still."
            raise RuntimeError(message)
        self.now = max(self.now, timers[0].when())
        while timers and timers[0].when() <= self.now:
            self._ready.append(heappop(timers))

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Leave it where it is: the leap passes over it."""

    def _process_events(self, event_list: list[Any]) -> None:
        """Nothing comes from outside."""

    def _write_to_self(self) -> None:
        """Nobody has to be woken: there is one thread."""

    def _asyncgen_finalizer_hook(self, agen: AsyncGenerator[Any, Any]) -> None:
        """Schedule nothing: when garbage is collected must not decide what happens."""


def clock() -> datetime:
    """Tell the virtual time as the product hears it."""
    return START + timedelta(seconds=asyncio.get_running_loop().time())


def moment(seconds: float) -> datetime:
    """Give the time so many seconds after the start."""
    return START + timedelta(seconds=seconds)


def _clean_up(loop: VirtualLoop) -> None:
    """End what a dead process left hanging, so that none of it is collected half done."""
    for _ in range(_CLEANINGS):
        left = asyncio.all_tasks(loop)
        if not left:
            return
        for each in left:
            each.cancel()
        loop.run_until_complete(_over(left))
    message = f"{len(asyncio.all_tasks(loop))} tasks outlive their cancellation."
    raise RuntimeError(message)


async def _over(left: set[asyncio.Task[Any]]) -> None:
    """Let the cancelled ones run for a few steps; some wait for others to end first."""
    await asyncio.wait(left, timeout=0.001)
