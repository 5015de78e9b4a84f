"""Fate: it numbers every point and every call, and tells what goes wrong there."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from tests.simulation.plan import End, Fault

if TYPE_CHECKING:
    from tests.simulation.plan import Plan

_ENDS_AT_MOST = 6
_FAULTS_AT_MOST = 12
_WEATHERS = (0.0, 0.01, 0.04, 0.1)
"""How likely a point is to end a process, and a call to go wrong; one of each a stormy run."""

_KINDS = tuple(Fault)


class Fate:
    """Decides by the plan's numbers and, where it is stormy, by chance.

    `points` and `calls` count what was passed, `faults` the calls that went wrong: a run without
    any tells how many there are.
    """

    def __init__(self, plan: Plan) -> None:
        self.points = 0
        self.calls = 0
        self.is_over = False
        self.chance = Random(plan.seed)  # noqa: S311 - chance wants a seed here, not secrecy
        self.faults = 0
        self._ends = dict(plan.ends)
        self._faults = dict(plan.faults)
        stormy = plan.is_stormy
        self._end_rate = self.chance.choice(_WEATHERS) if stormy else 0.0
        self._fault_rate = self.chance.choice(_WEATHERS) if stormy else 0.0
        self._ends_left = _ENDS_AT_MOST

    def end_here(self) -> End | None:
        """Tell whether a process ends at the point it has come to, and how."""
        number, self.points = self.points, self.points + 1
        if self.is_over:
            return None
        planned = self._ends.get(number)
        if planned is not None or not self._strikes(self._end_rate, self._ends_left):
            return planned
        self._ends_left -= 1
        return End.STOP if self.chance.random() < 1 / 3 else End.CRASH

    def fault_here(self) -> Fault | None:
        """Tell what goes wrong with the call that is made now."""
        number, self.calls = self.calls, self.calls + 1
        if self.is_over:
            return None
        fault = self._faults.get(number)
        if fault is None and self._strikes(self._fault_rate, _FAULTS_AT_MOST - self.faults):
            fault = self.chance.choice(_KINDS)
        self.faults += fault is not None
        return fault

    def _strikes(self, rate: float, left: int) -> bool:
        return rate > 0.0 and left > 0 and self.chance.random() < rate
