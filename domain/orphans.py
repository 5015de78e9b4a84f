"""Orphans: datasets without an active journey, judged so that no doubt ever tears one down."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

from domain.journey import JourneyStatus

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

LEAST_CAP = 5
"""So many orphans a sweep may always tear down by itself."""

CAP_PERCENT = 10
"""Of all datasets looked at, so many in a hundred may be torn down by one sweep."""


class Ownership(StrEnum):
    """What Journey Orchestration says of a dataset's journey; UNKNOWN where it did not say."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    UNKNOWN = "unknown"


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


def judge_orphans(
    seen: Mapping[UUID, Ownership], suspects: Collection[UUID] = ()
) -> OrphanJudgement:
    """Judge the active datasets by two scans in a row (seed: orphan_prevention_rule; A39).

    `suspects` are those of the scan before. One failed lookup calls the whole sweep off and
    leaves them as they were, for unknown is not inactive. More orphans than the cap, 5 or 10 %
    of all, look like a fault of ours: then all of them wait for an approval.
    """
    if Ownership.UNKNOWN in seen.values():
        return OrphanJudgement(frozenset(suspects), is_called_off=True)
    inactive = frozenset(each for each, owner in seen.items() if owner is Ownership.INACTIVE)
    proven = tuple(sorted(inactive & frozenset(suspects)))
    if len(proven) > max(LEAST_CAP, len(seen) * CAP_PERCENT // 100):
        return OrphanJudgement(inactive, to_approve=proven)
    return OrphanJudgement(inactive, orphans=proven)
