"""An in-process transport that hands an answer's chunks over as they come."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import ASGIApp, Message, Scope


class StreamingTransport(httpx.AsyncBaseTransport):
    """Calls an ASGI application without a socket; httpx's own transport buffers the answer."""

    def __init__(self, app: ASGIApp) -> None:
        """Call this application."""
        self._app = app

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Run the application in a task of its own and answer as soon as it has begun to."""
        exchange = _Exchange(await request.aread())
        running = asyncio.create_task(exchange.run(self._app, _scope(request)))
        try:
            start = await exchange.start()
        except asyncio.CancelledError:
            running.cancel()
            raise
        if start is None:
            await running
            message = "The application ended without an answer."
            raise httpx.RemoteProtocolError(message, request=request)
        return httpx.Response(
            start["status"], headers=start["headers"], stream=_Body(exchange, running)
        )


class _Exchange:
    """One request and its answer, chunk by chunk."""

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body
        self._gone = asyncio.Event()
        self._sent: asyncio.Queue[Message | None] = asyncio.Queue()

    async def run(self, app: ASGIApp, scope: Scope) -> None:
        """Run the application to its end."""
        try:
            await app(scope, self._receive, self._send)
        finally:
            self._sent.put_nowait(None)

    async def start(self) -> Message | None:
        """Wait for the answer's head."""
        return await self._sent.get()

    async def chunks(self) -> AsyncIterator[bytes]:
        """Give the answer's body as it comes. Raises RemoteProtocolError when it is cut short."""
        while (message := await self._sent.get()) is not None:
            if message.get("body"):
                yield message["body"]
            if not message.get("more_body", False):
                return
        message_text = "The application ended inside its answer."
        raise httpx.RemoteProtocolError(message_text)

    def hang_up(self) -> None:
        """Tell the application that nobody listens any more."""
        self._gone.set()

    async def _receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        self._sent.put_nowait(message)


class _Body(httpx.AsyncByteStream):
    """The body of an answer; closing it lets the application end."""

    def __init__(self, exchange: _Exchange, running: asyncio.Task[None]) -> None:
        self._exchange = exchange
        self._running = running

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._exchange.chunks():
            yield chunk

    async def aclose(self) -> None:
        self._exchange.hang_up()
        await asyncio.gather(self._running, return_exceptions=True)


def _scope(request: httpx.Request) -> Scope:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.url.scheme,
        "path": request.url.path,
        "raw_path": request.url.raw_path.split(b"?")[0],
        "query_string": request.url.query,
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "server": (request.url.host, request.url.port),
        "client": ("127.0.0.1", 0),
        "extensions": {},
    }
