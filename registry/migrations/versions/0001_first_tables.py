"""The first tables: datasets and their places, their history, requests and progress."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_TIME = sa.DateTime(timezone=True)
_STAGES = ("sandbox", "pilot", "production")
_STATUSES = ("discovering", "provisioning", "validating", "ready", "failed", "teardown", "archived")
_ACTIVE = sa.text("status NOT IN ('archived', 'teardown')")

_TABLES = (
    "quality_checks",
    "quality_runs",
    "progress",
    "archived_datasets",
    "outbox",
    "audit",
    "requests",
    "datasets",
    "dataset_templates",
    "journeys",
    "clients",
)

_LEDGERS = ("quality_runs", "quality_checks", "dataset_templates", "audit", "outbox")

_STILL_MOVING = {
    "purged_at",
    "trouble",
    "version",
    "busy_until",
    "due_at",
    "lease_owner",
    "lease_until",
}
"""What a purge and the engine write to an archived dataset's row; all else stays."""

_ARCHIVED_STAYS = "an archived dataset never changes: only its purge may still be written down"
_ARCHIVE_STAYS = "an archive's row stays: it may only be kept longer, and be purged once"
_LEDGER_STAYS = "what is written here is never changed and never deleted"

_PURGED_BEFORE = """
    OLD.purged_at IS NOT NULL AND (NEW.purged_at IS NULL OR NEW.purged_at <> OLD.purged_at)
"""

_ARCHIVE_CHANGES = f"""
    NEW.tenant <> OLD.tenant OR NEW.dataset_id <> OLD.dataset_id
    OR NEW.location <> OLD.location OR NEW.sha256 <> OLD.sha256 OR NEW.size_bytes <> OLD.size_bytes
    OR NEW.archived_at <> OLD.archived_at OR NEW.retain_until < OLD.retain_until
    OR ({_PURGED_BEFORE})
"""


def upgrade() -> None:
    _create_places()
    datasets = _create_datasets()
    _create_history()
    _create_work()
    if op.get_bind().dialect.name == "postgresql":
        _create_functions()
    _create_guards(datasets)


def downgrade() -> None:
    for table in _TABLES:
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        for function in ("refuse", "number_event"):
            op.execute(f"DROP FUNCTION {function}()")


def _words(values: tuple[str, ...], name: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def _create_places() -> None:
    op.create_table(
        "clients",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("industry", sa.Text(), nullable=False),
        sa.Column("use_case", sa.Text(), nullable=False),
        sa.Column("seen_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "client_id", name=op.f("pk_clients")),
    )
    op.create_index("ix_clients_ref", "clients", ["tenant", "ref", "seen_at"])
    op.create_table(
        "journeys",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("journey_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("status", _words(("active", "completed"), "status"), nullable=False),
        sa.Column("stage", _words(_STAGES, "stage"), nullable=False),
        sa.Column("seen_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "client_id"],
            ["clients.tenant", "clients.client_id"],
            name=op.f("fk_journeys_clients"),
        ),
        sa.PrimaryKeyConstraint("tenant", "journey_id", name=op.f("pk_journeys")),
        sa.UniqueConstraint(
            "tenant",
            "journey_id",
            "client_id",
            name=op.f("uq_journeys_tenant_journey_id_client_id"),
        ),
    )
    op.create_table(
        "dataset_templates",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("template", sa.JSON(), nullable=False),
        sa.Column("kept_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "fingerprint", name=op.f("pk_dataset_templates")),
    )


def _create_datasets() -> sa.Table:
    datasets = op.create_table(
        "datasets",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("journey_id", sa.Uuid(), nullable=False),
        sa.Column("journey_ref", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("client_ref", sa.Text(), nullable=False),
        sa.Column("client", sa.JSON(), nullable=False),
        sa.Column("stage", _words(_STAGES, "stage"), nullable=False),
        sa.Column("dataset_type", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("connector_name", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("correlation", sa.Text(), nullable=False),
        sa.Column("wish", sa.JSON(), nullable=False),
        sa.Column("status", _words(_STATUSES, "status"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("template_fingerprint", sa.Text()),
        sa.Column("template_id", sa.Uuid()),
        sa.Column("hops", sa.JSON(), nullable=False),
        sa.Column("connector_id", sa.Uuid()),
        sa.Column("connector", sa.JSON()),
        sa.Column("record_count", sa.Integer()),
        sa.Column("content", sa.JSON()),
        sa.Column("quality_score", sa.Float()),
        sa.Column("quality", sa.JSON()),
        sa.Column("first_passed", sa.Boolean()),
        sa.Column("ready_at", _TIME),
        sa.Column("archived_at", _TIME),
        sa.Column("purged_at", _TIME),
        sa.Column("trouble", sa.JSON()),
        sa.Column("health", sa.JSON(), nullable=False),
        sa.Column("teardown", sa.JSON()),
        sa.Column("archive", sa.JSON()),
        sa.Column("is_hidden", sa.Boolean(), nullable=False),
        sa.Column("pursued_since", _TIME),
        sa.Column("busy_until", _TIME),
        sa.Column("due_at", _TIME),
        sa.Column("lease_owner", sa.Text()),
        sa.Column("lease_until", _TIME),
        sa.CheckConstraint(
            "status <> 'archived' OR (archive IS NOT NULL AND archived_at IS NOT NULL)",
            name=op.f("ck_datasets_archived_has_archive"),
        ),
        sa.CheckConstraint(
            "status <> 'ready' OR (quality_score IS NOT NULL AND quality_score >= 0.95)",
            name=op.f("ck_datasets_quality_threshold"),
        ),
        sa.CheckConstraint("generation >= 1", name=op.f("ck_datasets_generation")),
        sa.CheckConstraint(
            "purged_at IS NULL OR (status = 'archived' AND purged_at >= archived_at)",
            name=op.f("ck_datasets_purged_once_archived"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "journey_id", "client_id"],
            ["journeys.tenant", "journeys.journey_id", "journeys.client_id"],
            name=op.f("fk_datasets_journeys"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "template_fingerprint"],
            ["dataset_templates.tenant", "dataset_templates.fingerprint"],
            name=op.f("fk_datasets_dataset_templates"),
        ),
        sa.PrimaryKeyConstraint("tenant", "dataset_id", name=op.f("pk_datasets")),
        sa.UniqueConstraint(
            "tenant",
            "client_id",
            "stage",
            "dataset_type",
            "generation",
            name=op.f("uq_datasets_tenant_client_id_stage_dataset_type_generation"),
        ),
    )
    op.create_index(
        "ix_datasets_due",
        "datasets",
        ["due_at"],
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_datasets_lease",
        "datasets",
        ["lease_owner"],
        sqlite_where=sa.text("lease_owner IS NOT NULL"),
        postgresql_where=sa.text("lease_owner IS NOT NULL"),
    )
    op.create_index("ix_datasets_newest", "datasets", ["tenant", "created_at", "dataset_id"])
    for column in ("journey_id", "journey_ref", "client_id", "client_ref", "stage", "status"):
        op.create_index(
            f"ix_datasets_{column}", "datasets", ["tenant", column, "created_at", "dataset_id"]
        )
    op.create_index(
        "uq_datasets_active_slot",
        "datasets",
        ["tenant", "client_id", "stage", "dataset_type"],
        unique=True,
        sqlite_where=_ACTIVE,
        postgresql_where=_ACTIVE,
    )
    op.create_index(
        "ix_datasets_connector",
        "datasets",
        ["tenant", sa.text("lower(connector_name)"), "created_at", "generation"],
    )
    op.create_index(
        "uq_datasets_active_connector",
        "datasets",
        ["tenant", sa.text("lower(connector_name)")],
        unique=True,
        sqlite_where=_ACTIVE,
        postgresql_where=_ACTIVE,
    )
    return datasets


def _create_history() -> None:
    op.create_table(
        "quality_runs",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("run", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("executed_at", _TIME, nullable=False),
        sa.Column("overall_score", sa.Float(), nullable=False),
        sa.Column("is_ready", sa.Boolean(), nullable=False),
        sa.Column("severity", _words(("none", "warning", "error"), "severity"), nullable=False),
        sa.Column("verdict", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "dataset_id"],
            ["datasets.tenant", "datasets.dataset_id"],
            name=op.f("fk_quality_runs_datasets"),
        ),
        sa.PrimaryKeyConstraint("tenant", "dataset_id", "run", name=op.f("pk_quality_runs")),
    )
    op.create_table(
        "quality_checks",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("run", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "check_type",
            _words(("schema", "completeness", "connector_health", "sample_queries"), "check_type"),
            nullable=False,
        ),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("exact_score", sa.Text(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("executed_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "dataset_id", "run"],
            ["quality_runs.tenant", "quality_runs.dataset_id", "quality_runs.run"],
            name=op.f("fk_quality_checks_quality_runs"),
        ),
        sa.PrimaryKeyConstraint(
            "tenant", "dataset_id", "run", "check_type", name=op.f("pk_quality_checks")
        ),
    )
    op.create_table(
        "archived_datasets",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("archived_at", _TIME, nullable=False),
        sa.Column("retain_until", _TIME, nullable=False),
        sa.Column("purged_at", _TIME),
        sa.CheckConstraint(
            "purged_at IS NULL OR purged_at >= retain_until",
            name=op.f("ck_archived_datasets_purged_in_time"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "dataset_id"],
            ["datasets.tenant", "datasets.dataset_id"],
            name=op.f("fk_archived_datasets_datasets"),
        ),
        sa.PrimaryKeyConstraint("tenant", "dataset_id", name=op.f("pk_archived_datasets")),
    )
    op.create_table(
        "outbox",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger()),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("occurred_at", _TIME, nullable=False),
        sa.Column("journey_id", sa.Uuid(), nullable=False),
        sa.Column("journey_ref", sa.Text(), nullable=False),
        sa.Column("client_ref", sa.Text(), nullable=False),
        sa.Column("dataset_id", sa.Uuid()),
        sa.Column("correlation", sa.Text(), nullable=False),
        sa.Column("causation", sa.Text(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("extensions", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "dataset_id"],
            ["datasets.tenant", "datasets.dataset_id"],
            name=op.f("fk_outbox_datasets"),
        ),
        sa.PrimaryKeyConstraint("tenant", "event_id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("tenant", "sequence", name=op.f("uq_outbox_tenant_sequence")),
    )
    op.create_index("ix_outbox_dataset", "outbox", ["tenant", "dataset_id", "sequence"])
    op.create_table(
        "audit",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("from_status", _words(_STATUSES, "from_status")),
        sa.Column("to_status", _words(_STATUSES, "to_status"), nullable=False),
        sa.Column("correlation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "dataset_id"],
            ["datasets.tenant", "datasets.dataset_id"],
            name=op.f("fk_audit_datasets"),
        ),
        sa.PrimaryKeyConstraint("tenant", "entry_id", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_dataset", "audit", ["tenant", "dataset_id", "at"])


def _create_work() -> None:
    op.create_table(
        "requests",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("task_id", sa.Text(), nullable=False),
        sa.Column("context_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("skill", sa.Text(), nullable=False),
        sa.Column("dataset_ids", sa.JSON(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("message", sa.LargeBinary(), nullable=False),
        sa.Column("is_settled", sa.Boolean(), nullable=False),
        sa.Column("is_cancelled", sa.Boolean(), nullable=False),
        sa.Column("accepted_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "task_id", name=op.f("pk_requests")),
        sa.UniqueConstraint(
            "tenant",
            "subject",
            "agent",
            "message_id",
            name=op.f("uq_requests_tenant_subject_agent_message_id"),
        ),
    )
    op.create_index(
        "ix_requests_unsettled",
        "requests",
        ["accepted_at", "task_id"],
        sqlite_where=sa.text("NOT is_settled"),
        postgresql_where=sa.text("NOT is_settled"),
    )
    op.create_table(
        "progress",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("noted_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "dataset_id"],
            ["datasets.tenant", "datasets.dataset_id"],
            name=op.f("fk_progress_datasets"),
        ),
        sa.PrimaryKeyConstraint("tenant", "dataset_id", name=op.f("pk_progress")),
    )


def _create_guards(datasets: sa.Table) -> None:
    """Let the database itself refuse what nobody may do (seed: Archive Immutability)."""
    frozen = ", ".join(each.name for each in datasets.c if each.name not in _STILL_MOVING)
    archived = "OLD.status = 'archived'"
    _refuse("datasets_stay_on_update", f"UPDATE OF {frozen} ON datasets", _ARCHIVED_STAYS, archived)
    _refuse("datasets_stay_on_purge", "UPDATE ON datasets", _ARCHIVED_STAYS, _PURGED_BEFORE)
    _refuse("datasets_stay_on_delete", "DELETE ON datasets", _ARCHIVED_STAYS, archived)
    kept = "archived_datasets"
    _refuse(f"{kept}_stay_on_update", f"UPDATE ON {kept}", _ARCHIVE_STAYS, _ARCHIVE_CHANGES)
    _refuse(f"{kept}_stay_on_delete", f"DELETE ON {kept}", _ARCHIVE_STAYS)
    for ledger in _LEDGERS:
        numbered = "OLD.sequence IS NOT NULL" if ledger == "outbox" else "TRUE"
        _refuse(f"{ledger}_stay_on_update", f"UPDATE ON {ledger}", _LEDGER_STAYS, numbered)
        _refuse(f"{ledger}_stay_on_delete", f"DELETE ON {ledger}", _LEDGER_STAYS)


def _refuse(trigger: str, act: str, why: str, when: str = "TRUE") -> None:
    words = why.replace("'", "''")
    if op.get_bind().dialect.name == "postgresql":
        then = f"FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION refuse('{words}')"
    else:
        then = f"WHEN {when} BEGIN SELECT RAISE(ABORT, '{words}'); END"
    op.execute(f"CREATE TRIGGER {trigger} BEFORE {act} {then}")


def _create_functions() -> None:
    """Number events inside the commit, under a lock that no round trip to a client can hold."""
    op.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'restrict_violation'; END $$"
    )
    op.execute(
        "CREATE FUNCTION number_event() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "PERFORM pg_advisory_xact_lock(hashtextextended('outbox/' || NEW.tenant, 0)); "
        "UPDATE outbox SET sequence = "
        "(SELECT coalesce(max(sequence), 0) + 1 FROM outbox WHERE tenant = NEW.tenant) "
        "WHERE tenant = NEW.tenant AND event_id = NEW.event_id; RETURN NULL; END $$"
    )
    op.execute(
        "CREATE CONSTRAINT TRIGGER outbox_numbered AFTER INSERT ON outbox "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION number_event()"
    )
