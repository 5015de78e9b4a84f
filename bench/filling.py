"""Filling: a registry that holds many datasets, each with all that is written of one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from a2a.server.models import TaskEventModel, TaskModel, TaskVersionModel
from sqlalchemy import Table, insert, inspect, select, text
from uuid_utils.compat import uuid7

from registry.dialect import SQLITE
from registry.history import audit, outbox, quality_checks, quality_runs, requests
from registry.tables import datasets

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncConnection

    from registry.database import Database

_OF_A_DATASET: tuple[Table, ...] = (
    quality_runs,
    quality_checks,
    outbox,
    audit,
    requests,
    *(inspect(each).local_table for each in (TaskModel, TaskVersionModel, TaskEventModel)),
)
"""What is written of a dataset beside its own row, in the order in which rows refer to others."""

_NEW_IDS = ("event_id", "entry_id")
_NEW_WORDS = ("task_id", "message_id", "id")

_Row = dict[str, Any]


async def fill(database: Database, size: int) -> None:
    """Copy all rows of the only dataset, which is READY, until there are so many datasets.

    The copies are watched as any other, but not due today. What numbers itself is numbered.
    """
    copies = {number: uuid7() for number in range(1, size)}
    async with database.engine.begin() as connection:
        (model,) = await _rows(connection, datasets)
        rows = [_dataset(model, number, copy) for number, copy in copies.items()]
        await connection.execute(insert(datasets), rows)
        for table in _OF_A_DATASET:
            await _multiply(connection, table, copies)
    async with database.engine.connect() as connection:
        await connection.execute(text("ANALYZE"))
        await connection.commit()


async def _rows(connection: AsyncConnection, table: Table) -> list[_Row]:
    return [dict(each) for each in (await connection.execute(select(table))).mappings()]


async def _multiply(connection: AsyncConnection, table: Table, copies: Mapping[int, UUID]) -> None:
    models = await _rows(connection, table)
    numbers_itself = connection.dialect.name != SQLITE
    rows = [
        _numbered(_renamed(model, number, copy), number * len(models), itself=numbers_itself)
        for number, copy in copies.items()
        for model in models
    ]
    if rows:
        await connection.execute(insert(table), rows)


def _dataset(model: _Row, number: int, copy: UUID) -> _Row:
    return {
        **model,
        "dataset_id": copy,
        "dataset_type": f"type-{number}",
        "connector_name": f"copy-{number}",
        "due_at": datetime.now(UTC) + timedelta(days=1),
    }


def _renamed(model: _Row, number: int, copy: UUID) -> _Row:
    """Give what a row says of the model as if it were of a copy; a task keeps one name throughout."""
    row = {name: value for name, value in model.items() if name != "seq"}
    if row.get("dataset_id"):
        row["dataset_id"] = copy
    row |= {name: uuid7() for name in _NEW_IDS if name in row}
    return row | {name: f"{number}-{row[name]}"[:36] for name in _NEW_WORDS if name in row}


def _numbered(row: _Row, above: int, *, itself: bool) -> _Row:
    """Number on from the rows before; PostgreSQL does so by itself."""
    if "sequence" not in row:
        return row
    return {**row, "sequence": None if itself else row["sequence"] + above}
