"""Column types: times in UTC, domain values as JSON, enums by their value."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import Enum as PythonEnum
from typing import Any, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import JSON, DateTime, Dialect, Enum, Interval, String, TypeDecorator
from sqlalchemy.types import TypeEngine

T = TypeVar("T")


class UtcDateTime(TypeDecorator[datetime]):
    """A moment: aware on both sides, UTC in the database, to the microsecond."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn a moment into UTC. Raises ValueError for one without a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            message = f"{value.isoformat()} has no time zone; the registry keeps aware times only."
            raise ValueError(message)
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Give the moment back, aware."""
        if value is None:
            return None
        moment: datetime = value
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


class Value(TypeDecorator[T]):
    """A domain value as JSON, in and out through the codec pydantic derives from its type.

    Fractions are strings and so stay exact; None is SQL's NULL. The JSON keeps the order of its
    keys (plain JSON on PostgreSQL too): a template's digest depends on it.
    """

    impl = JSON
    cache_ok = True

    def __init__(self, kind: Any) -> None:
        super().__init__(none_as_null=True)
        self.kind = kind
        self._adapter: TypeAdapter[T] = TypeAdapter(kind)

    def process_bind_param(self, value: T | None, dialect: Dialect) -> Any:
        """Write a value as plain JSON data."""
        return None if value is None else self._adapter.dump_python(value, mode="json")

    def process_result_value(self, value: Any, dialect: Dialect) -> T | None:
        """Read the value back as it was."""
        return None if value is None else self._adapter.validate_python(value)


class Lasting(TypeDecorator[timedelta]):
    """A length of time as each dialect adds it to its clock; SQLite wants `+2.500 seconds`."""

    impl = Interval
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose text on SQLite, an interval elsewhere."""
        return String() if dialect.name == "sqlite" else Interval()

    def process_bind_param(self, value: timedelta | None, dialect: Dialect) -> Any:
        """Write the length in the dialect's way, to the millisecond on SQLite."""
        if value is None or dialect.name != "sqlite":
            return value
        return f"{value.total_seconds():+.3f} seconds"


def one_of(kind: type[PythonEnum], name: str) -> Enum:
    """Give the type of a column that holds an enum's values, held to them by a CHECK."""
    return Enum(
        kind,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=32,
        values_callable=lambda members: [each.value for each in members],
    )
