"""Pace: time and chance as they are handed in, and how often a supplier lets itself be asked."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from domain.ports import Clock

_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")


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


def asked_pause(headers: Mapping[str, str], clock: Clock) -> float | None:
    """Read how many seconds we are asked to stay away; None where nothing sane is said.

    That is `retry-after-ms`, else `Retry-After` in seconds or as a date; it may be infinite.
    """
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    asked = headers.get("retry-after", "")
    seconds = _number(asked)
    return seconds if seconds is not None else _until(asked, clock)


def _number(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text) else None


def _until(date: str, clock: Clock) -> float | None:
    try:
        return max(0.0, (parsedate_to_datetime(date) - clock()).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None
