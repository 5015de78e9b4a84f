"""Archived lately: an index by which the tenants are found whose teardowns have just ended."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    is_archived = sa.text("archived_at IS NOT NULL")
    op.create_index(
        "ix_datasets_archived",
        "datasets",
        ["archived_at", "tenant"],
        sqlite_where=is_archived,
        postgresql_where=is_archived,
    )


def downgrade() -> None:
    op.drop_index("ix_datasets_archived", "datasets")
