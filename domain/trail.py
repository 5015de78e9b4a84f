"""The audit trail's port: what was written down is read, counted and held together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.audit import Adoption, ChainedEntry


class AuditTrail(Protocol):
    """The audit trail as it stands, each tenant's by itself; it is written by transactions alone."""

    async def tenants(self) -> Sequence[str]:
        """Name the tenants that have entries, in order."""
        ...

    async def tenants_archived_since(self, moment: datetime, /) -> Sequence[str]:
        """Name the tenants of which a dataset was archived at a moment or after it."""
        ...

    async def head(self, tenant: str, /) -> ChainedEntry | None:
        """Give the last entry of the chain."""
        ...

    async def entries(
        self, tenant: str, after: int, limit: int, /, *, dataset_id: UUID | None = None
    ) -> Sequence[ChainedEntry]:
        """Read entries in order, from behind the number `after`, of all datasets or of one."""
        ...

    async def unchained(self, tenant: str, /) -> int:
        """Count the entries outside the chain: an older version writes such."""
        ...

    async def chain(self) -> Sequence[Adoption]:
        """Take into their chains what stands outside, and write down that it was; tells which it was."""
        ...
