"""Overhearing what is asked of a database."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.registry.databases import House


@contextmanager
def overheard(house: House) -> Iterator[list[tuple[str, Any]]]:
    """Write down the statements that are sent, with their parameters."""
    heard: list[tuple[str, Any]] = []

    def hear(*said: Any) -> None:
        _connection, _cursor, statement, parameters, _context, is_many = said
        heard.append((statement, parameters[0] if is_many else parameters))

    database = house.database
    all_of_them = (database.engine, database.reads, database.at_hand)
    engines = {each.sync_engine for each in all_of_them}  # on SQLite two are one
    for engine in engines:
        event.listen(engine, "before_cursor_execute", hear)
    yield heard
    for engine in engines:
        event.remove(engine, "before_cursor_execute", hear)
