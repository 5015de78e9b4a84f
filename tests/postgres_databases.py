"""Databases on PostgreSQL: each test that asks for one has one of its own, migrated and empty.

`TEST_DATABASE_URL` names the server, PostgreSQL 15 or newer, whose user may create databases, as
`postgresql+psycopg://USER@HOST/DATABASE`; without it the tests start their own.

What a test leaves is emptied and given to the next, unless its tables are not those it was made with:
to copy and remove three hundred files costs far more than to delete its rows. It changes its name
first, so that nothing left over from the test before finds it.
"""

from __future__ import annotations

import itertools
import os
from functools import cache, partial

import psycopg
from sqlalchemy import URL, make_url

from registry.migrations import upgrade
from tests.postgres import PostgresServer
from tests.tidying import after_test, at_end

_NUMBERS = itertools.count(1)
_LARGE = 4_000_000
"""Bytes of tables and indexes, 1 MB when new, above which plans might not be those of a new database."""

_spare: list[str] = []

_SHAPE = b"""
    WITH ours AS (SELECT *, xmin FROM pg_class WHERE relnamespace = 'public'::regnamespace)
    SELECT (SELECT string_agg(version_num, ' ') FROM registry_version),
        (SELECT sum(pg_relation_size(oid)) > %s FROM ours),
        (SELECT count(*) FROM pg_statistic JOIN ours ON oid = starelid),
        (SELECT count(*) FROM pg_namespace),
        (SELECT (count(*), max(xmin::text::bigint))::text FROM ours),
        (SELECT (count(*), max(xmin::text::bigint))::text FROM pg_attribute),
        (SELECT (count(*), max(xmin::text::bigint))::text FROM pg_constraint),
        (SELECT (count(*), max(xmin::text::bigint))::text FROM pg_trigger),
        (SELECT (count(*), max(xmin::text::bigint))::text FROM pg_proc)
"""
"""What two databases share when nobody changed the tables of either: among it, of each catalogue, the
number of its rows and the latest transaction that wrote one."""

_CUT_OFF = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = %s AND backend_type = 'client backend'
"""

_EMPTY = """
    DO $$ DECLARE filled regclass; BEGIN
        SET LOCAL session_replication_role = replica;  -- no trigger refuses, no other row is asked
        FOR filled IN SELECT oid FROM pg_class
            WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
            AND relname <> 'registry_version' AND pg_relation_size(oid) > 0
        LOOP EXECUTE format('DELETE FROM %s', filled); END LOOP;
        PERFORM setval(seqrelid, seqstart, false) FROM pg_sequence;
    END $$
"""


def a_fresh_database() -> str:
    """Give the address of a migrated, empty database, which is gone when the running test is."""
    name = _spare.pop() if _spare else _a_copy()
    after_test(partial(_take_back, name))
    return _address(name).render_as_string(hide_password=False)


def cut_off_all(url: str) -> None:
    """End every connection to a database, as a server does that is restarted."""
    _cut_off(make_url(url).database or "")


@cache
def _server() -> URL:
    """Give the address of the server this process tests on; it starts at the first call."""
    named = os.environ.get("TEST_DATABASE_URL")
    if named:
        return make_url(named)
    server = PostgresServer()
    at_end(server.remove)
    server.start()
    return server.url("postgres")


@cache
def _administrator() -> psycopg.Connection:
    line = _connect(_server())
    at_end(line.close)
    return line


@cache
def _migrated() -> str:
    name = f"migrated_{os.getpid()}"
    _administer(f"DROP DATABASE IF EXISTS {name}")
    _administer(f"CREATE DATABASE {name}")
    at_end(partial(_drop, name))
    at_end(_drop_all_spare)
    upgrade(_address(name).render_as_string(hide_password=False))
    return name


@cache
def _shape_as_made() -> tuple[object, ...]:
    with _connect(_address(_migrated())) as line:
        return _shape(line)


def _a_copy() -> str:
    name = _new_name()
    _administer(f"CREATE DATABASE {name} TEMPLATE {_migrated()} STRATEGY file_copy")
    return name


def _take_back(name: str) -> None:
    kept = _new_name()
    try:
        _cut_off(name)
        _administer(f"ALTER DATABASE {name} RENAME TO {kept}")
    except psycopg.errors.ObjectInUse:  # somebody came back at once
        return _drop(name)
    return _spare.append(kept) if _could_be_emptied(kept) else _drop(kept)


def _could_be_emptied(name: str) -> bool:
    """Empty a database, if it is one of ours still and its server lets us."""
    try:
        with _connect(_address(name)) as line:
            if _shape(line) != _shape_as_made():
                return False
            line.execute(_EMPTY)
            return True
    except (psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege):
        return False


def _shape(line: psycopg.Connection) -> tuple[object, ...]:
    return line.execute(_SHAPE, (_LARGE,)).fetchone() or ()


def _cut_off(name: str) -> None:
    _administrator().execute(_CUT_OFF, (name,))


def _drop(name: str) -> None:
    _administer(f"DROP DATABASE {name} WITH (FORCE)")


def _drop_all_spare() -> None:
    while _spare:
        _drop(_spare.pop())


def _new_name() -> str:
    return f"test_{os.getpid()}_{next(_NUMBERS)}"


def _address(name: str) -> URL:
    return _server().set(database=name)


def _administer(statement: str) -> None:
    _administrator().execute(statement.encode())


def _connect(address: URL) -> psycopg.Connection:
    named = address.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(named, autocommit=True)
