"""Subscriptions in SQL: kept, listed, enabled and forgotten, with the letters nobody took."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sqlalchemy import delete, func, insert, select, update

from domain.commands import Principal
from domain.deliveries import MOST_PUSHES, MOST_SUBSCRIPTIONS
from domain.errors import NotFound, RequestRejected
from domain.subscription import (
    DeadLetter,
    PushedTask,
    Subscription,
    SubscriptionState,
)
from registry.audit import write_word
from registry.subscription_rows import letter_of, subscription_of, values_of_subscription
from registry.subscription_tables import dead_letters, subscriptions

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from uuid import UUID

    from sqlalchemy import ColumnElement

    from domain.record import JsonObject
    from registry.database import Database, Session
    from registry.rows import Values

_s = subscriptions.c
_l = dead_letters.c


class SqlSubscriptions:
    """What is kept of subscriptions; all of it is seen through one tenant at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, subscription: Subscription, /) -> None:
        """Keep a new one. Raises RequestRejected where there are too many already."""
        async with self._database.writing(subscription.tenant) as session:
            there = await _count(session, *_webhooks(subscription.tenant))
            _require_room(there, MOST_SUBSCRIPTIONS, "The tenant has", "webhooks")
            row = values_of_subscription(subscription)
            await session.connection.execute(insert(subscriptions), row)
            who = Principal(subscription.tenant, subscription.created_by)
            detail = {"host": urlsplit(subscription.url).hostname}
            await _write_word(session, who, "made", subscription.subscription_id, detail)

    async def all(self, tenant: str, /) -> list[Subscription]:
        """Read every webhook, oldest first."""
        wanted = select(subscriptions).where(*_webhooks(tenant)).order_by(_s.subscription_id)
        return await self._read(tenant, wanted)

    async def one(self, tenant: str, subscription_id: UUID, /) -> Subscription:
        """Read one webhook. Raises NotFound, for another tenant's as well."""
        wanted = select(subscriptions).where(*_webhook(tenant, subscription_id))
        found = await self._read(tenant, wanted)
        if not found:
            raise _unknown(subscription_id)
        return found[0]

    async def remove(self, principal: Principal, subscription_id: UUID, /) -> None:
        """Forget a webhook and its dead letters. Raises NotFound."""
        async with self._database.writing(principal.tenant) as session:
            statement = delete(subscriptions).where(*_webhook(principal.tenant, subscription_id))
            gone = await session.connection.execute(statement.returning(_s.subscription_id))
            if gone.first() is None:
                raise _unknown(subscription_id)
            await _write_word(session, principal, "removed", subscription_id)

    async def enable(self, principal: Principal, subscription_id: UUID, /) -> Subscription:
        """Deliver again, at once, from where it stands. Raises NotFound."""
        well = {"why": "", "failures": 0, "refusals": 0, "failing_since": None, "due_at": None}
        new = {"state": SubscriptionState.ACTIVE, **well}
        return await self._change(principal, subscription_id, new, "enabled", {})

    async def change_secrets(
        self, principal: Principal, subscription_id: UUID, secrets: tuple[str, ...], /
    ) -> Subscription:
        """Sign with these from now on. Raises NotFound."""
        new, detail = {"secrets": secrets}, {"secrets": list(secrets)}
        return await self._change(principal, subscription_id, new, "secrets changed", detail)

    async def dead_letters(
        self, tenant: str, subscription_id: UUID, after: int, limit: int, /
    ) -> list[DeadLetter]:
        """Read a webhook's dead letters in order, from behind a sequence. Raises NotFound."""
        await self.one(tenant, subscription_id)
        theirs = (*_letters(tenant, subscription_id), _l.sequence > after)
        statement = select(dead_letters).where(*theirs).order_by(_l.sequence).limit(limit)
        async with self._database.reading(tenant) as session:
            found = await session.connection.execute(statement)
            return [letter_of(row) for row in found.mappings()]

    async def ask_again(
        self, tenant: str, subscription_id: UUID, sequences: Collection[int] | None, /
    ) -> int:
        """Ask for dead letters again, at once, None meaning all; tells how many.

        Raises NotFound, or RequestRejected where nothing is delivered.
        """
        these = [_l.sequence.in_(list(sequences))] if sequences is not None else []
        statement = update(dead_letters).where(*_letters(tenant, subscription_id), *these)
        async with self._database.writing(tenant) as session:
            await _require_active(session, tenant, subscription_id)
            asked = await session.connection.execute(
                statement.values(is_wanted=True).returning(_l.sequence)
            )
            count = len(asked.all())
            if count:
                at_once = update(subscriptions).where(*_webhook(tenant, subscription_id))
                await session.connection.execute(at_once.values(due_at=None))
            return count

    async def keep_push(self, subscription: Subscription, /) -> None:
        """Keep a subscription to a task in place of the one with the same configuration id.

        Raises RequestRejected where the task has too many.
        """
        task = _task_of(subscription)
        theirs = _pushes(subscription.tenant, subscription.created_by, task.task_id)
        async with self._database.writing(subscription.tenant) as session:
            same = (*theirs, _s.config_id == task.config_id)
            await session.connection.execute(delete(subscriptions).where(*same))
            there = await _count(session, *theirs)
            _require_room(there, MOST_PUSHES, f"Task {task.task_id} has", "push configurations")
            row = values_of_subscription(subscription)
            await session.connection.execute(insert(subscriptions), row)

    async def pushes(self, tenant: str, owner: str, task_id: str, /) -> list[Subscription]:
        """Read a principal's subscriptions to a task, by configuration id."""
        theirs = _pushes(tenant, owner, task_id)
        wanted = select(subscriptions).where(*theirs).order_by(_s.config_id)
        return await self._read(tenant, wanted)

    async def remove_push(
        self, tenant: str, owner: str, task_id: str, config_id: str | None, /
    ) -> None:
        """Forget one of them, or all."""
        one = [_s.config_id == config_id] if config_id is not None else []
        async with self._database.writing(tenant) as session:
            statement = delete(subscriptions).where(*_pushes(tenant, owner, task_id), *one)
            await session.connection.execute(statement)

    async def _read(self, tenant: str, wanted: Any) -> list[Subscription]:
        async with self._database.reading(tenant) as session:
            found = await session.connection.execute(wanted)
            return [subscription_of(row) for row in found.mappings()]

    async def _change(
        self,
        principal: Principal,
        subscription_id: UUID,
        new: Values,
        word: str,
        detail: JsonObject,
    ) -> Subscription:
        async with self._database.writing(principal.tenant) as session:
            statement = update(subscriptions).where(*_webhook(principal.tenant, subscription_id))
            changed = await session.connection.execute(
                statement.values(**new).returning(subscriptions)
            )
            row = changed.mappings().one_or_none()
            if row is None:
                raise _unknown(subscription_id)
            await _write_word(session, principal, word, subscription_id, detail)
            return subscription_of(row)


async def _write_word(
    session: Session,
    principal: Principal,
    word: str,
    subscription_id: UUID,
    detail: JsonObject | None = None,
) -> None:
    """Write down who decided what of a webhook, in the commit that does it."""
    await write_word(session, principal, f"webhook {word}", str(subscription_id), detail or None)


def _webhooks(tenant: str) -> Sequence[ColumnElement[bool]]:
    return _s.tenant == tenant, _s.task_id.is_(None)


def _webhook(tenant: str, subscription_id: UUID) -> Sequence[ColumnElement[bool]]:
    return *_webhooks(tenant), _s.subscription_id == subscription_id


def _pushes(tenant: str, owner: str, task_id: str) -> Sequence[ColumnElement[bool]]:
    return _s.tenant == tenant, _s.created_by == owner, _s.task_id == task_id


def _letters(tenant: str, subscription_id: UUID) -> Sequence[ColumnElement[bool]]:
    return _l.tenant == tenant, _l.subscription_id == subscription_id


async def _count(session: Session, *theirs: ColumnElement[bool]) -> int:
    statement = select(func.count()).select_from(subscriptions).where(*theirs)
    return int((await session.connection.execute(statement)).scalar_one())


def _require_room(there: int, most: int, whose: str, what: str) -> None:
    if there >= most:
        message = f"{whose} {there} {what}, and {most} are the most. Remove one that nobody needs."
        raise RequestRejected(message)


async def _require_active(session: Session, tenant: str, subscription_id: UUID) -> None:
    statement = select(_s.state).where(*_webhook(tenant, subscription_id)).with_for_update()
    state = (await session.connection.execute(statement)).scalar_one_or_none()
    if state is None:
        raise _unknown(subscription_id)
    if state is not SubscriptionState.ACTIVE:
        raise RequestRejected(
            f"Subscription {subscription_id} is disabled, so nothing is sent. Enable it first; then "
            "ask again."
        )


def _task_of(subscription: Subscription) -> PushedTask:
    if subscription.task is None:
        message = f"Subscription {subscription.subscription_id} is to no task."
        raise ValueError(message)
    return subscription.task


def _unknown(subscription_id: UUID) -> NotFound:
    return NotFound(
        f"There is no subscription {subscription_id}. List the subscriptions to find the one you mean."
    )
