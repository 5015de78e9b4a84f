"""Compiling: a statement becomes SQL once for all the databases of a test process.

Each test opens databases of its own, and SQLAlchemy would compile every statement anew for each: a
third of the CPU that tests of the house take.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.util import LRUCache

_ENOUGH = 4000


class _Compiled(LRUCache[Any, Any]):
    """Statements by what they say and the kind of dialect, whichever engine they are compiled for.

    Engines of one kind are set alike here; SQLAlchemy, which cannot know that, keeps each engine's
    own dialect as the first part of a key.
    """

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(_of_its_kind(key), default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(_of_its_kind(key), value)


def share_compiled_statements() -> None:
    """Have every connection that is opened from now on use what others have compiled."""
    compiled = _Compiled(_ENOUGH)

    @event.listens_for(Engine, "engine_connect")
    def share(connection: Connection) -> None:
        connection.execution_options(compiled_cache=compiled)


def _of_its_kind(key: tuple[Any, ...]) -> tuple[Any, ...]:
    dialect, *rest = key
    return type(dialect), *rest
