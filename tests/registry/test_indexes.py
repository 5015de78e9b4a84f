"""Hot queries: each of them walks its own index, however many rows there are."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Table

from domain.commands import RequestKey
from domain.journey import JourneyStage
from domain.lifecycle import DatasetStatus
from domain.repository import Claim, DatasetFilter, Slot
from registry.deliveries import SqlDeliveries
from registry.feedback import SqlFeedback
from registry.history import audit, outbox, progress, quality_checks, quality_runs, requests, ticks
from registry.metrics import read_figures
from registry.subscription_tables import subscriptions
from registry.subscriptions import SqlSubscriptions
from registry.tables import datasets
from registry.ticks import SqlTicks
from registry.trail import SqlAuditTrail
from tests.builders import NOW, TENANT, a_client, a_dataset_in
from tests.registry.databases import ME, ROOM, House
from tests.registry.overhearing import overheard
from tests.registry.test_subscriptions import a_webhook

ID = UUID(int=1)
TTL = timedelta(seconds=5)
KEY = RequestKey("lifecycle-coordinator", "message-1", "ab")
TOKEN = "MjAyNi0wMy0wMlQwOTozMDowMCswMDowMCAwMDAwMDAwMC0wMDAwLTAwMDAtMDAwMC0wMDAwMDAwMDAwMDE="


_INDEX = re.compile(r"(?<!VIRTUAL TABLE )INDEX (\w+)")
"""An index of a table: what a parameter is unfolded into has none but its number."""

WHOLLY_WALKED = "ix_requests_unsettled"
"""The index that holds nothing but what is asked for."""


def key_of(table: Table, number: int = 1) -> str:
    """Name the index of a table's primary key, or of its next unique key, as SQLite does."""
    return f"sqlite_autoindex_{table.name}_{number}"


SLOTS, SEQUENCES, MESSAGES = key_of(datasets, 2), key_of(outbox, 2), key_of(requests, 2)
PLACES = key_of(audit, 2)


def listing(**wanted: Any) -> Callable[[House], Awaitable[object]]:
    """List datasets of one kind."""
    return lambda house: house.registry.datasets(TENANT, DatasetFilter(**wanted), 10, None)


def trail(house: House) -> SqlAuditTrail:
    return SqlAuditTrail(house.database)


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


CALLS: dict[str, tuple[Callable[[House], Awaitable[object]], set[str]]] = {
    "beat": (lambda house: house.leases.beat("one", [ID], TTL), {"ix_datasets_lease"}),
    "release": (
        lambda house: house.leases.release(Claim(TENANT, ID, "one"), NOW, 1),
        {key_of(datasets)},
    ),
    "next due": (lambda house: house.leases.next_due(), {"ix_datasets_due"}),
    "tick": (lambda house: SqlTicks(house.database).take("feedback", NOW), {key_of(ticks)}),
    "page": (listing(), {"ix_datasets_newest"}),
    "next page": (
        lambda house: house.registry.datasets(TENANT, DatasetFilter(), 10, TOKEN),
        {"ix_datasets_newest"},
    ),
    "of a journey": (listing(journey="journey-acme-2026"), {"ix_datasets_journey_ref"}),
    "of a journey by id": (listing(journey=str(ID)), {"ix_datasets_journey_id"}),
    "of a client": (listing(client="acme-healthcare"), {"ix_datasets_client_ref"}),
    "of a client by id": (listing(client=str(ID)), {"ix_datasets_client_id"}),
    "of a stage": (listing(stage=JourneyStage.SANDBOX), {"ix_datasets_stage"}),
    "of a status": (listing(status=DatasetStatus.FAILED), {"ix_datasets_status"}),
    "by id": (lambda house: house.registry.datasets_by_id(TENANT, [ID]), {key_of(datasets)}),
    "by name": (
        lambda house: house.registry.dataset_id_of(TENANT, "ACME-sandbox-confluence"),
        {"ix_datasets_connector"},
    ),
    "client": (
        lambda house: house.registry.client(TENANT, "acme-healthcare"),
        {"ix_clients_ref"},
    ),
    "standings": (
        lambda house: house.progress.standings(TENANT, [ID]),
        {key_of(datasets), key_of(progress)},
    ),
    "events": (lambda house: house.registry.events(TENANT, 7, 10), {SEQUENCES}),
    "events of one": (
        lambda house: house.registry.events(TENANT, 7, 10, dataset_id=ID),
        {"ix_outbox_dataset"},
    ),
    "last sequence": (lambda house: house.registry.last_sequence(TENANT), {SEQUENCES}),
    "by message": (lambda house: house.registry.request(ME, KEY), {MESSAGES}),
    "by task": (
        lambda house: house.registry.request_of_task(TENANT, "task-1"),
        {key_of(requests)},
    ),
    "settle": (
        lambda house: house.registry.settle_request(TENANT, "task-1"),
        {key_of(requests)},
    ),
    "unsettled": (
        lambda house: house.registry.unsettled_requests(10),
        {"ix_requests_unsettled"},
    ),
    "history": (
        lambda house: house.registry.quality_history(TENANT, ID),
        {key_of(quality_runs), key_of(quality_checks)},
    ),
    "a turn": (
        a_turn,
        {
            "ix_datasets_newest",
            key_of(datasets),
            "uq_datasets_active_slot",
            SLOTS,
            SEQUENCES,
            PLACES,
        },
    ),
    "audit entries": (lambda house: trail(house).entries(TENANT, 7, 10), {PLACES}),
    "audit entries of one": (
        lambda house: trail(house).entries(TENANT, 7, 10, dataset_id=ID),
        {"ix_audit_dataset"},
    ),
    "the end of the chain": (lambda house: trail(house).head(TENANT), {PLACES}),
    "archived since": (
        lambda house: trail(house).tenants_archived_since(NOW),
        {"ix_datasets_archived"},
    ),
    "outside the chain": (lambda house: trail(house).unchained(TENANT), {PLACES}),
}


@pytest.mark.parametrize(("call", "indexes"), CALLS.values(), ids=CALLS)
async def test_a_hot_query_walks_the_index_made_for_it(
    house: House, call: Callable[[House], Awaitable[object]], indexes: set[str]
) -> None:
    await house.keep(a_dataset_in(DatasetStatus.READY))

    with overheard(house) as statements:
        await call(house)

    if house.database.dialect == "postgresql":
        assert await _scans(house, statements) == []
        return
    plans = [line for each in statements for line in await _plan(house, *each)]
    assert set(_INDEX.findall("\n".join(plans))) == indexes
    assert [line for line in plans if "TEMP B-TREE" in line] == []
    assert [line for line in plans if line.startswith("SCAN") and WHOLLY_WALKED not in line] == []


async def test_a_claim_walks_only_what_is_due_and_what_is_leased(house: House) -> None:
    await house.keep(a_dataset_in(DatasetStatus.READY))

    with overheard(house) as statements:
        await house.leases.claim("one", TTL, ROOM, NOW)

    if house.database.dialect == "postgresql":
        assert await _scans(house, statements) == []
        return
    plans = [line for each in statements for line in await _plan(house, *each)]
    by_kind = {"ix_datasets_due_probes", "ix_datasets_due_work"}
    walked = {*by_kind, "ix_datasets_lease", key_of(datasets)}
    assert set(_INDEX.findall("\n".join(plans))) == walked
    assert [line for line in plans if line.startswith("SCAN datasets")] == []


async def test_a_renewal_finds_its_subscribers_and_writes_only_of_those_who_moved(
    house: House,
) -> None:
    await house.keep(a_dataset_in(DatasetStatus.READY))
    kept, deliveries = SqlSubscriptions(house.database), SqlDeliveries(house.database)
    for _ in range(3):
        await kept.add(a_webhook())
    first, *others = await deliveries.claim("one", TTL, 3, NOW)

    with overheard(house) as at_rest:
        await deliveries.keep("one", [first, *others], TTL)
    with overheard(house) as moving:
        await deliveries.keep("one", [first.acknowledged(1), *others], TTL)

    assert [_written(each) for each in (at_rest, moving)] == [1, 2]
    if house.database.dialect == "postgresql":
        assert await _scans(house, moving) == []
        return
    plans = [line for each in moving for line in await _plan(house, *each)]
    assert set(_INDEX.findall("\n".join(plans))) == {key_of(subscriptions)}
    assert [line for line in plans if line.startswith("SCAN subscriptions")] == []


async def test_the_figures_never_walk_the_outbox(house: House) -> None:
    await house.keep(a_dataset_in(DatasetStatus.READY))

    with overheard(house) as statements:
        await read_figures(house.database)

    if house.database.dialect == "postgresql":
        assert [each for each in await _scans(house, statements) if "outbox" in each] == []
        return
    plans = [line for each in statements for line in await _plan(house, *each)]
    assert [line for line in plans if line.startswith("SEARCH outbox")] != []
    assert [line for line in plans if line.startswith("SCAN outbox")] == []


async def test_the_checks_that_a_supplier_hears_of_are_found_by_their_validations(
    house: House,
) -> None:
    await house.keep(a_dataset_in(DatasetStatus.READY))

    with overheard(house) as statements:
        assert await SqlFeedback(house.database).due(NOW + timedelta(days=1), 10)

    if house.database.dialect == "postgresql":
        assert await _scans(house, statements) == []
        return
    plans = [line for each in statements for line in await _plan(house, *each)]
    assert {"ix_supplier_feedback_due", key_of(quality_checks)} <= set(
        _INDEX.findall("\n".join(plans))
    )
    assert [line for line in plans if line.startswith("SCAN")] == []


def _written(statements: list[tuple[str, Any]]) -> int:
    return sum("UPDATE subscriptions" in statement for statement, _ in statements)


async def _plan(house: House, statement: str, parameters: Any) -> list[str]:
    if statement.startswith("SAVEPOINT"):
        return []
    async with house.database.reads.connect() as connection:
        rows = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return [row.detail for row in rows]


async def _scans(house: House, statements: list[tuple[str, Any]]) -> list[str]:
    """Name what PostgreSQL walks as a whole though it is told not to: it has no index for it."""
    async with house.database.engine.connect() as connection:
        await connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        plans = [
            row[0]
            for statement, parameters in statements
            if not statement.startswith("SAVEPOINT")
            for row in await connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
        ]
    return [line for line in plans if "Seq Scan" in line]
