"""The engine on DBOS: one a process, on PostgreSQL, and what a dead process left blocks nobody."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from dbos import (
    DBOS,
    DBOSClient,
    DBOSPortableJSONSerializer,
    EnqueueOptions,
    WorkflowStatus,
)
from pydantic import ValidationError
from sqlalchemy import make_url

from domain.errors import NotAllowed, SupplierUnavailable
from service import dbos_engine
from service.dbos_engine import QUEUE, TURN, DbosEngine
from service.engine import Shift
from service.engines import EngineName, engine_for
from service.settings import Settings
from tests.registry.databases import House, a_fresh, open_house
from tests.turns import PATIENCE, Turns, goes_on, rests, running, some_datasets, until_free


@pytest.fixture
def url(tmp_path: Path) -> str:
    return a_fresh("postgresql", tmp_path)


@pytest.fixture
async def house(url: str) -> AsyncIterator[House]:
    async with open_house(url) as opened:
        yield opened


def an_engine(house: House, url: str, turns: Turns, owner: str = "one") -> DbosEngine:
    return DbosEngine(house.leases, turns.take, house.hands.tell, Shift(owner), url)


async def test_a_second_engine_in_one_process_is_refused(house: House, url: str) -> None:
    await some_datasets(house, "confluence")
    turns = Turns(goes_on)
    async with running(an_engine(house, url, turns)):
        await turns.until(lambda: turns.begun.total() == 1)

        with pytest.raises(NotAllowed, match="one a process"):
            await an_engine(house, url, turns, "two").run()


async def test_a_turn_its_process_died_with_blocks_its_dataset_for_less_than_ten_seconds(
    house: House, url: str
) -> None:
    (dataset_id,) = await some_datasets(house, "confluence")
    turns = Turns(rests)
    async with running(an_engine(house, url, turns)):
        await turns.until(lambda: turns.begun[dataset_id] == 1)
        await until_free(house, dataset_id)
    house.hands.move(days=2)
    await asyncio.to_thread(_leave_at_work, url, str(dataset_id))

    async with running(an_engine(house, url, turns, "two")), asyncio.timeout(10):
        await turns.until(lambda: turns.begun[dataset_id] == 2)

    assert turns.most_at_once == 1


def _leave_at_work(url: str, dataset_id: str) -> None:
    """Leave a workflow behind as a process does that dies when DBOS has just given it a turn."""
    client = DBOSClient(system_database_url=url, serializer=DBOSPortableJSONSerializer())
    options: EnqueueOptions = {
        "queue_name": QUEUE,
        "workflow_name": TURN,
        "deduplication_id": dataset_id,
        "app_version": dbos_engine.VERSION,
    }
    client.enqueue(options, "default", dataset_id)
    client.destroy()
    address = make_url(url).set(drivername="postgresql")
    with psycopg.connect(address.render_as_string(hide_password=False)) as connection:
        connection.execute(
            "UPDATE dbos.workflow_status SET status = 'PENDING', executor_id = 'the dead' "
            "WHERE status = 'ENQUEUED'"
        )


async def a_finished_turn() -> WorkflowStatus:
    """Wait until DBOS has written down that a turn has ended."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = await DBOS.list_workflows_async(name=TURN, status="SUCCESS")
            if found:
                return found[0]


async def test_what_dbos_keeps_is_readable_and_has_one_step_a_turn(house: House, url: str) -> None:
    (dataset_id,) = await some_datasets(house, "confluence")
    turns = Turns(rests)

    async with running(an_engine(house, url, turns)):
        await turns.until(lambda: turns.begun[dataset_id] == 1)
        await until_free(house, dataset_id)
        found = await a_finished_turn()
        steps = await DBOS.list_workflow_steps_async(found.workflow_id)

    assert found.input == {"args": ("default", str(dataset_id)), "kwargs": {}}
    assert [each["function_name"] for each in steps] == [TURN]


async def test_finished_turns_are_forgotten_by_dbos_own_schedule(
    house: House, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (dataset_id,) = await some_datasets(house, "confluence")
    turns = Turns(rests)
    monkeypatch.setattr(dbos_engine, "KEPT", timedelta(seconds=-60))

    async with running(an_engine(house, url, turns)):
        await turns.until(lambda: turns.begun[dataset_id] == 1)
        await until_free(house, dataset_id)
        await a_finished_turn()
        handle = await asyncio.to_thread(DBOS.trigger_schedule, dbos_engine.FORGET)
        await asyncio.to_thread(handle.get_result, polling_interval_sec=0.05)
        left = await DBOS.list_workflows_async(name=TURN)

    assert left == []


async def test_threads_work_as_before_when_the_engine_has_ended(house: House, url: str) -> None:
    await some_datasets(house, "confluence")
    turns = Turns(rests)

    async with running(an_engine(house, url, turns)):
        await turns.until(lambda: turns.begun.total() == 1)

    assert await asyncio.to_thread(lambda: "still here") == "still here"


def test_sqlite_is_refused_by_name() -> None:
    with pytest.raises(ValidationError, match=r"PostgreSQL alone: set database_url"):
        Settings(engine=EngineName.DBOS)


def test_a_library_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "service.dbos_engine")
    monkeypatch.setitem(sys.modules, "dbos", None)

    with pytest.raises(SupplierUnavailable, match=r"\.\[dbos\]"):
        engine_for(
            EngineName.DBOS,
            "postgresql+psycopg://nobody@nowhere/nothing",
            leases=None,  # type: ignore[arg-type]  # nobody comes so far
            take_turn=None,  # type: ignore[arg-type]  # as above
            clock=lambda: datetime.now(UTC),
            shift=Shift("one"),
        )


def test_the_service_never_imports_dbos_by_default() -> None:
    asked = "import service.cli.serve, sys; sys.exit('dbos' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", asked], check=False).returncode == 0
