"""Databases for tests: migrated once, copied for each test, opened with a clock one can move."""

from __future__ import annotations

import itertools
import shutil
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, partial
from pathlib import Path
from tempfile import mkdtemp
from uuid import UUID

from domain.commands import Principal
from domain.dataset import Dataset
from domain.repository import Leases, Registry, Room
from domain.rules import LifecycleRules
from registry.database import Database
from registry.leases import SqlLeases
from registry.migrations import upgrade
from registry.progress import SqlProgressLog
from registry.repository import SqlRegistry
from tests.builders import NOW, TENANT, a_journey
from tests.postgres_databases import a_fresh_database
from tests.tidying import at_end

_NUMBERS = itertools.count(1)

DATABASES = ("sqlite", "postgresql")
"""The databases every contract of the registry is held to."""

ROOM = Room(5, 16)
"""Room for more turns than most tests have datasets."""

ME = Principal(TENANT, "alice")
OTHERS = Principal("globex", "bob")


@dataclass
class Hands:
    """A clock's hands, which a test moves; it counts the bells rung as well."""

    now: datetime = NOW
    rings: int = 0

    def tell(self) -> datetime:
        """Tell the time."""
        return self.now

    def move(self, **by: float) -> None:
        """Move the time forward."""
        self.now += timedelta(**by)

    def ring(self) -> None:
        """Count a bell."""
        self.rings += 1


class Keeping(ABC):
    """A registry with its leases, and short ways to put datasets into it."""

    @property
    @abstractmethod
    def registry(self) -> Registry:
        """The registry."""

    @property
    @abstractmethod
    def leases(self) -> Leases:
        """The leases on its datasets."""

    async def keep(self, dataset: Dataset, principal: Principal = ME) -> Dataset:
        """Add a dataset with its journey; gives it as the registry has it."""
        place = dataset.place
        journey = a_journey(place.journey_ref, client=place.client, tenant=place.tenant)
        async with self.registry.transaction(principal) as transaction:
            await transaction.keep_journey(journey)
            await transaction.add(dataset)
        return await self.registry.dataset(place.tenant, place.dataset_id)

    async def save(
        self, dataset: Dataset, due_at: datetime | None = None, principal: Principal = ME
    ) -> None:
        """Save a dataset in a transaction of its own."""
        async with self.registry.transaction(principal) as transaction:
            await transaction.save(dataset, due_at)


@dataclass
class House(Keeping):
    """An open database with all that is built on it."""

    database: Database
    hands: Hands = field(default_factory=Hands)

    def __post_init__(self) -> None:
        self._registry = SqlRegistry(self.database)
        self._leases = SqlLeases(self.database)
        self.progress = SqlProgressLog(self.database)

    @property
    def registry(self) -> SqlRegistry:
        """The registry over it."""
        return self._registry

    @property
    def leases(self) -> SqlLeases:
        """The leases on its datasets."""
        return self._leases


def a_fresh(kind: str, folder: Path) -> str:
    """Make a migrated, empty database of a kind; gives its address."""
    return a_fresh_file(folder) if kind == "sqlite" else a_fresh_database()


def a_fresh_file(folder: Path) -> str:
    """Copy the migrated file into a folder; gives its address."""
    file = folder / "registry.db"
    shutil.copy(migrated_file(), file)
    return f"sqlite+aiosqlite:///{file}"


@asynccontextmanager
async def open_house(url: str) -> AsyncIterator[House]:
    """Open a migrated database; ids count up, so that tests see their order."""
    hands = Hands()
    database = Database.open(
        url,
        clock=hands.tell,
        rules=LifecycleRules(),
        ids=lambda: UUID(int=next(_NUMBERS)),
        on_commit=hands.ring,
    )
    try:
        yield House(database, hands)
    finally:
        await database.close()


@cache
def migrated_file() -> Path:
    """Give a migrated, empty database to copy, made once for all tests of a process."""
    folder = Path(mkdtemp(prefix="registry-"))
    at_end(partial(shutil.rmtree, folder, ignore_errors=True))
    file = folder / "migrated.db"
    upgrade(f"sqlite+aiosqlite:///{file}")
    return file
