"""Journey Orchestration over HTTP: journeys and their clients, in our ids."""

from __future__ import annotations

from http import HTTPStatus
from typing import Literal

import httpx
from pydantic import BaseModel, ConfigDict, TypeAdapter
from pydantic_core import to_json

from domain.errors import InvalidInput, NotFound, RequestRejected, SupplierLied
from domain.journey import (
    Client,
    ClientId,
    Journey,
    JourneyId,
    JourneyStage,
    JourneyStatus,
    uuid_of,
)
from domain.record import JsonObject
from gateways.http import Answer, Call, Supplier
from gateways.pace import Timing
from gateways.segment import segment

_OK_OR_ABSENT = frozenset({200, 404})
_INTRODUCED = frozenset({200, 201, 400, 404, 405, 409, 422})
_NOT_TAKEN = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED})


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, str_max_length=1000)


class _Client(_Wire):
    client_id: str
    ref: str = ""
    name: str
    code: str
    industry: str
    use_case: str


class _Journey(_Wire):
    journey_id: str
    ref: str = ""
    status: Literal["active", "completed"]
    stage: Literal["sandbox", "pilot", "production"]
    client: _Client


class _Page(_Wire):
    journeys: list[object]


_JOURNEY = TypeAdapter(_Journey)
_PAGE = TypeAdapter(_Page)


class JourneysClient:
    """The journeys port over Journey Orchestration's published calls.

    `takes_introductions` is for the local stand-in alone: a real service knows its journeys
    from elsewhere, and what a caller says about one is only compared.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        timing: Timing,
        *,
        takes_introductions: bool = False,
    ) -> None:
        self._supplier = Supplier(client, "Journey Orchestration", timing)
        self._takes_introductions = takes_introductions

    async def journey(self, tenant: str, ref: str, /) -> Journey:
        """Give a journey by its reference or id.

        Raises:
            NotFound: there is none; InvalidInput: no journey can be called so.
            SupplierLied: another journey came.
        """
        call = Call("GET", f"/journeys/{segment('journey', ref)}", accept=_OK_OR_ABSENT)
        answer = await self._supplier.ask(call)
        if answer.status == HTTPStatus.NOT_FOUND:
            raise NotFound(
                f"Journey Orchestration knows no journey {ref}. Check the id, or start it there."
            )
        return _read(answer, tenant, ref)

    async def vouch(self) -> None:
        """See that journeys are listed here.

        A wrong address, or a proxy that has lost its way, knows no journey either.

        Raises:
            SupplierUnavailable: nobody answers.
            SupplierRefused, SupplierLied: they are not.
        """
        answer = await self._supplier.ask(Call("GET", "/journeys?status=active"))
        answer.read(_PAGE)

    async def introduce(self, tenant: str, journey: Journey, /) -> Journey:
        """Make a journey known, or see that it is known just so. Raises RequestRejected."""
        if self._takes_introductions:
            return await self._introduce(tenant, journey)
        try:
            known = await self.journey(tenant, journey.ref)
        except NotFound as unknown:
            raise RequestRejected(
                f"Journey {journey.ref} cannot be introduced here: this Journey Orchestration "
                "starts its journeys itself. Start it there, or name one it knows."
            ) from unknown
        _refuse_differing(known, journey)
        return known

    async def _introduce(self, tenant: str, journey: Journey) -> Journey:
        body, headers = to_json(_introduction(journey)), {"content-type": "application/json"}
        answer = await self._supplier.ask(Call("POST", "/journeys", body, headers, _INTRODUCED))
        if answer.status in _NOT_TAKEN:
            raise RequestRejected(
                f"Journey {journey.ref} cannot be introduced: {answer.source} takes none."
            )
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise RequestRejected(
                f"Journey {journey.ref} was not taken by Journey Orchestration: {_detail(answer)}"
            )
        known = _read(answer, tenant, journey.ref)
        _refuse_differing(known, journey)
        return known


def _introduction(journey: Journey) -> JsonObject:
    client = journey.client
    return {
        "ref": journey.ref,
        "stage": journey.stage.value,
        "client": {
            "ref": client.ref,
            "name": client.name,
            "code": client.code,
            "industry": client.industry,
            "use_case": client.use_case,
        },
    }


def _read(answer: Answer, tenant: str, asked: str) -> Journey:
    wire = answer.read(_JOURNEY)
    _refuse_another(answer, wire, asked)
    try:
        client = Client(
            client_id=ClientId(uuid_of(tenant, "client", wire.client.client_id)),
            ref=wire.client.ref or wire.client.client_id,
            name=wire.client.name,
            code=wire.client.code,
            industry=wire.client.industry,
            use_case=wire.client.use_case,
        )
    except InvalidInput as wrong:
        raise SupplierLied(f"{answer.source} told of an unusable client. {wrong}") from wrong
    return Journey(
        journey_id=JourneyId(uuid_of(tenant, "journey", wire.journey_id)),
        ref=wire.ref or wire.journey_id,
        status=JourneyStatus(wire.status),
        stage=JourneyStage(wire.stage),
        client=client,
    )


def _refuse_another(answer: Answer, wire: _Journey, asked: str) -> None:
    """Another journey is another client's, and what is made for it would be theirs to see."""
    told = {uuid_of("", "journey", each) for each in (wire.ref, wire.journey_id)}
    if uuid_of("", "journey", asked) not in told:
        raise SupplierLied(
            f"{answer.source} was asked for journey {asked} and told of journey "
            f"{wire.ref or wire.journey_id}, of client {wire.client.name}."
        )


def _refuse_differing(known: Journey, asked: Journey) -> None:
    """Name everything that two tellings of a journey do not agree on."""
    pairs = {
        "stage": (known.stage.value, asked.stage.value),
        "client name": (known.client.name, asked.client.name),
        "client code": (known.client.code, asked.client.code),
        "client industry": (known.client.industry, asked.client.industry),
        "client use case": (known.client.use_case, asked.client.use_case),
    }
    if asked.client.ref not in {known.client.ref, str(known.client.client_id)}:
        pairs["client"] = (known.client.ref, asked.client.ref)
    differing = [
        f"{name} is {theirs!r}, not {ours!r}"
        for name, (theirs, ours) in pairs.items()
        if theirs != ours
    ]
    if differing:
        raise RequestRejected(
            f"Journey {asked.ref} is known otherwise to Journey Orchestration: "
            f"{'; '.join(differing)}. Ask with what it says, or leave the client out."
        )


def _detail(answer: Answer) -> str:
    try:
        told = answer.object().get("detail")
    except SupplierLied:
        told = None
    return str(told or answer.excerpt())
