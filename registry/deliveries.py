"""Deliveries: which process delivers to which subscriber, and how far each has come."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    and_,
    bindparam,
    column,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    table,
    tuple_,
    update,
)

from domain.subscription import SubscriptionState
from registry.dialect import database_now, lease_end, named, names
from registry.history import outbox
from registry.subscription_rows import letter_of, subscription_of, values_of_standing
from registry.subscription_tables import dead_letters, subscriptions

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime, timedelta
    from uuid import UUID

    from sqlalchemy import Select, Update
    from sqlalchemy.sql.dml import ReturningUpdate

    from domain.deliveries import Left
    from domain.subscription import DeadLetter, Subscription
    from registry.database import Database

_s = subscriptions.c
_l = dead_letters.c
_versions = table("task_versions", column("task_id"), column("version", BigInteger()))


class SqlDeliveries:
    """Leases on subscribers, as those on datasets: taken, renewed and ended by the database's clock.

    Every statement that others might wait for is its own transaction.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def is_due(self, now: datetime, /) -> bool:
        """Whether there is anything to deliver that nobody delivers; takes no write lock."""
        async with self._database.reads.connect() as connection:
            asked = {"now": now, "at_most": 1}
            found = await connection.execute(_due(self._database.dialect), asked)
            return found.first() is not None

    async def claim(
        self, owner: str, ttl: timedelta, limit: int, now: datetime, /
    ) -> list[Subscription]:
        """Claim at most so many subscribers that something waits for."""
        asked = {"owner": owner, "lease": ttl, "now": now, "at_most": limit}
        async with self._database.at_once() as connection:
            found = await connection.execute(_claim(self._database.dialect), asked)
            return [subscription_of(row) for row in found.mappings()]

    async def keep(
        self, owner: str, held: Collection[Subscription], ttl: timedelta, /
    ) -> set[UUID]:
        """Write how far subscribers have come and renew their leases; gives those still held."""
        theirs = names((each.tenant, each.subscription_id) for each in held)
        asked = {"owner": owner, "lease": ttl, "named": theirs}
        async with self._database.at_once() as connection:
            rows = await connection.execute(_keep(self._database.dialect), asked)
            written = {row.subscription_id: row.position for row in rows}
            moved = [
                _move_of(each, owner)
                for each in held
                if each.position > written.get(each.subscription_id, each.position)
            ]
            if moved:
                await connection.execute(_MOVE, moved)
            return set(written)

    async def release(self, owner: str, left: Collection[Left], /) -> None:
        """Write where subscribers stand, with what was given up, and give the leases back.

        Nothing is written of one whom another has taken over meanwhile, or who is gone.
        """
        async with self._database.engine.begin() as connection:
            for each in left:
                written = await connection.execute(_release(owner, each.subscription))
                if written.first() is None:
                    continue
                if each.dead:
                    rows = [_row(each.subscription, letter) for letter in each.dead]
                    await connection.execute(insert(dead_letters), rows)
                if each.subscription.due_at is not None and each.tried_to:
                    await connection.execute(_hurry(each))

    async def version_of(self, subscription: Subscription, /) -> int:
        """Tell the version of the task a subscription is to; 0 where there is none."""
        task_id = subscription.task.task_id if subscription.task else None
        newest = select(func.coalesce(func.max(_versions.c.version), 0))
        async with self._database.reads.connect() as connection:
            found = await connection.execute(newest.where(_versions.c.task_id == task_id))
            return int(found.scalar_one())

    async def wanted_again(self, subscription: Subscription, /) -> list[DeadLetter]:
        """Read the dead letters that somebody asks for again, in order."""
        statement = (
            select(dead_letters)
            .where(*_letters_of(subscription), _l.is_wanted)
            .order_by(_l.sequence)
            .limit(_LETTERS)
        )
        async with self._database.reads.connect() as connection:
            return [letter_of(row) for row in (await connection.execute(statement)).mappings()]

    async def revive(self, subscription: Subscription, sequence: int, why: str | None, /) -> None:
        """Forget a dead letter that was acknowledged, or note why it failed once more."""
        it = (*_letters_of(subscription), _l.sequence == sequence)
        async with self._database.at_once() as connection:
            if why is None:
                await connection.execute(delete(dead_letters).where(*it))
            else:
                noted = {"why": why, "is_wanted": False, "tries": _l.tries + 1}
                await connection.execute(update(dead_letters).where(*it).values(**noted))


_LETTERS = 100
"""How many dead letters are read at a time."""

_MOVE = (
    update(subscriptions)
    .where(
        _s.tenant == bindparam("of_tenant"),
        _s.subscription_id == bindparam("of_subscription"),
        _s.lease_owner == bindparam("owner"),
        _s.position < bindparam("new_position"),
    )
    .values(position=bindparam("new_position", type_=BigInteger))
)


@cache
def _due(dialect: str) -> Select[str, UUID]:
    """Give the query of subscribers that something waits for and nobody delivers to."""
    waiting = (
        _s.state == SubscriptionState.ACTIVE.value,
        or_(_s.due_at.is_(None), _s.due_at <= bindparam("now")),
        or_(_s.lease_until.is_(None), _s.lease_until <= database_now(dialect)),
        or_(_is_behind(), _is_asked_again()),
    )
    return (
        select(_s.tenant, _s.subscription_id)
        .where(*waiting)
        .order_by(_s.due_at.nulls_first(), _s.subscription_id)
        .limit(bindparam("at_most"))
    )


@cache
def _claim(dialect: str) -> ReturningUpdate[Any]:
    # SQLite has one writer, and leaves the locking out.
    due = _due(dialect).with_for_update(of=subscriptions, skip_locked=True)
    return (
        update(subscriptions)
        .where(tuple_(_s.tenant, _s.subscription_id).in_(due))
        .values(lease_owner=bindparam("owner"), lease_until=lease_end(dialect))
        .returning(subscriptions)
    )


@cache
def _keep(dialect: str) -> ReturningUpdate[UUID, int]:
    """Renew the leases of those who are named."""
    return (
        update(subscriptions)
        .where(
            _s.lease_owner == bindparam("owner"),
            tuple_(_s.tenant, _s.subscription_id).in_(named(dialect)),
        )
        .values(lease_until=lease_end(dialect))
        .returning(_s.subscription_id, _s.position)
    )


def _move_of(subscription: Subscription, owner: str) -> dict[str, Any]:
    return {
        "of_tenant": subscription.tenant,
        "of_subscription": subscription.subscription_id,
        "owner": owner,
        "new_position": subscription.position,
    }


def _release(owner: str, subscription: Subscription) -> ReturningUpdate[str]:
    standing = values_of_standing(subscription)
    if subscription.state is SubscriptionState.ACTIVE:
        del standing["state"]  # somebody may have changed it meanwhile
    return (
        update(subscriptions)
        .where(
            _s.tenant == subscription.tenant,
            _s.subscription_id == subscription.subscription_id,
            _s.lease_owner == owner,
        )
        .values(**standing, lease_owner=None, lease_until=None)
        .returning(_s.tenant)
    )


def _hurry(left: Left) -> Update:
    """Let nobody wait of whom a dead letter was asked for while he was told.

    Only a statement behind the one that has locked the row sees all that was asked for before it.
    """
    subscription = left.subscription
    asked_since = (*_letters_of(subscription), _l.is_wanted, _l.sequence <= left.tried_to)
    return (
        update(subscriptions)
        .where(
            _s.tenant == subscription.tenant,
            _s.subscription_id == subscription.subscription_id,
            exists().where(*asked_since),
        )
        .values(due_at=None)
    )


def _is_behind() -> ColumnElement[bool]:
    """Whether there is a newer event of its tenant, or a newer version of its task."""
    newest = select(func.max(outbox.c.sequence)).where(outbox.c.tenant == _s.tenant)
    version = select(func.max(_versions.c.version)).where(_versions.c.task_id == _s.task_id)
    return or_(
        and_(_s.task_id.is_(None), _s.position < newest.scalar_subquery()),
        and_(_s.task_id.is_not(None), _s.position < version.scalar_subquery()),
    )


def _is_asked_again() -> ColumnElement[bool]:
    return exists().where(
        _l.tenant == _s.tenant, _l.subscription_id == _s.subscription_id, _l.is_wanted
    )


def _letters_of(subscription: Subscription) -> tuple[ColumnElement[bool], ...]:
    return (
        _l.tenant == subscription.tenant,
        _l.subscription_id == subscription.subscription_id,
    )


def _row(subscription: Subscription, letter: DeadLetter) -> dict[str, Any]:
    return {
        "tenant": subscription.tenant,
        "subscription_id": subscription.subscription_id,
        "sequence": letter.sequence,
        "event_id": letter.event_id,
        "name": letter.name,
        "tries": letter.tries,
        "why": letter.why,
        "failed_at": letter.failed_at,
        "is_wanted": letter.is_wanted,
    }
