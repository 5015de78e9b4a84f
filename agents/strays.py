"""Strays: datasources under our mark that no dataset accounts for, found, told of, and emptied."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from domain.errors import DataOpsError
from domain.journey import DEFAULT_TENANT
from domain.lifecycle import DatasetStatus
from domain.orphans import Stray, is_stray

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from uuid import UUID

    from domain.orphan_book import OrphanBook, Owner
    from domain.orphans import Holding
    from domain.ports import Clock
    from domain.search_ports import Estate

log = structlog.get_logger("orphans")

LOOKED_AFTER = timedelta(days=7)
"""How long after its archiving a dataset's datasource is looked at: no agent is late by more."""


@dataclass(frozen=True, slots=True)
class Strays:
    """Looks after what the search engine holds; `origin` begins the marks that are ours."""

    book: OrphanBook
    estate: Estate
    clock: Clock
    origin: str

    async def find(self) -> list[Stray]:
        """List the strays there are now, each with what an earlier scan knew of it.

        What is held is looked at first and whose it is afterwards, so that a dataset made
        meanwhile is known. Raises SupplierUnavailable, SupplierRefused.
        """
        accounted = await self.book.accounted_for(self.clock() - LOOKED_AFTER)
        holdings = [
            await self.estate.holding(each, self.origin)
            for each in await self.estate.datasources()
            if each not in accounted
        ]
        held = [each for each in holdings if each is not None]
        owners = await self.book.owners([each.dataset_id for each in held])
        known = {each.holding.datasource: each for each in await self.book.strays()}
        return [
            _stray(each, owners, known)
            for each in held
            if is_stray(each, _status_of(each.dataset_id, owners))
        ]

    async def note(self, found: Collection[Stray]) -> None:
        """Keep the strays that were found, and tell operations of those that are new."""
        await self.book.keep_strays(found, self.clock())
        for each in found:
            if each.suspected_at is None:
                log.warning(
                    "datasource.stray",
                    datasource=each.holding.datasource,
                    dataset_id=str(each.holding.dataset_id),
                    documents=each.holding.documents,
                )

    async def empty_condemned(self) -> None:
        """Empty what was condemned and is not emptied yet; what cannot be is tried the next time.

        What a dataset accounts for after all is left.
        """
        strays = await self.book.strays()
        condemned = [each for each in strays if each.condemned_by and each.emptied_at is None]
        owners = await self.book.owners([each.holding.dataset_id for each in condemned])
        for each in condemned:
            if is_stray(each.holding, _status_of(each.holding.dataset_id, owners)):
                await self._empty(each)

    async def _empty(self, stray: Stray) -> None:
        datasource = stray.holding.datasource
        try:
            cleared = await self.estate.clear(stray.holding)
        except DataOpsError as failed:
            log.warning("datasource.not_emptied", datasource=datasource, why=str(failed))
            return
        if not cleared.is_emptied:
            log.info("datasource.left_alone", datasource=datasource, why=cleared.told)
            return
        await self.book.note_emptied(stray, self.clock())
        by = stray.condemned_by
        log.info("datasource.emptied", datasource=datasource, by=by, told=cleared.told)


def _status_of(dataset_id: UUID, owners: Mapping[UUID, Owner]) -> DatasetStatus | None:
    owner = owners.get(dataset_id)
    return owner.status if owner else None


def _stray(holding: Holding, owners: Mapping[UUID, Owner], known: Mapping[str, Stray]) -> Stray:
    """Make a stray of a holding; one that was emptied and holds documents again is a new one."""
    owner, before = owners.get(holding.dataset_id), known.get(holding.datasource)
    tenant = owner.tenant if owner else DEFAULT_TENANT
    if before is None or before.emptied_at is not None:
        return Stray(tenant, holding)
    return Stray(tenant, holding, before.suspected_at, before.condemned_by)
