"""Somebody who reads at a process again and again, and knows how long the slowest answer took."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from tests.processes import PACE_SECONDS

if TYPE_CHECKING:
    from tests.processes import Reached

LONGEST_READ = 5.0
"""How many seconds an answer may take beside a process that is frozen, whatever that one holds.

An answer that waited for the frozen one would never come.
"""

Answer = TypeVar("Answer")


@dataclass
class Reader:
    """Reads datasets and tasks at a process; `slowest` is the longest it had to wait, in seconds."""

    process: Reached
    slowest: float = 0.0

    async def read(self) -> None:
        """List all datasets and all tasks, and read one of each."""
        listed = await self._timed(self.process.datasets())
        for each in listed[:1]:
            one = await self._timed(self.process.get(f"/api/v1/datasets/{each['dataset_id']}"))
            one.raise_for_status()
        tasks = await self._timed(self.process.tasks())
        for each in tasks[:1]:
            await self._timed(self.process.task(each["id"]))

    async def until_done(self, work: asyncio.Task[Any]) -> None:
        """Read until some work is done; raises what the work does."""
        while not work.done():
            await self.read()
            await asyncio.sleep(PACE_SECONDS)
        await work

    async def _timed(self, reading: Awaitable[Answer]) -> Answer:
        began = time.monotonic()
        answer = await reading
        self.slowest = max(self.slowest, time.monotonic() - began)
        return answer
