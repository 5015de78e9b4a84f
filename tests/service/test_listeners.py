"""Many listen, some slowly or not at all, and nobody waits for them."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, cast

import pytest
import uvicorn
from starlette.requests import ClientDisconnect

from domain.lifecycle import DatasetStatus
from service import batches, crowds, publishing
from service.batches import Batches
from tests.builders import TENANT
from tests.service.consoles import Console, Counting, happens

MANY = 500
PATIENCE_SECONDS = 60.0


@asynccontextmanager
async def answering(console: Console) -> AsyncIterator[int]:
    """Answer on a real port; gives it."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        config = uvicorn.Config(console.app, log_config=None, access_log=False, lifespan="off")
        server = uvicorn.Server(config)
        server.config.load()
        server.lifespan = config.lifespan_class(config)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = server.force_exit = True
            await task


async def listening(port: int, query: str = "") -> Any:
    """Begin to listen; gives the two ends of the line once the stream has begun."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /events{query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    await reader.readuntil(b": connected")
    return reader, writer


async def heard(reader: asyncio.StreamReader, count: int) -> list[int]:
    """Give the sequences of the next events of a stream."""
    found: list[int] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(found) < count:
            line = await reader.readline()
            assert line, "The stream ended."
            if line.startswith(b"data:"):
                found.append(int(json.loads(line[5:])["sequence"]))
    return found


async def test_five_hundred_listeners_each_hear_everything_in_order(console: Console) -> None:
    async with answering(console) as port:
        lines = await asyncio.gather(*(listening(port) for _ in range(MANY)))

        _, *told = await asyncio.gather(
            happens(console, 1, 20), *(heard(reader, 20) for reader, _ in lines)
        )

        assert told == [list(range(1, 21))] * MANY
        for _, writer in lines:
            writer.close()


async def test_who_takes_nothing_in_keeps_nobody_waiting(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    await console.keep(DatasetStatus.ARCHIVED)
    monkeypatch.setattr(Batches, "behind", _thousandfold(Batches.behind))

    async with answering(console) as port:
        with deaf(port), deaf(port):
            reader, writer = await listening(port)
            await happens(console, 1, 1)

            told = await heard(reader, 1)

            assert len(told) == 1
            writer.close()


async def test_who_takes_nothing_in_for_long_is_cut_off(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "STALLED_SECONDS", 0.1)
    sent: list[str] = []

    async def send(message: Any) -> None:
        sent.append(message["type"])
        if len(sent) == 3:
            await asyncio.Event().wait()

    scope = {
        "type": "http",
        "asgi": {"spec_version": "2.4"},
        "method": "GET",
        "path": "/events",
        "query_string": b"after=0",
        "headers": [],
    }
    await console.keep(DatasetStatus.READY)

    with pytest.raises(ClientDisconnect):
        await asyncio.wait_for(console.app(scope, silence, send), PATIENCE_SECONDS)

    assert sent == ["http.response.start", "http.response.body", "http.response.body"]


async def silence() -> Any:
    """Say nothing, as a client does that only listens."""
    await asyncio.Event().wait()


@contextmanager
def deaf(port: int) -> Iterator[None]:
    """Ask for everything there is, and take nothing in."""
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.connect(("127.0.0.1", port))
        line.sendall(b"GET /events?after=0 HTTP/1.1\r\nHost: x\r\n\r\n")
        line.setblocking(False)
        yield


def _thousandfold(behind: Callable[..., Any]) -> Callable[..., Any]:
    """Give events with very much in them, more than any line takes in by itself."""

    async def much(self: Batches, tenant: str, after: int) -> Any:
        read = await behind(self, tenant, after)
        if after:
            return read
        return [batches.Published(each.event, each.content + b" " * 2_000_000) for each in read]

    return much


async def test_a_listener_who_is_far_behind_reads_on_batch_by_batch(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BATCH", 3)
    await happens(console, 1, 10)

    async with answering(console) as port:
        reader, writer = await listening(port, "?after=0")
        told = await heard(reader, 10)
        writer.close()

    assert told == list(range(1, 11))


async def test_the_outbox_is_read_once_for_all_who_stand_at_the_same_place(
    console: Console,
) -> None:
    await happens(console, 1, 5)
    counted = Counting(console.house.registry)
    shared = Batches(cast("Any", counted), lambda each: str(each.sequence).encode())

    told = await asyncio.gather(*(shared.behind(TENANT, 2) for _ in range(MANY)))
    again = await shared.behind(TENANT, 2)

    assert [each.content for each in again] == [b"3", b"4", b"5"]
    assert all(each is again for each in told)
    assert counted.reads == 1


async def test_that_there_was_nothing_is_not_remembered(console: Console) -> None:
    shared = Batches(console.house.registry, lambda each: str(each.sequence).encode())
    before = await shared.behind(TENANT, 0)
    await happens(console, 1, 1)

    after = await shared.behind(TENANT, 0)

    assert (len(before), len(after)) == (0, 1)


async def test_no_more_batches_are_remembered_than_there_is_room_for(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "KEPT_BATCHES", 2)
    await happens(console, 1, 5)
    counted = Counting(console.house.registry)
    shared = Batches(cast("Any", counted), lambda _: b"")

    for place in (0, 1, 2, 1, 0):
        await shared.behind(TENANT, place)

    assert counted.reads == 4


async def test_whoever_hears_nothing_is_told_that_the_line_is_alive(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crowds, "BEAT_SECONDS", 0.05)

    async with answering(console) as port:
        quiet = await listening(port)
        filtered = await listening(port, "?type=DatasetArchived")
        await happens(console, 1, 1)

        async with asyncio.timeout(PATIENCE_SECONDS):
            for each, _ in (quiet, filtered, quiet, filtered):
                await each.readuntil(b": still here\n\n")
        for _, writer in (quiet, filtered):
            writer.close()
