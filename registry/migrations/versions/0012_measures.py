"""Measures: what the supplier has not heard of yet, and how each day's probes went."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "supplier_feedback",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("run", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "dataset_id", "run", name=op.f("pk_supplier_feedback")),
        sa.ForeignKeyConstraint(
            ["tenant", "dataset_id", "run"],
            ["quality_runs.tenant", "quality_runs.dataset_id", "quality_runs.run"],
            name=op.f("fk_supplier_feedback_quality_runs"),
        ),
    )
    op.create_index("ix_supplier_feedback_due", "supplier_feedback", ["due_at"])
    op.create_table(
        "connector_uptime",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("probes", sa.Integer(), nullable=False),
        sa.Column("passed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "dataset_id", "day", name=op.f("pk_connector_uptime")),
        sa.ForeignKeyConstraint(
            ["tenant", "dataset_id"],
            ["datasets.tenant", "datasets.dataset_id"],
            name=op.f("fk_connector_uptime_datasets"),
        ),
        sa.CheckConstraint(
            "passed >= 0 AND passed <= probes",
            name=op.f("ck_connector_uptime_passed_of_probes"),
        ),
    )
    op.create_index("ix_connector_uptime_day", "connector_uptime", ["day"])


def downgrade() -> None:
    op.drop_table("connector_uptime")
    op.drop_table("supplier_feedback")
