"""The tables of tasks, column by column as the A2A library reads and writes them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_tables = sa.MetaData()

sa.Table(
    "tasks",
    _tables,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("context_id", sa.String(36), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("owner", sa.String(255)),
    sa.Column("last_updated", sa.DateTime()),
    sa.Column("status", sa.JSON(), nullable=False),
    sa.Column("artifacts", sa.JSON()),
    sa.Column("history", sa.JSON()),
    sa.Column("protocol_version", sa.String(16)),
    sa.Column("metadata", sa.JSON()),
    sa.Index("ix_tasks_id", "id"),
    sa.Index("idx_tasks_owner_last_updated", "owner", "last_updated"),
)

sa.Table(
    "task_versions",
    _tables,
    sa.Column("task_id", sa.String(36), primary_key=True),
    sa.Column("owner", sa.String(255)),
    sa.Column("version", sa.BigInteger(), nullable=False),
)

sa.Table(
    "task_events",
    _tables,
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("task_id", sa.String(36), nullable=False),
    sa.Column("owner", sa.String(255)),
    sa.Column("task_version", sa.BigInteger(), nullable=False),
    sa.Column("event_data", sa.LargeBinary(), nullable=False),
    sa.Index("ix_task_events_task_id", "task_id"),
)


def upgrade() -> None:
    _tables.create_all(op.get_bind(), checkfirst=False)


def downgrade() -> None:
    _tables.drop_all(op.get_bind(), checkfirst=False)
