"""Withdrawals: an approval whose request was called off is withdrawn, and nobody has refused it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

_REASONS = ("stage_transition", "journey_completed", "orphan_cleanup", "manual_request")
_BEFORE = ("pending", "approved", "refused")
_NOW = (*_BEFORE, "withdrawn")
_PENDING = sa.text("status = 'pending'")
_CALLED_OFF = "The request that asked for it was called off."
"""What was written beside a refusal that was none: its dataset would be spared for good."""


def upgrade() -> None:
    _hold_status_to(_NOW)
    called_off = sa.text(
        "UPDATE approvals SET status = 'withdrawn' WHERE status = 'refused' AND comment = :comment"
    )
    op.execute(called_off.bindparams(comment=_CALLED_OFF))


def downgrade() -> None:
    op.execute("UPDATE approvals SET status = 'refused' WHERE status = 'withdrawn'")
    _hold_status_to(_BEFORE)


def _hold_status_to(words: tuple[str, ...]) -> None:
    if op.get_bind().dialect.name == "postgresql":
        named = ", ".join(f"'{each}'" for each in words)
        op.drop_constraint(op.f("ck_approvals_status"), "approvals")
        op.create_check_constraint(op.f("ck_approvals_status"), "approvals", f"status IN ({named})")
    else:
        _write_anew(words)


def _write_anew(words: tuple[str, ...]) -> None:
    """Copy the approvals into a table of the other words: SQLite changes no CHECK in place."""
    for each in ("uq_approvals_pending", "ix_approvals_asked"):
        op.drop_index(each, "approvals")
    op.rename_table("approvals", "approvals_before")
    _create_approvals(words)
    op.execute("INSERT INTO approvals SELECT * FROM approvals_before")
    op.drop_table("approvals_before")


def _create_approvals(words: tuple[str, ...]) -> None:
    op.create_table(
        "approvals",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("approval_id", sa.Uuid(), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("reason", _one_of(_REASONS, "reason"), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("force", sa.Boolean(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("task_id", sa.Text(), nullable=False),
        sa.Column("status", _one_of(words, "status"), nullable=False),
        sa.Column("resolved_by", sa.Text()),
        sa.Column("resolved_at", sa.DateTime(timezone=True)),
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
    )


def _one_of(values: tuple[str, ...], name: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)
