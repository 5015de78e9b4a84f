"""SQL past the domain: what somebody with the database's password could try."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Executable,
    Table,
    insert,
    literal,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError

from domain.dataset import Dataset
from registry.tables import datasets
from tests.registry.databases import House

OTHER: ColumnElement[Any] = literal_column("'changed'")
"""A value that no column holds."""


async def copy_row(house: House, table: Table, **changes: Any) -> None:
    """Write a table's rows once more, with other values in some of their columns."""
    values = [
        literal(changes[each.name], each.type) if each.name in changes else each for each in table.c
    ]
    names = [each.name for each in table.c]
    await run(house, insert(table).from_select(names, select(*values)))


async def change_row(house: House, dataset: Dataset, **changes: Any) -> None:
    mine = datasets.c.dataset_id == dataset.place.dataset_id
    await run(house, update(datasets).where(mine).values(**changes))


def replace_rows(house: House, table: Table) -> Executable:
    """Write a table's rows over themselves."""
    names = [each.name for each in table.c]
    if house.database.dialect == "sqlite":
        return insert(table).prefix_with("OR REPLACE").from_select(names, select(table))
    again = postgresql.insert(table).from_select(names, select(table))
    keys = [each.name for each in table.primary_key]
    return again.on_conflict_do_update(index_elements=keys, set_=dict(again.excluded))


async def refusal(house: House, statement: Executable) -> str:
    """Tell why the database refuses a statement; nothing where it does not."""
    try:
        await run(house, statement)
    except IntegrityError as error:
        return str(error.orig)
    return ""


async def run(house: House, statement: Executable) -> list[Any]:
    async with house.database.engine.begin() as connection:
        done = await connection.execute(statement)
        return list(done.all()) if done.returns_rows else []
