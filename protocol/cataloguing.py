"""What discovery's own skills ask of others: the catalogue, and the desk that takes packs in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from uuid import UUID

    from domain.commands import Principal
    from domain.record import JsonObject


class Cataloguing(Protocol):
    """Whoever looks through existing datasets and keeps what was found."""

    async def discover(self, principal: Principal, source: str) -> JsonObject:
        """Look through a source, and keep what was found."""
        ...

    async def discoveries(self, principal: Principal, source: str | None, limit: int) -> JsonObject:
        """List discoveries, newest first."""
        ...

    async def discovery(self, principal: Principal, discovery_id: UUID) -> JsonObject:
        """Show one discovery."""
        ...

    async def difference(
        self, principal: Principal, discovery_id: UUID, since: UUID | None
    ) -> JsonObject:
        """Tell what has changed between two discoveries."""
        ...


class Registering(Protocol):
    """Whoever takes template packs in."""

    async def register(
        self, principal: Principal, pack: JsonObject, *, dry_run: bool
    ) -> JsonObject:
        """Register a pack's template, or only tell what would come of it."""
        ...
