"""Glean's two interfaces: which token goes where, how often each may be asked."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from http import HTTPStatus
from itertools import count

import httpx
from pydantic_core import to_json

from domain.errors import InvalidInput, OutcomeUnknown, SupplierRefused
from domain.record import JsonObject
from gateways.glean_answers import STATUS, Status
from gateways.http import Answer, Call, Supplier
from gateways.pace import RateLimit, Timing
from gateways.segment import segment

_INDEXING = "/api/index/v1"
_CLIENT = "/rest/api/v1"
_FILTERS = "/api/search/filters"
_EFFECT_ATTEMPTS = 3
_SENDABLE = re.compile(r"[!-~]+")
_OK_OR_ABSENT = frozenset({200, 400, 404})
"""Glean answers 400 or 404 when a datasource of a well-formed name does not exist."""


@dataclass(frozen=True, slots=True)
class GleanCredentials:
    """The two kinds of token, resolved at each call, and the test user reads act for.

    They are not interchangeable. `act_as` is empty where the client token is a user's own.
    """

    indexing_token: Callable[[], str]
    client_token: Callable[[], str]
    act_as: str


@dataclass(frozen=True, slots=True)
class GleanLimits:
    """How many calls a second Glean lets through, by its published limits."""

    searches: int = 5
    calls: int = 30


PUBLISHED_LIMITS = GleanLimits()


class GleanApi:
    """The calls we make, each with its token and within its rate."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        credentials: GleanCredentials,
        timing: Timing,
        limits: GleanLimits | None,
    ) -> None:
        self._supplier = Supplier(client, "Glean", timing)
        self._credentials = credentials
        self._indexing_rates: tuple[RateLimit, ...] = ()
        self._client_rates: tuple[RateLimit, ...] = ()
        self._search_rates: tuple[RateLimit, ...] = ()
        if limits is not None:
            self._indexing_rates = (RateLimit(limits.calls, 1.0, timing),)
            self._client_rates = (RateLimit(limits.calls, 1.0, timing),)
            self._search_rates = (RateLimit(limits.searches, 1.0, timing), *self._client_rates)

    @property
    def act_as(self) -> str:
        """The test user in whose name we read."""
        return self._credentials.act_as

    def indexing(self, path: str, body: bytes | JsonObject | None = None) -> Call:
        """Make a call of the Indexing API."""
        token = _token(self._credentials.indexing_token, "indexing token")
        return Call(
            "POST", _INDEXING + path, _bytes(body), _headers(token), rates=self._indexing_rates
        )

    def client(self, path: str, body: JsonObject) -> Call:
        """Make a call of the Client API, in the name of the test user."""
        headers = _headers(_token(self._credentials.client_token, "client token"))
        if self.act_as:
            headers["x-glean-actas"] = self.act_as
        return Call("POST", _CLIENT + path, _bytes(body), headers, rates=self._client_rates)

    def search(self, body: JsonObject) -> Call:
        """Make a search, which has a rate of its own."""
        return replace(self.client("/search", body), rates=self._search_rates)

    def filters(self) -> Call:
        """Ask by what can be searched, in the name of the test user: it lists the datasources."""
        listed = self.client("", {})
        return replace(listed, method="GET", path=_FILTERS, body=None)

    def spare_search(self, body: JsonObject) -> Call | None:
        """Make a search that nobody else wants to make now, its turn taken; None where there is none."""
        if not all(each.has_spare for each in self._search_rates):
            return None
        for each in self._search_rates:
            each.take_at_once()
        return replace(self.search(body), rates=())

    async def ask(self, call: Call) -> Answer:
        """Send a call; see `Supplier.ask`."""
        return await self._supplier.ask(call)

    async def write(self, call: Call) -> None:
        """Send a call that is answered with nothing."""
        (await self._supplier.ask(call)).nothing()

    async def effect(self, call: Call, happened: Callable[[], Awaitable[bool]]) -> None:
        """Send a call that must not be sent blindly again: a lost answer is looked up first.

        Raises:
            OutcomeUnknown: the answer was lost each time, and nothing had happened.
        """
        once = replace(call, idempotent=False)
        for attempt in count(1):
            try:
                await self.write(once)
            except OutcomeUnknown:
                if await happened():
                    return
                if attempt == _EFFECT_ATTEMPTS:
                    raise
            else:
                return

    async def status(self, datasource: str, *, in_no_hurry: bool = False) -> Status:
        """Ask where a datasource stands. Raises SupplierRefused when there is none."""
        call = self.indexing(f"/debug/{segment('datasource', datasource)}/status")
        return (await self.ask(replace(call, in_no_hurry=in_no_hurry))).read(STATUS)

    async def configuration(
        self, datasource: str, *, in_no_hurry: bool = False
    ) -> JsonObject | None:
        """Give a datasource's configuration; None when there is no such datasource.

        Raises:
            SupplierRefused: Glean answers in a way that does not tell whether there is one.
        """
        call = self.indexing("/getdatasourceconfig", {"datasource": datasource})
        patient = replace(call, accept=_OK_OR_ABSENT, in_no_hurry=in_no_hurry)
        answer = await self.ask(patient)
        if answer.status == HTTPStatus.OK:
            return answer.object()
        # A refusal is not yet an absence, and what is taken for absent will be overwritten.
        call = self.indexing(f"/debug/{segment('datasource', datasource)}/status")
        if (await self.ask(replace(call, accept=_OK_OR_ABSENT))).status != HTTPStatus.OK:
            return None
        raise SupplierRefused(
            f"Glean knows datasource {datasource} but refuses its configuration: "
            f"{answer.excerpt()}. Check that the indexing token may read it."
        )


def _token(resolve: Callable[[], str], kind: str) -> str:
    """A token that cannot be found or sent is our deployment's fault, never that of who asked."""
    try:
        token = resolve()
    except InvalidInput as missing:
        raise SupplierRefused(f"Glean cannot be asked: {missing}") from missing
    if _SENDABLE.fullmatch(token) is None:
        raise SupplierRefused(
            f"Glean cannot be asked: the {kind} holds signs that no token has. "
            "Set it to one line of ASCII without blanks."
        )
    return token


def _headers(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}", "content-type": "application/json"}


def _bytes(body: bytes | JsonObject | None) -> bytes | None:
    return body if isinstance(body, bytes) or body is None else to_json(body)
