"""The database: a pool that writes, a smaller one that reads, one for what may not wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Self
from uuid import UUID

from sqlalchemy import URL, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from domain.ports import Clock
from domain.rules import LifecycleRules
from domain.template import DatasetTemplate
from registry.availability import PatientPool, ask_after_rest, tell_unavailable
from registry.dialect import SQLITE, prepare_reads, prepare_writes, send_rows_singly
from registry.sqlite import Connections

_WRITERS = 10
_READERS = 4
_AT_ONCE = 2
_PATIENCE_SECONDS = 60

_SERVER_LIMITS = " ".join(
    f"-c {name}={milliseconds}"
    for name, milliseconds in (
        ("idle_in_transaction_session_timeout", 5_000),
        ("lock_timeout", 10_000),
        ("statement_timeout", 30_000),
    )
)
"""What PostgreSQL does for us when a process is stopped in the middle of a transaction.

It ends that transaction after a while, and makes nobody wait for it any longer than that.
"""

_REMOTE = {"options": _SERVER_LIMITS, "connect_timeout": 10, "tcp_user_timeout": 30_000}
"""How we connect to a server: one that nothing is heard of is given up, after s and after ms."""


@dataclass(frozen=True, slots=True)
class Database:
    """An open database.

    `engine` writes (on SQLite one connection, so that writers queue in order instead of
    colliding) and is also where the A2A tables live; `reads` serves queries and health, which
    no writer can hold up. `at_hand` is for `at_once`: on SQLite it is the one that writes, on
    PostgreSQL it is its own, so that whoever renews a lease never queues behind the work the lease
    is for, and loses it. `templates` remembers templates by fingerprint; they never change.
    `on_commit` is called after every commit of a transaction; `owner` names this process in leases.
    """

    engine: AsyncEngine
    reads: AsyncEngine
    at_hand: AsyncEngine
    connections: Connections
    clock: Clock
    rules: LifecycleRules
    ids: Callable[[], UUID]
    on_commit: Callable[[], None]
    owner: str = "somebody"
    templates: dict[str, DatasetTemplate] = field(default_factory=dict)

    @classmethod
    def open(
        cls,
        url: str,
        *,
        clock: Clock,
        rules: LifecycleRules,
        ids: Callable[[], UUID],
        on_commit: Callable[[], None],
        owner: str = "somebody",
    ) -> Self:
        """Open a database that `registry.migrations.upgrade` has brought up to date.

        `url` is `sqlite+aiosqlite:///PATH` or `postgresql+psycopg://…`.
        """
        address, opened = make_url(url), Connections()
        writing, reading = _writing(address, opened), _reading(address, opened)
        is_file = address.get_backend_name() == SQLITE
        at_hand = writing if is_file else _committing(_engine(address, _AT_ONCE, opened))
        return cls(writing, reading, at_hand, opened, clock, rules, ids, on_commit, owner)

    @property
    def dialect(self) -> str:
        """The name of the SQL dialect: `sqlite` or `postgresql`."""
        return self.engine.dialect.name

    @asynccontextmanager
    async def reading(self, tenant: str) -> AsyncIterator[Session]:
        """Open a transaction that only reads, for a tenant. Raises RegistryUnavailable."""
        async with self.reads.connect() as connection:
            yield Session(self, connection, tenant)

    @asynccontextmanager
    async def writing(self, tenant: str) -> AsyncIterator[Session]:
        """Open a transaction that writes, for a tenant; it commits unless an error passes.

        Raises:
            RegistryUnavailable: the database is away, full or overloaded; where that happens at
                the commit, it may have been done.
        """
        async with self.engine.begin() as connection:
            yield Session(self, connection, tenant)

    @asynccontextmanager
    async def at_once(self) -> AsyncIterator[AsyncConnection]:
        """Open a connection on which each statement is done at once, whatever becomes of the next.

        On PostgreSQL each commits in its own round trip, so that a process that is stopped in the
        middle holds no lock that others wait for. On SQLite, which rolls back for a process that
        is gone, all of them are one transaction.
        """
        if self.dialect == SQLITE:
            async with self.at_hand.begin() as connection:
                yield connection
            return
        async with self.at_hand.connect() as connection:
            yield connection

    async def close(self) -> None:
        """Close every connection."""
        engines = {self.engine, self.reads, self.at_hand}
        await asyncio.gather(*(each.dispose() for each in engines))
        await self.connections.end()  # those too that a cancelled transaction was closing


@dataclass(frozen=True, slots=True)
class Session:
    """An open transaction on a database, as one tenant sees it."""

    database: Database
    connection: AsyncConnection
    tenant: str

    @property
    def dialect(self) -> str:
        """The name of the SQL dialect."""
        return self.database.dialect


def _writing(url: URL, opened: Connections) -> AsyncEngine:
    size = 1 if url.get_backend_name() == SQLITE else _WRITERS
    engine = _engine(url, size, opened)
    prepare_writes(engine.sync_engine)
    return engine


def _reading(url: URL, opened: Connections) -> AsyncEngine:
    engine = _engine(url, _READERS, opened)
    prepare_reads(engine.sync_engine)
    if url.get_backend_name() == SQLITE:
        return engine
    # Each statement of a READ COMMITTED transaction sees its own moment anyway: without BEGIN and
    # ROLLBACK a read is one round trip instead of three.
    return _committing(engine)


def _committing(engine: AsyncEngine) -> AsyncEngine:
    return engine.execution_options(isolation_level="AUTOCOMMIT")


def _engine(url: URL, size: int, opened: Connections) -> AsyncEngine:
    is_remote = url.get_backend_name() != SQLITE  # a file has no connection to lose
    engine = create_async_engine(
        url,
        connect_args=_REMOTE if is_remote else {"async_creator_fn": opened},
        poolclass=PatientPool,
        pool_size=size,
        max_overflow=0,
        pool_timeout=_PATIENCE_SECONDS,
        pool_reset_on_return="rollback",  # a cancelled BEGIN may have begun all the same
    )
    tell_unavailable(engine.sync_engine)
    if is_remote:
        ask_after_rest(engine.sync_engine)
        send_rows_singly(engine.sync_engine)
    return engine
