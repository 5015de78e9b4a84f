"""The tables of what has happened and is under way: validations, archives, events, requests."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
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
from domain.subscription import SubscriptionState
from registry.columns import UtcDateTime, Value, one_of
from registry.tables import datasets, metadata


def _of_dataset() -> ForeignKeyConstraint:
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
    _of_dataset(),
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
    _of_dataset(),
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
    _of_dataset(),
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
    _of_dataset(),
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
    _of_dataset(),
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
    _of_dataset(),
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
    _of_dataset(),
)
"""How far a dataset's order has come; overwritten a few times a second."""

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("subscription_id", Uuid, primary_key=True),
    Column("url", Text, nullable=False),
    Column("kinds", Value[tuple[str, ...]](tuple[str, ...]), nullable=False),
    Column("journey", Text),
    Column("secrets", Value[tuple[str, ...]](tuple[str, ...]), nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("state", one_of(SubscriptionState, "state"), nullable=False),
    Column("why", Text, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("refusals", Integer, nullable=False),
    Column("failing_since", UtcDateTime),
    Column("due_at", UtcDateTime),
    Column("lease_owner", Text),
    Column("lease_until", UtcDateTime),
    Column("agent", Text),
    Column("task_id", Text),
    Column("config_id", Text),
    Column("sealed", LargeBinary),
    UniqueConstraint("tenant", "created_by", "task_id", "config_id"),
    Index(
        "ix_subscriptions_active",
        "due_at",
        sqlite_where=text("state = 'active'"),
        postgresql_where=text("state = 'active'"),
    ),
)
"""One row a subscriber: a webhook, or one who hears of a task, whose secrets lie `sealed`.

`position` moves on after an acknowledgement: the outbox's sequence, or the task's version.
"""

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("subscription_id", Uuid, primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("event_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("why", Text, nullable=False),
    Column("failed_at", UtcDateTime, nullable=False),
    Column("is_wanted", Boolean, nullable=False),
    ForeignKeyConstraint(
        ["tenant", "subscription_id"],
        [subscriptions.c.tenant, subscriptions.c.subscription_id],
        ondelete="CASCADE",
    ),
)
"""One row an event that a subscriber never acknowledged; it goes once it is acknowledged after all."""
supplier_feedback = Table(
    "supplier_feedback",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("dataset_id", Uuid, primary_key=True),
    Column("run", Integer, primary_key=True, autoincrement=False),
    Column("tries", Integer, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    ForeignKeyConstraint(
        ["tenant", "dataset_id", "run"],
        [quality_runs.c.tenant, quality_runs.c.dataset_id, quality_runs.c.run],
    ),
    Index("ix_supplier_feedback_due", "due_at"),
)
"""One row a validation the supplier has not heard of yet; it goes once it has."""

connector_uptime = Table(
    "connector_uptime",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("dataset_id", Uuid, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("probes", Integer, nullable=False),
    Column("passed", Integer, nullable=False),
    _of_dataset(),
    CheckConstraint("passed >= 0 AND passed <= probes", name="passed_of_probes"),
    Index("ix_connector_uptime_day", "day"),
)
"""One row a dataset and day in UTC: how many probes of its connector there were, and passed."""
