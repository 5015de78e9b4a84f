"""Who is calling: bearer tokens become principals, and only the coordinator may give orders."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

from a2a.auth.user import User
from a2a.server.context import ServerCallContext
from a2a.server.routes.common import DefaultServerCallContextBuilder

from domain.audit import SYSTEM
from domain.commands import Principal
from protocol.problems import problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

_CARD = re.compile(r"/agents/[^/]+/\.well-known/agent-card\.json")

ANONYMOUS = Principal("default", "anonymous")
"""Whoever calls a service without tokens; `serve` binds such a service to loopback alone."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens that are taken: SHA-256 of each with its principal, and the order key.

    Without any token everybody is the anonymous principal. The order key is shared by the
    processes of one installation and opens the stage agents to orders.
    """

    order_key: str
    principals: Mapping[str, Principal] = field(default_factory=dict)

    def caller(self, token: str | None) -> Caller | None:
        """Give who a token stands for, or None for a token nobody knows."""
        if token is not None and hmac.compare_digest(token.encode(), self.order_key.encode()):
            return Caller(Principal(ANONYMOUS.tenant, SYSTEM), is_coordinator=True)
        if not self.principals:
            return Caller(ANONYMOUS)
        digest = hashlib.sha256((token or "").encode()).hexdigest()
        known = self.principals.get(digest)
        return Caller(known) if known else None


class Caller(User):
    """An authenticated caller, as the protocol library sees one."""

    def __init__(self, principal: Principal, *, is_coordinator: bool = False) -> None:
        """Stand for a principal."""
        self.principal = principal
        self.is_coordinator = is_coordinator

    @property
    def is_authenticated(self) -> bool:
        """Whether a token said who this is."""
        return self.principal != ANONYMOUS

    @property
    def user_name(self) -> str:
        """The subject within its tenant; no other principal has the same name."""
        return f"{_escaped(self.principal.tenant)}/{_escaped(self.principal.subject)}"


class Authentication:
    """Puts the caller into each request; a wrong token gets 401, where one is needed."""

    def __init__(self, app: ASGIApp, tokens: Tokens, open_paths: tuple[str, ...]) -> None:
        """Guard an application except at `open_paths`: below those that end in a slash, and at
        the others themselves.
        """
        self._app = app
        self._tokens = tokens
        self._open = frozenset(open_paths)
        self._open_below = tuple(each for each in open_paths if each.endswith("/"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through with its caller, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        caller = self._tokens.caller(_bearer(scope))
        if caller is None and not self._is_open(scope["path"]):
            await _refusal()(scope, receive, send)
            return
        scope["caller"] = caller or Caller(ANONYMOUS)
        await self._app(scope, receive, send)

    def _is_open(self, path: str) -> bool:
        is_open = path in self._open or path.startswith(self._open_below)
        return is_open or _CARD.fullmatch(path) is not None


class CallerContextBuilder(DefaultServerCallContextBuilder):
    """Hands the caller of a request on to the protocol library."""

    def build_user(self, request: Request) -> User:
        """Give the caller the guard has found; without a guard, nobody in particular."""
        caller = request.scope.get("caller")
        return caller if isinstance(caller, Caller) else Caller(ANONYMOUS)


def caller_of(context: ServerCallContext | None) -> Caller:
    """Give the caller of a protocol call; the tenant a request itself names counts for nothing."""
    user = context.user if context else None
    return user if isinstance(user, Caller) else Caller(ANONYMOUS)


def _escaped(name: str) -> str:
    """Write a name without the slash that parts tenant from subject."""
    return name.replace("%", "%25").replace("/", "%2F")


def _bearer(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            return bytes(value[7:]).decode("latin-1").strip()
    return None


def _refusal() -> Response:
    detail = "The bearer token is missing or unknown. Send Authorization: Bearer <token>."
    return problem(HTTPStatus.UNAUTHORIZED, detail, {"WWW-Authenticate": "Bearer"})
