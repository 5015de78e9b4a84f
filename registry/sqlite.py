"""SQLite's connections: few trips to their threads, each ends once, none outlives its database."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakSet

import aiosqlite

if TYPE_CHECKING:
    from collections.abc import Callable, MutableSet, Sequence

_ROWS_AT_A_TIME = 64


class Connections:
    """Opens a database's connections, and ends those that still run when it is closed."""

    def __init__(self) -> None:
        """Begin with none open."""
        self._open: MutableSet[_Connection] = WeakSet()
        self._threads: MutableSet[Thread] = WeakSet()

    def __call__(self, path: str, **options: Any) -> aiosqlite.Connection:
        """Give a connection to a file, to be opened by awaiting it."""
        connection = _Connection(path, options)
        self._open.add(connection)
        self._threads.add(connection.thread)
        return connection

    async def end(self) -> None:
        """End every connection and its thread."""
        ends = [each.stop() for each in self._open]
        await asyncio.gather(*(each for each in ends if each is not None))
        await asyncio.to_thread(self._wait_for_threads)

    def _wait_for_threads(self) -> None:
        """Wait until each thread has ended, those included whose connection nobody held."""
        for each in list(self._threads):
            if each.is_alive():
                each.join()


class _Connection(aiosqlite.Connection):
    """A connection whose end may be asked for more than once.

    SQLAlchemy asks twice where a cancelled transaction is cancelled again: its forced close comes
    between the halves of its graceful one, which then waited for ever for a thread long ended.
    """

    def __init__(self, path: str, options: dict[str, Any]) -> None:
        super().__init__(lambda: sqlite3.connect(path, factory=_Driver, **options), _ROWS_AT_A_TIME)
        self._thread.daemon = True  # as SQLAlchemy sets it for connections it opens itself
        self._ending: asyncio.Future[Any] | None = None
        self._given = self._done = 0
        self._beginning = ""

    @property
    def thread(self) -> Thread:
        """The thread that does the connection's work; it goes on a little after its last answer."""
        return self._thread

    def cursor(self) -> _Statement:  # type: ignore[override]  # all that SQLAlchemy asks of one
        """Give a cursor that needs one trip a statement."""
        return _Statement(self)

    def begin(self, statement: str) -> None:
        """Begin a transaction: on the same trip as the first thing it does."""
        self._beginning = statement

    async def run(self, function: Callable[[sqlite3.Connection], Any]) -> Any:
        """Have the thread do something with the driver's connection."""
        beginning, self._beginning = self._beginning, ""

        def begun() -> Any:
            if beginning:
                self._conn.execute(beginning)
            return function(self._conn)

        return await self._execute(begun)

    async def rollback(self) -> None:
        """Roll back, unless nothing is open; every connection is rolled back on its way home."""
        self._beginning = ""
        if self._given != self._done or self._conn.in_transaction:
            await super().rollback()

    def stop(self) -> asyncio.Future[Any] | None:
        """Let the thread finish what it was given and end; tells when it has."""
        if self._ending is None:
            self._ending = super().stop()
        return None if self._ending is None else asyncio.shield(self._ending)

    async def _execute(self, fn: Callable[..., Any], *given: Any, **named: Any) -> Any:
        """Hand a function to the thread, and count those that have not come back."""

        def counted() -> Any:
            try:
                return fn(*given, **named)
            finally:
                self._done += 1

        self._given += 1
        return await super()._execute(counted)  # type: ignore[no-untyped-call]  # theirs is bare

    def __del__(self) -> None:
        """End what nobody holds: a connection whose opening was cancelled."""
        if self._ending is None and self._thread.is_alive():
            super().stop()


class _Statement:
    """A cursor: one statement and all of its rows in one trip to the thread, where four were.

    A call that is cancelled leaves no row unread, which would keep its transaction open.
    """

    arraysize = 1

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection
        self._rows: Sequence[Any] = ()
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, sql: str, parameters: Any = ()) -> None:
        """Run a statement."""
        await self._run(lambda cursor: cursor.execute(sql, parameters))

    async def executemany(self, sql: str, parameters: Any) -> None:
        """Run a statement once for each set of parameters."""
        await self._run(lambda cursor: cursor.executemany(sql, parameters))

    async def fetchall(self) -> Sequence[Any]:
        """Give the rows that came with the statement."""
        rows, self._rows = self._rows, ()
        return rows

    async def close(self) -> None:
        """Nothing is open any more."""

    async def _run(self, step: Callable[[sqlite3.Cursor], object]) -> None:
        def whole(driver: sqlite3.Connection) -> tuple[Sequence[Any], Any, int, int | None]:
            cursor = driver.cursor()
            try:
                step(cursor)
                rows = cursor.fetchall() if cursor.description else ()
                return rows, cursor.description, cursor.rowcount, cursor.lastrowid
            finally:
                cursor.close()

        found = await self._connection.run(whole)
        self._rows, self.description, self.rowcount, self.lastrowid = found


class _Driver(sqlite3.Connection):
    """The driver's own connection, whose transaction ends with it.

    Closing alone does not end it while a statement is not read to its end: a cancelled call's
    rows, held by nothing but a traceback, then kept the write lock from everybody.
    """

    def close(self) -> None:
        """Roll back what is open, then close."""
        with suppress(sqlite3.ProgrammingError):  # it is closed already
            self.rollback()
        super().close()
