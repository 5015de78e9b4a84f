"""Whole tables: what no row may be deleted from, nobody empties at once either."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"

_KEPT = (
    "quality_runs",
    "quality_checks",
    "dataset_templates",
    "audit",
    "outbox",
    "archived_datasets",
)

_STAYS = "what is written here is never changed and never deleted"


def upgrade() -> None:
    for table in _KEPT if _can_truncate() else ():
        op.execute(
            f"CREATE TRIGGER {table}_stay_on_truncate BEFORE TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION refuse('{_STAYS}')"
        )


def downgrade() -> None:
    for table in _KEPT if _can_truncate() else ():
        op.execute(f"DROP TRIGGER {table}_stay_on_truncate ON {table}")


def _can_truncate() -> bool:
    """Whether the database has TRUNCATE, which passes by the guards of rows; SQLite has none."""
    return op.get_bind().dialect.name == "postgresql"
