"""Housekeeping: what nobody reads any more goes, so that tables grow with their datasets alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import DateTime, column, delete, select, table

from domain.subscription import SubscriptionState
from registry.subscription_tables import subscriptions

if TYPE_CHECKING:
    from registry.database import Database

KEPT = timedelta(days=7)
"""How long a task's events can be listened to again after its last one; the task itself stays."""

_tasks = table("tasks", column("id"), column("last_updated", DateTime()))
_events = table("task_events", column("task_id"))


async def prune_task_events(database: Database, now: datetime) -> int:
    """Delete the events of tasks that nothing has happened to for a while; tells how many.

    The A2A library keeps every event for ever; whoever reads a task needs none of them.
    """
    quiet = select(_tasks.c.id).where(_tasks.c.last_updated < (now - KEPT).replace(tzinfo=None))
    statement = delete(_events).where(_events.c.task_id.in_(quiet))
    async with database.engine.begin() as connection:
        done = await connection.execute(statement)
    return done.rowcount


async def prune_pushes(database: Database, now: datetime) -> int:
    """Delete old subscriptions to tasks of which nothing is told any more; tells how many."""
    is_over = subscriptions.c.state != SubscriptionState.ACTIVE
    is_push = subscriptions.c.task_id.is_not(None)
    is_old = subscriptions.c.created_at < now - KEPT
    statement = delete(subscriptions).where(is_over, is_push, is_old)
    async with database.engine.begin() as connection:
        done = await connection.execute(statement)
    return done.rowcount
