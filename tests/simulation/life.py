"""Lives: a process that can die or stand still at any point, and do nothing more while it does."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.simulation.plan import End

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.fate import Fate


class Life:
    """One life of a process.

    What a dead one calls never comes back and has no effect; a stopped one waits until it is
    resumed, and knows nothing of the time between.
    """

    def __init__(self, name: str, fate: Fate, on_end: Callable[[Life, End], None]) -> None:
        self.name = name
        self.is_dead = False
        self.ended = asyncio.Event()
        self._fate = fate
        self._on_end = on_end
        self._hung: list[asyncio.Future[None]] = []  # else what hangs would be collected as garbage
        self._going = asyncio.Event()
        self._going.set()

    @property
    def is_going(self) -> bool:
        """Whether it is neither dead nor stopped."""
        return not self.is_dead and self._going.is_set()

    async def reach(self) -> None:
        """Come to a point; where the process ends there, this does not come back as it was."""
        await self.breathe()
        end = self._fate.end_here()
        if end is not None:
            self.end(end)
            await self.breathe()

    async def breathe(self) -> None:
        """Go on at once, after the resumption, or never."""
        if not self._going.is_set():
            await self._going.wait()
        if self.is_dead:
            self._hung.append(asyncio.get_running_loop().create_future())
            await self._hung[-1]

    def end(self, how: End) -> None:
        """Die, or stand still until `resume`."""
        if how is End.CRASH:
            self.is_dead = True
            self._going.set()
            self.ended.set()
        else:
            self._going.clear()
        self._on_end(self, how)

    def resume(self) -> None:
        """Go on as if no time had passed."""
        self._going.set()
