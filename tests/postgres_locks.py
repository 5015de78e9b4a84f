"""Locks on PostgreSQL: a table that is held, and the sessions that wait for it."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import text

from registry.migrations import open_for_migration
from tests.ears import START_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection


@contextmanager
def held_up(url: str, table: str) -> Iterator[Connection]:
    """Keep whoever would write to a table, or change it, waiting until the transaction ends."""
    engine = open_for_migration(url)
    with engine.connect() as connection:
        connection.execute(text(f"LOCK TABLE {table} IN SHARE MODE"))
        yield connection
    engine.dispose()


def wait_until_waiting(connection: Connection, sessions: int, doing: str = "") -> None:
    """Wait until so many sessions wait for a lock, with a statement that begins so."""
    _wait_until(connection, sessions, "wait_event_type = 'Lock'", doing)


def let_go_on(connection: Connection, sessions: int, doing: str) -> None:
    """Let the lock go, and wait until so many sessions have done what they waited for.

    Their transactions are open still, since whoever would go on with them has been stopped.
    """
    connection.rollback()
    _wait_until(connection, sessions, "state = 'idle in transaction'", doing)


def _wait_until(connection: Connection, sessions: int, so: str, doing: str) -> None:
    found = text(
        f"SELECT count(*) FROM pg_stat_activity WHERE {so} "  # noqa: S608 - constants
        "AND datname = current_database() AND starts_with(query, :doing)"
    )
    pace = threading.Event()
    for _ in range(int(START_SECONDS / 0.05)):
        if connection.execute(found, {"doing": doing}).scalar_one() == sessions:
            return
        connection.execute(text("SELECT pg_stat_clear_snapshot()"))
        pace.wait(0.05)
    raise TimeoutError
