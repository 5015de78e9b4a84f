"""The world: suppliers, the database and the processes that live in it one after the other."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from domain.rules import LifecycleRules
from tests.simulation.archive import ArchiveWorld
from tests.simulation.database import Rows
from tests.simulation.fate import Fate
from tests.simulation.glean import Glean
from tests.simulation.life import Life
from tests.simulation.plan import End
from tests.simulation.process import Host, Process
from tests.simulation.supplier import Supplier

if TYPE_CHECKING:
    from domain.work import Order, OrderKey
    from tests.simulation.plan import Plan

RULES = LifecycleRules(
    grace_period=timedelta(seconds=2),
    retention=timedelta(seconds=2),
    health_interval=timedelta(seconds=1),
    failures_to_demote=2,
    incident_patience=timedelta(seconds=3),
    retry_delays=tuple(timedelta(seconds=each) for each in (0.2, 0.6, 1.5)),
    provisioning_limit=timedelta(seconds=10),
    order_limit=timedelta(seconds=3),
    teardown_retry=timedelta(seconds=0.3),
)
"""The lifecycle's times, short enough that the engine's own second is long beside them."""

_CARELESSNESS = (0, 0, 0, 1, 3)
_RESTART_SECONDS = 0.3
_STANDSTILL_SECONDS = 2.5


AGENTS = "agents"
"""What the process is called in which the stage agents run, where they have one of their own."""


@dataclass(frozen=True, slots=True)
class Given:
    """An order as its agent began it: in which process, and when."""

    by: str
    key: OrderKey
    kind: str
    at: float


class World:
    """All that outlives a process."""

    def __init__(self, plan: Plan) -> None:
        now = asyncio.get_running_loop().time
        self.now = now
        self.fate = Fate(plan)
        self._ids = 0
        self.rows = Rows(now, RULES, self.new_id)
        self.glean = Glean(now)
        self.supplier = Supplier(self.fate.chance.choice(_CARELESSNESS) if plan.is_stormy else 0)
        self.archive = ArchiveWorld(now)
        self.processes: list[Process] = []
        self.stopped: list[Life] = []
        self.stood_still: set[str] = set()
        self.orders: list[Given] = []
        self.host_apart: Host | None = None
        if plan.is_stormy and self.fate.chance.random() < 1 / 3:
            self._start_host()
        self.start()

    def new_id(self) -> UUID:
        """Give an id that nobody had before, the same in each run."""
        self._ids += 1
        return UUID(int=self._ids)

    def note_order(self, by: str, order: Order) -> int:
        """Write an order down that is begun in a process; tells its number, from 1."""
        self.orders.append(Given(by, order.key, order.kind, self.now()))
        return len(self.orders)

    def start(self) -> None:
        """Start one more process."""
        self.processes.append(Process(self, f"process-{len(self.processes) + 1}"))

    @property
    def is_sound(self) -> bool:
        """Whether nothing outside ever went wrong; processes may have died or stood still."""
        return not (self.fate.faults or self.supplier.carelessness or self.glean.away_until)

    def door(self) -> Process | None:
        """Give a process that can be spoken to."""
        going = [each for each in self.processes if each.life.is_going]
        return self.fate.chance.choice(going) if going else None

    def process_ended(self, life: Life, how: End) -> None:
        """Have another process take over where none is going; a stopped one comes back to it."""
        self._end(life, how)
        if how is End.STOP:
            self.stood_still.add(life.name)
        loop, chance = asyncio.get_running_loop(), self.fate.chance
        loop.call_later(chance.random() * _RESTART_SECONDS, self._start_if_alone)

    def calm_down(self) -> None:
        """End all faults; what stood still goes on."""
        self.fate.is_over = True
        self.glean.away_until = min(self.glean.away_until, self.now())
        for each in self.stopped:
            each.resume()
        self.stopped.clear()

    def _start_if_alone(self) -> None:
        if not any(each.life.is_going for each in self.processes):
            self.start()

    def _host_ended(self, life: Life, how: End) -> None:
        self._end(life, how)
        if how is End.CRASH:
            self._start_host()

    def _start_host(self) -> None:
        self.host_apart = Host(self, Life(AGENTS, self.fate, self._host_ended))

    def _end(self, life: Life, how: End) -> None:
        if how is End.STOP:
            self.stopped.append(life)
            seconds = self.fate.chance.random() * _STANDSTILL_SECONDS
            asyncio.get_running_loop().call_later(seconds, life.resume)
