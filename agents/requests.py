"""The coordinator's front desk: commands become changes of datasets, each in one commit."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Protocol, assert_never

from agents.endings import Endings
from agents.moves import Moves
from agents.persistence import persistently
from domain.commands import (
    ArchiveCommand,
    Call,
    CleanupOrphans,
    Command,
    CompleteJourney,
    ExtendRetention,
    HoldArchive,
    Principal,
    ProvisionDatasets,
    ReleaseArchive,
    Request,
    ResolveApproval,
    RestoreDataset,
    TeardownDataset,
    TransitionStage,
    ValidateNow,
)
from domain.dataset import Dataset
from domain.errors import DuplicateDataset
from domain.lifecycle import DatasetStatus, TeardownReason
from domain.repository import Slot, Transaction

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from agents.coordinator import LifecycleCoordinator
    from agents.planning import Plan, Planner
    from agents.registration import Registration
    from domain.orphan_documents import OrphanReportDocument
    from domain.ports import Clock, Engine
    from domain.repository import Registry


class Cleaning(Protocol):
    """Whoever finds orphans, tells of them, and ends them."""

    async def report(self, principal: Principal) -> OrphanReportDocument:
        """Tell what a cleanup would do."""
        ...

    async def clean(self, call: Call) -> Request:
        """End what may end, and give the request it became."""
        ...


class Requests:
    """Takes commands in, and calls requests off.

    Each command changes its datasets in one commit, together with the request that the task of
    the caller will show, and rings the engine for them.
    """

    def __init__(
        self,
        registration: Registration,
        planner: Planner,
        *,
        registry: Registry,
        coordinator: LifecycleCoordinator,
        engine: Engine,
        clock: Clock,
        orphans: Cleaning,
    ) -> None:
        """Change datasets of this registry; the engine is told, the coordinator interrupted."""
        self._registration = registration
        self._planner = planner
        self._registry = registry
        self._coordinator = coordinator
        self._engine = engine
        self._clock = clock
        self._orphans = orphans
        self.endings = Endings(
            registry=registry,
            coordinator=coordinator,
            engine=engine,
            clock=clock,
            ids=registration.ids,
        )
        self._moves = Moves(registration, self.endings, registry=registry, clock=clock)

    async def perform(self, command: Command, call: Call) -> Request:
        """Carry a command out and give the request it became.

        Raises:
            RequestRejected: it can never work as it stands.
            Conflict: the dataset changed under our hands; asking again decides anew.
        """
        match command:
            case ProvisionDatasets():
                request = await self._registration.provision(command, call)
            case TeardownDataset() | ResolveApproval():
                request = await self._end(command, call)
            case TransitionStage() | CompleteJourney():
                request = await self._move(command, call)
            case RestoreDataset():
                request = await self._change(
                    command.dataset_id, call, self._restore, needs_slot=True
                )
            case CleanupOrphans():
                request = await self._orphans.clean(call)
            case ValidateNow() | ExtendRetention() | HoldArchive() | ReleaseArchive():
                change = self._wanted(command, call.principal)
                request = await self._change(command.dataset_id, call, change)
            case never:
                assert_never(never)
        for dataset_id in request.dataset_ids:
            self._engine.ring(dataset_id)
        return request

    async def _end(self, command: TeardownDataset | ResolveApproval, call: Call) -> Request:
        if isinstance(command, TeardownDataset):
            return await self.endings.tear_down(command, call)
        return await self.endings.resolve(command, call)

    async def _move(self, command: TransitionStage | CompleteJourney, call: Call) -> Request:
        if isinstance(command, TransitionStage):
            return await self._moves.transition(command, call)
        return await self._moves.complete(command, call)

    async def resolve(self, command: ResolveApproval, principal: Principal) -> None:
        """Decide an approval that a task waits for. Raises as `Endings.decide` does."""
        await self.endings.decide(command, principal)

    async def plan(self, command: ProvisionDatasets, principal: Principal) -> Plan:
        """Tell what a request would do; nothing is changed, and nobody is introduced."""
        journey = await self._registration.journey(command, principal)
        return await self._planner.plan(command, journey, principal)

    async def orphans(self, principal: Principal) -> OrphanReportDocument:
        """Tell what a cleanup of orphans would do; nothing is changed."""
        return await self._orphans.report(principal)

    async def cancel(self, request: Request) -> Request:
        """Call a request off in one commit, also while its coordinator is writing.

        Of the datasets that it made, those that were never READY go to TEARDOWN without grace.
        All others go on as they are, those too that were to give way; an approval that nobody has
        decided is withdrawn. A request whose end is decided is given back as it was.
        """
        return await persistently(lambda: self._call_off(request))

    async def _call_off(self, request: Request) -> Request:
        ended: list[UUID] = []
        async with self._registry.transaction(request.principal) as transaction:
            if not await transaction.call_off(request.task_id):
                return request
            for dataset_id in request.dataset_ids:
                dataset = await transaction.dataset(dataset_id)
                if _is_unfinished(dataset, request):
                    now = self._clock()
                    dataset.start_teardown(TeardownReason.MANUAL_REQUEST, now, skip_grace=True)
                    await transaction.save(dataset, now)
                    ended.append(dataset_id)
                elif _was_to_move(dataset_id, request) and dataset.stay():
                    await transaction.save(dataset, dataset.due_at(self._clock()))
            await self.endings.withdraw(transaction, request)
        for dataset_id in ended:
            self._coordinator.interrupt(dataset_id)
            self._engine.ring(dataset_id)
        return replace(request, is_cancelled=True)

    async def _change(
        self,
        dataset_id: UUID,
        call: Call,
        change: Callable[[Dataset], bool],
        *,
        needs_slot: bool = False,
    ) -> Request:
        since = await self._registry.last_sequence(call.principal.tenant)
        async with self._registry.transaction(call.principal) as transaction:
            request = call.request((dataset_id,), since)
            await transaction.keep_request(request)
            dataset = await transaction.dataset(dataset_id)
            if needs_slot:
                await _require_no_successor(transaction, dataset)
            is_changed = change(dataset)
            if is_changed:
                await transaction.save(dataset, dataset.due_at(self._clock()))
        if is_changed:
            self._coordinator.interrupt(dataset_id)
        return request

    def _wanted(
        self, command: ValidateNow | ArchiveCommand, who: Principal
    ) -> Callable[[Dataset], bool]:
        """Give the change of a dataset that runs its gate again, or keeps its archive otherwise."""
        now = self._clock()
        match command:
            case ValidateNow():
                cause = f"asked for by {who.subject}"
                return partial(Dataset.revalidate, cause=cause, now=now)
            case ExtendRetention(until=until):
                return partial(Dataset.extend_retention, until=until, now=now)
            case HoldArchive(reason=reason):
                return partial(Dataset.hold_archive, reason=reason, by=who.subject, now=now)
            case ReleaseArchive():
                return partial(Dataset.release_archive, now=now)

    def _restore(self, dataset: Dataset) -> bool:
        dataset.restore(self._clock())
        return True


_UNFINISHED = frozenset(
    {
        DatasetStatus.DISCOVERING,
        DatasetStatus.PROVISIONING,
        DatasetStatus.VALIDATING,
        DatasetStatus.FAILED,
    }
)


def _is_unfinished(dataset: Dataset, request: Request) -> bool:
    """Whether a dataset was made by this request and has never been READY."""
    is_its_own = dataset.place.correlation == request.task_id
    return is_its_own and dataset.ready_at is None and dataset.status in _UNFINISHED


def _was_to_move(dataset_id: UUID, request: Request) -> bool:
    """Whether a request was to move a journey on, and this dataset out of its stage."""
    return dataset_id in {each.before for each in request.undertaking.moves}


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
