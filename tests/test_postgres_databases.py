"""A database that a test leaves is given to the next: empty, as it was made, and under a new name."""

from __future__ import annotations

import psycopg
import pytest
from sqlalchemy import text

from registry.migrations import open_for_migration
from tests.postgres_databases import a_fresh_database
from tests.rows import rows_in
from tests.tidying import end_test

A_TICK = "INSERT INTO ticks (name, tick, owner) VALUES ('orphans', now(), 'nobody')"
OID = "SELECT oid FROM pg_database WHERE datname = current_database()"
REPLACED = (
    "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql "
    "AS 'BEGIN RETURN NULL; END'"
)


def _do(url: str, *statements: str) -> None:
    engine = open_for_migration(url)
    with engine.begin() as connection:
        for each in statements:
            connection.execute(text(each))
    engine.dispose()


def _the_next() -> str:
    """End what there is of the test so far; gives the database that the rest of it gets."""
    end_test()
    return a_fresh_database()


def test_the_next_test_gets_the_same_database_without_its_rows() -> None:
    first = a_fresh_database()
    if rows_in(first, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") == [(False,)]:
        pytest.skip("Only a superuser gets past what keeps the trail from being emptied.")
    kept = rows_in(first, OID)
    _do(first, A_TICK)

    following = _the_next()

    assert rows_in(following, OID) == kept
    assert rows_in(following, "SELECT * FROM ticks") == []


def test_what_is_numbered_begins_anew() -> None:
    _do(a_fresh_database(), "SELECT setval(seqrelid, 40) FROM pg_sequence")

    following = _the_next()

    last = rows_in(following, "SELECT DISTINCT last_value FROM pg_sequences")
    assert last == [(None,)]


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE ticks ADD COLUMN also text",
        "ALTER TABLE datasets ALTER COLUMN client_id DROP NOT NULL",
        "CREATE INDEX another ON ticks (owner)",
        "DROP TRIGGER audit_stay_on_delete ON audit",
        "CREATE SCHEMA another",
        "UPDATE registry_version SET version_num = '0001'",
        "DROP TABLE registry_version",
        "ANALYZE ticks",
        REPLACED,
    ],
)
def test_one_that_is_not_as_it_was_made_is_given_to_nobody(change: str) -> None:
    first = a_fresh_database()
    changed = rows_in(first, OID)
    _do(first, A_TICK, change)

    following = _the_next()

    assert rows_in(following, OID) != changed


def test_whoever_still_knows_its_old_name_finds_nothing() -> None:
    first = a_fresh_database()

    _the_next()

    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(first.replace("+psycopg", ""))


def test_whoever_is_still_connected_is_cut_off() -> None:
    first = a_fresh_database()
    with psycopg.connect(first.replace("+psycopg", "")) as line:
        line.execute(A_TICK)

        following = _the_next()

        with pytest.raises(psycopg.OperationalError):
            line.execute("COMMIT")
    assert rows_in(following, "SELECT * FROM ticks") == []
