"""The auditor: holds the audit trail to itself, and to checkpoints that nobody can change."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from domain import tampering
from domain.audit import CHECKPOINTS, Checkpoint, checkpoints_of, may_be_folder, read_checkpoint
from domain.errors import DataOpsError, NotFound, SupplierLied
from domain.examination import Examination

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime, timedelta
    from uuid import UUID

    from domain.audit import ChainedEntry
    from domain.ports import Anchors
    from domain.tampering import Finding, Verdict
    from domain.trail import AuditTrail

log = structlog.get_logger("audit")

PAGE = 500
"""How many entries are looked at before others get their turn."""

_AT_ONCE = 16


class Auditor:
    """Shows the audit trail, looks through it, and keeps checkpoints of it.

    What the database alone cannot tell, the checkpoints do: that its end was cut off, or that all
    of it was written anew. What came after the last checkpoint is held by the chain alone.
    """

    def __init__(self, trail: AuditTrail, anchors: Anchors, retention: timedelta) -> None:
        """Keep checkpoints among these anchors, locked for as long as archives are kept."""
        self._trail = trail
        self._anchors = anchors
        self._retention = retention

    async def entries(
        self, tenant: str, after: int, limit: int, *, dataset_id: UUID | None = None
    ) -> Sequence[ChainedEntry]:
        """Give a tenant's entries in order, from behind the number `after`."""
        return await self._trail.entries(tenant, after, limit, dataset_id=dataset_id)

    async def entry(self, tenant: str, sequence: int) -> ChainedEntry:
        """Give one entry by its number. Raises NotFound."""
        found = await self._trail.entries(tenant, sequence - 1, 1)
        if not found or found[0].sequence != sequence:
            message = f"The audit trail has no entry {sequence}. List it to see which there are."
            raise NotFound(message)
        return found[0]

    async def verify(self, tenant: str) -> Verdict:
        """Look through all of a tenant's trail and hold it to every checkpoint.

        Raises:
            SupplierUnavailable: the checkpoints are out of reach.
        """
        checkpoints, unreadable = await self._checkpoints(tenant)
        unchained, last = await self._trail.unchained(tenant), 0
        examination = Examination(tenant, checkpoints)
        while found := await self._trail.entries(tenant, last, PAGE):
            for each in found:
                examination.take(each)
            last = found[-1].sequence
        return examination.verdict(unchained, unreadable)

    async def tenants(self) -> Sequence[str]:
        """Name every tenant that has a trail, or had one by a checkpoint, in order.

        A folder of which no checkpoint can be read is named itself: to verify it tells why.
        """
        known = await self._trail.tenants()
        folders = tuple(checkpoints_of(each) for each in known)
        lost: dict[str, list[str]] = defaultdict(list)
        for location in await self._anchors.locations(CHECKPOINTS):
            folder = location.rpartition("/")[0]
            if not folder.endswith(folders):
                lost[folder].append(location)
        return sorted(
            {*known, *[name for each in lost.items() for name in await self._whose(*each)]}
        )

    async def _whose(self, folder: str, locations: Sequence[str]) -> set[str]:
        """Name whose checkpoints are in a folder: by the first that belongs there, or by itself."""
        named: set[str] = set()
        for each in locations:
            with suppress(NotFound, SupplierLied):
                tenant = (await self._read(each)).tenant
                named.add(tenant)
                if folder.endswith(checkpoints_of(tenant)):
                    return named
        name = folder.rpartition("/")[2]
        return named | ({name} if may_be_folder(name) and name != CHECKPOINTS else set())

    async def keep_checkpoints(self, now: datetime) -> int:
        """Take in what stands outside the chains, and keep a checkpoint of each; tells how many."""
        await self._trail.chain()
        return await self._keep(await self._trail.tenants(), now)

    async def keep_checkpoints_after_teardowns(self, since: datetime, now: datetime) -> int:
        """Keep a checkpoint of each tenant of which a dataset was archived since."""
        return await self._keep(await self._trail.tenants_archived_since(since), now)

    async def _keep(self, tenants: Iterable[str], now: datetime) -> int:
        """Keep one of each tenant, also where another's cannot be kept.

        Each that cannot is in the log, for only the first is raised afterwards.
        """
        kept, failures = 0, list[DataOpsError]()
        for each in tenants:
            try:
                kept += await self._keep_one(each, now + self._retention)
            except DataOpsError as error:
                log.warning("checkpoint.failed", tenant=each, why=str(error))
                failures.append(error)
        if failures:
            raise failures[0]
        return kept

    async def _keep_one(self, tenant: str, locked_until: datetime) -> bool:
        """Keep a checkpoint of a tenant's trail as it stands; the same trail is the same one."""
        head = await self._trail.head(tenant)
        if head is None:
            return False
        checkpoint = Checkpoint(tenant, head.sequence, head.hash, head.entry.at)
        await self._anchors.put(checkpoint.key, checkpoint.content(), locked_until)
        return True

    async def _checkpoints(self, tenant: str) -> tuple[list[Checkpoint], list[Finding]]:
        locations = list(await self._anchors.locations(checkpoints_of(tenant)))
        unnamed = f"{CHECKPOINTS}/{tenant}"
        if may_be_folder(tenant) and unnamed != checkpoints_of(tenant):
            locations += await self._anchors.locations(unnamed)
        found: list[Checkpoint | Finding] = []
        for start in range(0, len(locations), _AT_ONCE):
            some = locations[start : start + _AT_ONCE]
            found += await asyncio.gather(*(self._read_or_tell(each, tenant) for each in some))
        checkpoints = [each for each in found if isinstance(each, Checkpoint)]
        return checkpoints, [each for each in found if not isinstance(each, Checkpoint)]

    async def _read_or_tell(self, location: str, tenant: str) -> Checkpoint | Finding:
        try:
            found = await self._read(location)
        except (NotFound, SupplierLied) as error:
            return tampering.unreadable(str(error))
        if found.tenant != tenant:
            return tampering.unreadable(f"{location} is of another tenant, {found.tenant!r}.")
        return found

    async def _read(self, location: str) -> Checkpoint:
        return read_checkpoint(await self._anchors.read(location), location)
