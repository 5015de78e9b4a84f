"""Custody: until when an archive is kept, what keeps it beyond, and whether it is locked so yet."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_RETENTION, _HOLD = "datasets_stay_on_retention", "datasets_stay_on_hold"

_ONLY_LONGER = "an archive is only ever kept for longer, and only as long as it is there"
_NOT_UNDER_HOLD = "an archive is not purged under a legal hold nor before its time, nor held after"

_SHORTER = """
    OLD.retain_until IS NOT NULL AND (
        NEW.retain_until IS NULL OR NEW.retain_until < OLD.retain_until
        OR (OLD.purged_at IS NOT NULL AND NEW.retain_until <> OLD.retain_until)
    )
"""

_TOO_EARLY = """
    NEW.purged_at IS NOT NULL AND (
        NEW.legal_hold IS NOT NULL
        OR (OLD.purged_at IS NULL AND (
            OLD.legal_hold IS NOT NULL OR NEW.purged_at < NEW.retain_until
        ))
    )
"""


def upgrade() -> None:
    op.add_column("datasets", sa.Column("retain_until", sa.DateTime(timezone=True)))
    op.add_column("datasets", sa.Column("legal_hold", sa.JSON()))
    op.add_column(
        "datasets",
        sa.Column("is_lock_owed", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.execute(
        "UPDATE datasets SET retain_until = (SELECT kept.retain_until FROM archived_datasets AS kept "
        "WHERE kept.tenant = datasets.tenant AND kept.dataset_id = datasets.dataset_id) "
        "WHERE status = 'archived' AND purged_at IS NULL"
    )
    _refuse(_RETENTION, "retain_until", _ONLY_LONGER, _SHORTER)
    _refuse(_HOLD, "purged_at, legal_hold", _NOT_UNDER_HOLD, _TOO_EARLY)


def downgrade() -> None:
    of = " ON datasets" if op.get_bind().dialect.name == "postgresql" else ""
    for trigger in (_HOLD, _RETENTION):
        op.execute(f"DROP TRIGGER {trigger}{of}")
    for column in ("is_lock_owed", "legal_hold", "retain_until"):
        op.drop_column("datasets", column)


def _refuse(trigger: str, columns: str, why: str, when: str) -> None:
    """Guard the new columns; the guard of archived rows names its own and leaves these to move."""
    if op.get_bind().dialect.name == "postgresql":
        then = f"FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION refuse('{why}')"
    else:
        then = f"WHEN {when} BEGIN SELECT RAISE(ABORT, '{why}'); END"
    op.execute(f"CREATE TRIGGER {trigger} BEFORE UPDATE OF {columns} ON datasets {then}")
