"""Rows: a database read as it lies there, past the service."""

from __future__ import annotations

from sqlalchemy import text

from registry.migrations import open_for_migration


def rows_in(url: str, statement: str) -> list[tuple[object, ...]]:
    """Read what a statement gives in the database of an address."""
    engine = open_for_migration(url)
    with engine.begin() as connection:
        found = [tuple(row) for row in connection.execute(text(statement))]
    engine.dispose()
    return found
