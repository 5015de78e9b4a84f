"""The in-process transport hands chunks over as they come."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest

from protocol.transport import StreamingTransport

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

START: Message = {"type": "http.response.start", "status": 200, "headers": []}


def _chunk(body: bytes, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}


async def test_a_chunk_is_handed_over_before_the_answer_ends() -> None:
    may_end = asyncio.Event()

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(START)
        await send(_chunk(b"early", more=True))
        await may_end.wait()
        await send(_chunk(b"", more=True))
        await send(_chunk(b"late", more=False))

    client = httpx.AsyncClient(transport=StreamingTransport(app))
    async with client, client.stream("GET", "http://x/") as answer:
        chunks = answer.aiter_raw()

        first = await anext(chunks)

        may_end.set()
        assert (first, [each async for each in chunks]) == (b"early", [b"late"])


async def test_the_application_sees_the_request_as_it_was_made() -> None:
    seen: dict[str, object] = {}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.update(scope, body=(await receive())["body"])
        await send(START)
        await send(_chunk(b"", more=False))

    async with httpx.AsyncClient(transport=StreamingTransport(app)) as client:
        await client.post("http://host:81/a%20b?q=1", content=b"body")

    assert (seen["path"], seen["raw_path"], seen["query_string"]) == ("/a b", b"/a%20b", b"q=1")
    assert (seen["method"], seen["server"], seen["body"]) == ("POST", ("host", 81), b"body")


async def test_hanging_up_tells_the_application() -> None:
    told: list[str] = []

    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(START)
        await send(_chunk(b"first", more=True))
        told.append((await receive())["type"])

    client = httpx.AsyncClient(transport=StreamingTransport(app))
    async with client, client.stream("GET", "http://x/") as answer:
        await anext(answer.aiter_raw())

    assert told == ["http.disconnect"]


async def test_an_application_that_answers_nothing_is_an_error() -> None:
    async def app(_scope: Scope, receive: Receive, _send: Send) -> None:
        await receive()

    async with httpx.AsyncClient(transport=StreamingTransport(app)) as client:
        with pytest.raises(httpx.RemoteProtocolError, match="without an answer"):
            await client.get("http://x/")


async def test_an_answer_that_is_cut_short_is_an_error() -> None:
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(START)
        await send(_chunk(b"half", more=True))
        raise ConnectionResetError

    async with httpx.AsyncClient(transport=StreamingTransport(app)) as client:
        with pytest.raises(httpx.RemoteProtocolError, match="inside its answer"):
            await client.get("http://x/")


async def test_giving_up_before_the_answer_begins_ends_the_application() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with httpx.AsyncClient(transport=StreamingTransport(app)) as client:
        asking = asyncio.create_task(client.get("http://x/"))
        await begun.wait()

        asking.cancel()

        await ended.wait()
        with pytest.raises(asyncio.CancelledError):
            await asking
