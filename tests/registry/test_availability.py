"""Availability: a database that is away is told from a defect of ours, and found again at once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError

from domain.errors import RegistryUnavailable
from registry import availability, database
from registry.history import ticks
from tests.builders import TENANT, a_dataset, a_journey
from tests.postgres import PostgresServer
from tests.postgres_databases import a_fresh_database, cut_off_all
from tests.processes import PATIENCE
from tests.registry.databases import ME, House, a_fresh_file, open_house


async def ask(house: House) -> int:
    """Ask the registry for something."""
    return await house.registry.last_sequence(TENANT)


async def test_a_server_that_is_not_there_is_no_defect_of_ours() -> None:
    server = PostgresServer()  # initialised, and never started
    try:
        async with open_house(server.url("postgres").render_as_string()) as house:
            with pytest.raises(RegistryUnavailable, match="Send the same message again") as told:
                await ask(house)
            assert str(server.port) not in str(told.value)
    finally:
        server.remove()


async def test_a_connection_lost_while_it_rested_is_replaced_before_anybody_meets_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(availability, "REST_SECONDS", 0.0)
    url = a_fresh_database()
    async with open_house(url) as house:
        await house.keep(a_dataset())
        await asyncio.to_thread(cut_off_all, url)

        kept = await house.keep(a_dataset("github"))

        assert kept.place.dataset_type == "github"


async def test_a_connection_lost_a_moment_ago_costs_one_call_and_the_next_finds_another() -> None:
    url = a_fresh_database()
    async with open_house(url) as house:
        await ask(house)
        await asyncio.to_thread(cut_off_all, url)
        with pytest.raises(RegistryUnavailable):
            await ask(house)

        assert await ask(house) == 0


async def test_a_connection_that_the_server_gave_up_is_no_defect_of_ours() -> None:
    async with open_house(a_fresh_database()) as house, house.database.engine.connect() as line:
        number = await line.scalar(text("SELECT pg_backend_pid()"))
        await line.execute(text("SET LOCAL idle_in_transaction_session_timeout = 1"))
        await _until_gone(house, number)

        with pytest.raises(RegistryUnavailable):  # the driver calls this an internal error
            await line.scalar(text("SELECT 1"))


async def test_a_transaction_that_rests_after_many_rows_of_one_statement_is_given_up_too() -> None:
    async with open_house(a_fresh_database()) as house, house.database.engine.connect() as line:
        number = await line.scalar(text("SELECT pg_backend_pid()"))
        await line.execute(text("SET LOCAL idle_in_transaction_session_timeout = 200"))
        tick = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
        rows = [{"name": each, "tick": tick, "owner": "me"} for each in ("one", "another")]
        await line.execute(insert(ticks), rows)

        await _until_gone(house, number)

        with pytest.raises(RegistryUnavailable):
            await line.scalar(text("SELECT 1"))


async def _until_gone(house: House, number: int | None) -> None:
    """Wait until a server's process has ended."""
    looked = text("SELECT count(*) FROM pg_stat_activity WHERE pid = :number")
    async with asyncio.timeout(PATIENCE), house.database.reads.connect() as other:
        while await other.scalar(looked, {"number": number}):
            pass


async def test_a_connection_that_is_used_again_at_once_is_not_asked_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with open_house(a_fresh_database()) as house:
        await ask(house)
        asked: list[object] = []
        monkeypatch.setattr(house.database.reads.dialect, "do_ping", asked.append)

        await ask(house)

        assert asked == []


async def test_a_file_that_is_locked_for_too_long_is_no_defect_of_ours(tmp_path: Path) -> None:
    url = a_fresh_file(tmp_path)
    async with open_house(url) as house, open_house(url) as other:
        async with other.database.engine.begin() as patient:
            await patient.execute(text("PRAGMA busy_timeout = 1"))
        async with house.registry.transaction(ME) as holding:
            await holding.keep_journey(a_journey())
            with pytest.raises(RegistryUnavailable):
                await other.keep(a_dataset())


async def test_a_database_whose_connections_are_all_in_use_for_too_long_is_no_defect_of_ours(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_WRITERS", 1)
    monkeypatch.setattr(database, "_PATIENCE_SECONDS", 0.01)
    async with open_house(url) as house, house.registry.transaction(ME):
        with pytest.raises(RegistryUnavailable):
            await house.keep(a_dataset())


async def test_a_statement_that_is_wrong_stays_a_defect_of_ours(house: House) -> None:
    async with house.database.reading(TENANT) as session:
        with pytest.raises(DBAPIError, match="nowhere"):
            await session.connection.execute(text("SELECT 1 FROM nowhere"))
