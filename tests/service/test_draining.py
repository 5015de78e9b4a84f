"""On its way out the service ends its streams itself, so that nobody is cut off."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx

from service.changes import Bell
from service.cli.serve import DRAIN_SECONDS, serving
from service.settings import Settings
from tests.running import running

STOPPING = 2.0
"""How long the service may take to end beside an open stream, in seconds."""


async def _all_of(answer: httpx.Response) -> str:
    return "".join([text async for text in answer.aiter_text()])


async def test_an_open_event_stream_ends_as_soon_as_the_service_does(tmp_path: Path) -> None:
    assert STOPPING < DRAIN_SECONDS
    async with httpx.AsyncClient(timeout=30) as http:
        async with asyncio.timeout(30) as patience:
            async with serving(Settings(data=tmp_path, port=0)) as served:
                stream = http.stream("GET", f"{served.url}/events")
                answer = await stream.__aenter__()
                reading = asyncio.create_task(_all_of(answer))
                patience.reschedule(asyncio.get_running_loop().time() + STOPPING)

        text = await reading
        await stream.__aexit__(None, None, None)

    assert text.startswith(": connected")
    assert text.endswith(": the service ends here; come back with Last-Event-ID\n\n")


async def test_a_service_is_not_ready_from_the_moment_it_drains(tmp_path: Path) -> None:
    async with running(tmp_path) as office:
        office.service.bell.ring_out()

        ready = await office.http.get("/readyz")

        assert (ready.status_code, ready.json()["draining"]) == (503, True)


async def test_the_last_ring_wakes_whoever_waits_and_is_remembered() -> None:
    bell = Bell()
    wait = bell.handle()

    bell.ring_out()

    async with asyncio.timeout(5):
        await wait(60)
    assert bell.is_over
