"""Lines: how a process reaches a supplier, and what may happen to a call on its way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from domain.errors import OutcomeUnknown, SupplierUnavailable
from tests.simulation.plan import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.fate import Fate
    from tests.simulation.life import Life

T = TypeVar("T")

_QUICK_SECONDS = 0.02
_SLOW_SECONDS = 1.2
"""The longest a slow call takes: longer than a lease, shorter than an order's limit."""


class Line:
    """One process's way to the suppliers; each call on it is numbered, each effect two points."""

    def __init__(self, life: Life, fate: Fate) -> None:
        self.life = life
        self._fate = fate

    async def effect(self, what: str, act: Callable[[bool], T]) -> T:
        """Have something done; `act` is told whether it is to be done wrongly.

        Raises:
            SupplierUnavailable: it never happened.
            OutcomeUnknown: it happened, and the answer was lost.
        """
        await self.life.reach()
        fault = self._fate.fault_here()
        await self._travel(what, fault)
        done = act(fault is Fault.WRONG)
        if fault is Fault.SLOW:
            await asyncio.sleep(self._fate.chance.random() * _SLOW_SECONDS)
        await self.life.reach()
        if fault is Fault.LOST:
            message = f"The answer to {what} was lost."
            raise OutcomeUnknown(message)
        return done

    async def ask(self, what: str, look: Callable[[bool], T]) -> T:
        """Have something told; nothing is changed by it, so a lost answer never happened.

        Raises:
            SupplierUnavailable: there is no answer.
        """
        fault = self._fate.fault_here()
        await self._travel(what, Fault.NEVER if fault is Fault.LOST else fault)
        seen = look(fault is Fault.WRONG)
        if self.life.is_dead:
            await self.life.breathe()
        return seen

    async def _travel(self, what: str, fault: Fault | None) -> None:
        """Take a little time; a dead process's call never arrives."""
        chance = self._fate.chance.random()
        if fault is Fault.SLOW:
            await asyncio.sleep(chance * _SLOW_SECONDS)
        elif chance < 1 / 4:
            await asyncio.sleep(chance * _QUICK_SECONDS)
        else:
            await asyncio.sleep(0)
        await self.life.breathe()
        if fault is Fault.NEVER:
            message = f"Nobody answers {what}."
            raise SupplierUnavailable(message)
