"""Plans: what a request would do, and why, before anything is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.connector import (
    AUTHENTICATION,
    PERMISSIONS,
    SYNC_SCHEDULE,
    connector_name,
)
from domain.errors import (
    Conflict,
    FieldError,
    InvalidInput,
    RequestRejected,
    SupplierRefused,
    SupplierUnavailable,
)
from domain.journey import JourneyStage
from domain.policy import require_judgeable
from domain.recipe import Extract, count_for, is_read
from domain.record import digest_of
from domain.repository import Slot
from domain.template import DATASET_TYPE_PATTERN, TemplateRequest

if TYPE_CHECKING:
    from agents.discovery import Templates
    from agents.intake import Intake
    from domain.commands import Principal, ProvisionDatasets
    from domain.journey import Journey
    from domain.record import JsonObject
    from domain.repository import Registry
    from domain.state import Wish
    from domain.template import Selection

MOST_TYPES = 20
"""How many datasets one request may ask for."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a request would make: one entry a dataset, and a digest that binds it."""

    journey: Journey
    entries: tuple[JsonObject, ...]

    @property
    def digest(self) -> str:
        """The SHA-256 of all that was asked and decided: nothing else is made by quoting it."""
        return digest_of({"journey": str(self.journey.journey_id), "entries": list(self.entries)})

    def document(self) -> JsonObject:
        """Give the plan as one JSON object."""
        return {
            "journey_id": str(self.journey.journey_id),
            "journey_ref": self.journey.ref,
            "client_id": str(self.journey.client.client_id),
            "plan_digest": self.digest,
            "datasets": [dict(each) for each in self.entries],
        }


class Planner:
    """Works out plans and holds requests to them."""

    def __init__(
        self, templates: Templates, registry: Registry, intake: Intake | None = None
    ) -> None:
        """Choose among these templates; look for conflicts in this registry.

        Without an intake there are records for the sandbox alone.
        """
        self._templates = templates
        self._registry = registry
        self._intake = intake

    async def plan(
        self, command: ProvisionDatasets, journey: Journey, principal: Principal
    ) -> Plan:
        """Plan a request; nothing is changed.

        Raises:
            RequestRejected: the request can never work as it stands.
        """
        self.require_plannable(command)
        entries = [
            await self._entry(command, journey, principal, each) for each in command.dataset_types
        ]
        return Plan(journey, tuple(entries))

    def require_plannable(self, command: ProvisionDatasets) -> None:
        """Refuse a request whose types are wrong, or whose stage has no source (A37)."""
        types = command.dataset_types
        wrong = [each for each in types if not DATASET_TYPE_PATTERN.fullmatch(each)]
        if wrong or not types or len(set(types)) != len(types) or len(types) > MOST_TYPES:
            message = (
                f"dataset_types must name 1 to {MOST_TYPES} different types of lower-case letters "
                f"and digits, such as confluence; given: {', '.join(types) or 'none'}."
            )
            raise InvalidInput(message, [FieldError("dataset_types", message)])
        if is_read(command.stage):
            _require_source(command, self._intake)

    async def require_possible(
        self, command: ProvisionDatasets, journey: Journey, principal: Principal
    ) -> None:
        """Refuse what could not be made, before any row is written.

        Raises:
            RequestRejected: it is wrong in itself, or there is no template or no record for it.
        """
        self.require_plannable(command)
        await self.require_makeable(command, journey, principal)
        await self.require_readable(command, journey, principal)

    async def require_readable(
        self, command: ProvisionDatasets, journey: Journey, principal: Principal
    ) -> None:
        """Refuse what the source holds nothing of, before any row is written.

        A source that is merely away refuses nothing: the datasets wait for it.
        """
        for dataset_type in command.dataset_types:
            try:
                await self._located(command, journey, principal, dataset_type)
            except SupplierUnavailable:
                return

    async def require_makeable(
        self, command: ProvisionDatasets, journey: Journey, principal: Principal
    ) -> None:
        """Refuse what no template can make, before any row is written.

        A supplier that is merely down refuses nothing: the datasets wait for it.
        """
        for dataset_type in command.dataset_types:
            try:
                selection = await self._select(command, journey, principal, dataset_type)
            except SupplierUnavailable:
                return
            _count(command, selection)

    async def require_fresh(
        self, command: ProvisionDatasets, journey: Journey, principal: Principal
    ) -> None:
        """Hold a request to the plan it quotes. Raises Conflict when the plan is stale."""
        if command.plan_digest is None:
            return
        plan = await self.plan(command, journey, principal)
        if plan.digest != command.plan_digest:
            message = (
                f"The plan {command.plan_digest[:12]}… is stale: it would now be "
                f"{plan.digest[:12]}…. Plan again and look at what has changed."
            )
            raise Conflict(message)

    async def _entry(
        self,
        command: ProvisionDatasets,
        journey: Journey,
        principal: Principal,
        dataset_type: str,
    ) -> JsonObject:
        selection = await self._select(command, journey, principal, dataset_type)
        source = await self._located(command, journey, principal, dataset_type)
        slot = Slot(journey.client.client_id, command.stage, dataset_type)
        async with self._registry.transaction(principal) as transaction:
            holder = await transaction.holder(slot)
            generation = await transaction.next_generation(slot)
        return {
            "dataset_type": dataset_type,
            "connector_name": connector_name(journey.client.code, command.stage, dataset_type),
            "template_id": selection.template.key,
            "template_digest": selection.template.digest,
            "settings_digest": selection.template.settings_digest,
            "match": selection.level.value,
            "reasons": [each.reason for each in selection.hops],
            "source": source,
            "record_count": _planned_count(command, selection),
            "generation": generation,
            "conflict": str(holder.place.dataset_id) if holder else None,
            **_wished(command.wish),
            **_policies(command.stage),
        }

    async def _located(
        self,
        command: ProvisionDatasets,
        journey: Journey,
        principal: Principal,
        dataset_type: str,
    ) -> str:
        """Tell where the records come from. Raises RequestRejected where there are none."""
        told = _SOURCE[command.stage]
        if self._intake is None or not is_read(command.stage):
            return told
        client = journey.client
        extract = Extract(
            client.client_id, client.ref, command.stage, dataset_type, principal.tenant
        )
        try:
            return f"{told}: {await self._intake.locate(extract)}"
        except SupplierRefused as refused:
            raise RequestRejected(str(refused)) from refused

    async def _select(
        self,
        command: ProvisionDatasets,
        journey: Journey,
        principal: Principal,
        dataset_type: str,
    ) -> Selection:
        client = journey.client
        wanted = TemplateRequest(
            client.industry, client.use_case, dataset_type, command.wish.strict
        )
        selection = await self._templates.select(principal.tenant, wanted)
        _require_judgeable(selection)
        return selection


def _require_source(command: ProvisionDatasets, intake: Intake | None) -> None:
    stage = command.stage
    wanted = f"configured source of {_SOURCE[stage]}"
    missing = wanted if intake is None or not intake.has_source else intake.lacks(stage)
    if missing:
        message = (
            f"Stage {stage.value} needs a {missing}, and none is configured. Set it as "
            "docs/settings.md says, or ask for the sandbox stage, which uses mock data."
        )
        raise RequestRejected(message)
    if command.wish.seed is not None:
        message = f"Stage {stage.value} reads records and makes none up; leave seed out."
        raise InvalidInput(message, [FieldError("seed", message)])


def _planned_count(command: ProvisionDatasets, selection: Selection) -> int | None:
    """Give the number of records; None where it is all that the source holds."""
    count = _count(command, selection)
    return command.wish.record_count if is_read(command.stage) else count


def _count(command: ProvisionDatasets, selection: Selection) -> int:
    """Give the number of records. Raises InvalidInput naming the field when out of range."""
    try:
        return count_for(selection.template, command.wish.record_count, command.stage)
    except InvalidInput as error:
        raise InvalidInput(str(error), [FieldError("record_count", str(error))]) from error


def _require_judgeable(selection: Selection) -> None:
    key = selection.template.key
    try:
        require_judgeable(selection.template)
    except InvalidInput as wrong:
        message = f"Template {key} makes no dataset that could pass its gate. {wrong}"
        raise RequestRejected(message) from wrong


_SOURCE = {
    JourneyStage.SANDBOX: "mock data",
    JourneyStage.PILOT: "sanitized data",
    JourneyStage.PRODUCTION: "production data",
}


def _wished(wish: Wish) -> JsonObject:
    lifetime = wish.lifetime
    return {
        "seed": wish.seed,
        "strict": wish.strict,
        "lifetime_seconds": None if lifetime is None else int(lifetime.total_seconds()),
    }


def _policies(stage: JourneyStage) -> JsonObject:
    return {
        "authentication": AUTHENTICATION[stage].type.value,
        "sync_schedule": SYNC_SCHEDULE[stage].value,
        "permissions": PERMISSIONS[stage].value,
    }
