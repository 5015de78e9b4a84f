"""Who tells makes way for those who do what is told of."""

from __future__ import annotations

from uuid import uuid4

import pytest

from domain.subscription import Subscription, Wanted
from gateways.pace import RateLimit
from gateways.pinned import Ways
from gateways.webhooks import Taken, Webhooks
from service.rounds import Means
from tests.builders import NOW, TENANT
from tests.gateways.foreign import Time
from tests.subscribers import subscriber


@pytest.mark.parametrize(("is_busy", "calls_a_minute"), [(False, 60), (True, 30)])
async def test_while_datasets_are_moved_calls_are_half_as_many(
    is_busy: bool, calls_a_minute: int
) -> None:
    time, calls = Time(), 10
    async with subscriber() as hook:
        webhooks = Webhooks(Ways(loopback=True), time.clock)
        pace = RateLimit(1, 1.0, time.timing)
        means = Means(webhooks, pace, time.clock, lambda: 0.0, lambda: is_busy)
        whom = Subscription(
            tenant=TENANT,
            subscription_id=uuid4(),
            url=hook.url,
            wanted=Wanted(),
            secrets=(),
            created_by="alice",
            created_at=NOW,
            position=0,
        )

        told = [await means.post(whom, {}, b"{}") for _ in range(calls)]
        await webhooks.close()

    assert told == [Taken()] * calls
    assert len(hook.calls) == calls
    assert sum(time.slept) == pytest.approx(60 * calls / calls_a_minute, abs=1)
