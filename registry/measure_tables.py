"""The tables of what is measured: how connectors fared, and what the supplier has yet to hear."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
)

from registry.columns import UtcDateTime
from registry.history import of_dataset, quality_runs
from registry.tables import metadata

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
    of_dataset(),
    CheckConstraint("passed >= 0 AND passed <= probes", name="passed_of_probes"),
    Index("ix_connector_uptime_day", "day"),
)
"""One row a dataset and day in UTC: how many probes of its connector there were, and passed."""
