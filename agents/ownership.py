"""Ownership: what Journey Orchestration says of journeys, each asked after once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeAlias

from domain.errors import DataOpsError, NotFound
from domain.orphans import Ownership, ownership_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from uuid import UUID

    from domain.orphans import Candidate
    from domain.ports import Journeys

JourneyKey: TypeAlias = "tuple[str, str]"
"""A journey: the tenant's, by its reference."""

AT_ONCE = 8
"""How many journeys are asked after at the same time."""


class Inquiry:
    """One round of questions; the first that is not answered ends it, for then nothing is certain.

    `doubt` tells which that was and why; nothing where all were answered.
    """

    def __init__(self, journeys: Journeys) -> None:
        """Ask these journeys' keeper."""
        self._journeys = journeys
        self._absent: list[JourneyKey] = []
        self.doubt = ""

    async def owners_of(self, candidates: Iterable[Candidate]) -> dict[UUID, Ownership]:
        """Tell of each dataset whether its journey is active; UNKNOWN where that was not said."""
        wanted = list(candidates)
        found = dict.fromkeys(map(_journey_of, wanted), Ownership.UNKNOWN)
        asked = iter(list(found))
        async with asyncio.TaskGroup() as group:
            for _ in range(min(AT_ONCE, len(found))):
                group.create_task(self._ask(asked, found))
        if self._absent and not self.doubt:
            found |= await self._vouched()
        return {each.dataset_id: found[_journey_of(each)] for each in wanted}

    async def _ask(self, asked: Iterator[JourneyKey], found: dict[JourneyKey, Ownership]) -> None:
        """Ask after journey upon journey, beside others who take from the same row."""
        for key in asked:
            if self.doubt:
                return
            found[key] = await self._one(*key)

    async def _one(self, tenant: str, ref: str) -> Ownership:
        try:
            journey = await self._journeys.journey(tenant, ref)
        except NotFound:
            self._absent.append((tenant, ref))
            return ownership_of(None)
        except DataOpsError as silence:
            self.doubt = f"Journey {ref} could not be looked up: {silence}"
            return Ownership.UNKNOWN
        return ownership_of(journey.status)

    async def _vouched(self) -> dict[JourneyKey, Ownership]:
        """Take back that journeys do not exist where nobody can tell who said so."""
        try:
            await self._journeys.vouch()
        except DataOpsError as silence:
            ref = self._absent[0][1]
            self.doubt = (
                f"Whoever answers does not know Journey {ref}, nor proves to be Journey "
                f"Orchestration by listing journeys: {silence} Look at its address."
            )
            return dict.fromkeys(self._absent, Ownership.UNKNOWN)
        return {}


def _journey_of(candidate: Candidate) -> JourneyKey:
    return candidate.tenant, candidate.journey_ref
