"""Archived lately: an index by which the tenants are found whose teardowns have just ended."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    _wait_for_decisions()
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


def _wait_for_decisions() -> None:
    """Lock on PostgreSQL what the revision after this locks in the same transaction.

    The index keeps datasets from being written. Whoever decides an approval and ends its dataset
    at that moment would wait for the index, and the revision after this for the decision.
    """
    if op.get_bind().dialect.name == "postgresql":
        op.execute("LOCK TABLE approvals IN ACCESS EXCLUSIVE MODE")
