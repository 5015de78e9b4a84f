"""The unit of work: state, events and audit entry in one commit, or nothing of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, NoReturn
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from domain.approvals import Approval, ApprovalStatus
from domain.commands import Principal, Request
from domain.dataset import Dataset
from domain.errors import Conflict, DuplicateDataset, NotAllowed, NotFound
from domain.events import (
    DatasetProvisionRequested,
    EventContext,
    Happening,
    TeardownApprovalAsked,
    TeardownApprovalDecided,
)
from domain.journey import Journey
from domain.lifecycle import ENDED, DatasetStatus
from domain.orphans import Stray
from domain.repository import Slot
from registry.approvals import find_approval, write_approval, write_decision
from registry.archives import write_archive, write_custody
from registry.audit import write_entry, write_withdrawal, write_word
from registry.datasets import (
    Before,
    find_active_of,
    find_dataset,
    find_holder,
    find_namesake,
    insert_dataset,
    keep_template_of,
    last_generation,
    look_before,
    make_due,
    update_dataset,
)
from registry.orphans import condemn
from registry.outbox import write_events
from registry.places import note_completion, write_journey
from registry.requests import mark_cancelled, write_request
from registry.uptime import count_probes
from registry.validations import write_validation

if TYPE_CHECKING:
    from domain.record import JsonObject
    from registry.database import Session


class SqlTransaction:
    """One commit of the registry, on behalf of one principal and inside its tenant.

    After an error the datasets it was given no longer match their rows: read them again.
    """

    def __init__(self, session: Session, principal: Principal) -> None:
        self._session = session
        self._principal = principal
        self._before: dict[UUID, Before] = {}

    async def dataset(self, dataset_id: UUID, /) -> Dataset:
        """Load a dataset. Raises NotFound, for another tenant's as well."""
        found, before = await find_dataset(self._session, dataset_id)
        self._before[dataset_id] = before
        return found

    async def add(self, dataset: Dataset, /) -> None:
        """Add a new dataset, due at once.

        Raises DuplicateDataset naming the one that holds its slot or its connector's name,
        Conflict when its generation is taken, NotFound when its journey was never kept.
        """
        self._require_own(dataset.place.tenant)
        now, unborn = self._session.database.clock(), Before(None)
        fingerprint = await keep_template_of(self._session, dataset, unborn)
        async with self._taking_its_place(dataset):
            await insert_dataset(self._session, dataset, fingerprint, now)
        await self._record(dataset, unborn, dataset.version, now)
        self._remember(dataset, fingerprint)

    async def save(self, dataset: Dataset, due_at: datetime | None, /) -> None:
        """Write a changed dataset with its happenings; its version rises by one.

        Raises Conflict when somebody wrote first, DuplicateDataset when its slot is taken.
        """
        self._require_own(dataset.place.tenant)
        session, left = self._session, dataset.version
        before = self._before.get(dataset.place.dataset_id)
        before = before or await look_before(session, dataset)
        fingerprint = await keep_template_of(session, dataset, before)
        if before.status in ENDED and dataset.status not in ENDED:
            async with self._taking_its_place(dataset):
                await update_dataset(session, dataset, before, fingerprint, due_at)
        else:
            await update_dataset(session, dataset, before, fingerprint, due_at)
        dataset.version = left + 1
        await self._record(dataset, before, left, session.database.clock())
        self._remember(dataset, fingerprint)

    async def holder(self, slot: Slot, /) -> Dataset | None:
        """Give the active dataset in a slot."""
        return await find_holder(self._session, slot)

    async def next_generation(self, slot: Slot, /) -> int:
        """Tell the generation a new dataset in a slot will be, counting from 1."""
        return await last_generation(self._session, slot) + 1

    async def active_of(self, journey: str, /) -> Sequence[Dataset]:
        """Load a journey's datasets that have not ended, oldest first; by its id or reference."""
        found = await find_active_of(self._session, journey)
        self._before |= {each.place.dataset_id: before for each, before in found}
        return [each for each, _ in found]

    async def wake(self, dataset_id: UUID, /) -> None:
        """Let the engine look at a dataset now, unless it has ended; its version stays."""
        await make_due(self._session, dataset_id, self._session.database.clock())

    async def note_completion(self, journey: str, /) -> None:
        """Write down that a journey was told to be completed; an unknown one is nothing."""
        await note_completion(self._session, journey)

    async def keep_journey(self, journey: Journey, /) -> None:
        """Write down a journey and its client as last seen (seed: Stage Association).

        Raises Conflict when datasets tie the journey to another client.
        """
        try:
            await write_journey(self._session, journey)
        except IntegrityError as error:
            message = (
                f"Journey {journey.ref!r} has datasets of another client than "
                f"{journey.client.ref!r}. Ask Journey Orchestration which client it belongs to."
            )
            raise Conflict(message) from error

    async def keep_request(self, request: Request, /) -> None:
        """Write down an accepted request. Raises CameBefore when its message did."""
        self._require_own(request.principal.tenant)
        await write_request(self._session, request)
        await write_word(
            self._session, self._principal, "request", request.task_id, _asked(request)
        )

    async def condemn(self, strays: Collection[Stray], /) -> None:
        """Have strays emptied, on the word of whom the transaction is for."""
        for each in strays:
            self._require_own(each.tenant)
        await condemn(self._session, strays, self._principal.subject)

    async def call_off(self, task_id: str, /) -> bool:
        """Call the request of a task off; tells whether that could still be done."""
        is_open = await mark_cancelled(self._session, task_id)
        if is_open:
            await write_word(self._session, self._principal, "cancellation", task_id)
        return is_open

    async def ask(self, approval: Approval, dataset: Dataset, /) -> Approval:
        """Ask for consent to a dataset's teardown, or give what was asked for it before."""
        self._require_own(approval.tenant)
        kept = await write_approval(self._session, approval)
        if kept is approval:
            asked = TeardownApprovalAsked(*dataset.ids, approval.approval_id, approval.reason)
            await self._tell(dataset, Happening(asked))
        return kept

    async def approval(self, approval_id: UUID, /) -> Approval:
        """Read an approval. Raises NotFound, for another tenant's as well."""
        return await find_approval(self._session, approval_id)

    async def decide(self, approval: Approval, dataset: Dataset, /) -> None:
        """Write down how an approval was decided. Raises Conflict when somebody decided first.

        What is withdrawn was decided by nobody: it is audited, and no event tells of it.
        """
        self._require_own(approval.tenant)
        await write_decision(self._session, approval)
        if approval.status is ApprovalStatus.WITHDRAWN:
            await write_withdrawal(self._session, self._principal, approval, dataset)
            return
        is_approved = approval.status is ApprovalStatus.APPROVED
        decided = TeardownApprovalDecided(*dataset.ids, approval.approval_id, is_approved)
        await self._tell(dataset, Happening(decided))

    async def publish(
        self, event: DatasetProvisionRequested, context: EventContext, at: datetime, /
    ) -> None:
        """Put an event that belongs to no single dataset into the outbox."""
        self._require_own(context.tenant)
        happening = [Happening(event)]
        await write_events(self._session, context, happening, at)

    async def _record(self, dataset: Dataset, before: Before, left: int, now: datetime) -> None:
        """Write what follows from a written dataset: events, probes, history, archive, audit."""
        session, happenings = self._session, dataset.drain()
        await count_probes(session, dataset.place, dataset.drain_probes(), now)
        context = _context_of(dataset, left)
        await write_events(session, context, happenings, now)
        if dataset.quality is not None and dataset.quality is not before.quality:
            await write_validation(session, dataset.place, dataset.quality)
        if dataset.status is DatasetStatus.ARCHIVED:
            await self._record_archive(dataset, before)
        change = (before.status, dataset)
        await write_entry(session, self._principal, change, happenings, now)

    async def _tell(self, dataset: Dataset, happening: Happening) -> None:
        """Publish what happened about a dataset that it did not do itself, and who did it."""
        session, now = self._session, self._session.database.clock()
        await write_events(session, _context_of(dataset, dataset.version), [happening], now)
        change = (dataset.status, dataset)
        await write_entry(session, self._principal, change, [happening], now)

    async def _record_archive(self, dataset: Dataset, before: Before) -> None:
        if before.status is not DatasetStatus.ARCHIVED:
            await write_archive(self._session, dataset)
        else:
            await write_custody(self._session, dataset)

    def _remember(self, dataset: Dataset, fingerprint: str | None) -> None:
        before = Before(dataset.status, dataset.quality, dataset.template, fingerprint)
        self._before[dataset.place.dataset_id] = before

    def _require_own(self, tenant: str) -> None:
        if tenant != self._principal.tenant:
            message = f"{self._principal.subject} writes for its own tenant only; ask as another."
            raise NotAllowed(message)

    @asynccontextmanager
    async def _taking_its_place(self, dataset: Dataset) -> AsyncIterator[None]:
        """Translate the database's refusal of a place that is taken or does not exist."""
        try:
            async with self._session.connection.begin_nested():
                yield
        except IntegrityError as error:
            await self._refuse(dataset, error)

    async def _refuse(self, dataset: Dataset, error: IntegrityError) -> NoReturn:
        place = dataset.place
        slot = Slot(place.client.client_id, place.stage, place.dataset_type)
        rival = await self.holder(slot) or await find_namesake(self._session, place.connector_name)
        if rival is not None:
            raise DuplicateDataset(_taken(dataset, rival)) from error
        if await self.next_generation(slot) > place.generation:
            message = f"{dataset.name} has a generation that is taken; count again and ask anew."
            raise Conflict(message) from error
        message = (
            f"{dataset.name} belongs to journey {place.journey_ref!r} of client "
            f"{place.client.ref!r}, which the registry does not know. Write the journey down first."
        )
        raise NotFound(message) from error


def _context_of(dataset: Dataset, version: int) -> EventContext:
    """Give the envelope of a dataset's events; what led here is the version they were decided at."""
    place = dataset.place
    return EventContext(
        tenant=place.tenant,
        journey_id=place.journey_id,
        journey_ref=place.journey_ref,
        client_ref=place.client.ref,
        dataset_id=place.dataset_id,
        correlation=place.correlation,
        causation=f"{place.dataset_id}/{version}",
    )


def _asked(request: Request) -> JsonObject:
    """Tell what a request asks, and by which message: its digest binds the words it came in."""
    return {
        "skill": request.skill,
        "agent": request.key.agent,
        "message_id": request.key.message_id,
        "message_digest": request.key.digest,
        "dataset_ids": [str(each) for each in request.dataset_ids],
    }


def _taken(dataset: Dataset, rival: Dataset) -> str:
    return (
        f"{dataset.place.connector_name} is taken: {rival.name} is {rival.status} and still "
        "active. Use it, or tear it down first and ask again."
    )
