"""The port of the orphan scans' memory: who is under suspicion, and since when."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.lifecycle import DatasetStatus
from domain.orphans import Candidate, Fleet, Stray


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a dataset is, and where it stands."""

    tenant: str
    status: DatasetStatus


class OrphanBook(Protocol):
    """What the scans for orphans have seen so far, over every tenant unless one is named."""

    async def fleet(self, tenant: str | None, /, *, only_doubtful: bool) -> Fleet:
        """Give the active datasets, or of them those under suspicion or of a completed journey."""
        ...

    async def suspect(
        self, seen: Collection[Candidate], suspects: Collection[UUID], now: datetime, /
    ) -> None:
        """Put these of the candidates seen under suspicion from now on, and clear the others."""
        ...

    async def accounted_for(self, since: datetime, /) -> frozenset[str]:
        """Name the datasources of datasets that are not archived, or were before `since`."""
        ...

    async def owners(self, ids: Collection[UUID], /) -> Mapping[UUID, Owner]:
        """Tell whose datasets are and where they stand; unknown ones are left out."""
        ...

    async def strays(self, /) -> Sequence[Stray]:
        """Give the strays that were seen, the longest known first."""
        ...

    async def keep_strays(self, found: Collection[Stray], now: datetime, /) -> None:
        """Keep these as all the strays there are; what is none any more is forgotten."""
        ...

    async def note_emptied(self, stray: Stray, now: datetime, /) -> None:
        """Write down that a stray was emptied."""
        ...

    async def note_whole_scan(self, now: datetime, /) -> None:
        """Write down that all datasets were looked at."""
        ...

    async def last_whole_scan(self, /) -> datetime | None:
        """Tell when all datasets were looked at last."""
        ...
