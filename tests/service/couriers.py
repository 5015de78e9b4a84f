"""A courier over a real registry, who goes his round when a test says so, by a clock it moves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from domain.lifecycle import DatasetStatus
from domain.subscription import DeadLetter, Subscription, Wanted
from gateways.pace import RateLimit
from gateways.pinned import Ways
from gateways.seal import FernetSeal
from gateways.webhooks import Webhooks
from protocol.pushing import Pushes
from registry.deliveries import SqlDeliveries
from registry.subscriptions import SqlSubscriptions
from service.changes import Bell
from service.courier import Courier
from service.publishing import batches_of
from service.rounds import EventRounds, Means, PushRounds
from service.webhook_secrets import WebhookSecrets
from tests.builders import ADDRESS, NOW, TENANT, a_dataset_in
from tests.gateways.foreign import Time
from tests.registry.databases import House, a_fresh_file, open_house
from tests.service.consoles import a_dataset_of
from tests.subscribers import Subscriber, keep_secret


@dataclass
class Scene:
    """A registry, its subscribers, and the courier."""

    house: House
    folder: Path
    courier: Courier
    kept: SqlSubscriptions
    deliveries: SqlDeliveries
    clients: int = 0

    async def happens(self, times: int = 1) -> None:
        """Let so many datasets begin: one event each."""
        for _ in range(times):
            self.clients += 1
            dataset = a_dataset_of(self.clients)
            await self.house.keep(a_dataset_in(DatasetStatus.PROVISIONING, dataset))

    async def subscribed(self, hook: Subscriber | str, **changed: Any) -> UUID:
        """Subscribe to all that happens from now on; gives the subscription's id."""
        plain = Subscription(
            tenant=TENANT,
            subscription_id=uuid4(),
            url=hook if isinstance(hook, str) else hook.url,
            wanted=Wanted(),
            secrets=(keep_secret(self.folder),),
            created_by="alice",
            created_at=NOW,
            position=await self.house.registry.last_sequence(TENANT),
        )
        subscription = replace(plain, **changed)
        await self.kept.add(subscription)
        return subscription.subscription_id

    async def given_up(self, hook: Subscriber, events: int, **changed: Any) -> UUID:
        """Subscribe, and let so many events be refused until they are dead letters; gives the id."""
        name = await self.subscribed(hook, **changed)
        await self.happens(events)
        hook.status = 400
        await self.lives(events * timedelta(minutes=5))
        assert len(await self.dead(name)) == events
        return name

    async def round(self) -> None:
        """Go rounds until nobody waits any more."""
        while await self.courier.once():
            pass

    async def lives(self, length: timedelta) -> int:
        """Let time pass, and try whenever something is due; tells how often it was."""
        end, tries = self.house.hands.now + length, 0
        while True:
            while await self.courier.once():
                tries += 1
            due = [each.due_at for each in await self.kept.all(TENANT) if each.due_at is not None]
            self.house.hands.now = min(
                (each for each in due if each > self.house.hands.now), default=end
            )
            if self.house.hands.now >= end:
                self.house.hands.now = end
                return tries

    async def standing(self, subscription_id: UUID) -> Subscription:
        """Tell where somebody stands."""
        return await self.kept.one(TENANT, subscription_id)

    async def dead(self, subscription_id: UUID) -> list[DeadLetter]:
        """Give the dead letters of somebody."""
        return await self.kept.dead_letters(TENANT, subscription_id, 0, 100)


@asynccontextmanager
async def scene(folder: Path, url: str | None = None) -> AsyncIterator[Scene]:
    """Set the scene over a database of its own, or over one that is there already."""
    async with open_house(url or a_fresh_file(folder)) as house:
        hooks = folder / "hooks"
        clock = house.hands.tell
        webhooks = Webhooks(Ways(loopback=True), clock)
        deliveries = SqlDeliveries(house.database)
        means = Means(webhooks, RateLimit(1, 0.0, Time().timing), clock, lambda: 0.0, lambda: False)
        batches = batches_of(house.registry, ADDRESS)
        keys = WebhookSecrets(hooks).keys
        rounds = (
            EventRounds(means, batches, deliveries, keys),
            PushRounds(means, Pushes({}, FernetSeal(lambda: "a key")), deliveries),
        )
        courier = Courier(deliveries, rounds, changes=Bell(), clock=clock, owner=str(uuid4()))
        try:
            kept = SqlSubscriptions(house.database)
            yield Scene(house, hooks, courier, kept, deliveries)
        finally:
            await courier.stop()
            await webhooks.close()
