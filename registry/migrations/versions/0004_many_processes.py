"""Many processes: who follows a request, what bell rings between them, which ticks are taken."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("requests", sa.Column("followed_by", sa.Text()))
    op.add_column("requests", sa.Column("followed_until", _TIME))
    op.create_table(
        "ticks",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tick", _TIME, nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", "tick", name=op.f("pk_ticks")),
    )
    if op.get_bind().dialect.name == "postgresql":
        _create_bell()


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER datasets_ring ON datasets")
        op.execute("DROP FUNCTION ring()")
    op.drop_table("ticks")
    op.drop_column("requests", "followed_until")
    op.drop_column("requests", "followed_by")


def _create_bell() -> None:
    """Ring inside the commit that changes datasets; the engine's own leases change no version."""
    op.execute(
        "CREATE FUNCTION ring() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "PERFORM pg_notify('dataops', ''); RETURN NULL; END $$"
    )
    op.execute(
        "CREATE TRIGGER datasets_ring AFTER INSERT OR UPDATE OF version ON datasets "
        "FOR EACH STATEMENT EXECUTE FUNCTION ring()"
    )
