"""Ticks: a moment of a schedule belongs to the one process that writes it down first."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete

from registry.dialect import insert_once
from registry.history import ticks

if TYPE_CHECKING:
    from registry.database import Database

KEPT = timedelta(days=90)
"""How long it can be read who took a tick."""


class SqlTicks:
    """The ticks of every schedule that were taken."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, name: str, tick: datetime, /) -> bool:
        """Take a tick; tells whether nobody had taken it before. Who takes it forgets old ones."""
        row = {"name": name, "tick": tick, "owner": self._database.owner}
        async with self._database.engine.begin() as connection:
            taken = await connection.execute(insert_once(self._database.dialect, ticks), row)
            is_taken = taken.rowcount == 1
            if is_taken:
                await connection.execute(_FORGET, {"of_name": name, "before": tick - KEPT})
        return is_taken


_FORGET = delete(ticks).where(
    ticks.c.name == bindparam("of_name"), ticks.c.tick < bindparam("before")
)
