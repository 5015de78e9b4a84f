"""The registry's reads and leases over the simulated database, as one process reaches it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from domain.commands import Principal, Request, RequestKey
from domain.events import RecordedEvent
from domain.repository import Claim, DatasetFilter, Page, QualityRun, Room, Standing
from domain.view import describe_quality
from registry.outbox import plain_fields
from tests.simulation.database import Draft, Rows, Told
from tests.simulation.plan import Fault
from tests.simulation.transaction import SimulatedTransaction, found, unasked
from tests.simulation.virtual_time import moment

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from domain.approvals import Approval, ApprovalStatus
    from domain.dataset import Dataset
    from domain.journey import Client
    from domain.quality import QualityScore
    from domain.work import Progress
    from tests.simulation.fate import Fate
    from tests.simulation.life import Life


class DatabaseAway(Exception):
    """The connection to the database broke; what was sent may have been committed or not."""


class SimulatedRegistry:
    """The ports Registry, Leases and ProgressLog of one process."""

    def __init__(self, rows: Rows, life: Life, fate: Fate) -> None:
        self._rows = rows
        self._life = life
        self._fate = fate

    @asynccontextmanager
    async def transaction(self, principal: Principal, /) -> AsyncIterator[SimulatedTransaction]:
        """Open a transaction; it commits unless an error passes. Raises DatabaseAway."""
        await self._arrive()
        draft = Draft(self._life.name, self._rows.now())
        yield SimulatedTransaction(self._rows, draft)
        if draft.written or draft.requests or draft.told:
            await self._commit(draft)

    async def _commit(self, draft: Draft) -> None:
        await self._life.reach()
        fault = self._fate.fault_here()
        await self._take_time(fault)
        if fault is Fault.NEVER:
            raise DatabaseAway
        self._rows.commit(draft)
        await self._life.reach()
        if fault is Fault.LOST:
            raise DatabaseAway

    async def _take_time(self, fault: Fault | None) -> None:
        await asyncio.sleep(self._fate.chance.random() if fault is Fault.SLOW else 0)
        await self._life.breathe()

    async def _arrive(self) -> None:
        await asyncio.sleep(0)
        await self._life.breathe()

    async def dataset(self, tenant: str, dataset_id: UUID, /) -> Dataset:
        """Read a dataset. Raises NotFound."""
        await self._arrive()
        return found(self._rows, dataset_id)

    async def dataset_id_of(self, tenant: str, ref: str, /) -> UUID:
        """Nobody asks."""
        unasked(ref)

    async def datasets(
        self, tenant: str, wanted: DatasetFilter, size: int, token: str | None, /
    ) -> Page:
        """Nobody asks."""
        unasked(wanted)

    async def datasets_by_id(self, tenant: str, ids: Collection[UUID], /) -> Sequence[Dataset]:
        """Nobody asks."""
        unasked(ids)

    async def client(self, tenant: str, ref: str, /) -> Client:
        """Nobody asks."""
        unasked(ref)

    async def unsettled_requests(self, limit: int, /) -> Sequence[Request]:
        """Nobody asks."""
        unasked(limit)

    async def approval_id_of(self, tenant: str, ref: str, /) -> UUID:
        """Nobody asks."""
        unasked(ref)

    async def open_approvals(self, tenant: str, limit: int, /) -> Sequence[Approval]:
        """Nobody asks."""
        unasked(limit)

    async def approvals(
        self, tenant: str, status: ApprovalStatus | None, limit: int, /
    ) -> Sequence[Approval]:
        """Nobody asks."""
        unasked(status)

    async def approvals_by_id(self, tenant: str, ids: Collection[UUID], /) -> Sequence[Approval]:
        """Nobody asks."""
        unasked(ids)

    async def quality_history(self, tenant: str, dataset_id: UUID, /) -> Sequence[QualityRun]:
        """Read every validation of a dataset, oldest first."""
        await self._arrive()
        scores = self._rows.scores.get(dataset_id, ())
        return [_run(number, score) for number, score in enumerate(scores, 1)]

    async def events(
        self, tenant: str, after: int, limit: int, /, *, dataset_id: UUID | None = None
    ) -> Sequence[RecordedEvent]:
        """Read the outbox in order, from behind a sequence."""
        await self._arrive()
        following = self._rows.outbox[after:]
        if dataset_id is not None:
            following = [each for each in following if each.context.dataset_id == dataset_id]
        return [_recorded(each) for each in following[:limit]]

    async def last_sequence(self, tenant: str, /) -> int:
        """Tell the sequence of the newest event."""
        await self._arrive()
        return len(self._rows.outbox)

    async def request(self, principal: Principal, key: RequestKey, /) -> Request | None:
        """Find the request a message made before."""
        await self._arrive()
        return self._rows.requests.get(key)

    async def request_of_task(self, tenant: str, task_id: str, /) -> Request | None:
        """Find the request a task shows."""
        await self._arrive()
        made = self._rows.requests.values()
        return next((each for each in made if each.task_id == task_id), None)

    async def close_request(self, tenant: str, task_id: str, /) -> bool:
        """Nobody asks."""
        unasked(task_id)

    async def settle_request(self, tenant: str, task_id: str, /) -> None:
        """Nobody asks."""
        unasked(task_id)

    async def note(self, tenant: str, dataset_id: UUID, progress: Progress, /) -> None:
        """Progress is for people to look at; nothing follows from it."""

    async def standings(self, tenant: str, ids: Collection[UUID], /) -> dict[UUID, Standing]:
        """Nobody asks."""
        unasked(ids)

    async def claim(self, owner: str, ttl: timedelta, room: Room, now: datetime, /) -> list[Claim]:
        """Claim what is due and not leased, the longest due first; one client asks in every story."""
        await self._arrive()
        rows = self._rows.datasets.values()
        held = sum(each.lease_until > self._rows.now() for each in rows if each.lease_owner)
        free = max(0, min(room.turns, room.a_client - held))
        due = [each for each in self._free() if each[0] <= now][:free]
        for _, dataset_id in due:
            row = self._rows.datasets[dataset_id]
            if row.lease_owner not in {None, owner}:
                row.taken_over_at = now
            row.lease_owner = owner
            row.lease_until = self._rows.now() + ttl.total_seconds()
        if due:
            await self._life.reach()
        return [Claim("default", dataset_id, owner) for _, dataset_id in due]

    async def beat(self, owner: str, ids: Collection[UUID], ttl: timedelta, /) -> set[UUID]:
        """Renew leases; gives those still held, a late one that nobody took included."""
        await self._arrive()
        rows = self._rows.datasets
        held = {each for each in ids if each in rows and rows[each].lease_owner == owner}
        for each in held:
            rows[each].lease_until = self._rows.now() + ttl.total_seconds()
        return held

    async def release(self, claim: Claim, due_at: datetime | None, version: int, /) -> None:
        """Give a lease back; `due_at` is kept only where the row is still at `version`."""
        await self._arrive()
        row = self._rows.datasets[claim.dataset_id]
        if row.lease_owner == claim.owner:
            row.lease_owner, row.lease_until = None, 0.0
            if row.dataset.version == version:
                row.due_at = due_at
        await self._life.reach()

    async def next_due(self, /) -> datetime | None:
        """Tell when the next unleased dataset is due."""
        await self._arrive()
        free = self._free()
        return free[0][0] if free else None

    def _free(self) -> list[tuple[datetime, UUID]]:
        now = self._rows.now()
        return sorted(
            (row.due_at, dataset_id)
            for dataset_id, row in self._rows.datasets.items()
            if row.due_at is not None and (row.lease_owner is None or row.lease_until <= now)
        )


def _recorded(told: Told) -> RecordedEvent:
    return RecordedEvent(
        event_id=told.event_id,
        sequence=told.sequence,
        name=told.happening.name,
        occurred_at=moment(told.at),
        context=told.context,
        fields=plain_fields(told.happening.event),
        extensions=told.happening.extensions,
    )


def _run(number: int, score: QualityScore) -> QualityRun:
    return QualityRun(number, score.checks[0].executed_at, dict(describe_quality(score)))
