"""Subscriptions: who hears of events and how far each has come, and what nobody acknowledged."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_TIME = sa.DateTime(timezone=True)
_STATES = sa.Enum(
    "active", "disabled", "done", name="state", native_enum=False, create_constraint=True, length=32
)
_ACTIVE = sa.text("state = 'active'")


def upgrade() -> None:
    op.create_table(
        "subscriptions",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("kinds", sa.JSON(), nullable=False),
        sa.Column("journey", sa.Text()),
        sa.Column("secrets", sa.JSON(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("state", _STATES, nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("refusals", sa.Integer(), nullable=False),
        sa.Column("failing_since", _TIME),
        sa.Column("due_at", _TIME),
        sa.Column("lease_owner", sa.Text()),
        sa.Column("lease_until", _TIME),
        sa.Column("agent", sa.Text()),
        sa.Column("task_id", sa.Text()),
        sa.Column("config_id", sa.Text()),
        sa.Column("sealed", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("tenant", "subscription_id", name=op.f("pk_subscriptions")),
        sa.UniqueConstraint(
            "tenant",
            "created_by",
            "task_id",
            "config_id",
            name=op.f("uq_subscriptions_tenant_created_by_task_id_config_id"),
        ),
    )
    op.create_index(
        "ix_subscriptions_active",
        "subscriptions",
        ["due_at"],
        sqlite_where=_ACTIVE,
        postgresql_where=_ACTIVE,
    )
    op.create_table(
        "dead_letters",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("failed_at", _TIME, nullable=False),
        sa.Column("is_wanted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "subscription_id"],
            ["subscriptions.tenant", "subscriptions.subscription_id"],
            name=op.f("fk_dead_letters_subscriptions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "tenant", "subscription_id", "sequence", name=op.f("pk_dead_letters")
        ),
    )


def downgrade() -> None:
    op.drop_table("dead_letters")
    op.drop_index("ix_subscriptions_active", "subscriptions")
    op.drop_table("subscriptions")
