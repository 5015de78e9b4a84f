"""Locked for as long: every archive that is still there is locked again until its retention is over."""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Owe each its lock at once: it was written before it was known when everything is emptied.

    Where the lock is long enough, the turn changes nothing.
    """
    op.execute(
        "UPDATE datasets SET is_lock_owed = TRUE, due_at = archived_at "
        "WHERE status = 'archived' AND purged_at IS NULL AND NOT is_lock_owed"
    )


def downgrade() -> None:
    """Leave what is owed: the version before knows how to lock as well."""
