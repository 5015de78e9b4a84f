"""Availability: a database that is away is told from a defect of ours, and found again."""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING

from sqlalchemy import AsyncAdaptedQueuePool, event
from sqlalchemy.exc import DisconnectionError, OperationalError
from sqlalchemy.exc import TimeoutError as NoneFree

from domain.errors import RegistryUnavailable

if TYPE_CHECKING:
    from sqlalchemy import Engine, ExceptionContext
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

REST_SECONDS = 1.0
"""How long a connection may have lain idle before it is asked.

To ask each time would add a round trip to every statement. A connection that broke within this
time breaks the statement, as it would had it broken a moment later; the pool then drops all others.
"""

_SINCE = "rests since"

_UNAVAILABLE = (
    "The service cannot reach its database, or not in time. What you asked may or may not be done. "
    "Send the same message again in a moment: it is one request however often it comes. /readyz "
    "tells when the database is back."
)


class DatabaseUnavailable(RegistryUnavailable, OperationalError):
    """Both what our callers are told and what a library knows that tries such errors again."""

    def __init__(self, cause: BaseException) -> None:
        """Keep what the driver said as the cause alone: it names hosts and ports."""
        OperationalError.__init__(self, None, None, cause)

    def __str__(self) -> str:
        """Tell what happened and what to do next."""
        return _UNAVAILABLE


class PatientPool(AsyncAdaptedQueuePool):
    """A pool whose connections are all in use for too long is as good as a database that is away."""

    def _do_get(self) -> ConnectionPoolEntry:
        try:
            return super()._do_get()
        except NoneFree as error:
            raise DatabaseUnavailable(error) from error


def tell_unavailable(engine: Engine) -> None:
    """Let everybody who uses an engine, libraries too, meet DatabaseUnavailable.

    It stands for what is no fault of a statement: the database is away, full, or overloaded. That a
    connection is lost is not always an OperationalError: PostgreSQL's time-outs are internal ones.
    """
    driver = engine.dialect.loaded_dbapi

    def failed(context: ExceptionContext) -> None:
        error = context.original_exception
        is_away = isinstance(error, driver.OperationalError) and not _is_of_the_statement(error)
        if is_away or (isinstance(error, driver.Error) and context.is_disconnect):
            raise DatabaseUnavailable(error) from error

    event.listen(engine, "handle_error", failed)


def _is_of_the_statement(error: BaseException) -> bool:
    """Whether SQLite's one kind of error for both means that the statement was wrong."""
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR


def ask_after_rest(engine: Engine) -> None:
    """Let an engine's pool replace a connection that was lost while it rested."""

    def rested(_connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        entry.info[_SINCE] = time.monotonic()

    def taken(
        connection: DBAPIConnection, entry: ConnectionPoolEntry, _: PoolProxiedConnection
    ) -> None:
        since = entry.info.pop(_SINCE, None)
        if since is not None and time.monotonic() - since >= REST_SECONDS:
            _require_alive(engine, connection)

    event.listen(engine, "checkin", rested)
    event.listen(engine, "checkout", taken)


def _require_alive(engine: Engine, connection: DBAPIConnection) -> None:
    """Raise DisconnectionError, at which the pool connects anew, where nobody answers."""
    try:
        engine.dialect.do_ping(connection)
    except engine.dialect.loaded_dbapi.Error as error:
        raise DisconnectionError("The connection was lost while it rested.") from error
