"""Moves: a journey reaches its next stage, or its end, and its datasets with it (R72, A17, A18)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from agents.endings import Ending
from agents.persistence import persistently
from agents.registration import require_active
from domain.commands import (
    Move,
    ProvisionDatasets,
    Request,
    TransitionMode,
    TransitionStage,
    Undertaking,
)
from domain.errors import Conflict
from domain.journey import furthest, require_move, stages_before
from domain.lifecycle import DatasetStatus, TeardownReason
from domain.repository import DatasetFilter, Slot
from domain.state import Wish

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from agents.endings import Endings
    from agents.registration import Registration
    from domain.commands import Call, CompleteJourney, Principal
    from domain.dataset import Dataset
    from domain.journey import Journey
    from domain.ports import Clock
    from domain.repository import Registry, Transaction


@dataclass(slots=True)
class _Changes:
    """What one transaction has done so far.

    `about` holds the datasets its request will show, `ended` those whose work is to stop, `made`
    the types of new ones.
    """

    about: dict[UUID, None] = field(default_factory=dict)
    ended: list[UUID] = field(default_factory=list)
    approvals: list[UUID] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    made: list[str] = field(default_factory=list)

    def request(self, call: Call, since: int) -> Request:
        """Write the request down that these changes belong to."""
        undertaking = Undertaking(tuple(self.approvals), tuple(self.moves))
        return call.request(tuple(self.about), since, undertaking)


@dataclass(frozen=True, slots=True)
class _Transition:
    """A stage transition as it is carried out: of whom, whereto, and what cannot be made there."""

    command: TransitionStage
    journey: Journey
    call: Call
    refusals: Mapping[str, str]

    def successor_of(self, dataset: Dataset) -> ProvisionDatasets:
        """Give the request for the dataset that follows this one."""
        waits = self.command.mode is TransitionMode.MAKE_BEFORE_BREAK
        wish = Wish(replaces=dataset.place.dataset_id if waits else None)
        return _provisioning(self.command, self.journey, (dataset.place.dataset_type,), wish)


class Moves:
    """Moves journeys on: all of a journey's datasets in one commit, whatever comes of each."""

    def __init__(
        self,
        registration: Registration,
        endings: Endings,
        *,
        registry: Registry,
        clock: Clock,
    ) -> None:
        """Make successors by this registration and end what was before by these endings."""
        self._registration = registration
        self._endings = endings
        self._registry = registry
        self._clock = clock

    async def complete(self, command: CompleteJourney, call: Call) -> Request:
        """End every dataset of a journey, or ask for the consent that some of them need.

        Raises:
            NotFound: neither we nor Journey Orchestration know the journey.
        """
        tenant, ours = call.principal.tenant, DatasetFilter(journey=command.journey)
        if not (await self._registry.datasets(tenant, ours, 1, None)).datasets:
            await self._registration.journeys.journey(tenant, command.journey)
        return await persistently(lambda: self._complete(command, call))

    async def transition(self, command: TransitionStage, call: Call) -> Request:
        """Let a journey's datasets end for those of its next stage (seed: stage_transition_rule).

        The types that cannot be made there are told with the reason; what was before ends all the
        same, at once or after a day.

        Raises:
            NotFound: there is no such journey. RequestRejected: it is completed.
            IllegalTransition: the move leads back, or leaves a stage out.
        """
        journey = await self._registration.journeys.journey(call.principal.tenant, command.journey)
        require_active(journey)
        return await persistently(lambda: self._transition(command, journey, call))

    async def _complete(self, command: CompleteJourney, call: Call) -> Request:
        changes = _Changes()
        ending = Ending(TeardownReason.JOURNEY_COMPLETED, call.principal.subject, call.task_id)
        since = await self._registry.last_sequence(call.principal.tenant)
        async with self._registry.transaction(call.principal) as transaction:
            await transaction.note_completion(command.journey)
            for dataset in await transaction.active_of(command.journey):
                await self._end(transaction, dataset, ending, changes)
            request = changes.request(call, since)
            await transaction.keep_request(request)
        self._endings.interrupt(changes.ended)
        return request

    async def _transition(self, command: TransitionStage, journey: Journey, call: Call) -> Request:
        before = await self._before(command, journey, call)
        refusals = await self._refusals(command, journey, before, call.principal)
        moving, changes = _Transition(command, journey, call, refusals), _Changes()
        since = await self._registry.last_sequence(call.principal.tenant)
        async with self._registry.transaction(call.principal) as transaction:
            await transaction.keep_journey(replace(journey, stage=command.to_stage))
            for dataset in _left_behind(
                await transaction.active_of(str(journey.journey_id)), command
            ):
                await self._move(transaction, dataset, moving, changes)
            if changes.made:
                asked = _provisioning(command, journey, tuple(changes.made), Wish())
                await self._registration.announce(transaction, asked, journey, call)
            request = changes.request(call, since)
            await transaction.keep_request(request)
        self._endings.interrupt(changes.ended)
        return request

    async def _before(
        self, command: TransitionStage, journey: Journey, call: Call
    ) -> Sequence[Dataset]:
        """Give the datasets of the stages before; the move must be one the journey may make."""
        async with self._registry.transaction(call.principal) as transaction:
            active = await transaction.active_of(str(journey.journey_id))
        reached = furthest([journey.stage, *(each.place.stage for each in active)])
        require_move(journey.ref, reached, command.to_stage)
        return _left_behind(active, command)

    async def _refusals(
        self,
        command: TransitionStage,
        journey: Journey,
        before: Sequence[Dataset],
        principal: Principal,
    ) -> dict[str, str]:
        """Tell of each type why it could not be made at the new stage; nothing where it could."""
        types = dict.fromkeys(each.place.dataset_type for each in before)
        return {
            each: await self._registration.refusal(
                _provisioning(command, journey, (each,), Wish()), journey, principal
            )
            for each in types
        }

    async def _move(
        self, transaction: Transaction, dataset: Dataset, moving: _Transition, changes: _Changes
    ) -> None:
        move, is_ready = await self._succeeded(transaction, dataset, moving, changes)
        changes.moves.append(move)
        ending = Ending(TeardownReason.STAGE_TRANSITION, moving.call.principal.subject)
        if moving.command.mode is TransitionMode.IMMEDIATE or is_ready:
            await self._end(transaction, dataset, ending, changes)
        else:
            changes.about[move.before] = None
            now = self._clock()
            if dataset.give_way(move.successor, now):
                await transaction.save(dataset, dataset.due_at(now))
        if move.successor is not None:
            changes.about[move.successor] = None

    async def _succeeded(
        self, transaction: Transaction, dataset: Dataset, moving: _Transition, changes: _Changes
    ) -> tuple[Move, bool]:
        """Tell what follows a dataset, made now where it must be, and whether that is READY."""
        place, journey = dataset.place, moving.journey
        before, dataset_type = place.dataset_id, place.dataset_type
        slot = Slot(journey.client.client_id, moving.command.to_stage, dataset_type)
        holder = await transaction.holder(slot)
        if holder is not None and holder.place.journey_id == journey.journey_id:
            is_ready = holder.status is DatasetStatus.READY
            return Move(dataset_type, before, holder.place.dataset_id), is_ready
        refusal = _refusal(holder, dataset_type, moving)
        if refusal:
            return Move(dataset_type, before, None, refusal), False
        wanted = moving.successor_of(dataset)
        made = await self._registration.register(transaction, wanted, journey, moving.call)
        changes.made.append(dataset_type)
        return Move(dataset_type, before, made), False

    async def _end(
        self, transaction: Transaction, dataset: Dataset, ending: Ending, changes: _Changes
    ) -> None:
        effect = await self._endings.end_or_ask(transaction, dataset, ending)
        changes.about[dataset.place.dataset_id] = None
        changes.approvals += effect.approvals
        if effect.is_changed:
            changes.ended.append(dataset.place.dataset_id)


def _left_behind(active: Sequence[Dataset], command: TransitionStage) -> list[Dataset]:
    return [each for each in active if each.place.stage in stages_before(command.to_stage)]


def _refusal(holder: Dataset | None, dataset_type: str, moving: _Transition) -> str:
    """Tell why nothing follows; a type that came up meanwhile was not looked at: look again."""
    if holder is not None:
        ref = holder.place.journey_ref
        return f"{holder.name} is {holder.status} there already, and belongs to journey {ref}."
    if dataset_type not in moving.refusals:
        raise Conflict(f"Journey {moving.journey.ref} has just got a dataset of {dataset_type}.")
    return moving.refusals[dataset_type]


def _provisioning(
    command: TransitionStage, journey: Journey, types: tuple[str, ...], wish: Wish
) -> ProvisionDatasets:
    return ProvisionDatasets(
        journey=journey.ref,
        client=journey.client.ref,
        stage=command.to_stage,
        dataset_types=types,
        wish=wish,
    )
