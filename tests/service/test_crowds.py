"""One looks for all who listen to a tenant's events, and no longer than anybody listens."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any, cast

import pytest

from service import crowds
from service.changes import Bell
from service.crowds import Crowds
from tests.builders import TENANT
from tests.service.consoles import Console, Counting, happens

PATIENCE_SECONDS = 60.0


async def test_one_looks_for_all_and_only_as_long_as_anybody_listens(console: Console) -> None:
    bell, counted = Bell(), Counting(console.house.registry)
    crowd_of = Crowds(cast("Any", counted), bell, lambda: bell.is_over)
    others = asyncio.all_tasks()

    async with crowd_of.joined(TENANT, 0) as crowd, crowd_of.joined(TENANT, 0) as same:
        (looking,) = asyncio.all_tasks() - others
        wait = crowd.next_call()
        await happens(console, 1, 1)
        bell.ring()
        await asyncio.wait_for(wait(), PATIENCE_SECONDS)
        newest = crowd.newest
        assert not looking.done()
    await asyncio.wait({looking}, timeout=PATIENCE_SECONDS)

    assert crowd is same
    assert newest == 1
    assert looking.cancelled()


async def test_who_joins_knowing_more_tells_those_who_were_there_before(console: Console) -> None:
    bell = Bell()
    crowd_of = Crowds(console.house.registry, bell, lambda: bell.is_over)

    async with crowd_of.joined(TENANT, 0) as crowd:
        waiting = asyncio.ensure_future(crowd.next_call()())
        await happens(console, 1, 1)
        async with crowd_of.joined(TENANT, 1):
            await asyncio.wait({waiting}, timeout=PATIENCE_SECONDS)

            assert waiting.done()
        waiting.cancel()


async def test_a_database_that_is_away_ends_no_crowd(console: Console) -> None:
    bell, counted = Bell(), Counting(console.house.registry)
    counted.is_away = True
    crowd_of = Crowds(cast("Any", counted), bell, lambda: bell.is_over)

    async with crowd_of.joined(TENANT, 0) as crowd:
        await counted.has_looked.wait()
        counted.is_away = False
        wait = crowd.next_call()
        await happens(console, 1, 1)
        bell.ring()
        await asyncio.wait_for(wait(), PATIENCE_SECONDS)

    assert crowd.newest == 1


async def test_the_more_listen_the_longer_the_pause_up_to_two_seconds(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    bell, sleep, pauses = Bell(), asyncio.sleep, list[float]()

    async def note(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", note)
    crowd_of = Crowds(console.house.registry, bell, lambda: bell.is_over)
    for before, listeners in enumerate((1, 100, 1000)):
        async with AsyncExitStack() as stack:
            for _ in range(listeners - 1):
                await stack.enter_async_context(crowd_of.joined(TENANT, before))
            crowd = await stack.enter_async_context(crowd_of.joined(TENANT, before))
            wait = crowd.next_call()
            await happens(console, before + 1, 1)
            bell.ring()
            await asyncio.wait_for(wait(), PATIENCE_SECONDS)

    assert pauses == [0.004, 0.4, 2.0]


async def test_where_nobody_listens_any_more_nothing_beats(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crowds, "BEAT_SECONDS", 0.0)
    bell = Bell()

    async with Crowds(console.house.registry, bell, lambda: bell.is_over).joined(
        TENANT, 0
    ) as crowd:
        await crowd.next_call()()
    beats = crowd.beats
    for _ in range(10):
        await asyncio.sleep(0)

    assert 0 < beats == crowd.beats
