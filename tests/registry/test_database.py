"""The database: one writer at a time, readers who never wait, and both dialects' words."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import ClauseElement, Dialect, create_mock_engine, make_url, select

from domain.errors import NotFound
from registry.dialect import blocking_url, insert_once, lease_end, outbox_number
from registry.history import requests
from registry.turns import due_statement
from tests.builders import TENANT, a_dataset, a_journey, find_template
from tests.registry.databases import ME, House, a_fresh_file, open_house


async def test_a_reader_never_waits_for_a_writer(house: House) -> None:
    dataset = await house.keep(a_dataset())

    async with house.registry.transaction(ME) as transaction:
        changed = await transaction.dataset(dataset.place.dataset_id)
        find_template(changed)
        await transaction.save(changed, None)
        seen = await house.registry.dataset(TENANT, dataset.place.dataset_id)

    assert seen == dataset


async def test_writers_of_two_processes_wait_their_turn(house: House, url: str) -> None:
    async with open_house(url) as other:
        writes = [
            each.keep(a_dataset(f"{name}{number}"))
            for number in range(10)
            for name, each in (("a", house), ("b", other))
        ]
        kept = await asyncio.gather(*writes)

    assert len({each.place.dataset_id for each in kept}) == 20


async def test_a_write_cancelled_while_it_begins_leaves_the_writer_usable(
    house: House, url: str
) -> None:
    await house.keep(a_dataset("warmup"))
    async with open_house(url) as other, other.registry.transaction(ME) as holding:
        await holding.keep_journey(a_journey())
        waiting = asyncio.create_task(house.keep(a_dataset("waiting")))
        for _ in range(100):  # nothing but the held lock keeps it from going on
            await asyncio.sleep(0)
        waiting.cancel()
    await asyncio.wait({waiting})

    kept = await house.keep(a_dataset("github"))

    assert kept == await house.registry.dataset(TENANT, kept.place.dataset_id)


async def test_a_cancelled_transaction_leaves_nothing_and_holds_nothing(house: House) -> None:
    has_written = asyncio.Event()

    async def write_and_wait() -> None:
        async with house.registry.transaction(ME) as transaction:
            await transaction.keep_journey(a_journey())
            has_written.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(write_and_wait())
    await has_written.wait()
    task.cancel()
    await asyncio.wait({task})

    with pytest.raises(NotFound):
        await house.registry.client(TENANT, "acme-healthcare")
    assert await house.keep(a_dataset()) is not None


async def test_a_transaction_cancelled_inside_a_statement_holds_nothing(house: House) -> None:
    for turns in range(12):
        task = asyncio.create_task(house.keep(a_dataset(f"type{turns}")))
        for _ in range(turns * 3):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})

    kept = await asyncio.wait_for(house.keep(a_dataset("last")), timeout=10)

    assert kept.place.dataset_type == "last"


async def test_a_transaction_cancelled_while_it_reads_gives_sqlites_lock_back_at_once(
    tmp_path: Path,
) -> None:
    async with open_house(a_fresh_file(tmp_path)) as house:
        looks = await _looks_after_cancelled_reads(house, tmp_path / "registry.db")

    assert looks
    assert all(looks)


async def _looks_after_cancelled_reads(house: House, file: Path) -> list[bool]:
    """Cancel reads at ever later moments; tells after each whether the file can be written."""
    kept = await house.keep(a_dataset())
    looks: list[bool] = []

    async def read() -> None:
        try:
            async with house.registry.transaction(ME) as transaction:
                await transaction.dataset(kept.place.dataset_id)
        except asyncio.CancelledError:  # which holds the frames, and they the rows not yet read
            looks.append(_can_be_written(file))

    for turns in range(0, 1200, 8):
        task = asyncio.create_task(read())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
    return looks


def _can_be_written(file: Path) -> bool:
    with closing(sqlite3.connect(file, timeout=0, isolation_level=None)) as other:
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        return True


async def test_a_database_closes_though_its_calls_were_cancelled_again_and_again(url: str) -> None:
    async with open_house(url) as house:
        for turns in range(60):
            task = asyncio.create_task(house.keep(a_dataset(f"type{turns}")))
            for _ in range(turns):
                await asyncio.sleep(0)
            while not task.done():
                task.cancel()
                await asyncio.sleep(0)

    assert not [each for each in threading.enumerate() if "_connection_worker" in each.name]


async def test_a_dataset_never_added_cannot_be_saved(house: House) -> None:
    with pytest.raises(NotFound):
        await house.save(a_dataset())


def test_postgresql_skips_rows_another_claims() -> None:
    words = _in_postgresql(due_statement("postgresql"))

    assert words.endswith("FOR UPDATE OF datasets SKIP LOCKED")
    assert "datasets.lease_until <= clock_timestamp()" in words


def test_postgresql_adds_a_lease_to_its_own_clock() -> None:
    words = _in_postgresql(select(lease_end("postgresql")))

    assert "clock_timestamp() + " in words


def test_postgresql_numbers_events_inside_the_commit() -> None:
    words = _in_postgresql(select(outbox_number("postgresql")))

    assert "SELECT NULL" in words


def test_postgresql_leaves_alone_what_is_there() -> None:
    words = _in_postgresql(insert_once("postgresql", requests))

    assert words.endswith("ON CONFLICT DO NOTHING")


def test_each_dialect_has_a_driver_that_blocks() -> None:
    urls = ["sqlite+aiosqlite:////data/registry.db", "postgresql+psycopg://db/dataops"]

    blocking = [str(blocking_url(make_url(each))) for each in urls]

    assert blocking == ["sqlite:////data/registry.db", "postgresql+psycopg://db/dataops"]


def _in_postgresql(statement: ClauseElement) -> str:
    dialect: Dialect = create_mock_engine("postgresql+psycopg://", print).dialect
    return str(statement.compile(dialect=dialect))
