"""The two SQL dialects we speak, SQLite and PostgreSQL, and every place where they differ."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import (
    ColumnElement,
    Engine,
    Select,
    Table,
    Text,
    Uuid,
    bindparam,
    cast,
    column,
    event,
    func,
    literal,
    null,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

from registry.columns import Lasting, UtcDateTime
from registry.history import outbox

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import URL, Connection

Insert: TypeAlias = sqlite.Insert | postgresql.Insert
"""An INSERT that can say what to do on a conflict."""

LEASE = bindparam("lease", type_=Lasting)
"""How long a lease lasts: the parameter of `lease_end`."""

SQLITE = "sqlite"

_NAMED = bindparam("named", type_=Text())

_MILLISECONDS = "%Y-%m-%d %H:%M:%f000"

_PRAGMAS = (
    "busy_timeout = 30000",
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = ON",
    "recursive_triggers = ON",
)
"""Durable at every commit; readers never wait for the one writer, and the writer not for them.

Recursive triggers: else a row that REPLACE writes over is deleted past the triggers that guard it.
"""


def insert(dialect: str, table: Table) -> Insert:
    """Start an INSERT that can say what to do on a conflict."""
    return sqlite.insert(table) if dialect == SQLITE else postgresql.insert(table)


@cache
def insert_once(dialect: str, table: Table) -> Insert:
    """Give an INSERT that leaves what is there alone; its `rowcount` tells whether it wrote."""
    once: Insert = insert(dialect, table).on_conflict_do_nothing()
    return once.execution_options(preserve_rowcount=True)


@cache
def insert_or_replace(dialect: str, table: Table) -> Insert:
    """Give an INSERT that writes over the row with the same primary key."""
    statement = insert(dialect, table)
    keys = [each.name for each in table.primary_key]
    new = {each.name: each for each in statement.excluded if each.name not in keys}
    replacing: Insert = statement.on_conflict_do_update(index_elements=keys, set_=new)
    return replacing


@cache
def database_now(dialect: str) -> ColumnElement[datetime]:
    """Tell the database's own time, which all processes share."""
    if dialect == SQLITE:
        return func.strftime(_MILLISECONDS, "now", type_=UtcDateTime())
    return func.clock_timestamp(type_=UtcDateTime())


@cache
def lease_end(dialect: str) -> ColumnElement[datetime]:
    """Tell the database's own time plus the parameter `lease`."""
    if dialect == SQLITE:
        return func.strftime(_MILLISECONDS, "now", LEASE, type_=UtcDateTime())
    ends: ColumnElement[datetime] = func.clock_timestamp(type_=UtcDateTime()) + LEASE
    return ends


@cache
def named(dialect: str) -> Select[str, UUID]:
    """Give the tenants and ids of the parameter `named`, which `names` writes.

    However many there are, it is one statement, compiled once; and to SQLite it is a table, so that
    it finds their rows by the key.
    """
    if dialect == SQLITE:
        each = func.json_each(_NAMED).table_valued("value").c.value
        return select(func.json_extract(each, "$[0]"), func.json_extract(each, "$[1]"))
    rows = func.jsonb_array_elements(cast(_NAMED, postgresql.JSONB))
    row = rows.table_valued(column("value", postgresql.JSONB)).c.value
    return select(row[0].astext, cast(row[1].astext, Uuid()))


def names(rows: Iterable[tuple[str, UUID]]) -> str:
    """Write tenants and ids as the parameter `named`."""
    return json.dumps([(tenant, each.hex) for tenant, each in rows])


@cache
def outbox_number(dialect: str) -> ColumnElement[Any]:
    """Give the sequence of a new outbox row; its tenant is the parameter `numbered_tenant`.

    SQLite has one writer at a time, so the next number is known at once. On PostgreSQL a
    deferred trigger numbers the row inside the commit, under a lock that no client can hold.
    """
    if dialect != SQLITE:
        return null()
    last = select(func.coalesce(func.max(outbox.c.sequence), 0))
    tenant = bindparam("numbered_tenant", type_=outbox.c.tenant.type)
    return last.where(outbox.c.tenant == tenant).scalar_subquery() + 1


@cache
def numbering_turn(dialect: str) -> Select[Any]:
    """Give the query that waits until nobody else numbers the rows of the tenant `of_tenant`.

    On PostgreSQL it takes the lock that numbers events and audit entries inside a commit; on
    SQLite whoever writes is alone anyway.
    """
    if dialect == SQLITE:
        return select(null())
    key = literal("outbox/") + bindparam("of_tenant", type_=outbox.c.tenant.type)
    return select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0)))


def blocking_url(url: URL) -> URL:
    """Give the address of the same database for a driver without asyncio."""
    return url.set(drivername="sqlite") if url.get_backend_name() == SQLITE else url


def prepare_writes(engine: Engine) -> None:
    """Make a SQLite engine durable and take the one write lock when a transaction begins."""
    _prepare(engine, "BEGIN IMMEDIATE", _PRAGMAS)


def prepare_reads(engine: Engine) -> None:
    """Make a SQLite engine read from one snapshot a transaction, and never write."""
    _prepare(engine, "BEGIN", (*_PRAGMAS, "query_only = ON"))


def send_rows_singly(engine: Engine) -> None:
    """Let a server's driver send many rows of one statement one after the other.

    psycopg would send them in a pipeline, which it ends with a Flush. After that PostgreSQL waits
    for us without its `idle_in_transaction_session_timeout`, and whoever is stopped there would
    hold the locks of the transaction for good.
    """

    def executed(cursor: Any, statement: str, rows: Any, _context: object) -> bool:
        for row in rows:
            cursor.execute(statement, row)
        return True  # nothing is left to do

    event.listen(engine, "do_executemany", executed)


def _prepare(engine: Engine, begin: str, pragmas: tuple[str, ...]) -> None:
    if engine.dialect.name != SQLITE:
        return

    def connected(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    def began(connection: Connection) -> None:
        if connection.dialect.is_async:
            driver: Any = connection.connection.driver_connection
            driver.begin(begin)
        else:
            connection.exec_driver_sql(begin)

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", began)
