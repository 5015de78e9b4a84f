"""Orphans: what the scans saw, on both sides, and when they last looked at everything.

And two indexes by which work and probes are found apart, each by what has been due longest.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_KINDS = {"probes": "status = 'ready'", "work": "status <> 'ready'"}
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

    for kind, of_kind in _KINDS.items():
        is_due = sa.text(f"due_at IS NOT NULL AND {of_kind}")
        op.create_index(
            f"ix_datasets_due_{kind}",
            "datasets",
            ["due_at"],
            sqlite_where=is_due,
            postgresql_where=is_due,
        )


def downgrade() -> None:
    for kind in _KINDS:
        op.drop_index(f"ix_datasets_due_{kind}", "datasets")
    op.drop_table("orphan_scans")
    op.drop_table("stray_datasources")
    op.drop_table("orphan_suspects")
