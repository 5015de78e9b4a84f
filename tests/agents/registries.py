"""Registries around the real one, in whose transactions something goes wrong."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from domain.errors import Conflict

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from domain.commands import Principal
    from domain.repository import Registry, Transaction


class _Around:
    """A registry that is another one in all but what is written anew."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def __getattr__(self, name: str) -> Any:
        return getattr(self._registry, name)


class Overtaken(_Around):
    """A registry in which somebody else writes first, so many times."""

    def __init__(self, registry: Registry, times: int) -> None:
        super().__init__(registry)
        self.left = times
        self.opened = 0

    @asynccontextmanager
    async def transaction(self, principal: Principal) -> AsyncIterator[Transaction]:
        """Open one, and let it conflict."""
        self.opened += 1
        async with self._registry.transaction(principal) as transaction:
            yield transaction
            if self.left:
                self.left -= 1
                raise Conflict("Somebody else wrote first.")


class Dying(_Around):
    """A registry whose process dies right after each commit."""

    @asynccontextmanager
    async def transaction(self, principal: Principal) -> AsyncIterator[Transaction]:
        """Commit one, and die."""
        async with self._registry.transaction(principal) as transaction:
            yield transaction
        raise SystemError
