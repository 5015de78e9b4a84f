"""Persistence: a change that somebody else hindered by writing first is made anew, a few times."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from domain.errors import CameBefore, Conflict

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

MOST_TRIES = 5
"""How often a change is tried in all."""

T = TypeVar("T")


async def persistently(change: Callable[[], Awaitable[T]]) -> T:
    """Make a change that is one transaction and leaves nothing behind where it fails.

    Raises:
        CameBefore: at once, for no other try makes the message a new one.
        Conflict: somebody else wrote first at every try.
    """
    for _ in range(MOST_TRIES - 1):
        try:
            return await change()
        except CameBefore:
            raise
        except Conflict:
            continue
    return await change()
