"""One SQLite file that several processes may share, written in whole transactions or not at all."""

import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_BUSY_TIMEOUT_MS = 10_000
_WAL_ATTEMPTS = 50
_WAL_PAUSE_SECONDS = 0.02


class SqliteStore:
    """A connection in autocommit mode; every change goes through `transaction`."""

    def __init__(self, database: Path | None, schema: str) -> None:
        """Open the file (`None`: memory) and lay out the schema where it is missing."""
        if database is not None:
            database.parent.mkdir(parents=True, exist_ok=True)
        self._connection = _connect(":memory:" if database is None else str(database))
        self._connection.executescript(f"BEGIN IMMEDIATE; {schema}; COMMIT;")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Hold the write lock; commit at the end, roll back on every exception."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def rows(self, sql: str, values: Mapping[str, Any] | None = None) -> list[sqlite3.Row]:
        """All rows of one reading statement with named parameters."""
        return self._connection.execute(sql, values or {}).fetchall()

    def row(self, sql: str, values: Mapping[str, Any] | None = None) -> sqlite3.Row | None:
        """The first row of one reading statement, or None."""
        found: sqlite3.Row | None = self._connection.execute(sql, values or {}).fetchone()
        return found

    def close(self) -> None:
        """Close the connection; once more does no harm."""
        self._connection.close()


def _connect(address: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        address, timeout=_WAL_PAUSE_SECONDS, isolation_level=None, check_same_thread=False
    )
    connection.row_factory = sqlite3.Row
    try:
        _use_write_ahead_log(connection)
    except sqlite3.OperationalError:
        connection.close()
        raise
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Switch to WAL; SQLite does not always wait for the lock of that switch, so we do."""
    for _ in range(_WAL_ATTEMPTS - 1):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            time.sleep(_WAL_PAUSE_SECONDS)
        else:
            return
    connection.execute("PRAGMA journal_mode = WAL")
