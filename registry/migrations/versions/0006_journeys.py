"""Journeys: approvals, what a request undertakes beside its datasets, and who gives way to whom."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_TIME = sa.DateTime(timezone=True)
_REASONS = ("stage_transition", "journey_completed", "orphan_cleanup", "manual_request")
_GUARD = "datasets_stay_on_update"
_ARCHIVED_STAYS = "an archived dataset never changes: only its purge may still be written down"
_PENDING = sa.text("status = 'pending'")

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
    op.add_column("datasets", sa.Column("gives_way", sa.JSON()))
    _drop_guard()
    _create_guard()
    op.add_column("requests", sa.Column("undertaking", sa.JSON()))
    _create_approvals()
    if op.get_bind().dialect.name == "postgresql":
        _create_bell()


def downgrade() -> None:
    op.drop_table("approvals")
    op.drop_column("requests", "undertaking")
    _drop_guard()
    op.drop_column("datasets", "gives_way")
    _create_guard()


def _create_approvals() -> None:
    op.create_table(
        "approvals",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("approval_id", sa.Uuid(), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("reason", _words(_REASONS, "reason"), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("force", sa.Boolean(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", _TIME, nullable=False),
        sa.Column("task_id", sa.Text(), nullable=False),
        sa.Column("status", _words(("pending", "approved", "refused"), "status"), nullable=False),
        sa.Column("resolved_by", sa.Text()),
        sa.Column("resolved_at", _TIME),
        sa.Column("comment", sa.Text()),
        sa.CheckConstraint(
            "(status = 'pending') = (resolved_by IS NULL AND resolved_at IS NULL)",
            name=op.f("ck_approvals_decided_by_somebody"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "dataset_id"],
            ["datasets.tenant", "datasets.dataset_id"],
            name=op.f("fk_approvals_datasets"),
        ),
        sa.PrimaryKeyConstraint("tenant", "approval_id", name=op.f("pk_approvals")),
    )
    op.create_index("ix_approvals_asked", "approvals", ["tenant", "asked_at"])
    op.create_index(
        "uq_approvals_pending",
        "approvals",
        ["tenant", "dataset_id"],
        unique=True,
        sqlite_where=_PENDING,
        postgresql_where=_PENDING,
    )


def _words(values: tuple[str, ...], name: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def _create_bell() -> None:
    """Ring where an approval is asked for or decided, as where a dataset is written."""
    op.execute(
        "CREATE TRIGGER approvals_ring AFTER INSERT OR UPDATE ON approvals "
        "FOR EACH STATEMENT EXECUTE FUNCTION ring()"
    )


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
