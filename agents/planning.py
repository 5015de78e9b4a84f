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
from domain.errors import Conflict, FieldError, InvalidInput, RequestRejected, SupplierUnavailable
from domain.journey import JourneyStage
from domain.policy import require_judgeable
from domain.record import digest_of
from domain.repository import Slot
from domain.template import DATASET_TYPE_PATTERN, TemplateRequest

if TYPE_CHECKING:
    from agents.discovery import Templates
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

    def __init__(self, templates: Templates, registry: Registry) -> None:
        """Choose among these templates; look for conflicts in this registry."""
        self._templates = templates
        self._registry = registry

    async def plan(
        self, command: ProvisionDatasets, journey: Journey, principal: Principal
    ) -> Plan:
        """Plan a request; nothing is changed.

        Raises:
            RequestRejected: the request can never work as it stands.
        """
        require_plannable(command)
        entries = [
            await self._entry(command, journey, principal, each) for each in command.dataset_types
        ]
        return Plan(journey, tuple(entries))

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
            "record_count": _count(command, selection),
            "generation": generation,
            "conflict": str(holder.place.dataset_id) if holder else None,
            **_wished(command.wish),
            **_policies(command.stage),
        }

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


def require_plannable(command: ProvisionDatasets) -> None:
    """Refuse a request whose types are wrong or whose stage has no source yet (A37)."""
    types = command.dataset_types
    wrong = [each for each in types if not DATASET_TYPE_PATTERN.fullmatch(each)]
    if wrong or not types or len(set(types)) != len(types) or len(types) > MOST_TYPES:
        message = (
            f"dataset_types must name 1 to {MOST_TYPES} different types of lower-case letters and "
            f"digits, such as confluence; given: {', '.join(types) or 'none'}."
        )
        raise InvalidInput(message, [FieldError("dataset_types", message)])
    if command.stage is not JourneyStage.SANDBOX:
        message = (
            f"Stage {command.stage.value} needs a configured source of {_SOURCE[command.stage]}, "
            "and none is configured. Ask for the sandbox stage, which uses mock data."
        )
        raise RequestRejected(message)


def _count(command: ProvisionDatasets, selection: Selection) -> int:
    """Give the number of records. Raises InvalidInput naming the field when out of range."""
    try:
        return selection.template.count_for(command.wish.record_count)
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
