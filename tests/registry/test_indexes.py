"""Hot queries: each of them walks an index, however many rows there are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event

from domain.commands import RequestKey
from domain.journey import JourneyStage
from domain.lifecycle import DatasetStatus
from domain.repository import Claim, DatasetFilter, Slot
from tests.builders import NOW, TENANT, a_client, a_dataset_in
from tests.registry.databases import ME, House

ID = UUID(int=1)
TTL = timedelta(seconds=5)
KEY = RequestKey("lifecycle-coordinator", "message-1", "ab")
TOKEN = "MjAyNi0wMy0wMlQwOTozMDowMCswMDowMCAwMDAwMDAwMC0wMDAwLTAwMDAtMDAwMC0wMDAwMDAwMDAwMDE="


async def a_turn(house: House) -> None:
    """Do what a turn's commit does: load, ask for the slot, save with an event."""
    (dataset,) = (await house.registry.datasets(TENANT, DatasetFilter(), 1, None)).datasets
    async with house.registry.transaction(ME) as transaction:
        found = await transaction.dataset(dataset.place.dataset_id)
        slot = Slot(a_client().client_id, JourneyStage.SANDBOX, "confluence")
        await transaction.holder(slot)
        await transaction.next_generation(slot)
        found.revalidate("asked", NOW)
        await transaction.save(found, NOW)


CALLS: dict[str, Callable[[House], Awaitable[object]]] = {
    "claim": lambda house: house.leases.claim("one", TTL, 5, NOW),
    "beat": lambda house: house.leases.beat("one", [ID], TTL),
    "release": lambda house: house.leases.release(Claim(TENANT, ID, "one"), NOW, 1),
    "next due": lambda house: house.leases.next_due(),
    "page": lambda house: house.registry.datasets(TENANT, DatasetFilter(), 10, None),
    "next page": lambda house: house.registry.datasets(TENANT, DatasetFilter(), 10, TOKEN),
    "ready ones": lambda house: house.registry.datasets(
        TENANT, DatasetFilter(status=DatasetStatus.READY), 10, None
    ),
    "of a journey": lambda house: house.registry.datasets(
        TENANT, DatasetFilter(journey=str(ID)), 10, None
    ),
    "by id": lambda house: house.registry.datasets_by_id(TENANT, [ID]),
    "by name": lambda house: house.registry.dataset_id_of(TENANT, "ACME-sandbox-confluence"),
    "events": lambda house: house.registry.events(TENANT, 7, 10),
    "events of one": lambda house: house.registry.events(TENANT, 7, 10, dataset_id=ID),
    "last sequence": lambda house: house.registry.last_sequence(TENANT),
    "by message": lambda house: house.registry.request(ME, KEY),
    "by task": lambda house: house.registry.request_of_task(TENANT, "task-1"),
    "unsettled": lambda house: house.registry.unsettled_requests(10),
    "history": lambda house: house.registry.quality_history(TENANT, ID),
    "a turn": a_turn,
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_a_hot_query_walks_an_index(
    house: House, call: Callable[[House], Awaitable[object]]
) -> None:
    await house.keep(a_dataset_in(DatasetStatus.READY))

    with _overheard(house) as statements:
        await call(house)

    plans = [line for each in statements for line in await _plan(house, *each)]
    assert plans != []
    assert [line for line in plans if line.startswith("SCAN") and "USING" not in line] == []
    assert [line for line in plans if line.startswith("SCAN outbox")] == []


@contextmanager
def _overheard(house: House) -> Iterator[list[tuple[str, Any]]]:
    """Write down the statements that are sent, with their parameters."""
    heard: list[tuple[str, Any]] = []

    def hear(*said: Any) -> None:
        _connection, _cursor, statement, parameters, _context, is_many = said
        heard.append((statement, parameters[0] if is_many else parameters))

    engines = [house.database.engine.sync_engine, house.database.reads.sync_engine]
    for engine in engines:
        event.listen(engine, "before_cursor_execute", hear)
    yield heard
    for engine in engines:
        event.remove(engine, "before_cursor_execute", hear)


async def _plan(house: House, statement: str, parameters: Any) -> list[str]:
    if statement.startswith("SAVEPOINT"):
        return []
    async with house.database.reads.connect() as connection:
        rows = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return [row.detail for row in rows]
