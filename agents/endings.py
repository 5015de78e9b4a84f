"""Endings: a dataset is torn down, or its protection has somebody asked first (A17)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.approvals import ApprovalStatus, asked_for, is_protected, why_protected
from domain.commands import Request, ResolveApproval, Undertaking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from uuid import UUID

    from agents.coordinator import LifecycleCoordinator
    from domain.approvals import Approval
    from domain.commands import Call, Principal, TeardownDataset
    from domain.dataset import Dataset
    from domain.lifecycle import TeardownReason
    from domain.ports import Clock, Engine
    from domain.repository import Registry, Transaction


@dataclass(frozen=True, slots=True)
class Effect:
    """What an ending came to: whether the dataset changed, and the approval it waits for."""

    is_changed: bool
    approval: Approval | None = None

    @property
    def approvals(self) -> tuple[UUID, ...]:
        """The id of the approval, where there is one."""
        return (self.approval.approval_id,) if self.approval else ()


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a dataset is to end, for whom, and whether without grace; `task_id` waits for consent."""

    reason: TeardownReason
    by: str
    task_id: str = ""
    force: bool = False


class Endings:
    """Ends datasets, and sees to the approvals that some ends need."""

    def __init__(
        self,
        *,
        registry: Registry,
        coordinator: LifecycleCoordinator,
        engine: Engine,
        clock: Clock,
        ids: Callable[[], UUID],
    ) -> None:
        """End datasets of this registry; the engine is told, the coordinator interrupted."""
        self._registry = registry
        self._coordinator = coordinator
        self._engine = engine
        self._clock = clock
        self._ids = ids

    async def tear_down(self, command: TeardownDataset, call: Call) -> Request:
        """End one dataset, or ask for the consent its protection wants; `force` skips none.

        Raises:
            IllegalTransition: the dataset is archived. NotFound: there is none.
        """
        ending = Ending(command.reason, call.principal.subject, call.task_id, command.force)
        since = await self._registry.last_sequence(call.principal.tenant)
        async with self._registry.transaction(call.principal) as transaction:
            dataset = await transaction.dataset(command.dataset_id)
            effect = await self.end_or_ask(transaction, dataset, ending)
            undertaking = Undertaking(effect.approvals)
            request = call.request((command.dataset_id,), since, undertaking)
            await transaction.keep_request(request)
        if effect.is_changed:
            self.interrupt((command.dataset_id,))
        return request

    async def end_or_ask(
        self, transaction: Transaction, dataset: Dataset, ending: Ending
    ) -> Effect:
        """End a dataset in this transaction, or have somebody asked first."""
        if is_protected(dataset, ending.reason):
            because = why_protected(dataset.place.stage)
            return Effect(
                is_changed=False, approval=await self.ask(transaction, dataset, ending, because)
            )
        return Effect(await self.end(transaction, dataset, ending))

    async def ask(
        self, transaction: Transaction, dataset: Dataset, ending: Ending, because: str
    ) -> Approval:
        """Ask for consent to a dataset's end; what was asked before and is pending is given."""
        approval = asked_for(
            dataset,
            ending.reason,
            approval_id=self._ids(),
            because=because,
            by=ending.by,
            at=self._clock(),
            task_id=ending.task_id,
            force=ending.force,
        )
        return await transaction.ask(approval, dataset)

    async def end(self, transaction: Transaction, dataset: Dataset, ending: Ending) -> bool:
        """Begin a dataset's teardown, or hurry one that has begun; tells whether it changed."""
        now = self._clock()
        is_begun = dataset.start_teardown(ending.reason, now, skip_grace=ending.force)
        is_changed = dataset.lapse(now) or is_begun
        if is_changed:
            await transaction.save(dataset, dataset.due_at(now))
        return is_changed

    async def resolve(self, command: ResolveApproval, call: Call) -> Request:
        """Decide an approval; the request is about its dataset. Raises as `decide` does."""
        since = await self._registry.last_sequence(call.principal.tenant)
        async with self._registry.transaction(call.principal) as transaction:
            effect, dataset_id = await self._decided(transaction, command, call.principal)
            request = call.request((dataset_id,), since, Undertaking(effect.approvals))
            await transaction.keep_request(request)
        if effect.is_changed:
            self.interrupt((dataset_id,))
        return request

    async def decide(self, command: ResolveApproval, principal: Principal) -> None:
        """Decide an approval; what was approved goes on to its teardown in the same commit.

        Raises:
            NotFound: there is no such approval for this tenant.
            IllegalTransition: it was decided otherwise before.
            Conflict: somebody decides it at this moment.
        """
        async with self._registry.transaction(principal) as transaction:
            effect, dataset_id = await self._decided(transaction, command, principal)
        if effect.is_changed:
            self.interrupt((dataset_id,))
            self._engine.ring(dataset_id)

    async def withdraw(self, transaction: Transaction, request: Request) -> None:
        """Take back what a request that is called off has asked for and nobody has decided."""
        for approval_id in request.undertaking.approvals:
            approval = await transaction.approval(approval_id)
            if approval.is_pending and approval.task_id == request.task_id:
                dataset = await transaction.dataset(approval.dataset_id)
                withdrawn = approval.withdrawn(by=request.principal.subject, at=self._clock())
                await transaction.decide(withdrawn, dataset)

    def interrupt(self, dataset_ids: Iterable[UUID]) -> None:
        """Stop what is under way for datasets that have changed."""
        for each in dataset_ids:
            self._coordinator.interrupt(each)

    async def _decided(
        self, transaction: Transaction, command: ResolveApproval, principal: Principal
    ) -> tuple[Effect, UUID]:
        approval = await transaction.approval(command.approval_id)
        decided = approval.decided(
            approve=command.approve,
            by=principal.subject,
            at=self._clock(),
            comment=command.comment,
        )
        is_changed = False
        if decided is not approval:
            dataset = await transaction.dataset(approval.dataset_id)
            await transaction.decide(decided, dataset)
            if decided.status is ApprovalStatus.APPROVED and not dataset.has_ended:
                ending = Ending(decided.reason, principal.subject, force=decided.force)
                is_changed = await self.end(transaction, dataset, ending)
        return Effect(is_changed, decided), approval.dataset_id
