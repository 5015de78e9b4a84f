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


LONGEST_SPARE_WAIT = 10.0
"""Seconds after which whoever gives way to all others is served as they are."""


class RateLimit:
    """At most `allowed` calls in any `seconds`; whoever comes too soon waits for a turn.

    Who is in no hurry takes spare turns: those that leave a third of all to others, none of whom
    waits.
    """

    def __init__(self, allowed: int, seconds: float, timing: Timing) -> None:
        self._seconds = seconds
        self._timing = timing
        self._turns: deque[float] = deque(maxlen=allowed)
        self._spared = max(1, allowed - max(1, allowed // 3))

    async def turn(self) -> None:
        """Wait for the next free turn and take it."""
        now = self._timing.monotonic()
        full = len(self._turns) == self._turns.maxlen
        at = max(now, self._turns[0] + self._seconds) if full else now
        self._turns.append(at)
        if at > now:
            await self._timing.sleep(at - now)

    async def spare_turn(self) -> None:
        """Wait for a turn that nobody else wants, and not for ever."""
        patience = LONGEST_SPARE_WAIT
        while (wait := self._until_spare()) > 0 and patience > 0:
            await self._timing.sleep(wait)
            patience -= wait
        await self.turn()

    @property
    def has_spare(self) -> bool:
        """Whether a spare turn is to be had at once."""
        return self._until_spare() <= 0

    def take_at_once(self) -> None:
        """Take a turn without waiting for it, for somebody who has seen that there is one."""
        self._turns.append(self._timing.monotonic())

    def _until_spare(self) -> float:
        """Tell in how many seconds there may be a spare turn."""
        if len(self._turns) < self._spared:
            return 0.0
        return self._turns[-self._spared] + self._seconds - self._timing.monotonic()


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
