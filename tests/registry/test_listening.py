"""Listening: a commit of one process rings in another, also after the connection was lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import psycopg
import pytest
from sqlalchemy import text

from registry import listening
from registry.listening import listen_for_ever
from tests.builders import a_dataset
from tests.postgres_databases import a_fresh_database
from tests.registry.databases import House


class Ears:
    """Counts the rings and wakes whoever waits for the next."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[None] = asyncio.Queue()

    def ring(self) -> None:
        """Hear a ring."""
        self.heard.put_nowait(None)

    async def next(self) -> None:
        """Wait for a ring."""
        async with asyncio.timeout(10):
            await self.heard.get()


@asynccontextmanager
async def listening_to(url: str) -> AsyncIterator[Ears]:
    """Listen to a database, from the moment on that it was connected."""
    ears = Ears()
    task = asyncio.create_task(listen_for_ever(url, ears.ring))
    await ears.next()
    try:
        yield ears
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def url() -> str:
    return a_fresh_database()


async def test_a_commit_rings_in_another_process(url: str, house: House) -> None:
    async with listening_to(url) as ears:
        await house.keep(a_dataset())

        await ears.next()


async def test_what_changes_no_dataset_rings_nobody(url: str, house: House) -> None:
    await house.keep(a_dataset())
    async with listening_to(url) as ears:
        async with house.database.engine.begin() as connection:
            await connection.execute(text("UPDATE datasets SET lease_owner = 'somebody'"))
        async with house.database.engine.begin() as connection:
            await connection.execute(text("NOTIFY dataops"))

        await ears.next()

        assert ears.heard.empty()


async def test_a_connection_that_is_lost_is_made_anew_and_rings_at_once(
    url: str, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "PAUSE_SECONDS", 0.01)
    async with listening_to(url) as ears:
        async with house.database.engine.begin() as connection:
            await connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND query LIKE 'LISTEN%'"
                )
            )

        await ears.next()
        await house.keep(a_dataset())
        await ears.next()


async def test_a_server_that_is_away_is_told_and_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listening, "PAUSE_SECONDS", 0.01)
    connect, tries, ears = psycopg.AsyncConnection.connect, 0, Ears()
    address = a_fresh_database()

    async def away(*given: object, **named: object) -> object:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise psycopg.OperationalError("connection refused\nIs the server running?")
        return await connect(*given, **named)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(psycopg.AsyncConnection, "connect", away)
    task = asyncio.create_task(listen_for_ever(address, ears.ring))

    await ears.next()

    assert tries == 3
    task.cancel()
    await asyncio.wait({task})
