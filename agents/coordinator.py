"""The lifecycle coordinator: decide, delegate, apply, until the dataset rests."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import structlog

from agents.dossiers import gather_dossier
from domain.audit import SYSTEM
from domain.commands import Principal
from domain.errors import Conflict, RequestRejected, StaleOutcome
from domain.events import ConnectorHealthDegraded, ConnectorUnwatched
from domain.lifecycle import DatasetStatus, TeardownReason, TeardownStep
from domain.ordering import Rest
from domain.work import AGENT_OF, FailureKind, Order, OrderFailed, Outcome, Progress, TakeStep

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from uuid import UUID

    from domain.dataset import Dataset
    from domain.ports import Clock, Delegate
    from domain.repository import ProgressLog, Registry


log = structlog.get_logger("coordinator")


@dataclass(frozen=True, slots=True)
class Turn:
    """How a turn ended: when the dataset is due again, and at which version."""

    due_at: datetime | None
    version: int
    why: str


LAST_WORDS_SECONDS = 5.0
"""How long after an order's deadline its agent may still be on its way with an answer."""


@dataclass(frozen=True, slots=True)
class _Outstanding:
    """An order that was handed to its agent, and the wait for its outcome."""

    order: Order
    work: asyncio.Task[Outcome]


class LifecycleCoordinator:
    """Drives datasets (seed: lifecycle coordinator); the only writer of their state.

    One turn is the loop `next_order`, `carry_out`, `apply` until the dataset rests. Nothing of
    it is kept between turns: the row is the truth.
    """

    def __init__(
        self, registry: Registry, delegate: Delegate, progress: ProgressLog, clock: Clock
    ) -> None:
        """Keep datasets in this registry and hand orders to this delegate."""
        self._registry = registry
        self._delegate = delegate
        self._progress = progress
        self._clock = clock
        self._outstanding: dict[UUID, _Outstanding] = {}

    async def turn(
        self, tenant: str, dataset_id: UUID, is_ours: Callable[[], bool] = lambda: True
    ) -> Turn:
        """Move a dataset on until it rests; a stale outcome ends the turn and changes nothing.

        Raises:
            Conflict: it may have been taken over, so an order is no longer ours to give.
        """
        dataset = await self._registry.dataset(tenant, dataset_id)
        while True:
            dataset = await self._let_lapse(dataset)
            now = self._clock()  # before the look: deadlines count from while it was ours
            if not is_ours():
                raise Conflict(f"{dataset.name} may have been taken over; it is taken up anew.")
            order = dataset.next_order(now)
            if isinstance(order, Rest):
                return Turn(order.until, dataset.version, order.why)
            outcome = await self.carry_out(await self._complete(order, dataset))
            try:
                dataset = await self._taken(order, outcome)
            except StaleOutcome as stale:
                return await self._end_stale(outcome, str(stale))

    async def carry_out(self, order: Order) -> Outcome:
        """Hand an order to its agent and give what comes back; an interruption is an outcome.

        An agent that is silent for longer than its order's deadline is lost: no order is waited
        for without end, whatever has become of its agent or of the way there.
        """
        dataset_id = order.key.dataset_id
        work = asyncio.ensure_future(self._delegate.delegate(order, self._noting(order)))
        self._outstanding[dataset_id] = _Outstanding(order, work)
        try:
            await asyncio.wait({work}, timeout=self._patience(order))
            if not work.done():
                await _cancelled(work)
                return _silent(order)
        except asyncio.CancelledError:
            await _cancelled(work)
            raise
        finally:
            self._outstanding.pop(dataset_id, None)
        return _interrupted(order) if work.cancelled() else _outcome(work, order)

    def _patience(self, order: Order) -> float:
        return max(0.0, (order.deadline - self._clock()).total_seconds()) + LAST_WORDS_SECONDS

    async def apply(self, outcome: Outcome) -> Dataset:
        """Apply an outcome in one commit: transition, events, audit, and when it is due again.

        Operations are told in the log of a connector that takes READY away (seed: R74), and of
        one that nobody can watch.

        Raises:
            StaleOutcome: the dataset has moved on since the order was given.
        """
        key = outcome.key
        async with self._registry.transaction(Principal(key.tenant, SYSTEM)) as transaction:
            dataset = await transaction.dataset(key.dataset_id)
            dataset.apply(outcome, self._clock())
            alarms = _alarms(dataset)
            await transaction.save(dataset, dataset.due_at(self._clock()))
            if dataset.status is DatasetStatus.READY and dataset.wish.replaces is not None:
                await transaction.wake(dataset.wish.replaces)
        for each in alarms:
            log.warning(_ALARMS[type(each)], dataset_id=str(key.dataset_id), why=each.error_message)
        return dataset

    async def _taken(self, order: Order, outcome: Outcome) -> Dataset:
        """Apply an outcome; one that the aggregate cannot take fails the order for good."""
        try:
            return await self.apply(outcome)
        except RequestRejected as wrong:
            agent = AGENT_OF[order.kind]
            message = f"Agent {agent} answered {order.kind} with {outcome.kind}: {wrong}"
            return await self.apply(OrderFailed(order.key, FailureKind.REFUSED, message))

    def interrupt(self, dataset_id: UUID) -> None:
        """Cancel the order that is outstanding for a dataset here, if there is one."""
        outstanding = self._outstanding.get(dataset_id)
        if outstanding is not None:
            outstanding.work.cancel()

    async def heed(self) -> None:
        """Interrupt the orders whose datasets were moved on by another process."""
        tenants = {each.order.key.tenant for each in self._outstanding.values()}
        for tenant in tenants:
            await self._heed(tenant)

    async def _heed(self, tenant: str) -> None:
        given = {
            dataset_id: each.order.key.version
            for dataset_id, each in self._outstanding.items()
            if each.order.key.tenant == tenant
        }
        standings = await self._progress.standings(tenant, given)
        for dataset_id, version in given.items():
            standing, outstanding = standings.get(dataset_id), self._outstanding.get(dataset_id)
            is_same = outstanding is not None and outstanding.order.key.version == version
            if is_same and standing is not None and standing.version != version:
                self.interrupt(dataset_id)

    async def _let_lapse(self, dataset: Dataset) -> Dataset:
        """Commit what time alone, or a successor that is READY, has done to a dataset."""
        while dataset.lapse(self._clock()) or await self._gave_way(dataset):
            place = dataset.place
            async with self._registry.transaction(Principal(place.tenant, SYSTEM)) as transaction:
                await transaction.save(dataset, dataset.due_at(self._clock()))
        return dataset

    async def _gave_way(self, dataset: Dataset) -> bool:
        """End a dataset whose successor is READY; tells whether it did (A18)."""
        gives_way, tenant = dataset.gives_way, dataset.place.tenant
        if gives_way is None or gives_way.successor is None:
            return False
        standings = await self._progress.standings(tenant, [gives_way.successor])
        standing = standings.get(gives_way.successor)
        if standing is None or standing.status is not DatasetStatus.READY:
            return False
        return dataset.start_teardown(TeardownReason.STAGE_TRANSITION, self._clock())

    async def _complete(self, order: Order, dataset: Dataset) -> Order:
        """Put into an order what its aggregate does not hold: the dossier to archive."""
        if isinstance(order, TakeStep) and order.step is TeardownStep.ARCHIVE_METADATA:
            return replace(order, dossier=await gather_dossier(self._registry, dataset))
        return order

    async def _end_stale(self, outcome: Outcome, why: str) -> Turn:
        """End a turn whose outcome came too late; a teardown that waited for it waits no more."""
        key = outcome.key
        async with self._registry.transaction(Principal(key.tenant, SYSTEM)) as transaction:
            dataset = await transaction.dataset(key.dataset_id)
            if not _is_lost(outcome) and dataset.note_end_of(key.version, self._clock()):
                await transaction.save(dataset, dataset.due_at(self._clock()))
        return Turn(dataset.due_at(self._clock()), dataset.version, why)

    def _noting(self, order: Order) -> _Noting:
        return _Noting(self._progress, order)


class _Noting:
    """Writes an order's progress into the log."""

    def __init__(self, log: ProgressLog, order: Order) -> None:
        self._log = log
        self._order = order

    async def __call__(self, progress: Progress) -> None:
        """Note how far the order has come."""
        await self._log.note(self._order.key.tenant, self._order.key.dataset_id, progress)


def _interrupted(order: Order) -> Outcome:
    message = f"Order {order.kind} for dataset {order.key.dataset_id} was called off."
    return OrderFailed(order.key, FailureKind.CANCELLED, message)


def _silent(order: Order) -> Outcome:
    message = (
        f"Agent {AGENT_OF[order.kind]} has not answered {order.kind} for dataset "
        f"{order.key.dataset_id} by {order.deadline.isoformat(timespec='seconds')}."
    )
    return OrderFailed(order.key, FailureKind.LOST, message)


def _outcome(work: asyncio.Task[Outcome], order: Order) -> Outcome:
    """Give the outcome; a delegate that broke, or that answered another order, gave none."""
    error = work.exception()
    if error is not None:
        log.error("order.broke", order=order.kind, exc_info=error, **_whose(order))
        message = f"Order {order.kind} broke on its way to its agent: {type(error).__name__}."
        return OrderFailed(order.key, FailureKind.LOST, message)
    outcome = work.result()
    if outcome.key == order.key:
        return outcome
    message = (
        f"Agent {AGENT_OF[order.kind]} answered {order.kind} for dataset {order.key.dataset_id} "
        "with the outcome of another order."
    )
    return OrderFailed(order.key, FailureKind.UNAVAILABLE, message)


def _whose(order: Order) -> dict[str, str]:
    return {"dataset_id": str(order.key.dataset_id)}


def _alarms(dataset: Dataset) -> list[ConnectorHealthDegraded | ConnectorUnwatched]:
    events = (each.event for each in dataset.happenings)
    return [
        each for each in events if isinstance(each, ConnectorHealthDegraded | ConnectorUnwatched)
    ]


_ALARMS: Mapping[type, str] = MappingProxyType(
    {ConnectorHealthDegraded: "connector.degraded", ConnectorUnwatched: "connector.unwatched"}
)
"""What operations are told of, by its name in the log."""


def _is_lost(outcome: Outcome) -> bool:
    return isinstance(outcome, OrderFailed) and outcome.failure is FailureKind.LOST


async def _cancelled(work: asyncio.Task[Outcome]) -> None:
    work.cancel()
    await asyncio.wait({work})
