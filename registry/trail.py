"""Reading the audit trail: its tenants, the end of each chain, and entries in their order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import structlog
from sqlalchemy import bindparam, func, select

from domain.audit import ADOPTION, SYSTEM, Adoption, ChainedEntry
from domain.commands import Principal
from registry.audit import write_word
from registry.chain import ENTRIES, chained_of, take_in
from registry.history import audit
from registry.numbered import count_of, tenants_of
from registry.tables import datasets

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from registry.database import Database
    from registry.rows import Values

log = structlog.get_logger("audit")

_a, _d = audit.c, datasets.c

_TENANTS = tenants_of(audit)

_NAMES = select(_TENANTS.c.tenant).where(_TENANTS.c.tenant.is_not(None))

_SIZES = count_of(audit, _TENANTS)

_ARCHIVED_SINCE = select(_d.tenant).where(_d.archived_at >= bindparam("since"))

_HEAD = ENTRIES.order_by(_a.sequence.desc()).limit(1)

_AFTER = (
    ENTRIES.where(_a.sequence > bindparam("after"))
    .order_by(_a.sequence)
    .limit(bindparam("at_most"))
)

_OF_DATASET = _AFTER.where(_a.dataset_id == bindparam("of_dataset"))

_OUTSIDE = select(func.count()).where(_a.tenant == bindparam("of_tenant"), _a.sequence.is_(None))


class SqlAuditTrail:
    """The audit trail in the database; transactions write it, see `registry.audit`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def tenants(self) -> Sequence[str]:
        """Name the tenants that have entries, in order."""
        async with self._database.reads.connect() as connection:
            return (await connection.execute(_NAMES)).scalars().all()

    async def tenants_archived_since(self, moment: datetime, /) -> Sequence[str]:
        """Name the tenants of which a dataset was archived at a moment or after it."""
        async with self._database.reads.connect() as connection:
            found = await connection.execute(_ARCHIVED_SINCE, {"since": moment})
            return sorted(set(found.scalars()))

    async def head(self, tenant: str, /) -> ChainedEntry | None:
        """Give the last entry of the chain."""
        async with self._database.reads.connect() as connection:
            row = (await connection.execute(_HEAD, {"of_tenant": tenant})).mappings().one_or_none()
        return chained_of(row) if row is not None else None

    async def entries(
        self, tenant: str, after: int, limit: int, /, *, dataset_id: UUID | None = None
    ) -> Sequence[ChainedEntry]:
        """Read entries in order, from behind the number `after`, of all datasets or of one."""
        asked: Values = {"of_tenant": tenant, "after": after, "at_most": limit}
        wanted = _AFTER if dataset_id is None else _OF_DATASET
        if dataset_id is not None:
            asked["of_dataset"] = dataset_id
        async with self._database.reads.connect() as connection:
            found = await connection.execute(wanted, asked)
            return [chained_of(row) for row in found.mappings()]

    async def unchained(self, tenant: str, /) -> int:
        """Count the entries outside the chain: an older version writes such."""
        async with self._database.reads.connect() as connection:
            return int((await connection.execute(_OUTSIDE, {"of_tenant": tenant})).scalar_one())

    async def chain(self) -> Sequence[Adoption]:
        """Take into their chains what stands outside, and write down that it was; tells which it was.

        An older version writes so, and so does whoever goes past the service: none can be told from
        the other by what is there, so that neither becomes like an entry of our own.
        """
        return [one for each in await self.tenants() for one in await self._chain(each)]

    async def _chain(self, tenant: str) -> list[Adoption]:
        taken: list[Adoption] = []
        while await self.unchained(tenant):
            async with self._database.writing(tenant) as session:
                adoption = await session.connection.run_sync(take_in, tenant)
                if adoption is not None:
                    by = Principal(tenant, SYSTEM)
                    await write_word(session, by, ADOPTION, "", adoption.detail())
            if adoption is not None:
                log.warning(
                    "audit.adopted", tenant=tenant, first=adoption.first, last=adoption.last
                )
                taken.append(adoption)
        return taken


async def count_entries(connection: AsyncConnection, tenant: str | None = None) -> int:
    """Count the entries of a tenant's chain, or of all: each is numbered from 1 without a gap."""
    wanted = _SIZES if tenant is None else _SIZES.where(_TENANTS.c.tenant == tenant)
    return int((await connection.execute(wanted)).scalar_one())
