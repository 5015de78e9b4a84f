"""The edge: a request reaches the agents only if it is meant for us, is JSON, and is bounded."""

from __future__ import annotations

import ipaddress
import re
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from a2a.utils.error_handlers import build_error_details, build_rest_error_payload
from a2a.utils.errors import A2AError, ContentTypeNotSupportedError, InvalidRequestError
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.responses import JSONResponse

from protocol.problems import problem
from protocol.strict_json import NotJson, read_json

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from domain.record import JsonObject

LARGEST_BODY = 2 << 20
"""The largest body that is read, in bytes: an order with a long dossier fits."""

LARGEST_PAGE = 8 << 20
"""The same below a path that takes whole pages of documents, which may have 5 MiB."""

TAKEN = ("application/json", "application/a2a+json")
"""The media types a body may have. A browser sends neither across sites without asking first."""

_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS"})
_JSON_RPC = re.compile(r"/agents/[^/]+/?")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?")


class Edge:
    """Refuses what is misdirected, misshapen or too large, and says why.

    A host is ours by the service's own address, by a name of the loopback, by being an address
    (a page can make a name lead here, but no address), or because it is allowed.
    """

    def __init__(
        self,
        app: ASGIApp,
        base_url: str,
        allowed_hosts: Collection[str] = (),
        page_paths: tuple[str, ...] = (),
        also_taken: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Guard an application; below `page_paths` bodies pass unread, whatever they are.

        `also_taken` has, by path, one more media type that bodies may have there.
        """
        self._app = app
        self._base = base_url
        self._hosts = {"localhost", str(urlsplit(base_url).hostname), *map(_plain, allowed_hosts)}
        self._page_paths = page_paths
        self._also_taken = also_taken
        self._pages = RequestBodyLimitMiddleware(app, LARGEST_PAGE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif (foreign := self._foreign_host(scope)) is not None:
            await self._misdirected(foreign)(scope, receive, send)
        elif scope["path"].startswith(self._page_paths):
            await self._pages(scope, receive, send)
        elif scope["method"] in _WITHOUT_BODY:
            await self._app(scope, receive, send)
        else:
            await self._pass_on(scope, receive, send)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await _body(scope, receive, self._taken_at(scope["path"]))
        except _Refused as refused:
            await refused.answer(scope["path"])(scope, receive, send)
            return
        if body is not None:
            await self._app(scope, _again(body, receive), send)

    def _taken_at(self, path: str) -> tuple[str, ...]:
        more = self._also_taken.get(path)
        return TAKEN if more is None else (*TAKEN, more)

    def _foreign_host(self, scope: Scope) -> str | None:
        """Give the host a request is meant for where it is not ours; one without any may pass."""
        given = [value for name, value in scope["headers"] if name == b"host"]
        if not given:
            return None
        text = given[0].decode("latin-1")
        found = _HOST.fullmatch(text)
        is_ours = len(given) == 1 and found is not None and self._is_ours(_plain(found[1]))
        return None if is_ours else text

    def _is_ours(self, host: str) -> bool:
        return host in self._hosts or _is_address(host)

    def _misdirected(self, host: str) -> JSONResponse:
        detail = (
            f"{host[:255]!r} is not this service. Call it at {self._base}, or let it answer to that "
            "name too: DATAOPS_ALLOWED_HOSTS."
        )
        return problem(HTTPStatus.MISDIRECTED_REQUEST, detail)


class _Refused(Exception):
    """A body that is not taken: the status, the code of JSON-RPC, and the error A2A knows it by."""

    def __init__(self, status: HTTPStatus, code: int, error: A2AError) -> None:
        super().__init__(error.message)
        self._status = status
        self._code = code
        self._error = error

    def answer(self, path: str) -> JSONResponse:
        """Answer in the form of the door: JSON-RPC, or a problem that A2A's clients know too."""
        if _JSON_RPC.fullmatch(path):
            is_large = self._status is HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            return JSONResponse(self._json_rpc(), self._status if is_large else HTTPStatus.OK)
        more = build_rest_error_payload(self._error) if path.startswith("/agents/") else {}
        return problem(self._status, self._error.message, **more)

    def _json_rpc(self) -> JsonObject:
        error = {
            "code": self._code,
            "message": self._error.message,
            "data": build_error_details(self._error),
        }
        return {"jsonrpc": "2.0", "id": None, "error": error}


async def _body(scope: Scope, receive: Receive, taken: tuple[str, ...]) -> bytes | None:
    """Read a body that is taken; None where the caller has gone. Raises _Refused."""
    headers = dict(scope["headers"])
    media_type = headers.get(b"content-type", b"").decode("latin-1").partition(";")[0]
    is_json = media_type.strip().lower() in taken
    if media_type and not is_json:
        raise _not_json(media_type, taken)
    body = await _whole(receive)
    if body and not is_json:
        raise _not_json("of no media type", taken)
    if body:
        _require_readable(body, scope["path"])
    return body


async def _whole(receive: Receive) -> bytes | None:
    chunks: list[bytes] = []
    size, has_more = 0, True
    while has_more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > LARGEST_BODY:
            raise _too_large()
        has_more = message.get("more_body", False)
    return b"".join(chunks)


def _require_readable(body: bytes, path: str) -> None:
    """Refuse what is no JSON and, but for JSON-RPC that has an error of its own, no object."""
    try:
        value = read_json(body)
    except NotJson as wrong:
        error = InvalidRequestError(message=f"The body cannot be read as JSON: {wrong}.")
        raise _Refused(HTTPStatus.BAD_REQUEST, -32700, error) from wrong
    if not isinstance(value, dict) and not _JSON_RPC.fullmatch(path):
        error = InvalidRequestError(message="The body must be one JSON object, and this is none.")
        raise _Refused(HTTPStatus.BAD_REQUEST, -32600, error)


def _not_json(media_type: str, taken: tuple[str, ...]) -> _Refused:
    message = f"A body must be {' or '.join(taken)}, and this one is {media_type[:100]}."
    error = ContentTypeNotSupportedError(message=message)
    return _Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, -32005, error)


def _too_large() -> _Refused:
    message = f"The body is larger than {LARGEST_BODY} bytes. Send less at a time."
    error = InvalidRequestError(message=message)
    return _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, -32600, error)


def _again(body: bytes, receive: Receive) -> Receive:
    """Give a body that was read already once more, and then what else comes."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return waiting.pop() if waiting else await receive()

    return receive_again


def _plain(host: str) -> str:
    return host.lower().strip("[]").rstrip(".")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
