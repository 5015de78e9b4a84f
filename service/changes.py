"""The bell: inside one process, commits ring it and followers wait on it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Bell:
    """One event that is replaced at each ring: whoever holds the old one has missed nothing."""

    def __init__(self) -> None:
        """Begin silent."""
        self._event = asyncio.Event()
        self._parting = asyncio.Event()

    @property
    def is_over(self) -> bool:
        """Whether it has rung for the last time."""
        return self._parting.is_set()

    def ring(self) -> None:
        """Wake everybody who waits."""
        event, self._event = self._event, asyncio.Event()
        event.set()

    def ring_out(self) -> None:
        """Ring for the last time: the service ends, and nobody need follow it any longer."""
        self._parting.set()
        self.ring()

    async def parting(self) -> None:
        """Wait until it rings for the last time."""
        await self._parting.wait()

    def next_ring(self) -> Callable[[], Awaitable[object]]:
        """Give a wait for the next ring, however long that takes: it needs no timer."""
        return self._event.wait

    def handle(self) -> Callable[[float], Awaitable[None]]:
        """Give a wait for the next ring, at most so many seconds long."""
        event = self._event

        async def wait(seconds: float) -> None:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await event.wait()

        return wait
