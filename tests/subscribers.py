"""Subscribers of the tests: real servers on loopback that note what reaches them, and answer as told."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

KEY = bytes(range(32))
OTHER_KEY = bytes(range(32, 64))
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it came: its first line, its headers in order, its body."""

    line: str
    headers: dict[str, str]
    names: tuple[str, ...]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        """The body as JSON."""
        return dict(json.loads(self.body))


@dataclass(slots=True)
class Subscriber:
    """Who is called, and how it answers: by a status, or by raw bytes that `answer` gives.

    No bytes at all mean that it hangs up, None that it says nothing.
    """

    port: int = 0
    calls: list[Call] = field(default_factory=list)
    lines: int = 0
    status: int = 204
    answer: Callable[[Call], bytes | None] | None = None
    _came: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def events(self) -> list[str]:
        """The names of the events that came, in order."""
        return [each.event["type"].split(".")[-2] for each in self.calls]

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait until something is so, looking at each call that comes."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not is_so():
                self._came.clear()
                await self._came.wait()

    async def until_next(self, seconds: float = 0.5) -> None:
        """Wait for the next call, at most so long."""
        self._came.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._came.wait(), seconds)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer calls on one line."""
        self.lines += 1
        try:
            while (call := await _call(reader)) is not None:
                self.calls.append(call)
                self._came.set()
                if not await self._say(call, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _say(self, call: Call, writer: asyncio.StreamWriter) -> bool:
        said = self.answer(call) if self.answer is not None else _plain(self.status)
        if said is None:
            await asyncio.Event().wait()
            return False
        writer.write(said)
        await writer.drain()
        return bool(said)


@asynccontextmanager
async def subscriber(trust: ssl.SSLContext | None = None) -> AsyncIterator[Subscriber]:
    """Run a subscriber on a free port of loopback."""
    it = Subscriber()
    lines: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        lines.add(task)
        try:
            await it.serve(reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            lines.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=trust)
    it.port = server.sockets[0].getsockname()[1]
    try:
        yield it
    finally:
        server.close()
        for each in list(lines):
            each.cancel()
        if lines:
            await asyncio.wait(lines)


def keep_secret(folder: Path, tenant: str = "default", key: bytes = KEY, name: str = "key") -> str:
    """Put a webhook's secret where its tenant may point; gives the reference."""
    file = folder / tenant / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"whsec_{base64.b64encode(key).decode()}")
    return f"secret://file/{file}"


def is_signed(call: Call, key: bytes = KEY) -> bool:
    """Whether one of a call's signatures is by this key, reckoned as Standard Webhooks says."""
    content = f"{call.headers['webhook-id']}.{call.headers['webhook-timestamp']}.".encode()
    right = base64.b64encode(hmac.new(key, content + call.body, hashlib.sha256).digest()).decode()
    return f"v1,{right}" in call.headers["webhook-signature"].split(" ")


async def _call(reader: asyncio.StreamReader) -> Call | None:
    head = await reader.readuntil(b"\r\n\r\n")
    line, *fields = head.decode("latin-1").strip().split("\r\n")
    names = tuple(each.partition(":")[0] for each in fields)
    headers = {each.partition(":")[0].lower(): each.partition(":")[2].strip() for each in fields}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Call(line, headers, names, body)


def _plain(status: int) -> bytes:
    return f"HTTP/1.1 {status} Whatever\r\nContent-Length: 0\r\n\r\n".encode()
