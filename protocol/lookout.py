"""The lookout: one look at the rows serves everybody who follows datasets just then."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from domain.repository import ProgressLog, Standing

SECONDS_A_DATASET = 0.002
"""How much time lies between two looks for each dataset that is looked at: reads cost the rest."""

SHORTEST_SECONDS = 0.01
"""The least time between two looks: every commit rings the bell, and a look costs as much."""

LONGEST_SECONDS = 0.5


@dataclass(slots=True)
class _Look:
    """A look that is about to be taken, and for which datasets."""

    wanted: set[UUID] = field(default_factory=set)
    taken: asyncio.Task[dict[UUID, Standing]] | None = None


class Lookout:
    """Tells where datasets stand; whoever asks before a look is taken shares it."""

    def __init__(self, progress: ProgressLog) -> None:
        """Look into this log."""
        self._progress = progress
        self._next: dict[str, _Look] = {}
        self._free_at: dict[str, float] = {}

    async def standings(self, tenant: str, ids: Collection[UUID]) -> dict[UUID, Standing]:
        """Tell where datasets stand at a moment after this call."""
        look = self._next.setdefault(tenant, _Look())
        look.wanted.update(ids)
        if look.taken is None:
            look.taken = asyncio.create_task(self._take(tenant))
        found = await asyncio.shield(look.taken)
        return {each: found[each] for each in ids if each in found}

    async def _take(self, tenant: str) -> dict[UUID, Standing]:
        clock = asyncio.get_running_loop().time
        await asyncio.sleep(max(0.0, self._free_at.get(tenant, 0.0) - clock()))
        wanted = self._next.pop(tenant).wanted
        pause = max(SHORTEST_SECONDS, SECONDS_A_DATASET * len(wanted))
        self._free_at[tenant] = clock() + min(LONGEST_SECONDS, pause)
        return await self._progress.standings(tenant, wanted)
