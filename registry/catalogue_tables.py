"""The tables of the catalogue: discoveries, their types, and the templates people registered."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKeyConstraint, Index, Integer, Table, Text, Uuid

from domain.catalogue import FieldFacts, ScanReport
from domain.record import JsonObject
from registry.columns import UtcDateTime, Value
from registry.tables import dataset_templates, metadata

discoveries = Table(
    "discoveries",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("discovery_id", Uuid, primary_key=True),
    Column("source", Text, nullable=False),
    Column("discovered_at", UtcDateTime, nullable=False),
    Column("discovered_by", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("report", Value[ScanReport](ScanReport), nullable=False),
    Index("ix_discoveries_newest", "tenant", "discovered_at", "discovery_id"),
    Index("ix_discoveries_source", "tenant", "source", "discovered_at", "discovery_id"),
)
"""One row a discovery; none is ever changed."""

catalogue = Table(
    "catalogue",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("discovery_id", Uuid, primary_key=True),
    Column("dataset_type", Text, primary_key=True),
    Column("record_count", Integer, nullable=False),
    Column("digest", Text, nullable=False),
    Column("object_types", Value[tuple[str, ...]](tuple[str, ...]), nullable=False),
    Column("schema", Value[JsonObject](JsonObject), nullable=False),
    Column("statistics", Value[tuple[FieldFacts, ...]](tuple[FieldFacts, ...]), nullable=False),
    ForeignKeyConstraint(
        ["tenant", "discovery_id"], [discoveries.c.tenant, discoveries.c.discovery_id]
    ),
)
"""One row a type of a discovery: its schema and the facts behind it."""

registered_templates = Table(
    "registered_templates",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("version", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("registered_at", UtcDateTime, nullable=False),
    Column("registered_by", Text, nullable=False),
    ForeignKeyConstraint(
        ["tenant", "fingerprint"],
        [dataset_templates.c.tenant, dataset_templates.c.fingerprint],
    ),
)
"""One row a version of a registered template; its content is among the templates kept."""
