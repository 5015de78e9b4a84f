"""The catalogue: discoveries, their types, and the templates people registered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "discoveries",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("discovery_id", sa.Uuid, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("discovered_at", _TIME, nullable=False),
        sa.Column("discovered_by", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("report", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "discovery_id", name="pk_discoveries"),
    )
    op.create_index(
        "ix_discoveries_newest", "discoveries", ["tenant", "discovered_at", "discovery_id"]
    )
    op.create_index(
        "ix_discoveries_source",
        "discoveries",
        ["tenant", "source", "discovered_at", "discovery_id"],
    )
    op.create_table(
        "catalogue",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("discovery_id", sa.Uuid, nullable=False),
        sa.Column("dataset_type", sa.Text, nullable=False),
        sa.Column("record_count", sa.Integer, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("object_types", sa.JSON, nullable=False),
        sa.Column("schema", sa.JSON, nullable=False),
        sa.Column("statistics", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "discovery_id", "dataset_type", name="pk_catalogue"),
        sa.ForeignKeyConstraint(
            ["tenant", "discovery_id"],
            ["discoveries.tenant", "discoveries.discovery_id"],
            name="fk_catalogue_discoveries",
        ),
    )
    op.create_table(
        "registered_templates",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("registered_at", _TIME, nullable=False),
        sa.Column("registered_by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "key", "version", name="pk_registered_templates"),
        sa.ForeignKeyConstraint(
            ["tenant", "fingerprint"],
            ["dataset_templates.tenant", "dataset_templates.fingerprint"],
            name="fk_registered_templates_dataset_templates",
        ),
    )


def downgrade() -> None:
    op.drop_table("registered_templates")
    op.drop_table("catalogue")
    op.drop_table("discoveries")
