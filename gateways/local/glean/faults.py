"""Faults on purpose: the next answers of a path fail the way a network and a tenant fail."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from zlib import crc32

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class FaultKind(StrEnum):
    """How an answer goes wrong; after `lost` and `truncated` the change itself has happened."""

    STATUS = "status"
    LOST = "lost"
    HTML = "html"
    TRUNCATED = "truncated"
    SLOW = "slow"


@dataclass(slots=True)
class Fault:
    """One planned fault: it lets `after` calls pass and then strikes `times` times.

    `headers` go before those the answer would have, `body` is what a status comes with.
    """

    path_suffix: str
    kind: FaultKind = FaultKind.STATUS
    status: int = 503
    times: int = 1
    after: int = 0
    retry_after: str | None = None
    delay_seconds: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = "injected fault"


class AnswerLost(ConnectionResetError):
    """The change was made and the connection broke before the answer came through."""


class Faults:
    """What goes wrong next, in the order in which it was planned; kept in this process."""

    def __init__(self) -> None:
        self._planned: list[Fault] = []
        self._never_indexed_percent = 0.0

    def fail_next(
        self,
        path_suffix: str,
        *,
        kind: FaultKind = FaultKind.STATUS,
        status: int = 503,
        times: int = 1,
        after: int = 0,
        retry_after: str | None = None,
        delay_seconds: float = 0.0,
        headers: Mapping[str, str] | None = None,
        body: str = "injected fault",
    ) -> None:
        """Plan a fault for paths that end so; `retry_after` is the header as it is sent."""
        self._planned.append(
            Fault(
                path_suffix,
                kind=kind,
                status=status,
                times=times,
                after=after,
                retry_after=retry_after,
                delay_seconds=delay_seconds,
                headers=headers or {},
                body=body,
            )
        )

    def never_index(self, percent: float) -> None:
        """Let this share of the documents, chosen by their ids, be accepted but never indexed."""
        self._never_indexed_percent = percent

    def is_never_indexed(self, key: str) -> bool:
        """Whether the document is of the share that is never indexed."""
        return crc32(key.encode()) % 10_000 < self._never_indexed_percent * 100

    def take(self, path: str) -> Fault | None:
        """The fault that strikes this call, if any."""
        for fault in self._planned:
            if not path.endswith(fault.path_suffix):
                continue
            if fault.after > 0:
                fault.after -= 1
                continue
            fault.times -= 1
            if fault.times <= 0:
                self._planned.remove(fault)
            return fault
        return None

    def planned(self) -> tuple[Fault, ...]:
        """The faults still to come."""
        return tuple(self._planned)

    def clear(self) -> None:
        """Let everything work again."""
        self._planned.clear()
        self._never_indexed_percent = 0.0


class FaultyAnswers:
    """The layer between the server and the application that makes planned faults happen."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as planned, or let the application answer."""
        fault = self._faults.take(scope["path"]) if scope["type"] == "http" else None
        if fault is None:
            await self._app(scope, receive, send)
            return
        await asyncio.sleep(fault.delay_seconds)
        match fault.kind:
            case FaultKind.SLOW:
                await self._app(scope, receive, send)
            case FaultKind.STATUS:
                await _answer(send, fault.status, fault.body.encode(), "text/plain", fault)
            case FaultKind.HTML:
                await _answer(send, 200, b"<html><body>Sign in</body></html>", "text/html", fault)
            case FaultKind.LOST:
                await self._lose(scope, receive, send)
            case FaultKind.TRUNCATED:
                await self._truncate(scope, receive, send, fault)

    async def _lose(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._body_of(scope, receive)
        headers = [(b"content-length", b"1")]  # promised and never sent: no client takes it as done
        await send({"type": "http.response.start", "status": 502, "headers": headers})
        raise AnswerLost("the answer was lost on purpose")

    async def _truncate(self, scope: Scope, receive: Receive, send: Send, fault: Fault) -> None:
        body = await self._body_of(scope, receive)
        half = body[: len(body) // 2] or b'{"'
        await _answer(send, 200, half, "application/json; charset=UTF-8", fault)

    async def _body_of(self, scope: Scope, receive: Receive) -> bytes:
        body = bytearray()

        async def keep(message: Message) -> None:
            body.extend(message.get("body", b""))

        await self._app(scope, receive, keep)
        return bytes(body)


async def _answer(send: Send, status: int, body: bytes, media_type: str, fault: Fault) -> None:
    headers = {"content-type": media_type, "content-length": str(len(body))}
    if fault.retry_after is not None:
        headers["retry-after"] = fault.retry_after
    headers |= {name.lower(): value for name, value in fault.headers.items()}
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
