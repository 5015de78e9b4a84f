"""The coordinator's front desk: commands become changes of datasets, each in one commit."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, assert_never

from agents.introductions import introduced
from agents.planning import require_plannable
from domain.commands import (
    Call,
    Command,
    Principal,
    ProvisionDatasets,
    Request,
    RestoreDataset,
    TeardownDataset,
    ValidateNow,
)
from domain.dataset import Dataset
from domain.errors import Conflict, DuplicateDataset, RequestRejected
from domain.events import DatasetProvisionRequested, EventContext
from domain.lifecycle import DatasetStatus, TeardownReason
from domain.repository import Slot, Transaction
from domain.state import DatasetPlace
from domain.work import Rest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from uuid import UUID

    from agents.coordinator import LifecycleCoordinator
    from agents.planning import Plan, Planner
    from domain.journey import Journey
    from domain.ports import Clock, Engine, Journeys
    from domain.repository import Registry

MOST_TRIES = 5
"""How often a request is called off anew when somebody else wrote first."""


class Requests:
    """Takes commands in (seed: Journey Orchestration's customer side).

    Each command changes its datasets in one commit, together with the request that the task of
    the caller will show, and rings the engine for them.
    """

    def __init__(
        self,
        *,
        registry: Registry,
        journeys: Journeys,
        planner: Planner,
        coordinator: LifecycleCoordinator,
        engine: Engine,
        clock: Clock,
        ids: Callable[[], UUID],
        origin: str,
    ) -> None:
        """Keep what is asked in this registry; `origin` begins the datasets' addresses."""
        self._registry = registry
        self._journeys = journeys
        self._planner = planner
        self._coordinator = coordinator
        self._engine = engine
        self._clock = clock
        self._ids = ids
        self._origin = origin

    async def perform(self, command: Command, call: Call) -> Request:
        """Carry a command out and give the request it became.

        Raises:
            RequestRejected: it can never work as it stands.
            Conflict: the dataset changed under our hands; asking again decides anew.
        """
        match command:
            case ProvisionDatasets():
                request = await self._provision(command, call)
            case TeardownDataset():
                request = await self._change(command.dataset_id, call, self._ending(command))
            case ValidateNow():
                cause = f"asked for by {call.principal.subject}"
                again = partial(Dataset.revalidate, cause=cause, now=self._clock())
                request = await self._change(command.dataset_id, call, again)
            case RestoreDataset():
                restore = partial(Dataset.restore, now=self._clock())
                request = await self._change(command.dataset_id, call, restore, needs_slot=True)
            case never:
                assert_never(never)
        for dataset_id in request.dataset_ids:
            self._engine.ring(dataset_id)
        return request

    async def plan(self, command: ProvisionDatasets, principal: Principal) -> Plan:
        """Tell what a request would do; nothing is changed, and nobody is introduced."""
        journey = await self._known_journey(command, principal)
        return await self._planner.plan(command, journey, principal)

    async def cancel(self, request: Request) -> None:
        """Call a request off: datasets not READY yet go to TEARDOWN without grace."""
        for dataset_id in request.dataset_ids:
            await self._call_off(dataset_id, request.principal)
            self._coordinator.interrupt(dataset_id)
            self._engine.ring(dataset_id)

    async def _call_off(self, dataset_id: UUID, principal: Principal) -> None:
        """End a dataset that is not READY yet, also while its coordinator is writing to it."""
        for _ in range(MOST_TRIES - 1):
            try:
                return await self._end_unfinished(dataset_id, principal)
            except Conflict:
                continue
        return await self._end_unfinished(dataset_id, principal)

    async def _end_unfinished(self, dataset_id: UUID, principal: Principal) -> None:
        async with self._registry.transaction(principal) as transaction:
            dataset = await transaction.dataset(dataset_id)
            if dataset.status in _UNFINISHED:
                now = self._clock()
                dataset.start_teardown(TeardownReason.MANUAL_REQUEST, now, skip_grace=True)
                await transaction.save(dataset, now)

    # provisioning

    async def _provision(self, command: ProvisionDatasets, call: Call) -> Request:
        require_plannable(command)
        journey = await self._journey(command, call.principal)
        if not journey.is_active:
            message = f"Journey {journey.ref} is completed; datasets are made for active ones only."
            raise RequestRejected(message)
        await self._planner.require_fresh(command, journey, call.principal)
        await self._planner.require_makeable(command, journey)
        since = await self._registry.last_sequence(call.principal.tenant)
        async with self._registry.transaction(call.principal) as transaction:
            await transaction.keep_journey(journey)
            await self._announce(transaction, command, journey, call)
            datasets = await self._register(transaction, command, journey, call)
            request = call.request(tuple(each.place.dataset_id for each in datasets), since)
            await transaction.keep_request(request)
        return request

    async def _register(
        self,
        transaction: Transaction,
        command: ProvisionDatasets,
        journey: Journey,
        call: Call,
    ) -> Sequence[Dataset]:
        datasets: list[Dataset] = []
        for dataset_type in command.dataset_types:
            slot = Slot(journey.client.client_id, command.stage, dataset_type)
            await _require_free(transaction, slot)
            generation = await transaction.next_generation(slot)
            place = self._place(command, journey, call, dataset_type, generation)
            dataset = Dataset(place=place, wish=command.wish)
            await transaction.add(dataset)
            datasets.append(dataset)
        return datasets

    def _place(
        self,
        command: ProvisionDatasets,
        journey: Journey,
        call: Call,
        dataset_type: str,
        generation: int,
    ) -> DatasetPlace:
        return DatasetPlace(
            tenant=call.principal.tenant,
            dataset_id=self._ids(),
            journey_id=journey.journey_id,
            journey_ref=journey.ref,
            client=journey.client,
            stage=command.stage,
            dataset_type=dataset_type,
            generation=generation,
            origin=self._origin,
            requested_by=command.requested_by or call.principal.subject,
            requested_at=self._clock(),
            correlation=call.task_id,
        )

    async def _announce(
        self,
        transaction: Transaction,
        command: ProvisionDatasets,
        journey: Journey,
        call: Call,
    ) -> None:
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

    async def _journey(self, command: ProvisionDatasets, principal: Principal) -> Journey:
        """Find the journey, introducing its client first where the request does so."""
        if command.introduction is None:
            return await self._known_journey(command, principal)
        journey = introduced(command, command.introduction, principal.tenant)
        return await self._journeys.introduce(journey)

    async def _known_journey(self, command: ProvisionDatasets, principal: Principal) -> Journey:
        if command.introduction is not None:
            return introduced(command, command.introduction, principal.tenant)
        journey = await self._journeys.journey(command.journey)
        if command.client not in {journey.client.ref, str(journey.client.client_id)}:
            message = (
                f"Journey {journey.ref} belongs to client {journey.client.ref}, not to "
                f"{command.client}. Name the journey's own client."
            )
            raise RequestRejected(message)
        return journey

    # everything else

    async def _change(
        self,
        dataset_id: UUID,
        call: Call,
        change: Callable[[Dataset], None],
        *,
        needs_slot: bool = False,
    ) -> Request:
        since = await self._registry.last_sequence(call.principal.tenant)
        async with self._registry.transaction(call.principal) as transaction:
            dataset = await transaction.dataset(dataset_id)
            if needs_slot:
                await _require_no_successor(transaction, dataset)
            change(dataset)
            await transaction.save(dataset, self._due(dataset))
            request = call.request((dataset_id,), since)
            await transaction.keep_request(request)
        self._coordinator.interrupt(dataset_id)
        return request

    def _ending(self, command: TeardownDataset) -> Callable[[Dataset], None]:
        def end(dataset: Dataset) -> None:
            now = self._clock()
            dataset.start_teardown(command.reason, now, skip_grace=command.force)
            dataset.lapse(now)

        return end

    def _due(self, dataset: Dataset) -> datetime | None:
        now = self._clock()
        following = dataset.next_order(now)
        return following.until if isinstance(following, Rest) else now


_UNFINISHED = frozenset(
    {
        DatasetStatus.DISCOVERING,
        DatasetStatus.PROVISIONING,
        DatasetStatus.VALIDATING,
        DatasetStatus.FAILED,
    }
)


async def _require_no_successor(transaction: Transaction, dataset: Dataset) -> None:
    place = dataset.place
    slot = Slot(place.client.client_id, place.stage, place.dataset_type)
    holder = await transaction.holder(slot)
    if holder is not None and holder.place.dataset_id != place.dataset_id:
        message = (
            f"{dataset.name} has a successor, dataset {holder.place.dataset_id} "
            f"({holder.status}), and cannot be restored."
        )
        raise DuplicateDataset(message)


async def _require_free(transaction: Transaction, slot: Slot) -> None:
    holder = await transaction.holder(slot)
    if holder is None:
        return
    message = (
        f"{holder.name} is {holder.status} and already holds {slot.stage.value} {slot.dataset_type} "
        "for this client. Use it, revalidate it, or tear it down first."
    )
    raise DuplicateDataset(message)
