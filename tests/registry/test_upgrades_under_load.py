"""A database is brought up to date while processes of the version before are at work on it.

Supported is one way: the newer schema under the older code. Every revision only adds, so that what
is written by columns that were there goes on; the newer code brings the schema up before it starts.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count, pairwise
from pathlib import Path

import pytest
from sqlalchemy import Connection, inspect, text

from domain.repository import Room
from registry.database import Database
from registry.follows import SqlFollows
from registry.migrations import (
    HEAD,
    REVISIONS,
    current_revision,
    downgrade,
    open_for_migration,
    upgrade,
)
from tests.builders import NOW, a_dataset, a_journey
from tests.postgres import a_fresh_database
from tests.registry.databases import DATABASES, House, a_fresh, open_house
from tests.warm import Forked

BEFORE = "0003"
"""The last revision under which everything works that the load below does."""

PATIENCE = 30.0

Columns = dict[str, dict[str, bool]]
"""Of each table, of each column, whether a row may come without it."""


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return a_fresh(request.param, tmp_path)


@pytest.fixture
async def houses(url: str) -> AsyncIterator[list[House]]:
    downgrade(url, BEFORE)
    async with open_house(url) as one, open_house(url) as other:
        yield [one, other]


@dataclass
class Load:
    """Processes at work: each keeps datasets, claims what is due, writes it, and lets go."""

    houses: list[House]
    kept: int = 0
    is_over: bool = False
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    numbers: Iterator[int] = field(default_factory=count)

    async def run(self) -> None:
        """Work until it is over; whatever goes wrong is raised."""
        async with asyncio.TaskGroup() as group:
            for owner, house in enumerate(self.houses):
                group.create_task(self._work(f"process-{owner}", house))

    async def more(self, by: int) -> None:
        """Wait until so many more datasets were kept."""
        enough = self.kept + by
        async with asyncio.timeout(PATIENCE), self.changed:
            await self.changed.wait_for(lambda: self.kept >= enough)

    async def _work(self, owner: str, house: House) -> None:
        while not self.is_over:
            number = next(self.numbers)
            journey = a_journey(f"journey-{number}")
            await house.keep(a_dataset(f"type-{number}", journey=journey))
            for claim in await house.leases.claim(owner, timedelta(minutes=1), Room(5, 16), NOW):
                found = await house.registry.dataset(claim.tenant, claim.dataset_id)
                await house.save(found, NOW + timedelta(hours=1))
                await house.leases.release(claim, NOW + timedelta(hours=1), found.version)
            self.kept += 1
            async with self.changed:
                self.changed.notify_all()


async def test_processes_at_work_lose_nothing_while_a_newer_one_brings_the_database_up(
    url: str, houses: list[House]
) -> None:
    load = Load(houses)
    working = asyncio.create_task(load.run())
    await load.more(10)

    await asyncio.to_thread(upgrade, url)

    await load.more(10)
    load.is_over = True
    await working
    assert current_revision(url) == HEAD
    assert await versions_of(houses[0].database) == [1] * load.kept
    assert await SqlFollows(houses[0].database).keep("newer", timedelta(seconds=6)) == []


def test_processes_that_start_at_once_bring_the_database_up_once() -> None:
    url = a_fresh_database()
    downgrade(url, BEFORE)

    with held_up(url) as connection:
        starting = [Forked(upgrade, url) for _ in range(2)]
        wait_until_both_wait(connection)
        connection.rollback()
        ended = [each.join() for each in starting]

    assert ended == [0, 0]
    assert current_revision(url) == HEAD


def test_every_revision_only_adds_and_asks_nothing_of_those_who_do_not_know_it(url: str) -> None:
    downgrade(url, REVISIONS[0])

    found = [columns_at(url, revision) for revision in REVISIONS]

    for older, newer in pairwise(found):
        assert [name for name in older if name not in newer] == []
        for table, columns in older.items():
            added = newer[table].keys() - columns.keys()
            assert columns.items() <= newer[table].items()
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


@contextmanager
def held_up(url: str) -> Iterator[Connection]:
    """Keep whoever would change a table waiting until the transaction ends."""
    engine = open_for_migration(url)
    with engine.connect() as connection:
        connection.execute(text("LOCK TABLE requests IN ACCESS SHARE MODE"))
        yield connection
    engine.dispose()


def wait_until_both_wait(connection: Connection) -> None:
    """Wait until two sessions wait for a lock."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    pace = threading.Event()
    for _ in range(int(PATIENCE / 0.05)):
        if connection.execute(text(waiting)).scalar_one() == 2:
            return
        connection.execute(text("SELECT pg_stat_clear_snapshot()"))
        pace.wait(0.05)
    raise TimeoutError
