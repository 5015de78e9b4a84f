"""Rounds: a subscriber is told one thing after the other, until there is no more or it fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import structlog

from domain.deliveries import Left
from domain.errors import InvalidInput
from domain.subscription import Setback, Subscription, SubscriptionState, given_up
from gateways.webhooks import Gone, Taken, Webhooks, signed
from protocol.inbound import CLOUD_EVENT

if TYPE_CHECKING:
    from domain.deliveries import Deliveries
    from domain.ports import Clock
    from domain.subscription import DeadLetter
    from gateways.pace import RateLimit
    from protocol.pushing import Pushes
    from service.batches import Batches, Published

log = structlog.get_logger("webhooks")

Moved: TypeAlias = Callable[[Subscription], bool]
"""Is told where a subscriber stands now, and tells whether we may go on with it."""


@dataclass(frozen=True, slots=True)
class Means:
    """What both kinds of rounds need: the line, its pace, time, and chance in [0, 1).

    `is_busy` says whether this process moves datasets just now.
    """

    webhooks: Webhooks
    pace: RateLimit
    clock: Clock
    chance: Callable[[], float]
    is_busy: Callable[[], bool]

    async def post(
        self, subscription: Subscription, headers: dict[str, str], body: bytes
    ) -> Taken | Gone | Setback:
        """Send one thing, in its turn, and half as often while there is what is told of to do."""
        await self.pace.turn()
        if self.is_busy():
            await self.pace.turn()
        whom = subscription.subscription_id
        return await self.webhooks.post(subscription.url, headers, body, whom=whom)


@dataclass(frozen=True, slots=True)
class _Again:
    """What came of the dead letters that were wanted, and up to which sequence they were tried."""

    answer: Taken | Gone | Setback | None
    tried_to: int


class EventRounds:
    """Tells webhooks of events: in the order of the outbox, signed, each until it is acknowledged."""

    def __init__(
        self,
        means: Means,
        batches: Batches,
        deliveries: Deliveries,
        keys: Callable[[Subscription], list[bytes]],
    ) -> None:
        """Read `batches`, and sign with the `keys` of whoever is told."""
        self._means = means
        self._batches = batches
        self._deliveries = deliveries
        self._keys = keys

    async def carry(self, subscription: Subscription, moved: Moved) -> Left:
        """Deliver what was asked for again, then what is new."""
        again = await self._told_again(subscription, moved)
        if isinstance(again.answer, Gone):
            return Left(_disabled(subscription, again.answer.why))
        left = await self._told_new(subscription, again.answer, moved)
        return replace(left, tried_to=again.tried_to)

    async def _told_again(self, subscription: Subscription, moved: Moved) -> _Again:
        """Deliver what was asked for again.

        One that is refused says nothing about the others. One that fails stops them; what is new
        is tried all the same, for the fault may lie in that one alone.
        """
        taken = None
        for letter in await self._deliveries.wanted_again(subscription):
            if not moved(subscription):
                return _Again(taken, 0)
            answer = await self._again(subscription, letter)
            if isinstance(answer, Taken):
                taken = answer
            elif isinstance(answer, Gone) or not answer.is_refusal:
                return _Again(answer, letter.sequence)
        return _Again(taken, subscription.position)

    async def _told_new(
        self, subscription: Subscription, answer: Taken | Setback | None, moved: Moved
    ) -> Left:
        """Deliver what is new to somebody who has answered so before."""
        while moved(subscription):
            batch = await self._batches.behind(subscription.tenant, subscription.position)
            if not batch:
                return Left(self._told_all(subscription, answer))
            told = await self._tell(subscription, batch, moved)
            if isinstance(told, Left):
                return told
            if any(subscription.wanted.lets_through(each.event) for each in batch):
                answer = Taken()
            subscription = told
        return Left(subscription)

    def _told_all(self, subscription: Subscription, answer: Taken | Setback | None) -> Subscription:
        """Tell where somebody stands for whom there is no more, by what he answered last."""
        if isinstance(answer, Setback):
            failed = subscription.failed(answer, self._means.clock(), self._means.chance())
            _tell_of("webhook.failed", failed)
            return failed
        return subscription.acknowledged(subscription.position) if answer else subscription

    async def _tell(
        self, subscription: Subscription, batch: Sequence[Published], moved: Moved
    ) -> Subscription | Left:
        """Deliver a batch; where that cannot be done to its end, gives what it comes to."""
        keys = self._found(subscription)
        for at, each in enumerate(batch):
            if subscription.wanted.lets_through(each.event):
                answer = await self._send(subscription, each, keys)
                if isinstance(answer, Gone):
                    return Left(_disabled(subscription, answer.why))
                if isinstance(answer, Setback):
                    return self._set_back(subscription, batch[at:], answer)
                subscription = subscription.acknowledged(each.event.sequence)
            else:
                subscription = replace(subscription, position=each.event.sequence)
            if not moved(subscription):
                return Left(subscription)
        return subscription

    def _found(self, subscription: Subscription) -> list[bytes] | Setback:
        """Look the keys up, once a batch."""
        try:
            return self._keys(subscription)
        except InvalidInput as error:
            return Setback(str(error))

    async def _send(
        self, subscription: Subscription, event: Published, keys: list[bytes] | Setback
    ) -> Taken | Gone | Setback:
        if isinstance(keys, Setback):
            return keys
        message_id = str(event.event.event_id)
        headers = signed(keys, message_id, self._means.clock(), event.content)
        return await self._means.post(
            subscription, {"content-type": CLOUD_EVENT, **headers}, event.content
        )

    def _set_back(
        self, subscription: Subscription, rest: Sequence[Published], setback: Setback
    ) -> Left:
        now = self._means.clock()
        failed = subscription.failed(setback, now, self._means.chance())
        if not failed.gives_up_on(rest[0].event, now):
            _tell_of("webhook.failed", failed)
            return Left(failed)
        wanted = [each.event for each in rest if failed.wanted.lets_through(each.event)]
        dead = given_up(failed, wanted, now)
        _tell_of("webhook.given_up", failed, events=len(dead))
        return Left(failed.without(dead[-1].sequence), dead)

    async def _again(
        self, subscription: Subscription, letter: DeadLetter
    ) -> Taken | Gone | Setback:
        """Deliver a dead letter once more, once."""
        (event,) = await self._batches.page(subscription.tenant, letter.sequence - 1, 1)
        answer = await self._send(subscription, event, self._found(subscription))
        why = None if isinstance(answer, Taken) else answer.why
        await self._deliveries.revive(subscription, letter.sequence, why)
        return answer


class PushRounds:
    """Tells who follows a task how it stands, each time it has moved on, until it has ended."""

    def __init__(self, means: Means, pushes: Pushes, deliveries: Deliveries) -> None:
        """Read the tasks through `pushes`."""
        self._means = means
        self._pushes = pushes
        self._deliveries = deliveries

    async def carry(self, subscription: Subscription, moved: Moved) -> Left:
        """Deliver the task as it is, as long as it is newer than what was delivered before."""
        while moved(subscription):
            version = await self._deliveries.version_of(subscription)
            try:
                push = await self._pushes.push(subscription, version)
            except InvalidInput as error:
                return Left(self._hindered(subscription, Setback(str(error))))
            if push is not None and version > subscription.position:
                answer = await self._means.post(subscription, push.headers, push.content)
                if not isinstance(answer, Taken):
                    return Left(self._hindered(subscription, answer))
                subscription = subscription.acknowledged(version)
            elif push is None or (push.is_ended and await self._is_told(subscription)):
                return Left(replace(subscription, state=SubscriptionState.DONE))
            else:
                break
        return Left(subscription)

    async def _is_told(self, subscription: Subscription) -> bool:
        """Whether he was told how a task ended; it may have ended since its version was read."""
        return await self._deliveries.version_of(subscription) <= subscription.position

    def _hindered(self, subscription: Subscription, answer: Gone | Setback) -> Subscription:
        if isinstance(answer, Gone):
            return _disabled(subscription, answer.why)
        now = self._means.clock()
        failed = subscription.failed(answer, now, self._means.chance())
        _tell_of("push.failed", failed)
        return _disabled(failed, answer.why) if failed.is_hopeless(now) else failed


def _disabled(subscription: Subscription, why: str) -> Subscription:
    disabled = subscription.disabled(why)
    _tell_of("webhook.disabled", disabled)
    return disabled


def _tell_of(what: str, subscription: Subscription, **more: int) -> None:
    log.warning(
        what,
        tenant=subscription.tenant,
        subscription_id=str(subscription.subscription_id),
        position=subscription.position,
        failures=subscription.failures,
        why=subscription.why,
        **more,
    )
