"""The tables the design asks for are in the database, each with what it is there for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import Connection, inspect

from domain.lifecycle import DatasetStatus
from tests.builders import a_dataset, a_dataset_in
from tests.registry.databases import House

COLUMNS = {
    "datasets": {"dataset_id", "journey_id", "client_id", "stage", "dataset_type", "status"},
    "dataset_templates": {"key", "version", "template"},
    "quality_checks": {"check_type", "passed", "score", "details", "executed_at"},
    "archived_datasets": {"dataset_id", "location", "archived_at", "retain_until"},
}


def columns(connection: Connection) -> Mapping[str, set[str]]:
    looking = inspect(connection)
    return {name: {each["name"] for each in looking.get_columns(name)} for name in COLUMNS}


@pytest.mark.requirement("R78")
async def test_the_seeds_four_tables_are_there(house: House) -> None:
    async with house.database.reads.connect() as connection:
        found: Any = await connection.run_sync(columns)

    assert {name: found[name] >= wanted for name, wanted in COLUMNS.items()} == dict.fromkeys(
        COLUMNS, True
    )


@pytest.mark.requirement("R78")
async def test_the_table_of_datasets_holds_every_status(house: House) -> None:
    for number, status in enumerate(DatasetStatus):
        await house.keep(a_dataset_in(status, a_dataset(f"type{number}")))

    async with house.database.reads.connect() as connection:
        found = await connection.exec_driver_sql("SELECT DISTINCT status FROM datasets")

    assert set(found.scalars()) == {each.value for each in DatasetStatus}
