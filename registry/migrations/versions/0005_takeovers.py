"""Takeovers: when a lease was taken over that had run out, and until when somebody may yet hide."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_TIME = sa.DateTime(timezone=True)
_GUARD = "datasets_stay_on_update"
_ARCHIVED_STAYS = "an archived dataset never changes: only its purge may still be written down"

_STILL_MOVING = {
    "purged_at",
    "trouble",
    "version",
    "busy_until",
    "due_at",
    "lease_owner",
    "lease_until",
    "taken_over_at",
}
"""What a purge and the engine write to an archived dataset's row; all else stays."""


def upgrade() -> None:
    op.add_column("datasets", sa.Column("hides_until", _TIME))
    op.add_column("datasets", sa.Column("taken_over_at", _TIME))
    _drop_guard()
    _create_guard()


def downgrade() -> None:
    _drop_guard()
    op.drop_column("datasets", "taken_over_at")
    op.drop_column("datasets", "hides_until")
    _create_guard()


def _drop_guard() -> None:
    of = " ON datasets" if op.get_bind().dialect.name == "postgresql" else ""
    op.execute(f"DROP TRIGGER {_GUARD}{of}")


def _create_guard() -> None:
    """Let the database guard the columns there are now, as it guarded those there were."""
    columns = [each["name"] for each in sa.inspect(op.get_bind()).get_columns("datasets")]
    frozen = ", ".join(each for each in columns if each not in _STILL_MOVING)
    if op.get_bind().dialect.name == "postgresql":
        then = f"FOR EACH ROW WHEN (OLD.status = 'archived') EXECUTE FUNCTION refuse('{_ARCHIVED_STAYS}')"
    else:
        then = f"WHEN OLD.status = 'archived' BEGIN SELECT RAISE(ABORT, '{_ARCHIVED_STAYS}'); END"
    op.execute(f"CREATE TRIGGER {_GUARD} BEFORE UPDATE OF {frozen} ON datasets {then}")
