"""The tables of subscribers: who hears of what happens, and what they never acknowledged."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from domain.subscription import SubscriptionState
from registry.columns import UtcDateTime, Value, one_of
from registry.tables import metadata

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("subscription_id", Uuid, primary_key=True),
    Column("url", Text, nullable=False),
    Column("kinds", Value[tuple[str, ...]](tuple[str, ...]), nullable=False),
    Column("journey", Text),
    Column("secrets", Value[tuple[str, ...]](tuple[str, ...]), nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("state", one_of(SubscriptionState, "state"), nullable=False),
    Column("why", Text, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("refusals", Integer, nullable=False),
    Column("failing_since", UtcDateTime),
    Column("due_at", UtcDateTime),
    Column("lease_owner", Text),
    Column("lease_until", UtcDateTime),
    Column("agent", Text),
    Column("task_id", Text),
    Column("config_id", Text),
    Column("sealed", LargeBinary),
    UniqueConstraint("tenant", "created_by", "task_id", "config_id"),
    Index(
        "ix_subscriptions_active",
        "due_at",
        sqlite_where=text("state = 'active'"),
        postgresql_where=text("state = 'active'"),
    ),
)
"""One row a subscriber: a webhook, or one who hears of a task, whose secrets lie `sealed`.

`position` moves on after an acknowledgement: the outbox's sequence, or the task's version.
"""

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("subscription_id", Uuid, primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("event_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("why", Text, nullable=False),
    Column("failed_at", UtcDateTime, nullable=False),
    Column("is_wanted", Boolean, nullable=False),
    ForeignKeyConstraint(
        ["tenant", "subscription_id"],
        [subscriptions.c.tenant, subscriptions.c.subscription_id],
        ondelete="CASCADE",
    ),
)
"""One row an event that a subscriber never acknowledged; it goes once it is acknowledged after all."""
