"""Registration: a request for datasets becomes one row a type, or leaves nothing behind."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from agents.introductions import introduced, require_client
from domain.dataset import Dataset
from domain.errors import DuplicateDataset, RequestRejected
from domain.events import DatasetProvisionRequested, EventContext
from domain.repository import Slot, Transaction
from domain.state import DatasetPlace

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from agents.planning import Planner
    from domain.commands import Call, Principal, ProvisionDatasets, Request
    from domain.journey import Journey
    from domain.ports import Clock, Journeys
    from domain.repository import Registry
    from domain.state import Wish


class Registration:
    """Takes requests for datasets in (seed: Journey Orchestration's customer side)."""

    def __init__(
        self,
        *,
        registry: Registry,
        journeys: Journeys,
        planner: Planner,
        clock: Clock,
        ids: Callable[[], UUID],
        origin: str,
    ) -> None:
        """Keep what is asked in this registry; `origin` begins the datasets' addresses."""
        self._registry = registry
        self._journeys = journeys
        self._planner = planner
        self._clock = clock
        self._ids = ids
        self._origin = origin

    async def provision(self, command: ProvisionDatasets, call: Call) -> Request:
        """Register one dataset a type, and the request, in one commit.

        Raises:
            RequestRejected: the journey, the plan or the types do not allow it; nothing is left.
        """
        self._planner.require_plannable(command)
        journey = await self.journey(command, call.principal)
        require_active(journey)
        await self._planner.require_fresh(command, journey, call.principal)
        await self._planner.require_possible(command, journey, call.principal)
        journey = await self._introduced(command, journey, call.principal)
        since = await self._registry.last_sequence(call.principal.tenant)
        async with self._registry.transaction(call.principal) as transaction:
            request = call.request(tuple(self._ids() for _ in command.dataset_types), since)
            await transaction.keep_request(request)
            await transaction.keep_journey(journey)
            await self.announce(transaction, command, journey, call)
            for dataset_id, dataset_type in zip(
                request.dataset_ids, command.dataset_types, strict=True
            ):
                place = self._place(command, journey, call, dataset_id, dataset_type)
                await _register(transaction, place, command.wish)
        return request

    @property
    def ids(self) -> Callable[[], UUID]:
        """Where new ids come from."""
        return self._ids

    @property
    def journeys(self) -> Journeys:
        """Whom to ask about journeys."""
        return self._journeys

    async def refusal(
        self, command: ProvisionDatasets, journey: Journey, principal: Principal
    ) -> str:
        """Tell why what is asked for could not be made; nothing where it could."""
        try:
            await self._planner.require_possible(command, journey, principal)
        except RequestRejected as refused:
            return str(refused)
        return ""

    async def register(
        self,
        transaction: Transaction,
        command: ProvisionDatasets,
        journey: Journey,
        call: Call,
    ) -> UUID:
        """Add the dataset of a request for one type to its slot; gives its id."""
        (dataset_type,), dataset_id = command.dataset_types, self._ids()
        place = self._place(command, journey, call, dataset_id, dataset_type)
        await _register(transaction, place, command.wish)
        return dataset_id

    def _place(
        self,
        command: ProvisionDatasets,
        journey: Journey,
        call: Call,
        dataset_id: UUID,
        dataset_type: str,
    ) -> DatasetPlace:
        return DatasetPlace(
            tenant=call.principal.tenant,
            dataset_id=dataset_id,
            journey_id=journey.journey_id,
            journey_ref=journey.ref,
            client=journey.client,
            stage=command.stage,
            dataset_type=dataset_type,
            generation=1,
            origin=self._origin,
            requested_by=command.requested_by or call.principal.subject,
            requested_at=self._clock(),
            correlation=call.task_id,
        )

    async def announce(
        self,
        transaction: Transaction,
        command: ProvisionDatasets,
        journey: Journey,
        call: Call,
    ) -> None:
        """Publish that datasets are asked for."""
        event = DatasetProvisionRequested(
            journey_id=journey.journey_id,
            client_id=journey.client.client_id,
            stage=command.stage,
            dataset_types=command.dataset_types,
            requested_by=command.requested_by or call.principal.subject,
        )
        context = EventContext(
            tenant=call.principal.tenant,
            journey_id=journey.journey_id,
            journey_ref=journey.ref,
            client_ref=journey.client.ref,
            dataset_id=None,
            correlation=call.task_id,
            causation=call.key.message_id,
        )
        await transaction.publish(event, context, self._clock())

    async def _introduced(
        self, command: ProvisionDatasets, journey: Journey, principal: Principal
    ) -> Journey:
        """Introduce a new client and its journey, once nothing else can turn the request away."""
        if command.introduction is None:
            return journey
        known = await self._journeys.introduce(principal.tenant, journey)
        require_active(known)
        return known

    async def journey(self, command: ProvisionDatasets, principal: Principal) -> Journey:
        """Give the journey a request is about; nobody is introduced yet."""
        if command.introduction is not None:
            return introduced(command, command.introduction, principal.tenant)
        journey = await self._journeys.journey(principal.tenant, command.journey)
        require_client(journey, command.client)
        return journey


async def _register(transaction: Transaction, place: DatasetPlace, wish: Wish) -> None:
    """Add a dataset to its slot, as the next generation there."""
    slot = Slot(place.client.client_id, place.stage, place.dataset_type)
    await _require_free(transaction, slot)
    generation = await transaction.next_generation(slot)
    await transaction.add(Dataset(place=replace(place, generation=generation), wish=wish))


def require_active(journey: Journey) -> None:
    """Refuse a journey that is completed. Raises RequestRejected."""
    if not journey.is_active:
        message = f"Journey {journey.ref} is completed; datasets are made for active ones only."
        raise RequestRejected(message)


async def _require_free(transaction: Transaction, slot: Slot) -> None:
    holder = await transaction.holder(slot)
    if holder is None:
        return
    message = (
        f"{holder.name} is {holder.status} and already holds {slot.stage.value} {slot.dataset_type} "
        "for this client. Use it, revalidate it, or tear it down first."
    )
    raise DuplicateDataset(message)
