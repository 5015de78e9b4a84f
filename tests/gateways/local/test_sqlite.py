"""The stand-ins' store: whole transactions or nothing, in one file that several share."""

import sqlite3
from pathlib import Path

import pytest

from gateways.local.sqlite import SqliteStore

SCHEMA = "CREATE TABLE IF NOT EXISTS word (text TEXT PRIMARY KEY)"


def test_a_transaction_that_fails_leaves_nothing_and_no_lock() -> None:
    store = SqliteStore(None, SCHEMA)

    with pytest.raises(sqlite3.IntegrityError), store.transaction() as connection:
        connection.executemany("INSERT INTO word VALUES (?)", [("twice",), ("twice",)])
    with store.transaction() as connection:
        connection.execute("INSERT INTO word VALUES ('kept')")

    assert [row["text"] for row in store.rows("SELECT text FROM word")] == ["kept"]
    store.close()


def test_two_stores_on_one_file_see_each_others_rows(tmp_path: Path) -> None:
    one = SqliteStore(tmp_path / "words.db", SCHEMA)
    two = SqliteStore(tmp_path / "words.db", SCHEMA)

    with one.transaction() as connection:
        connection.execute("INSERT INTO word VALUES ('shared')")

    assert two.row("SELECT text FROM word") is not None
    one.close()
    two.close()


def test_closing_twice_does_no_harm() -> None:
    store = SqliteStore(None, SCHEMA)

    store.close()
    store.close()

    with pytest.raises(sqlite3.ProgrammingError):
        store.rows("SELECT 1")


def test_a_file_that_stays_locked_is_an_error_and_no_endless_wait(tmp_path: Path) -> None:
    database = tmp_path / "words.db"
    holder = sqlite3.connect(database, isolation_level=None)
    holder.execute(SCHEMA)
    holder.execute("BEGIN IMMEDIATE")

    with pytest.raises(sqlite3.OperationalError, match="locked"):
        SqliteStore(database, SCHEMA)

    holder.close()
