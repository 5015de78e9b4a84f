"""Pace: time and chance as they are handed in, and the rate at which a supplier may be asked."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from domain.ports import Clock


@dataclass(frozen=True, slots=True)
class Timing:
    """Time and chance: the clock (UTC), a sleep and a stop-watch in seconds, chance in [0, 1)."""

    clock: Clock
    sleep: Callable[[float], Awaitable[None]]
    monotonic: Callable[[], float]
    jitter: Callable[[], float]


class RateLimit:
    """At most `allowed` calls in any `seconds`; whoever comes too soon waits for a turn."""

    def __init__(self, allowed: int, seconds: float, timing: Timing) -> None:
        self._seconds = seconds
        self._timing = timing
        self._turns: deque[float] = deque(maxlen=allowed)

    async def turn(self) -> None:
        """Wait for the next free turn and take it."""
        now = self._timing.monotonic()
        full = len(self._turns) == self._turns.maxlen
        at = max(now, self._turns[0] + self._seconds) if full else now
        self._turns.append(at)
        if at > now:
            await self._timing.sleep(at - now)
