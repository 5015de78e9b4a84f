"""Hot queries on PostgreSQL by its own choice: among many datasets it walks no table as a whole."""

from __future__ import annotations

import re

from bench.filling import fill
from domain.lifecycle import DatasetStatus
from tests.builders import NOW, a_dataset_in
from tests.postgres_databases import a_fresh_database
from tests.registry.databases import ROOM, House, open_house
from tests.registry.overhearing import overheard
from tests.registry.test_indexes import CALLS, TTL

MANY = 400
"""Few beside what a registry holds, and enough that to walk them would cost more."""

GROWING = frozenset({"datasets", "outbox", "audit", "quality_runs", "quality_checks"})
"""The tables that grow with the datasets, as they are filled here."""

_WALKED = re.compile(r"Seq Scan on (\w+)")


async def test_among_many_datasets_no_hot_query_walks_a_table_that_grows_with_them() -> None:
    async with open_house(a_fresh_database()) as house:
        await house.keep(a_dataset_in(DatasetStatus.READY))
        await fill(house.database, MANY)

        with overheard(house) as statements:
            for call, _ in CALLS.values():
                await call(house)
            await house.leases.claim("one", TTL, ROOM, NOW)

        walked = {
            (table, statement)
            for statement, parameters in statements
            for table in await _walked(house, statement, parameters)
        }
    assert [each for each in walked if each[0] in GROWING] == []


async def _walked(house: House, statement: str, parameters: object) -> list[str]:
    if statement.startswith("SAVEPOINT"):
        return []
    async with house.database.engine.connect() as connection:
        plan = await connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)  # type: ignore[arg-type]  # what was overheard
        return _WALKED.findall("\n".join(row[0] for row in plan))
