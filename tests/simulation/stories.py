"""Stories: what callers do; each leads a dataset along one of the ways a life can take."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

from domain.commands import ExtendRetention, HoldArchive, ReleaseArchive
from domain.lifecycle import DatasetStatus
from domain.state import Wish
from tests.simulation.plan import Plan
from tests.simulation.virtual_time import moment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from tests.simulation.callers import Caller, Message

_S = DatasetStatus
_RESTING = (_S.READY, _S.FAILED, _S.ARCHIVED)
_MOST_DEEDS = 6


async def provision(caller: Caller) -> Message:
    """Have a dataset made."""
    asked = await caller.provision("confluence")
    await _comes_to(caller, asked, *_RESTING)
    return asked


async def tear_down(caller: Caller) -> Message:
    """Have a READY dataset torn down without grace."""
    asked = await provision(caller)
    await caller.tear_down(caller.newest(asked).place.dataset_id, force=True)
    await _comes_to(caller, asked, _S.ARCHIVED)
    return asked


async def keep_grace(caller: Caller) -> Message:
    """Have a READY dataset torn down, and wait out its grace period."""
    asked = await provision(caller)
    await caller.tear_down(caller.newest(asked).place.dataset_id)
    await _comes_to(caller, asked, _S.ARCHIVED)
    return asked


async def restore(caller: Caller, after: float = 0.8) -> Message:
    """Undo a teardown inside its grace period."""
    asked = await provision(caller)
    dataset_id = caller.newest(asked).place.dataset_id
    await caller.tear_down(dataset_id)
    await asyncio.sleep(after)
    await caller.restore(dataset_id)
    await _comes_to(caller, asked, *_RESTING)
    return asked


async def restore_late(caller: Caller) -> Message:
    """Undo a teardown once whoever began it may have been taken over."""
    return await restore(caller, after=1.6)


async def revalidate(caller: Caller) -> Message:
    """Have the gate run again over a READY dataset."""
    asked = await provision(caller)
    await caller.revalidate(caller.newest(asked).place.dataset_id)
    await asyncio.sleep(1.0)
    await _comes_to(caller, asked, *_RESTING)
    return asked


async def fall_ill(caller: Caller) -> Message:
    """Let a READY dataset's connector be away until it has lost READY."""
    asked = await provision(caller)
    caller.world.glean.away_until = caller.world.now() + 2.6
    await _comes_to(caller, asked, _S.VALIDATING)
    await _comes_to(caller, asked, _S.READY)
    return asked


async def succeed(caller: Caller) -> Message:
    """Have a successor made while its predecessor is in its grace period."""
    asked = await provision(caller)
    dataset_id = caller.newest(asked).place.dataset_id
    await caller.tear_down(dataset_id)
    successor = await caller.provision("confluence")
    await caller.restore(dataset_id)
    await _comes_to(caller, asked, _S.ARCHIVED, _S.READY)
    await _comes_to(caller, successor, *_RESTING)
    return asked


async def call_off(caller: Caller) -> Message:
    """Call a request off while its dataset is being filled."""
    asked = await caller.provision("confluence")
    await asyncio.sleep(0.03)
    if asked.request is not None:
        await caller.call_off(asked.request)
    await _comes_to(caller, asked, _S.ARCHIVED, _S.READY)
    return asked


async def lose(caller: Caller) -> Message:
    """Call a request off once an agent is lost that may still be filling its dataset."""
    asked = await caller.provision("confluence")
    await caller.until(lambda: caller.newest(asked).busy_until is not None, 1.0)
    if asked.request is not None:
        await caller.call_off(asked.request)
    await _comes_to(caller, asked, _S.ARCHIVED, _S.READY)
    return asked


async def expire(caller: Caller) -> Message:
    """Let a dataset's archive outlive its retention."""
    asked = await tear_down(caller)
    await caller.until(lambda: caller.newest(asked).purged_at is not None)
    return asked


async def keep_longer(caller: Caller) -> Message:
    """Have an archive kept for longer and held, and released after its time."""
    asked = await tear_down(caller)
    dataset = caller.newest(asked)
    if dataset.retain_until is None:
        return asked
    dataset_id, until = dataset.place.dataset_id, dataset.retain_until + timedelta(seconds=1)
    await caller.send(ExtendRetention(dataset_id, until))
    await caller.send(HoldArchive(dataset_id, "case 7"))
    await asyncio.sleep((until - moment(caller.world.now())).total_seconds() + 0.5)
    await caller.send(ReleaseArchive(dataset_id))
    await caller.until(lambda: caller.newest(asked).purged_at is not None)
    return asked


async def live_shortly(caller: Caller) -> Message:
    """Have a dataset made whose lifetime ends by itself."""
    asked = await caller.provision("confluence", wish=Wish(lifetime=timedelta(seconds=2)))
    await _comes_to(caller, asked, _S.ARCHIVED)
    return asked


async def do_anything(caller: Caller) -> None:
    """Do what comes to mind, with whatever dataset there is."""
    chance = caller.world.fate.chance
    for _ in range(chance.randrange(2, _MOST_DEEDS)):
        deed = chance.choice(_DEEDS)
        await deed(caller)
        await asyncio.sleep(chance.choice(_PAUSES))


STORIES: Mapping[str, Callable[[Caller], Awaitable[object]]] = MappingProxyType(
    {
        each.__name__: each
        for each in (
            provision,
            tear_down,
            keep_grace,
            restore,
            restore_late,
            revalidate,
            fall_ill,
            succeed,
            call_off,
            lose,
            expire,
            keep_longer,
            live_shortly,
            do_anything,
        )
    }
)


def calm(story: str) -> Plan:
    """Give the plan of a story in which nothing goes wrong of itself."""
    return Plan(story, _BUSY_SEED if story == do_anything.__name__ else 0)


def storm(seed: int) -> Plan:
    """Give the storm of a seed: two callers do anything, or both live through one story."""
    names = [each for each in STORIES if each != keep_longer.__name__]  # seeds keep their storms
    story = names[seed // 2 % len(names)] if seed % 2 else do_anything.__name__
    return Plan(story, seed, is_stormy=True)


_BUSY_SEED = 7
"""A seed with which `do_anything` does a lot: with many others next to nothing comes of it."""

_PAUSES = (0.0, 0.0, 0.1, 0.3, 0.6, 1.2, 2.3)


async def _comes_to(caller: Caller, asked: Message, *statuses: DatasetStatus) -> None:
    await caller.until(lambda: caller.newest(asked).status in statuses)


async def _ask_for_one(caller: Caller) -> None:
    chance = caller.world.fate.chance
    types = chance.choice((("confluence",), ("github",), ("confluence", "github")))
    journey = chance.choice(("journey-acme", "journey-acme", "journey-lower"))
    wish = Wish(lifetime=timedelta(seconds=3)) if chance.random() < 1 / 8 else Wish()
    await caller.provision(*types, journey=journey, wish=wish)


async def _think_better_of_it(caller: Caller) -> None:
    chance = caller.world.fate.chance
    asked = await caller.provision(chance.choice(("confluence", "github")))
    await asyncio.sleep(chance.choice((0.0, 0.1, 1.0)))
    if asked.request is not None:
        await caller.call_off(asked.request)


async def _tear_one_down(caller: Caller) -> None:
    if (dataset_id := _any(caller)) is not None:
        await caller.tear_down(dataset_id, force=caller.world.fate.chance.random() < 1 / 3)


async def _restore_one(caller: Caller) -> None:
    if (dataset_id := _any(caller)) is not None:
        await caller.restore(dataset_id)


async def _revalidate_one(caller: Caller) -> None:
    if (dataset_id := _any(caller)) is not None:
        await caller.revalidate(dataset_id)


async def _call_one_off(caller: Caller) -> None:
    made = [each.request for each in caller.messages if each.request is not None]
    if made:
        await caller.call_off(caller.world.fate.chance.choice(made))


async def _let_glean_be_away(caller: Caller) -> None:
    world = caller.world
    world.glean.away_until = world.now() + world.fate.chance.random() * 4.0


_DEEDS = (
    _ask_for_one,
    _ask_for_one,
    _ask_for_one,
    _tear_one_down,
    _tear_one_down,
    _restore_one,
    _revalidate_one,
    _call_one_off,
    _think_better_of_it,
    _think_better_of_it,
    _let_glean_be_away,
)


def _any(caller: Caller) -> UUID | None:
    known = list(caller.world.rows.datasets)
    return caller.world.fate.chance.choice(known) if known else None
