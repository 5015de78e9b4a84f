"""SQLite's connections: each ends once, whoever asks for it, and none outlives its database."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import aiosqlite

if TYPE_CHECKING:
    from collections.abc import MutableSet

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

    @property
    def thread(self) -> Thread:
        """The thread that does the connection's work; it goes on a little after its last answer."""
        return self._thread

    def stop(self) -> asyncio.Future[Any] | None:
        """Let the thread finish what it was given and end; tells when it has."""
        if self._ending is None:
            self._ending = super().stop()
        return None if self._ending is None else asyncio.shield(self._ending)

    def __del__(self) -> None:
        """End what nobody holds: a connection whose opening was cancelled."""
        if self._ending is None and self._thread.is_alive():
            super().stop()


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
