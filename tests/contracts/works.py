"""What an engine is held to its contract on: rows, leases that can be broken, and its kind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from domain.repository import Claim, Room
from registry.database import Database
from registry.leases import SqlLeases
from service.dbos_engine import DbosEngine
from service.engine import Shift, TurnEngine
from tests.registry.databases import House
from tests.turns import Turns, running

ENGINES = ("builtin on sqlite", "builtin on postgresql", "dbos on postgresql")


@dataclass
class Works(House):
    """A house, and how an engine is set to work on its rows."""

    kind: str = ENGINES[0]
    url: str = ""

    def engine(self, leases: SqlLeases, turns: Turns, shift: Shift) -> TurnEngine:
        """Make an engine of the kind that is held to the contract."""
        if self.kind.startswith("dbos"):
            return DbosEngine(leases, turns.take, self.hands.tell, shift, self.url)
        return TurnEngine(leases, turns.take, self.hands.tell, shift)

    def another(self, turns: Turns, shift: Shift) -> TurnEngine:
        """Make an engine beside it: the built-in one, for DBOS is one a process."""
        return TurnEngine(self.leases, turns.take, self.hands.tell, shift)


class BrokenLeases(SqlLeases):
    """Leases on a database that is away for the next few calls of each kind."""

    claims_to_break = 0
    beats_to_break = 0
    releases_to_break = 0

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.broken = asyncio.Event()

    async def claim(self, owner: str, ttl: timedelta, room: Room, now: datetime, /) -> list[Claim]:
        if self.claims_to_break:
            self.claims_to_break -= 1
            raise ConnectionError("the database is away")
        return await super().claim(owner, ttl, room, now)

    async def due(self, room: Room, now: datetime, /) -> list[Claim]:
        if self.claims_to_break:
            self.claims_to_break -= 1
            raise ConnectionError("the database is away")
        return await super().due(room, now)

    async def beat(self, owner: str, ids: object, ttl: timedelta, /) -> set[UUID]:
        if self.beats_to_break:
            self.beats_to_break -= 1
            self.broken.set()
            raise ConnectionError("the database is away")
        return await super().beat(owner, ids, ttl)  # type: ignore[arg-type]  # passed on as it came

    async def release(self, claim: Claim, due_at: datetime | None, version: int, /) -> None:
        if self.releases_to_break:
            self.releases_to_break -= 1
            raise ConnectionError("the database is away")
        await super().release(claim, due_at, version)


@asynccontextmanager
async def at_work(
    house: Works,
    turns: Turns,
    *,
    lease: timedelta = timedelta(seconds=10),
    at_once: int = 32,
    leases: SqlLeases | None = None,
) -> AsyncIterator[TurnEngine]:
    """Let an engine work on the house's rows."""
    engine = house.engine(leases or house.leases, turns, Shift("one", lease, at_once))
    async with running(engine):
        yield engine
