"""Migrations: up, down and up again, to exactly the tables the code works with."""

from __future__ import annotations

import inspect
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from a2a.server.models import Base, TaskEventModel, TaskModel, TaskVersionModel

from registry.migrations import (
    HEAD,
    REVISIONS,
    DatabaseUnusable,
    current_revision,
    downgrade,
    open_for_migration,
    upgrade,
)
from registry.tables import metadata

OF_TASKS = [
    Base.metadata.tables[each.__tablename__]
    for each in (TaskModel, TaskVersionModel, TaskEventModel)
]
"""The tables of tasks as the installed A2A library wants them."""


def test_a_database_goes_up_and_down_and_up_again(tmp_path: Path) -> None:
    url = address_of(tmp_path / "a.db")
    upgrade(url)
    first = schema_of(tmp_path / "a.db")

    downgrade(url)
    bare = schema_of(tmp_path / "a.db")
    upgrade(url)

    assert current_revision(url) == HEAD
    assert schema_of(tmp_path / "a.db") == first
    assert [name for name in bare if not name.startswith("registry_version")] == []


def test_a_database_that_is_up_to_date_is_left_alone(tmp_path: Path) -> None:
    url = address_of(tmp_path / "a.db")
    upgrade(url)
    before = schema_of(tmp_path / "a.db")

    upgrade(url)

    assert schema_of(tmp_path / "a.db") == before


def test_a_new_database_stands_at_no_revision(tmp_path: Path) -> None:
    url = address_of(tmp_path / "a.db")

    revision = current_revision(url)

    assert revision is None


def test_the_migrated_tables_are_those_of_the_code(tmp_path: Path) -> None:
    upgrade(address_of(tmp_path / "migrated.db"))
    migrated = schema_of(tmp_path / "migrated.db")

    engine = open_for_migration(address_of(tmp_path / "made.db"))
    metadata.create_all(engine)
    Base.metadata.create_all(engine, tables=OF_TASKS)
    engine.dispose()

    made = schema_of(tmp_path / "made.db")
    tables = {name: words for name, words in migrated.items() if "_stay_on_" not in name}
    tables.pop("registry_version")
    assert tables == made


def test_the_file_is_written_ahead_and_durably(tmp_path: Path) -> None:
    engine = open_for_migration(address_of(tmp_path / "a.db"))

    with engine.connect() as connection:
        told = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]

    engine.dispose()
    assert told == ["wal", 2, 1, 30000]


def test_a_database_of_a_newer_version_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    upgrade(address_of(file))
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE registry_version SET version_num = '0099'")

    for use in (upgrade, downgrade, current_revision):
        with pytest.raises(DatabaseUnusable, match=f"{file} is at revision 0099.*the version that"):
            use(address_of(file))


def test_a_file_that_is_no_database_is_refused_by_name_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    content = bytes(range(256)) * 64
    file.write_bytes(content)

    with pytest.raises(DatabaseUnusable, match=f"{file} cannot be used: .*not a database"):
        upgrade(address_of(file))

    assert file.read_bytes() == content


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("postgresql+psycopg://me:hunter2@127.0.0.1:1/dataops", r"127\.0\.0\.1:1/dataops"),
        ("oracle://me:hunter2@db/dataops", "oracle://.*No module"),
        ("hunter2", "DATAOPS_DATABASE_URL cannot be used: Could not parse"),
    ],
)
def test_a_database_out_of_reach_is_named_without_its_password(url: str, named: str) -> None:
    with pytest.raises(DatabaseUnusable, match=named) as refused:
        current_revision(url)

    assert "hunter2" not in str(refused.value)


def test_every_revision_is_known() -> None:
    folder = Path(inspect.getfile(upgrade)).parent / "versions"

    written = sorted(each.name.partition("_")[0] for each in folder.glob("0*.py"))

    assert tuple(written) == REVISIONS


def address_of(file: Path) -> str:
    return f"sqlite+aiosqlite:///{file}"


def schema_of(file: Path) -> dict[str, list[str]]:
    """Every table, index and trigger of a file in its own words; constraints in any order."""
    connection = sqlite3.connect(file)
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    schema = {name: sorted(_lines(sql)) for name, sql in rows}
    connection.close()
    return schema


def _lines(sql: str) -> list[str]:
    """Split a statement into its lines; a column that was added later has one of its own."""
    added = re.compile(r", (?=\w+ (?:BOOLEAN|TEXT|DATETIME|JSON)\b)")
    return [part for line in sql.splitlines() for part in added.split(line.strip(", \t"))]
