"""The ports of subscriptions: what is kept of them, and who delivers to whom just now."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from domain.commands import Principal
from domain.subscription import DeadLetter, Subscription

MOST_SUBSCRIPTIONS = 100
"""How many webhooks a tenant may have."""

MOST_PUSHES = 10
"""How many subscriptions one task may have."""


class Subscriptions(Protocol):
    """What is kept of subscriptions; all of it is seen through one tenant at a time.

    Who makes, changes or removes a webhook is written into the audit trail in the same commit.
    """

    async def add(self, subscription: Subscription, /) -> None:
        """Keep a new one. Raises RequestRejected where there are too many already."""
        ...

    async def all(self, tenant: str, /) -> Sequence[Subscription]:
        """Read every webhook, oldest first."""
        ...

    async def one(self, tenant: str, subscription_id: UUID, /) -> Subscription:
        """Read one webhook. Raises NotFound, for another tenant's as well."""
        ...

    async def remove(self, principal: Principal, subscription_id: UUID, /) -> None:
        """Forget a webhook and its dead letters. Raises NotFound."""
        ...

    async def enable(self, principal: Principal, subscription_id: UUID, /) -> Subscription:
        """Deliver again, at once, from where it stands. Raises NotFound."""
        ...

    async def change_secrets(
        self, principal: Principal, subscription_id: UUID, secrets: tuple[str, ...], /
    ) -> Subscription:
        """Sign with these from now on. Raises NotFound."""
        ...

    async def dead_letters(
        self, tenant: str, subscription_id: UUID, after: int, limit: int, /
    ) -> Sequence[DeadLetter]:
        """Read a webhook's dead letters in order, from behind a sequence. Raises NotFound."""
        ...

    async def ask_again(
        self, tenant: str, subscription_id: UUID, sequences: Collection[int] | None, /
    ) -> int:
        """Ask for dead letters again, at once, None meaning all; tells how many.

        Raises NotFound, or RequestRejected where nothing is delivered.
        """
        ...

    async def keep_push(self, subscription: Subscription, /) -> None:
        """Keep a subscription to a task in place of the one with the same configuration id.

        Raises RequestRejected where the task has too many.
        """
        ...

    async def pushes(self, tenant: str, owner: str, task_id: str, /) -> Sequence[Subscription]:
        """Read a principal's subscriptions to a task, by configuration id."""
        ...

    async def remove_push(
        self, tenant: str, owner: str, task_id: str, config_id: str | None, /
    ) -> None:
        """Forget one of them, or all."""
        ...


@dataclass(frozen=True, slots=True)
class Left:
    """Where a subscriber stands when nothing more can be delivered, and what was given up.

    The dead letters that were wanted were tried up to the sequence `tried_to`: one of those that is
    wanted still has been asked for since, and does not wait for `due_at`.
    """

    subscription: Subscription
    dead: Sequence[DeadLetter] = ()
    tried_to: int = 0


class Deliveries(Protocol):
    """Who delivers to which subscriber, in the database's own time; due is told by `now`."""

    async def is_due(self, now: datetime, /) -> bool:
        """Whether there is anything to deliver that nobody delivers."""
        ...

    async def claim(
        self, owner: str, ttl: timedelta, limit: int, now: datetime, /
    ) -> Sequence[Subscription]:
        """Claim at most so many subscribers that something waits for."""
        ...

    async def keep(
        self, owner: str, held: Collection[Subscription], ttl: timedelta, /
    ) -> set[UUID]:
        """Write how far subscribers have come and renew their leases; gives those still held."""
        ...

    async def release(self, owner: str, left: Collection[Left], /) -> None:
        """Write where subscribers stand, with what was given up, and give the leases back."""
        ...

    async def version_of(self, subscription: Subscription, /) -> int:
        """Tell the version of the task a subscription is to; 0 where there is none."""
        ...

    async def wanted_again(self, subscription: Subscription, /) -> Sequence[DeadLetter]:
        """Read the dead letters that somebody asks for again, in order."""
        ...

    async def revive(self, subscription: Subscription, sequence: int, why: str | None, /) -> None:
        """Forget a dead letter that was acknowledged, or note why it failed once more."""
        ...


class Seal(Protocol):
    """Closes what callers entrust to us, so that nobody who reads the database reads it."""

    def close(self, content: bytes, /) -> bytes:
        """Close some content."""
        ...

    def open(self, sealed: bytes, /) -> bytes:
        """Open it again. Raises InvalidInput where it was closed with another key."""
        ...
