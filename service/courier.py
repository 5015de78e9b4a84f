"""The courier: whoever waits for news is claimed, told, and given back, each by himself.

As the engine does with datasets: the row says who waits for what and since when, a lease says who
delivers, and a ring only says when to look. Several processes share the subscribers; what one that
died was at is taken over when its leases end.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from domain.deliveries import Left
from domain.subscription import Setback
from service.engine import loop_time, whole

if TYPE_CHECKING:
    from uuid import UUID

    from domain.deliveries import Deliveries
    from domain.ports import Changes, Clock
    from domain.subscription import Subscription
    from service.rounds import EventRounds, PushRounds

log = structlog.get_logger("courier")

LOOK_SECONDS = 1.0
"""How long a due time, or another process's event, may wait to be seen."""

REST_SECONDS = 0.2
"""What lies between two claims, and between two writings: what comes meanwhile goes together."""

LEASE = timedelta(seconds=6)
"""How long what a process that died was at stays untouched."""

AT_ONCE = 200
"""How many subscribers are told at once; those who do not answer leave their place after 10 s."""

OUR_FAULT = Setback("our own fault; see the log")
"""What is shown of a subscriber whose round broke."""


@dataclass(slots=True)
class _Held:
    """A subscriber we deliver to: where he stands now, and until when nobody else may."""

    subscription: Subscription
    until: float
    task: asyncio.Task[None] | None = field(default=None)

    def moved(self, subscription: Subscription) -> bool:
        """Note where he stands; tells whether he is still ours."""
        self.subscription = subscription
        return loop_time() < self.until


class Courier:
    """Delivers to all who wait; any number of couriers may share one database."""

    def __init__(
        self,
        deliveries: Deliveries,
        rounds: tuple[EventRounds, PushRounds],
        *,
        changes: Changes,
        clock: Clock,
        owner: str,
    ) -> None:
        """Go these rounds on behalf of `owner`, and look when `changes` ring."""
        self._deliveries = deliveries
        self._events, self._pushes = rounds
        self._changes = changes
        self._clock = clock
        self._owner = owner
        self._held: dict[UUID, _Held] = {}
        self._left: dict[UUID, Left] = {}

    async def run(self) -> None:
        """Work until cancelled; then hand everything back as far as it has come."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._claim_for_ever())
                group.create_task(self._write_for_ever())
                group.create_task(self._beat_for_ever())
        finally:
            await self.stop()

    async def once(self) -> bool:
        """Tell everybody who waits now, and come back when it is written; tells whether any did."""
        found = await self._claim()
        rounds = [each.task for each in self._held.values() if each.task is not None]
        if rounds:
            await asyncio.wait(rounds)
        await self._write()
        return found

    async def _claim_for_ever(self) -> None:
        while True:
            wait = self._changes.handle()
            found = False
            try:
                found = await self._claim()
            except Exception:
                log.exception("claims.failed")
            await asyncio.sleep(REST_SECONDS)
            if not found:
                await wait(LOOK_SECONDS)

    async def _claim(self) -> bool:
        """Claim who waits; looking whether anybody does keeps no writer waiting."""
        free, now = AT_ONCE - len(self._held), self._clock()
        if not free or not await whole(self._deliveries.is_due(now)):
            return False
        asked_at = loop_time()
        claimed = await whole(self._deliveries.claim(self._owner, LEASE, free, now))
        for each in claimed:
            self._begin(each, asked_at + LEASE.total_seconds())
        return bool(claimed)

    def _begin(self, subscription: Subscription, until: float) -> None:
        if (known := self._held.get(subscription.subscription_id)) is not None:
            known.until = until  # our own lease was late, and is renewed
            return
        held = self._held[subscription.subscription_id] = _Held(subscription, until)
        held.task = asyncio.create_task(self._carry(held))

    async def _carry(self, held: _Held) -> None:
        """Deliver all there is; a round that broke is tried again, later each time."""
        rounds = self._pushes if held.subscription.task is not None else self._events
        name = held.subscription.subscription_id
        try:
            self._left[name] = await rounds.carry(held.subscription, held.moved)
        except Exception:
            log.exception("round.broke", subscription_id=str(name))
            self._left[name] = Left(held.subscription.failed(OUR_FAULT, self._clock(), 0.0))

    async def _write_for_ever(self) -> None:
        while True:
            await asyncio.sleep(REST_SECONDS)
            try:
                await self._write()
            except Exception:
                log.exception("writing.failed")

    async def _write(self) -> None:
        """Give back all those with whom we are through, in one commit."""
        through = dict(self._left)
        if through:
            await whole(self._deliveries.release(self._owner, list(through.values())))
            for name in through:
                del self._left[name]
                self._held.pop(name, None)

    async def _beat_for_ever(self) -> None:
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 4)
            try:
                await self.beat()
            except Exception:
                log.exception("beat.failed")

    async def beat(self) -> None:
        """Write how far each has come and renew the leases; whoever is lost is left alone."""
        mine, asked_at = dict(self._held), loop_time()
        if not mine:
            return
        standing = [each.subscription for each in mine.values()]
        kept = await whole(self._deliveries.keep(self._owner, standing, LEASE))
        for name, held in mine.items():
            if name in kept:
                held.until = asked_at + LEASE.total_seconds()
            elif self._held.get(name) is held and name not in self._left and held.task is not None:
                held.task.cancel()
                del self._held[name]

    async def stop(self) -> None:
        """Stop every round and hand back where each stands; what was under way is sent again."""
        rounds = [each.task for each in self._held.values() if each.task is not None]
        for each in rounds:
            each.cancel()
        if rounds:
            await asyncio.wait(rounds)
        for name, held in self._held.items():
            self._left.setdefault(name, Left(held.subscription))
        try:
            await self._write()
        except Exception:
            log.exception("release.failed")
