"""Processes: the real engine, coordinator, agents and front desk, put together over one life."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from agents.coordinator import LifecycleCoordinator
from agents.discovery import DatasetDiscoveryAgent, Templates
from agents.planning import Planner
from agents.provisioning import DatasetProvisioningAgent
from agents.registration import Registration
from agents.requests import Requests
from agents.teardown import DataTeardownAgent
from agents.validation import DataValidationAgent
from domain.errors import Conflict, RequestRejected
from domain.work import AGENT_OF, AgentName, FailureKind, OrderFailed
from gateways.schema import JsonSchemaRecords
from service.engine import Shift, TurnEngine
from tests.builders import ADDRESS
from tests.simulation.archive import ArchiveLine
from tests.simulation.glean import ORDER, GleanLine
from tests.simulation.life import Life
from tests.simulation.line import Line
from tests.simulation.plan import Fault
from tests.simulation.registry import SimulatedRegistry
from tests.simulation.supplier import JourneysLine, SupplierLine
from tests.simulation.virtual_time import clock

if TYPE_CHECKING:
    from domain.commands import Call, Command, Principal, Request
    from domain.orphan_documents import OrphanReportDocument
    from domain.ports import OnProgress, StageAgent
    from domain.work import Order, Outcome
    from tests.simulation.world import World

LEASE = timedelta(seconds=0.8)


class Host:
    """Where stage agents run: in the coordinator's own process, or in one apart."""

    def __init__(self, world: World, life: Life) -> None:
        self.life = life
        self._world = world
        line = Line(life, world.fate)
        supplier = SupplierLine(world.supplier, line)
        connectors = GleanLine(world.glean, line)
        archive = ArchiveLine(world.archive, line)
        self.agents: dict[AgentName, StageAgent] = {
            AgentName.DISCOVERY: DatasetDiscoveryAgent(Templates(supplier), clock),
            AgentName.PROVISIONING: DatasetProvisioningAgent(supplier, connectors, clock),
            AgentName.VALIDATION: DataValidationAgent(
                supplier, connectors, JsonSchemaRecords(), clock
            ),
            AgentName.TEARDOWN: DataTeardownAgent(connectors, archive, clock),
        }
        self._orders: dict[str, asyncio.Task[Outcome]] = {}

    def perform(self, order: Order, progress: OnProgress) -> asyncio.Task[Outcome]:
        """Begin an order, or give the work at it when it comes again, as the protocol does."""
        named = f"{order.key} {order.kind}"
        if named not in self._orders:
            ORDER.set(self._world.note_order(self.life.name, order))
            work = self.agents[AGENT_OF[order.kind]].perform(order, progress)
            self._orders[named] = asyncio.ensure_future(work)
        return self._orders[named]


class SimulatedDelegate:
    """The port Delegate of one process: it calls the agent, and may lose it."""

    def __init__(self, life: Life, world: World, own: Host) -> None:
        self._life = life
        self._world = world
        self._own = own

    async def delegate(self, order: Order, progress: OnProgress, /) -> Outcome:
        """Give the agent's outcome, or OrderFailed (lost) where it is not heard.

        An agent that answers wrongly gives the outcome of another order.
        """
        await self._life.breathe()
        fate = self._world.fate
        fault = fate.fault_here()
        if fault is Fault.NEVER:
            return _lost(order)
        host = self._world.host_apart or self._own
        work = host.perform(order, progress)
        gone = asyncio.ensure_future(host.life.ended.wait())
        patience = fate.chance.random() * LEASE.total_seconds() / 4 if fault is Fault.LOST else None
        try:
            await asyncio.wait({work, gone}, timeout=patience, return_when="FIRST_COMPLETED")
        except asyncio.CancelledError:
            if not self._life.is_dead:
                work.cancel()
            raise
        finally:
            gone.cancel()
        answer = _answer(order, work) if work.done() else _lost(order)
        return _of_another(answer) if fault is Fault.WRONG else answer


class Process:
    """One life of the service."""

    def __init__(self, world: World, name: str) -> None:
        fate = world.fate
        self.life = Life(name, fate, world.process_ended)
        self.registry = SimulatedRegistry(world.rows, self.life, fate)
        delegate = SimulatedDelegate(self.life, world, Host(world, self.life))
        self.coordinator = LifecycleCoordinator(self.registry, delegate, self.registry, clock)
        shift = Shift(name, LEASE, turns_at_once=8)
        self.engine = TurnEngine(self.registry, self.coordinator.turn, clock, shift)
        self.front = self._front(world, Line(self.life, fate))
        self.running = asyncio.ensure_future(self.engine.run())

    async def accept(self, command: Command, call: Call) -> Request:
        """Take a message in as the protocol does: the same message is the same request."""
        try:
            return await self.front.perform(command, call)
        except Conflict:
            known = await self.registry.request(call.principal, call.key)
            if known is None:
                raise
            return known

    def _front(self, world: World, line: Line) -> Requests:
        supplier = SupplierLine(world.supplier, line)
        planner = Planner(Templates(supplier), self.registry)
        registration = Registration(
            registry=self.registry,
            journeys=JourneysLine(line),
            planner=planner,
            clock=clock,
            ids=world.new_id,
            origin=ADDRESS,
        )
        return Requests(
            registration,
            planner,
            registry=self.registry,
            coordinator=self.coordinator,
            engine=self.engine,
            clock=clock,
            orphans=_NoSweep(),
        )


class _NoSweep:
    """Nobody looks for orphans in these stories."""

    async def report(self, principal: Principal) -> OrphanReportDocument:
        """Never asked for."""
        raise NotImplementedError(principal)

    async def clean(self, call: Call) -> Request:
        """Never asked for."""
        raise NotImplementedError(call)


def is_final(error: BaseException) -> bool:
    """Whether sending the same message again cannot help."""
    return isinstance(error, RequestRejected)


def _answer(order: Order, work: asyncio.Task[Outcome]) -> Outcome:
    if not work.cancelled():
        return work.result()
    return OrderFailed(order.key, FailureKind.UNAVAILABLE, "Its agent gave up.")


def _of_another(outcome: Outcome) -> Outcome:
    """Give an outcome as if it belonged to another order."""
    return replace(outcome, key=replace(outcome.key, attempt=outcome.key.attempt + 1))


def _lost(order: Order) -> Outcome:
    return OrderFailed(order.key, FailureKind.LOST, "Its agent is not heard.")
