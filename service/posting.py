"""Posting: all that lets events out to subscribers, put together for the one who assembles."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import structlog
from uuid_utils.compat import uuid7

from gateways.pace import RateLimit
from gateways.pinned import Ways
from gateways.seal import FernetSeal, kept_key
from gateways.secrets import resolve
from gateways.webhooks import Webhooks
from protocol.pushing import PushDesk
from registry.deliveries import SqlDeliveries
from registry.subscriptions import SqlSubscriptions
from service.courier import Courier
from service.rounds import EventRounds, Means, PushRounds
from service.subscribing import SubscriptionDesk
from service.webhook_secrets import WebhookSecrets, idle_variables

if TYPE_CHECKING:
    from collections.abc import Callable

    from domain.ports import Changes
    from gateways.pace import Timing
    from protocol.pushing import Pushes
    from registry.database import Database
    from registry.repository import SqlRegistry
    from service.batches import Batches
    from service.settings import Settings

log = structlog.get_logger("webhooks")


class Posting:
    """The desks where subscriptions are made, and the courier who serves them."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        registry: SqlRegistry,
        timing: Timing,
        is_busy: Callable[[], bool],
    ) -> None:
        """Keep subscriptions in this database, and call the ways that are set.

        While `is_busy`, whoever is told of things waits for those who do them.
        """
        ways = Ways(frozenset(settings.webhook_ports), settings.webhook_loopback)
        subscriptions, clock = SqlSubscriptions(database), timing.clock
        self._database = database
        self._webhooks = Webhooks(ways, clock)
        self._secrets = WebhookSecrets(settings.webhook_secrets)
        _tell_of_idle_variables()
        pace = RateLimit(1, 1 / settings.webhook_pace, timing)
        self._means = Means(self._webhooks, pace, clock, timing.jitter, is_busy)
        self.pushing = PushDesk(
            subscriptions, FernetSeal(_push_key(settings)), ways.require, uuid7, clock
        )
        self.subscribing = SubscriptionDesk(
            subscriptions, registry, self._secrets, ways.require, uuid7, clock
        )

    def courier(self, pushes: Pushes, changes: Changes, batches: Batches) -> Courier:
        """Give the courier, who delivers tasks and events, and looks when `changes` ring."""
        deliveries = SqlDeliveries(self._database)
        rounds = (
            EventRounds(self._means, batches, deliveries, self._secrets.keys),
            PushRounds(self._means, pushes, deliveries),
        )
        clock, owner = self._means.clock, self._database.owner
        return Courier(deliveries, rounds, changes=changes, clock=clock, owner=owner)

    async def close(self) -> None:
        """Hang up everywhere."""
        await self._webhooks.close()


def _tell_of_idle_variables() -> None:
    if idle := idle_variables(os.environ):
        log.warning("webhook.variables_idle", names=idle)


def _push_key(settings: Settings) -> Callable[[], str]:
    """Look the key up when it is first needed; without one that is set, there is one in the data."""
    reference = settings.push_key
    if reference is not None:
        return lambda: resolve(reference)
    return lambda: kept_key(settings.data / "push.key")
