"""The doorway: how a browser tells who is looking, where the service asks for tokens."""

from __future__ import annotations

import base64
import binascii
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.datastructures import Headers

from service.console.rendering import render

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

CHALLENGE = 'Basic realm="DataOps Lifecycle", charset="UTF-8"'
"""What makes a browser ask for a name and a password, and send them with its streams too."""

_READING = frozenset({"GET", "HEAD"})
_NAME = b"authorization"


class Doorway:
    """Takes a token as the password of HTTP Basic, for reading alone.

    A browser sends a password also with what another site makes it ask for. Such a site sees
    none of the answers, and what writes still takes nothing but a bearer token.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Stand before an application that takes bearer tokens."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through under its token; who comes for a page without one is asked."""
        if scope["type"] != "http" or scope["method"] not in _READING:
            await self._app(scope, receive, send)
        elif "text/html" in Headers(scope=scope).get("accept", ""):
            await self._page(_with_token(scope), receive, send)
        else:
            await self._app(_with_token(scope), receive, send)

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_refused = False

        async def unless_refused(message: Message) -> None:
            nonlocal is_refused
            is_refused |= message.get("status") == HTTPStatus.UNAUTHORIZED
            if not is_refused:
                await send(message)

        await self._app(scope, receive, unless_refused)
        if is_refused:
            await _question()(scope, receive, send)


def _with_token(scope: Scope) -> Scope:
    """Give a request whose password is the bearer token, whatever the name beside it."""
    headers = [
        (name, _bearer(value) if name == _NAME else value) for name, value in scope["headers"]
    ]
    return {**scope, "headers": headers}


def _bearer(value: bytes) -> bytes:
    scheme, _, given = value.partition(b" ")
    if scheme.lower() != b"basic":
        return value
    try:
        token = base64.b64decode(given.strip(), validate=True).partition(b":")[2]
    except binascii.Error:
        return value
    return b"Bearer " + token


def _question() -> Response:
    page = {"title": "Who is looking?", "sequence": None}
    answer = render("token.html", page, HTTPStatus.UNAUTHORIZED)
    answer.headers["WWW-Authenticate"] = CHALLENGE
    return answer
