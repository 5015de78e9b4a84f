"""The simulated database as tests of the real ones see it: held to the same contracts as they are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import TYPE_CHECKING
from uuid import UUID

from domain.rules import LifecycleRules
from tests.builders import NOW
from tests.registry.databases import DATABASES, Keeping, a_fresh, open_house
from tests.simulation.database import Rows
from tests.simulation.fate import Fate
from tests.simulation.life import Life
from tests.simulation.plan import Plan
from tests.simulation.registry import SimulatedRegistry
from tests.simulation.virtual_time import START

if TYPE_CHECKING:
    from pathlib import Path

    from tests.simulation.plan import End

_SIMULATED = "simulated"

KINDS = (*DATABASES, _SIMULATED)
"""All that keep datasets: two databases, and the one of the simulation."""


class SimulatedHouse(Keeping):
    """The simulated database as a process reaches it that nothing ever happens to."""

    def __init__(self) -> None:
        seconds, ids = (NOW - START).total_seconds(), count(1)
        rows = Rows(lambda: seconds, LifecycleRules(), lambda: UUID(int=next(ids)))
        fate = Fate(Plan("provision"))
        self._registry = SimulatedRegistry(rows, Life("one", fate, _endless), fate)

    @property
    def registry(self) -> SimulatedRegistry:
        """The registry over it."""
        return self._registry

    @property
    def leases(self) -> SimulatedRegistry:
        """The leases on its datasets: the same."""
        return self._registry


@asynccontextmanager
async def open_any(kind: str, folder: Path) -> AsyncIterator[Keeping]:
    """Open an empty one of a kind."""
    if kind == _SIMULATED:
        yield SimulatedHouse()
        return
    async with open_house(a_fresh(kind, folder)) as house:
        yield house


def _endless(_: Life, how: End) -> None:
    message = f"No {how} was planned."
    raise AssertionError(message)
