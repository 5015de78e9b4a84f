"""The bell: whoever took a handle before the ring is woken by it, however late it waits."""

from __future__ import annotations

import asyncio
import time

from service.changes import Bell


async def test_a_ring_wakes_everybody_who_waits() -> None:
    bell = Bell()
    waiting = [asyncio.ensure_future(bell.handle()(60)) for _ in range(3)]
    await asyncio.sleep(0)

    bell.ring()

    async with asyncio.timeout(5):
        await asyncio.gather(*waiting)


async def test_a_ring_before_the_wait_is_not_missed() -> None:
    bell = Bell()
    wait = bell.handle()

    bell.ring()

    async with asyncio.timeout(5):
        await wait(60)


async def test_a_new_handle_does_not_hear_the_last_ring() -> None:
    bell = Bell()
    bell.ring()
    started = time.monotonic()

    await bell.handle()(0.05)

    assert time.monotonic() - started >= 0.04


async def test_a_wait_without_a_ring_ends_by_itself() -> None:
    async with asyncio.timeout(5):
        await Bell().handle()(0.01)
