"""Transactions of the simulated database: what they write is seen by nobody before the commit."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, NoReturn
from uuid import UUID

from domain.commands import Request
from domain.errors import NotFound
from domain.events import EventContext, Happening
from domain.lifecycle import ENDED, DatasetStatus
from domain.repository import Slot
from tests.simulation.database import Draft, Rows, Written, as_read, slot_of
from tests.simulation.virtual_time import moment

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from domain.approvals import Approval
    from domain.dataset import Dataset
    from domain.events import DatasetProvisionRequested
    from domain.journey import Journey
    from domain.orphans import Stray


class SimulatedTransaction:
    """One commit on behalf of one process; what it writes is seen by nobody before it commits."""

    def __init__(self, rows: Rows, draft: Draft) -> None:
        self._rows = rows
        self._draft = draft

    async def dataset(self, dataset_id: UUID, /) -> Dataset:
        """Load a dataset, as this transaction has written it. Raises NotFound."""
        await asyncio.sleep(0)
        mine = [each for each in self._draft.written if each.dataset_id == dataset_id]
        if mine:
            return as_read(mine[-1].dataset, self._rows.rules)
        return found(self._rows, dataset_id)

    async def add(self, dataset: Dataset, /) -> None:
        """Add a new dataset, due at once. Raises DuplicateDataset."""
        await asyncio.sleep(0)
        self._rows.require_place(dataset, self._draft.written)
        self._write(dataset, None, moment(self._rows.now()))

    async def save(self, dataset: Dataset, due_at: datetime | None, /) -> None:
        """Write a changed dataset, one version on. Raises Conflict, DuplicateDataset."""
        await asyncio.sleep(0)
        self._rows.require_version(dataset, dataset.version)
        before = self._rows.datasets[dataset.place.dataset_id].dataset.status
        if before in ENDED:
            self._rows.require_place(dataset, self._draft.written)
        dataset.version += 1
        self._write(dataset, before, due_at)

    async def holder(self, slot: Slot, /) -> Dataset | None:
        """Give the active dataset in a slot."""
        await asyncio.sleep(0)
        wanted = (slot.client_id, slot.stage.value, slot.dataset_type)
        held = [each for each in self._rows.active(self._draft.written) if slot_of(each) == wanted]
        return as_read(held[0], self._rows.rules) if held else None

    async def next_generation(self, slot: Slot, /) -> int:
        """Tell the generation a new dataset in a slot will be."""
        wanted = (slot.client_id, slot.stage.value, slot.dataset_type)
        kept = [each.dataset for each in self._rows.datasets.values()]
        mine = [each.dataset for each in self._draft.written]
        taken = [each.place.generation for each in (*kept, *mine) if slot_of(each) == wanted]
        return max(taken, default=0) + 1

    async def active_of(self, journey: str, /) -> Sequence[Dataset]:
        """Nobody asks."""
        unasked(journey)

    async def wake(self, dataset_id: UUID, /) -> None:
        """Nobody asks."""
        unasked(dataset_id)

    async def note_completion(self, journey: str, /) -> None:
        """Nobody asks."""
        unasked(journey)

    async def ask(self, approval: Approval, dataset: Dataset, /) -> Approval:
        """Nobody asks."""
        unasked(approval)

    async def approval(self, approval_id: UUID, /) -> Approval:
        """Nobody asks."""
        unasked(approval_id)

    async def decide(self, approval: Approval, dataset: Dataset, /) -> None:
        """Nobody asks."""
        unasked(approval)

    async def keep_journey(self, journey: Journey, /) -> None:
        """Keep nothing: nobody in the simulation reads it."""

    async def keep_request(self, request: Request, /) -> None:
        """Write down a request. Raises Conflict when its message came before."""
        await asyncio.sleep(0)
        self._rows.require_new(request)
        self._draft.requests.append(request)

    async def condemn(self, strays: Collection[Stray], /) -> None:
        """Nobody asks."""
        unasked(strays)

    async def call_off(self, task_id: str, /) -> bool:
        """Call a request off; no task is ever closed here, so it always can be."""
        self._draft.called_off.append(task_id)
        return True

    async def publish(
        self, event: DatasetProvisionRequested, context: EventContext, at: datetime, /
    ) -> None:
        """Put an event that belongs to no dataset into the outbox."""
        self._draft.told.append((Happening(event), context, 0))

    def _write(
        self, dataset: Dataset, before: DatasetStatus | None, due_at: datetime | None
    ) -> None:
        happenings = tuple(dataset.drain())
        kept = as_read(dataset, self._rows.rules)
        self._draft.written.append(Written(kept, before, due_at, happenings))
        context = _context_of(dataset)
        self._draft.told += [(each, context, dataset.version) for each in happenings]


def unasked(what: object) -> NoReturn:
    """Refuse what nobody asks the registry for in the simulation."""
    message = f"The simulation asks for nothing like {what}."
    raise NotImplementedError(message)


def found(rows: Rows, dataset_id: UUID) -> Dataset:
    """Read a dataset. Raises NotFound."""
    dataset = rows.load(dataset_id)
    if dataset is None:
        raise NotFound(str(dataset_id))
    return dataset


def _context_of(dataset: Dataset) -> EventContext:
    place = dataset.place
    return EventContext(
        tenant=place.tenant,
        journey_id=place.journey_id,
        journey_ref=place.journey_ref,
        client_ref=place.client.ref,
        dataset_id=place.dataset_id,
        correlation=place.correlation,
    )
