"""A database is brought up to date while processes of the version before are at work on it.

Supported is one way: the newer schema under the older code. Every revision only adds, so that what
is written by columns that were there goes on; the newer code brings the schema up before it starts.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from itertools import count, pairwise
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import TextClause, Uuid, bindparam, inspect, text

from registry.database import Database
from registry.migrations import (
    HEAD,
    REVISIONS,
    current_revision,
    downgrade,
    open_for_migration,
    upgrade,
)
from tests.builders import TENANT, a_dataset
from tests.postgres_databases import a_fresh_database
from tests.postgres_locks import held_up, wait_until_waiting
from tests.registry.databases import DATABASES, House, a_fresh, open_house
from tests.warm import Forked

BEFORE = REVISIONS[-2]

BEFORE_COLUMNS = "0004"
"""A revision after which the table of datasets changes: whoever changes it can be kept waiting."""

PATIENCE = 30.0

Columns = dict[str, dict[str, bool]]
"""Of each table, of each column, whether a row may come without it."""


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return a_fresh(request.param, tmp_path)


@pytest.fixture
async def houses(url: str) -> AsyncIterator[list[House]]:
    """Open a database of the revision before twice; one dataset is in it, the model of all others."""
    async with open_house(url) as newer:
        await newer.keep(a_dataset())
    await asyncio.to_thread(downgrade, url, BEFORE)
    async with open_house(url) as one, open_house(url) as other:
        yield [one, other]


@dataclass
class Load:
    """Processes of the version before: each adds datasets, and writes them, by its own columns."""

    houses: list[House]
    columns: list[str]
    kept: int = 0
    is_over: bool = False
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    numbers: Iterator[int] = field(default_factory=lambda: count(2))

    async def run(self) -> None:
        """Work until it is over; whatever goes wrong is raised."""
        async with asyncio.TaskGroup() as group:
            for house in self.houses:
                group.create_task(self._work(house))

    async def more(self, by: int) -> None:
        """Wait until so many more datasets were kept."""
        enough = self.kept + by
        async with asyncio.timeout(PATIENCE), self.changed:
            await self.changed.wait_for(lambda: self.kept >= enough)

    async def _work(self, house: House) -> None:
        while not self.is_over:
            number = next(self.numbers)
            given = {"number": number, "name": f"type-{number}", "new": UUID(int=number)}
            async with house.database.engine.begin() as connection:
                await connection.execute(self._insert(), given)
            async with house.database.engine.begin() as connection:
                await connection.execute(_WRITE, given)
            self.kept += 1
            async with self.changed:
                self.changed.notify_all()

    def _insert(self) -> TextClause:
        """Copy the model, in a slot and under a name of its own."""
        own = {
            "dataset_id": ":new",
            "dataset_type": ":name",
            "connector_name": ":name",
            "generation": ":number",
        }
        values = ", ".join(own.get(each, each) for each in self.columns)
        names = ", ".join(self.columns)
        copied = (
            f"INSERT INTO datasets ({names}) SELECT {values} FROM datasets WHERE generation = 1"  # noqa: S608 - names of our columns
        )
        return text(copied).bindparams(_NEW)


_NEW = bindparam("new", type_=Uuid())

_WRITE = text(
    "UPDATE datasets SET version = version + 1, lease_owner = 'older' WHERE dataset_id = :new"
).bindparams(_NEW)


async def test_processes_at_work_lose_nothing_while_a_newer_one_brings_the_database_up(
    url: str, houses: list[House]
) -> None:
    load = Load(houses, list(columns_at(url, BEFORE)["datasets"]))
    working = asyncio.create_task(load.run())
    await load.more(10)

    await asyncio.to_thread(upgrade, url)

    await load.more(10)
    load.is_over = True
    await working
    assert current_revision(url) == HEAD
    assert sorted(await versions_of(houses[0].database)) == [0] + [1] * load.kept
    found = await houses[1].registry.dataset(TENANT, UUID(int=2))
    assert found.place.dataset_type == "type-2"


def test_processes_that_start_at_once_bring_the_database_up_once() -> None:
    url = a_fresh_database()
    downgrade(url, BEFORE_COLUMNS)

    with held_up(url, "registry_version") as connection:
        starting = [Forked(upgrade, url) for _ in range(2)]
        wait_until_waiting(connection, 2)
        connection.rollback()
        ended = [each.join() for each in starting]

    assert ended == [0, 0]
    assert current_revision(url) == HEAD


def test_a_decision_under_way_ends_its_dataset_while_the_database_is_brought_up() -> None:
    url = a_fresh_database()
    downgrade(url, "0012")
    engine = open_for_migration(url)

    with engine.connect() as connection:
        connection.execute(text("UPDATE approvals SET comment = comment"))
        upgrading = Forked(upgrade, url)
        wait_until_waiting(connection, 1)
        connection.execute(text("UPDATE datasets SET version = version"))
        connection.commit()

    engine.dispose()
    assert upgrading.join() == 0
    assert current_revision(url) == HEAD


def test_every_revision_only_adds_and_asks_nothing_of_those_who_do_not_know_it(url: str) -> None:
    downgrade(url, REVISIONS[0])

    found = [columns_at(url, revision) for revision in REVISIONS]

    for older, newer in pairwise(found):
        assert [name for name in older if name not in newer] == []
        for table, columns in older.items():
            added = newer[table].keys() - columns.keys()
            needed = {each for each in columns if not newer[table][each]}
            assert [each for each in needed if columns[each]] == []  # one may come to be left out
            assert [each for each in added if not newer[table][each]] == []


def columns_at(url: str, revision: str) -> Columns:
    """Bring a database up to a revision and tell its columns."""
    upgrade(url, revision)
    engine = open_for_migration(url)
    looked = inspect(engine)
    found = {
        table: {
            each["name"]: each["nullable"] or each["default"] is not None
            for each in looked.get_columns(table)
        }
        for table in looked.get_table_names()
    }
    engine.dispose()
    return found


async def versions_of(database: Database) -> list[int]:
    """Tell how often each dataset was written since it was kept."""
    async with database.reads.connect() as connection:
        found = await connection.execute(text("SELECT version FROM datasets"))
        return [version for (version,) in found]
