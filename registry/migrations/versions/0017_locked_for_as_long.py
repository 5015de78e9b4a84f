"""Locked for as long: every archive that is still there is locked again until its retention is over.

It sees to what is archived by now. A process of an older version that archives afterwards what took
long to be emptied leaves that lock as short as it was.
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

_datasets = sa.table(
    "datasets",
    sa.column("status", sa.Text),
    sa.column("version", sa.Integer),
    sa.column("purged_at", sa.DateTime(timezone=True)),
    sa.column("due_at", sa.DateTime(timezone=True)),
    sa.column("is_lock_owed", sa.Boolean),
)


def upgrade() -> None:
    """Owe each its lock from now on, behind whatever is due already.

    It was written before it was known when everything is emptied. Where the lock is long enough,
    the turn changes nothing. With another version nobody who is at a dataset just now puts it off.
    """
    are_there = (_datasets.c.status == "archived", _datasets.c.purged_at.is_(None))
    op.execute(
        sa.update(_datasets)
        .where(*are_there, sa.not_(_datasets.c.is_lock_owed))
        .values(is_lock_owed=True, due_at=datetime.now(UTC), version=_datasets.c.version + 1)
    )


def downgrade() -> None:
    """Leave what is owed: the version before knows how to lock as well."""
