"""Orphans: what the scans saw, on both sides, and when they last looked at everything."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "orphan_suspects",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("suspected_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "dataset_id"],
            ["datasets.tenant", "datasets.dataset_id"],
            name=op.f("fk_orphan_suspects_datasets"),
        ),
        sa.PrimaryKeyConstraint("tenant", "dataset_id", name=op.f("pk_orphan_suspects")),
    )
    op.create_table(
        "stray_datasources",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("datasource", sa.Text(), nullable=False),
        sa.Column("home_url", sa.Text(), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("documents", sa.Integer(), nullable=False),
        sa.Column("suspected_at", _TIME, nullable=False),
        sa.Column("condemned_by", sa.Text()),
        sa.Column("emptied_at", _TIME),
        sa.PrimaryKeyConstraint("tenant", "datasource", name=op.f("pk_stray_datasources")),
    )
    op.create_table(
        "orphan_scans",
        sa.Column("scan", sa.Text(), nullable=False),
        sa.Column("done_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("scan", name=op.f("pk_orphan_scans")),
    )


def downgrade() -> None:
    op.drop_table("orphan_scans")
    op.drop_table("stray_datasources")
    op.drop_table("orphan_suspects")
