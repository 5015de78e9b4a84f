"""The tables of what has happened and is under way: validations, archives, events, requests."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    false,
    text,
)

from domain.approvals import ApprovalStatus
from domain.commands import Undertaking
from domain.lifecycle import DatasetStatus, TeardownReason
from domain.quality import CheckType, Severity
from domain.record import JsonObject
from registry.columns import UtcDateTime, Value, one_of
from registry.tables import datasets, metadata


def of_dataset() -> ForeignKeyConstraint:
    """Refer to the dataset that a row is of."""
    return ForeignKeyConstraint(
        ["tenant", "dataset_id"], [datasets.c.tenant, datasets.c.dataset_id]
    )


quality_runs = Table(
    "quality_runs",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("dataset_id", Uuid, primary_key=True),
    Column("run", Integer, primary_key=True, autoincrement=False),
    Column("executed_at", UtcDateTime, nullable=False),
    Column("overall_score", Float, nullable=False),
    Column("is_ready", Boolean, nullable=False),
    Column("severity", one_of(Severity, "severity"), nullable=False),
    Column("verdict", Value[JsonObject](JsonObject), nullable=False),
    of_dataset(),
)
"""One row a validation: its verdict but for the checks, numbered from 1 within its dataset."""

quality_checks = Table(
    "quality_checks",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("dataset_id", Uuid, primary_key=True),
    Column("run", Integer, primary_key=True, autoincrement=False),
    Column("check_type", one_of(CheckType, "check_type"), primary_key=True),
    Column("passed", Boolean, nullable=False),
    Column("score", Float, nullable=False),
    Column("exact_score", Text, nullable=False),
    Column("details", Value[JsonObject](JsonObject), nullable=False),
    Column("executed_at", UtcDateTime, nullable=False),
    ForeignKeyConstraint(
        ["tenant", "dataset_id", "run"],
        [quality_runs.c.tenant, quality_runs.c.dataset_id, quality_runs.c.run],
    ),
)
"""One row a check a validation (seed: DataQualityCheck); `exact_score` is the score as a fraction."""

archived_datasets = Table(
    "archived_datasets",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("dataset_id", Uuid, primary_key=True),
    Column("location", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("archived_at", UtcDateTime, nullable=False),
    Column("retain_until", UtcDateTime, nullable=False),
    Column("purged_at", UtcDateTime),
    of_dataset(),
    CheckConstraint("purged_at IS NULL OR purged_at >= retain_until", name="purged_in_time"),
)
"""One row an archive; after the purge it stays as the tombstone."""

outbox = Table(
    "outbox",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("event_id", Uuid, primary_key=True),
    Column("sequence", BigInteger),
    Column("name", Text, nullable=False),
    Column("occurred_at", UtcDateTime, nullable=False),
    Column("journey_id", Uuid, nullable=False),
    Column("journey_ref", Text, nullable=False),
    Column("client_ref", Text, nullable=False),
    Column("dataset_id", Uuid),
    Column("correlation", Text, nullable=False),
    Column("causation", Text, nullable=False),
    Column("fields", Value[JsonObject](JsonObject), nullable=False),
    Column("extensions", Value[JsonObject](JsonObject), nullable=False),
    of_dataset(),
    UniqueConstraint("tenant", "sequence"),
    Index("ix_outbox_dataset", "tenant", "dataset_id", "sequence"),
)
"""Events in the order of their commits, numbered from 1 within a tenant, without a gap."""

audit = Table(
    "audit",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("entry_id", Uuid, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("principal", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("dataset_id", Uuid),
    Column("version", Integer),
    Column("from_status", one_of(DatasetStatus, "from_status")),
    Column("to_status", one_of(DatasetStatus, "to_status")),
    Column("correlation", Text, nullable=False),
    Column("detail", Value[JsonObject](JsonObject)),
    Column("sequence", BigInteger),
    Column("digest", Text),
    Column("prev_hash", Text),
    Column("hash", Text),
    of_dataset(),
    UniqueConstraint("tenant", "sequence"),
    Index("ix_audit_dataset", "tenant", "dataset_id", "sequence"),
)
"""Who did what, when, to which dataset if to one; never changed, never deleted.

Numbered from 1 within a tenant, without a gap, each entry with the hash of the one before it; an
older version's entries stand outside until they are taken in.
"""

requests = Table(
    "requests",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("task_id", Text, primary_key=True),
    Column("context_id", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Column("message_id", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("skill", Text, nullable=False),
    Column("dataset_ids", Value[tuple[UUID, ...]](tuple[UUID, ...]), nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("message", LargeBinary, nullable=False),
    Column("is_settled", Boolean, nullable=False),
    Column("is_cancelled", Boolean, nullable=False),
    Column("is_closed", Boolean, nullable=False, server_default=false()),
    Column("accepted_at", UtcDateTime, nullable=False),
    Column("followed_by", Text),
    Column("followed_until", UtcDateTime),
    Column("undertaking", Value[Undertaking](Undertaking)),
    UniqueConstraint("tenant", "subject", "agent", "message_id"),
    Index(
        "ix_requests_unsettled",
        "accepted_at",
        "task_id",
        sqlite_where=text("NOT is_settled"),
        postgresql_where=text("NOT is_settled"),
    ),
)
"""One row an accepted request: one message is one request, whatever is sent again."""

IS_PENDING = text("status = 'pending'")
"""An approval nobody has decided, in the words of its index."""

approvals = Table(
    "approvals",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("approval_id", Uuid, primary_key=True),
    Column("dataset_id", Uuid, nullable=False),
    Column("reason", one_of(TeardownReason, "reason"), nullable=False),
    Column("question", Text, nullable=False),
    Column("force", Boolean, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("task_id", Text, nullable=False),
    Column("status", one_of(ApprovalStatus, "status"), nullable=False),
    Column("resolved_by", Text),
    Column("resolved_at", UtcDateTime),
    Column("comment", Text),
    of_dataset(),
    CheckConstraint(
        "(status = 'pending') = (resolved_by IS NULL AND resolved_at IS NULL)",
        name="decided_by_somebody",
    ),
    Index("ix_approvals_asked", "tenant", "asked_at"),
    Index(
        "uq_approvals_pending",
        "tenant",
        "dataset_id",
        unique=True,
        sqlite_where=IS_PENDING,
        postgresql_where=IS_PENDING,
    ),
)
"""One row a teardown that waits, or waited, for consent; at most one is pending a dataset."""

ticks = Table(
    "ticks",
    metadata,
    Column("name", Text, primary_key=True),
    Column("tick", UtcDateTime, primary_key=True),
    Column("owner", Text, nullable=False),
)
"""One row a moment of a schedule: whoever writes it does what was to be done then."""

orphan_suspects = Table(
    "orphan_suspects",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("dataset_id", Uuid, primary_key=True),
    Column("suspected_at", UtcDateTime, nullable=False),
    of_dataset(),
)
"""One row a dataset that the last scan saw without an active journey, and the first that did when."""

stray_datasources = Table(
    "stray_datasources",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("datasource", Text, primary_key=True),
    Column("home_url", Text, nullable=False),
    Column("dataset_id", Uuid, nullable=False),
    Column("documents", Integer, nullable=False),
    Column("suspected_at", UtcDateTime, nullable=False),
    Column("condemned_by", Text),
    Column("emptied_at", UtcDateTime),
)
"""One row a datasource under our mark that no dataset accounts for; its dataset may be unknown."""

orphan_scans = Table(
    "orphan_scans",
    metadata,
    Column("scan", Text, primary_key=True),
    Column("done_at", UtcDateTime, nullable=False),
)
"""When all datasets were looked at last; the only scan is `whole`."""

progress = Table(
    "progress",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("dataset_id", Uuid, primary_key=True),
    Column("phase", Text, nullable=False),
    Column("done", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("unit", Text, nullable=False),
    Column("noted_at", UtcDateTime, nullable=False),
    of_dataset(),
)
"""How far a dataset's order has come; overwritten a few times a second."""
