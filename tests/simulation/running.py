"""Running a plan: the story is played, the world comes to rest, and the oracle judges."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import logging
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

import structlog

from domain.lifecycle import DatasetStatus
from tests.simulation.callers import Caller, Message
from tests.simulation.oracle import judge
from tests.simulation.stories import STORIES
from tests.simulation.subscriber import Subscriber
from tests.simulation.virtual_time import simulated
from tests.simulation.world import RULES, World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domain.dataset import Dataset
    from tests.simulation.plan import Plan

_LONGEST_REST_SECONDS = 90.0
_LOOK_SECONDS = 0.5
_ORDERS = 0x5EED
"""What tells the chance that orders what is ready from the one that decides on faults."""

_RESTING = frozenset({DatasetStatus.READY, DatasetStatus.ARCHIVED})


@dataclass
class Played:
    """How a plan went: what was broken, how many points and calls there were, and its trace.

    `trace` holds one line a commit, a deed at a supplier and a message, in the order of each.
    """

    plan: Plan
    broken: list[str] = field(default_factory=list)
    points: int = 0
    calls: int = 0
    trace: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """The SHA-256 of the trace."""
        return hashlib.sha256("\n".join(self.trace).encode()).hexdigest()

    def __str__(self) -> str:
        """Say what was broken and how to see it again."""
        broken = "\n  ".join(self.broken) or "nothing is broken"
        return f"{broken}\n  again: python -m tests.simulation.replay {self.plan}"


def play(plan: Plan) -> Played:
    """Play a plan to its end and judge it."""
    with _silence(), _garbage_kept():
        order = Random(plan.seed ^ _ORDERS)  # noqa: S311 - chance wants a seed, not secrecy
        return simulated(_played(plan), order)


async def _played(plan: Plan) -> Played:
    world, messages = World(plan), list[Message]()
    subscriber = Subscriber(world)
    following = asyncio.ensure_future(subscriber.follow())
    callers = [Caller(world, each, messages) for each in ("ada", "grace")]
    story = STORIES[plan.story]
    telling = [story(each) for each in (callers if plan.is_stormy else callers[:1])]
    await asyncio.gather(*telling)
    world.calm_down()
    is_at_rest = await _comes_to_rest(world)
    await asyncio.sleep(_left_over_seconds(world))
    await subscriber.catch_up()
    following.cancel()
    broken = judge(world, messages, subscriber.heard)
    if not is_at_rest:
        broken.append(f"at rest: {_restless(world)}")
    fate = world.fate
    return Played(plan, broken, fate.points, fate.calls, _trace(world, messages))


async def _comes_to_rest(world: World) -> bool:
    end = world.now() + _LONGEST_REST_SECONDS
    while _restless(world):
        if world.now() >= end:
            return False
        await asyncio.sleep(_LOOK_SECONDS)
    return True


def _left_over_seconds(world: World) -> float:
    """Tell how long something may still come of what was given up: as long as an order lasts."""
    has_left_overs = world.stood_still or world.fate.faults or world.host_apart
    return RULES.order_limit.total_seconds() if has_left_overs else 0.0


def _restless(world: World) -> list[str]:
    """Tell which datasets are still on their way."""
    rows = world.rows.datasets.values()
    return [
        f"{each.dataset.name} {each.dataset.status}" for each in rows if not _rests(each.dataset)
    ]


def _rests(dataset: Dataset) -> bool:
    if dataset.status is DatasetStatus.FAILED:
        waits = dataset.trouble is not None and dataset.trouble.retry_at is not None
        return not waits and not dataset.health.is_incident
    return (dataset.status in _RESTING and dataset.expires_at is None) or (
        dataset.status is DatasetStatus.ARCHIVED
    )


def _trace(world: World, messages: list[Message]) -> tuple[str, ...]:
    commits = (
        f"{commit.at:.6f} {commit.by} {each.dataset_id.int} v{each.dataset.version} "
        f"{each.before}>{each.dataset.status} {','.join(each.names)}"
        for commit in world.rows.commits
        for each in commit.written
    )
    deeds = (
        f"{each.at:.6f} {each.by} {each.deed} {each.datasource}" for each in world.glean.history
    )
    asked = (
        f"{each.sent_at:.6f} {each.answered_at} {type(each.wanted).__name__} {each.refusal}"
        for each in messages
    )
    kept = (f"{each.at:.6f} {key}" for key, each in world.archive.ever.items())
    return (*commits, *deeds, *asked, *kept)


@contextmanager
def _garbage_kept() -> Iterator[None]:
    """Collect no garbage meanwhile: it would decide nothing, and take a tenth of the time."""
    was_collected = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_collected:
            gc.enable()


@contextmanager
def _silence() -> Iterator[None]:
    """Log nothing: what is told of every fault would take longer than the faults."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)
