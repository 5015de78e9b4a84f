"""Orphans: datasets without an active journey, judged so that no doubt ever tears one down.

And their other side: datasources under our mark that no dataset accounts for, which are strays.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

from domain.journey import JourneyStage, JourneyStatus
from domain.lifecycle import DatasetStatus

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

LEAST_CAP = 5
"""So many orphans of a tenant a sweep may always tear down by itself."""

CAP_PERCENT = 10
"""Of a tenant's active datasets, so many in a hundred may be torn down by one sweep."""

LEAST_APART = timedelta(minutes=20)
"""How long after a suspicion a scheduled scan may prove it: two at once, after a pause, are one."""

FULL_SCAN_EVERY = timedelta(hours=24)
"""How long after a whole scan the next light one is whole too: it makes up for one called off."""


class Ownership(StrEnum):
    """What Journey Orchestration says of a dataset's journey; UNKNOWN where it did not say."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    UNKNOWN = "unknown"


class Fate(StrEnum):
    """What a cleanup would do with an orphan or a stray just now.

    SUSPECTED: nothing yet, one more scan must see it so; SPARED: nothing, for somebody refused.
    """

    SUSPECTED = "suspected"
    ENDS = "ends"
    ASKED = "asked"
    SPARED = "spared"


@dataclass(frozen=True, slots=True)
class OrphanJudgement:
    """What a sweep makes of what it saw.

    `suspects` are to be remembered for the next sweep; `orphans` are torn down now, and
    `to_approve` only when somebody agrees. A sweep that was called off has neither.
    """

    suspects: frozenset[UUID]
    orphans: tuple[UUID, ...] = ()
    to_approve: tuple[UUID, ...] = ()
    is_called_off: bool = False


def ownership_of(status: JourneyStatus | None) -> Ownership:
    """Tell what a journey's status means; None is a journey that does not exist.

    A lookup that failed has no status at all: it is UNKNOWN, and never comes here.
    """
    return Ownership.ACTIVE if status is JourneyStatus.ACTIVE else Ownership.INACTIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An active dataset as a sweep sees it: whose journey it stands on, and what is held against it.

    `suspected_at` is when a scan first saw it without an active journey, None where the last one
    did not; `refused_at` is when somebody last said that it stays, `is_asked` whether somebody is
    being asked just now.
    """

    tenant: str
    dataset_id: UUID
    connector_name: str
    journey_ref: str
    client_ref: str
    stage: JourneyStage
    status: DatasetStatus
    suspected_at: datetime | None = None
    refused_at: datetime | None = None
    is_asked: bool = False

    def is_suspected_by(self, moment: datetime) -> bool:
        """Whether it has been under suspicion since this moment or longer."""
        return self.suspected_at is not None and self.suspected_at <= moment

    @property
    def is_spared(self) -> bool:
        """Whether somebody said that it stays, since it came under suspicion."""
        return (
            self.refused_at is not None
            and self.suspected_at is not None
            and self.refused_at >= self.suspected_at
        )


@dataclass(frozen=True, slots=True)
class Fleet:
    """The candidates of a scan, and how many active datasets each of their tenants has in all."""

    candidates: tuple[Candidate, ...]
    sizes: Mapping[str, int]

    @property
    def size(self) -> int:
        """How many active datasets there are in all."""
        return sum(self.sizes.values())

    def of_each_tenant(self) -> list[Fleet]:
        """Part it by tenants: what is seen of one says nothing of another."""
        parts: dict[str, list[Candidate]] = {}
        for each in self.candidates:
            parts.setdefault(each.tenant, []).append(each)
        return [
            Fleet(tuple(some), {tenant: self.sizes.get(tenant, len(some))})
            for tenant, some in parts.items()
        ]


@dataclass(frozen=True, slots=True)
class Holding:
    """A datasource at the search engine under our mark, and how many documents can be found in it.

    `home_url` is the mark, which names the dataset it was made for.
    """

    datasource: str
    home_url: str
    dataset_id: UUID
    documents: int


@dataclass(frozen=True, slots=True)
class Stray:
    """A holding that no dataset accounts for, and since when that has been seen.

    `tenant` is that of its dataset, or the default one where nobody knows the dataset any more;
    `condemned_by` is who had it emptied, `emptied_at` when that was done.
    """

    tenant: str
    holding: Holding
    suspected_at: datetime | None = None
    condemned_by: str | None = None
    emptied_at: datetime | None = None

    @property
    def is_proven(self) -> bool:
        """Whether an earlier scan knew it too."""
        return self.suspected_at is not None


def is_stray(holding: Holding, owner: DatasetStatus | None) -> bool:
    """Whether documents are held for a dataset that is archived, or that nobody knows (None)."""
    return holding.documents > 0 and owner in {None, DatasetStatus.ARCHIVED}


def judge_orphans(
    seen: Mapping[UUID, Ownership],
    suspects: Collection[UUID] = (),
    *,
    fleet_size: int | None = None,
) -> OrphanJudgement:
    """Judge a tenant's active datasets by two scans in a row (seed: orphan_prevention_rule; A39).

    `suspects` are those of the scan before. One failed lookup calls the tenant's whole scan off
    and leaves them as they were, for unknown is not inactive. More orphans than the cap, the
    greater of 5 and 10 % of the tenant's active datasets, look like a fault of ours: then all of
    them wait for an approval. `fleet_size` is how many there are, where a scan looks at a few.
    """
    if Ownership.UNKNOWN in seen.values():
        return OrphanJudgement(frozenset(suspects), is_called_off=True)
    inactive = frozenset(each for each, owner in seen.items() if owner is Ownership.INACTIVE)
    proven = tuple(sorted(inactive & frozenset(suspects)))
    of = len(seen) if fleet_size is None else fleet_size
    if exceed_cap(len(proven), of):
        return OrphanJudgement(inactive, to_approve=proven)
    return OrphanJudgement(inactive, orphans=proven)


def exceed_cap(orphans: int, fleet_size: int) -> bool:
    """Whether so many orphans are more than a sweep ends by itself: 5, or 10 % of the active (A39).

    It is asked of each tenant and of all of them together: a wrong answer to every question of a
    scan takes few of each tenant and ends the fleet.
    """
    return orphans > max(LEAST_CAP, fleet_size * CAP_PERCENT // 100)
