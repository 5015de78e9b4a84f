"""The audit trail becomes a chain: each entry numbered, with the hash of the one before it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from registry.chain import take_in

revision = "0010"
down_revision = "0009"

_TIME = sa.DateTime(timezone=True)
_STATUSES = ("discovering", "provisioning", "validating", "ready", "failed", "teardown", "archived")
_LEDGER_STAYS = "what is written here is never changed and never deleted"
_OLD = "tenant, entry_id, at, principal, action, dataset_id, version, from_status, to_status, correlation"


def upgrade() -> None:
    _drop_guards()
    if _is_postgresql():
        _widen()
    else:
        _make_again(whole=True)
    _chain()
    if _is_postgresql():
        _create_numbering()
    _create_guards("OLD.sequence IS NOT NULL")


def downgrade() -> None:
    """Go back to entries of datasets alone; what else was written down is lost."""
    _drop_guards()
    op.execute("DELETE FROM audit WHERE dataset_id IS NULL")
    if _is_postgresql():
        _narrow()
    else:
        _make_again(whole=False)
    _create_guards("TRUE")


def _is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _widen() -> None:
    for name in ("dataset_id", "version", "to_status"):
        op.alter_column("audit", name, nullable=True)
    for each in _columns_of_the_chain():
        op.add_column("audit", each)
    op.create_unique_constraint(op.f("uq_audit_tenant_sequence"), "audit", ["tenant", "sequence"])
    op.drop_index("ix_audit_dataset", "audit")
    _index(whole=True)


def _narrow() -> None:
    op.execute("DROP TRIGGER audit_numbered ON audit")
    op.execute("DROP FUNCTION chain_entry()")
    op.drop_constraint(op.f("uq_audit_tenant_sequence"), "audit")
    op.drop_index("ix_audit_dataset", "audit")
    _index(whole=False)
    for each in _columns_of_the_chain():
        op.drop_column("audit", each.name)
    for name in ("dataset_id", "version", "to_status"):
        op.alter_column("audit", name, nullable=False)


def _columns_of_the_chain() -> list[sa.Column[object]]:
    return [
        sa.Column("detail", sa.JSON()),
        sa.Column("sequence", sa.BigInteger()),
        sa.Column("digest", sa.Text()),
        sa.Column("prev_hash", sa.Text()),
        sa.Column("hash", sa.Text()),
    ]


def _make_again(*, whole: bool) -> None:
    """Make the table anew with what is in it: SQLite changes no column."""
    op.execute("ALTER TABLE audit RENAME TO audit_before")
    op.drop_index("ix_audit_dataset", "audit_before")
    _create(whole=whole)
    op.execute(f"INSERT INTO audit ({_OLD}) SELECT {_OLD} FROM audit_before")  # noqa: S608 - names of our columns
    op.drop_table("audit_before")


def _create(*, whole: bool) -> None:
    more = _columns_of_the_chain() if whole else []
    unique = sa.UniqueConstraint("tenant", "sequence", name=op.f("uq_audit_tenant_sequence"))
    op.create_table(
        "audit",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=whole),
        sa.Column("version", sa.Integer(), nullable=whole),
        sa.Column("from_status", _status("from_status")),
        sa.Column("to_status", _status("to_status"), nullable=whole),
        sa.Column("correlation", sa.Text(), nullable=False),
        *more,
        sa.ForeignKeyConstraint(
            ["tenant", "dataset_id"],
            ["datasets.tenant", "datasets.dataset_id"],
            name=op.f("fk_audit_datasets"),
        ),
        sa.PrimaryKeyConstraint("tenant", "entry_id", name=op.f("pk_audit")),
        *([unique] if whole else []),
    )
    _index(whole=whole)


def _index(*, whole: bool) -> None:
    order = "sequence" if whole else "at"
    op.create_index("ix_audit_dataset", "audit", ["tenant", "dataset_id", order])


def _status(name: str) -> sa.Enum:
    return sa.Enum(*_STATUSES, name=name, native_enum=False, create_constraint=True, length=32)


def _chain() -> None:
    """Chain the entries that are there, each tenant's in the order in which they were written."""
    connection = op.get_bind()
    for tenant in connection.execute(sa.text("SELECT DISTINCT tenant FROM audit")).scalars().all():
        while take_in(connection, tenant):
            continue


def _create_numbering() -> None:
    """Give an entry its place inside the commit, under the lock that numbers events too.

    One lock for both, so that no two commits wait for each other. Where a version that knows
    nothing of the chain writes, there is no digest, and the entry waits to be taken in.
    """
    op.execute(
        "CREATE FUNCTION chain_entry() RETURNS trigger LANGUAGE plpgsql AS $$ "
        "DECLARE place bigint; previous text; BEGIN "
        "PERFORM pg_advisory_xact_lock(hashtextextended('outbox/' || NEW.tenant, 0)); "
        "SELECT sequence, hash INTO place, previous FROM audit "
        "WHERE tenant = NEW.tenant AND sequence IS NOT NULL ORDER BY sequence DESC LIMIT 1; "
        "place := coalesce(place, 0) + 1; previous := coalesce(previous, repeat('0', 64)); "
        "UPDATE audit SET sequence = place, prev_hash = previous, hash = encode(sha256(convert_to("
        """'{"digest":"' || NEW.digest || '","prev_hash":"' || previous || '","sequence":' || place"""
        " || '}', 'UTF8')), 'hex') "
        "WHERE tenant = NEW.tenant AND entry_id = NEW.entry_id; RETURN NULL; END $$"
    )
    op.execute(
        "CREATE CONSTRAINT TRIGGER audit_numbered AFTER INSERT ON audit "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.digest IS NOT NULL) "
        "EXECUTE FUNCTION chain_entry()"
    )


def _drop_guards() -> None:
    of = " ON audit" if _is_postgresql() else ""
    for act in ("update", "delete"):
        op.execute(f"DROP TRIGGER audit_stay_on_{act}{of}")


def _create_guards(settled: str) -> None:
    """Let the database refuse what nobody may do to a ledger; an entry is settled once it is numbered."""
    for act, when in (("update", settled), ("delete", "TRUE")):
        if _is_postgresql():
            then = f"FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION refuse('{_LEDGER_STAYS}')"
        else:
            then = f"WHEN {when} BEGIN SELECT RAISE(ABORT, '{_LEDGER_STAYS}'); END"
        op.execute(f"CREATE TRIGGER audit_stay_on_{act} BEFORE {act.upper()} ON audit {then}")
