"""The whole service: its parts, and what they do for as long as it lives."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from registry.listening import listen_for_ever

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

    from agents.auditor import Auditor
    from agents.coordinator import LifecycleCoordinator
    from agents.orphan_sweep import OrphanSweep
    from domain.ports import Clock
    from domain.work import AgentName
    from protocol.auth import Tokens
    from protocol.cards import Card
    from protocol.desks import Desks
    from protocol.server import A2AServer
    from registry.database import Database
    from registry.repository import SqlRegistry
    from service.batches import Batches
    from service.changes import Bell
    from service.courier import Courier
    from service.engine import TurnEngine
    from service.schedules import Schedules
    from service.settings import Settings
    from service.standins import StandIns
    from service.subscribing import SubscriptionDesk

log = structlog.get_logger("service")

HEED_SECONDS = 0.5
"""How much time lies between two looks at what other processes did to the datasets in hand."""


@dataclass(frozen=True, slots=True)
class Service:
    """The whole service, put together and not yet running."""

    settings: Settings
    base_url: str
    clock: Clock
    database: Database
    registry: SqlRegistry
    batches: Batches
    bell: Bell
    engine: TurnEngine
    coordinator: LifecycleCoordinator
    schedules: Schedules
    orphans: OrphanSweep
    server: A2AServer
    cards: Mapping[AgentName, Card]
    desks: Desks
    auditor: Auditor
    tokens: Tokens
    stand_ins: StandIns
    inside: InProcess
    subscribing: SubscriptionDesk
    courier: Courier

    async def deliver(self) -> None:
        """Tell subscribers what happened, until cancelled."""
        if not self.settings.role.drives:
            await asyncio.Event().wait()
        await self.courier.run()

    async def drive(self) -> None:
        """Take turns with datasets, and heed what other processes do to them, until cancelled."""
        if not self.settings.role.drives:
            await asyncio.Event().wait()
        async with asyncio.TaskGroup() as group:
            group.create_task(self.engine.run())
            group.create_task(self._heed_for_ever())

    async def _heed_for_ever(self) -> None:
        while True:
            await asyncio.sleep(HEED_SECONDS)
            try:
                await self.coordinator.heed()
            except Exception:
                log.exception("heeding.failed")

    async def listen(self) -> None:
        """Ring our bells at the commits of other processes, for as long as we live."""
        if self.database.dialect == "postgresql":
            await listen_for_ever(self.settings.database, self._ring)
        await asyncio.Event().wait()  # one process, or one that looks by the clock alone

    def _ring(self) -> None:
        self.bell.ring()
        self.engine.look()


class InProcess:
    """The application itself, as its own agents' callers reach it; known once it is built."""

    def __init__(self) -> None:
        """Begin without an application."""
        self.app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a call on."""
        if self.app is None:
            message = "The service is called before it is built."
            raise RuntimeError(message)
        await self.app(scope, receive, send)
