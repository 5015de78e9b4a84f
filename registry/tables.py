"""The tables: what the registry keeps of datasets, their places, their past and their future."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    false,
    func,
    text,
)

from domain.archive import ArchiveReceipt, LegalHold
from domain.connector import ConnectorConfiguration
from domain.health import Health
from domain.journey import Client, JourneyStage, JourneyStatus
from domain.lifecycle import ENDED, DatasetStatus
from domain.quality import QualityScore
from domain.state import Content, Wish
from domain.succession import GivingWay
from domain.teardown import Teardown
from domain.template import DatasetTemplate, Hop
from domain.trouble import Trouble
from registry.columns import UtcDateTime, Value, one_of

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

IS_ACTIVE = text(f"status NOT IN ({', '.join(sorted(repr(each.value) for each in ENDED))})")
"""A dataset that holds its place (seed: Client-Stage Uniqueness), in the words of the indexes."""


clients = Table(
    "clients",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("client_id", Uuid, primary_key=True),
    Column("ref", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("industry", Text, nullable=False),
    Column("use_case", Text, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Index("ix_clients_ref", "tenant", "ref", "seen_at"),
)
"""Clients as last seen; a dataset keeps its own copy, for its names never change."""

journeys = Table(
    "journeys",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("journey_id", Uuid, primary_key=True),
    Column("client_id", Uuid, nullable=False),
    Column("ref", Text, nullable=False),
    Column("status", one_of(JourneyStatus, "status"), nullable=False),
    Column("stage", one_of(JourneyStage, "stage"), nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    UniqueConstraint("tenant", "journey_id", "client_id"),
    ForeignKeyConstraint(["tenant", "client_id"], [clients.c.tenant, clients.c.client_id]),
)
"""Journeys as last seen, each with its client (seed: Stage Association)."""

dataset_templates = Table(
    "dataset_templates",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("fingerprint", Text, primary_key=True),
    Column("key", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("template", Value[DatasetTemplate](DatasetTemplate), nullable=False),
    Column("kept_at", UtcDateTime, nullable=False),
)
"""Every template ever kept; `fingerprint` is that of the whole, `digest` of what makes content."""

datasets = Table(
    "datasets",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("dataset_id", Uuid, primary_key=True),
    Column("journey_id", Uuid, nullable=False),
    Column("journey_ref", Text, nullable=False),
    Column("client_id", Uuid, nullable=False),
    Column("client_ref", Text, nullable=False),
    Column("client", Value[Client](Client), nullable=False),
    Column("stage", one_of(JourneyStage, "stage"), nullable=False),
    Column("dataset_type", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("connector_name", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("correlation", Text, nullable=False),
    Column("wish", Value[Wish](Wish), nullable=False),
    Column("status", one_of(DatasetStatus, "status"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("template_fingerprint", Text),
    Column("template_id", Uuid),
    Column("hops", Value[tuple[Hop, ...]](tuple[Hop, ...]), nullable=False),
    Column("connector_id", Uuid),
    Column("connector", Value[ConnectorConfiguration](ConnectorConfiguration)),
    Column("record_count", Integer),
    Column("content", Value[Content](Content)),
    Column("quality_score", Float),
    Column("quality", Value[QualityScore](QualityScore)),
    Column("first_passed", Boolean),
    Column("ready_at", UtcDateTime),
    Column("archived_at", UtcDateTime),
    Column("purged_at", UtcDateTime),
    Column("trouble", Value[Trouble](Trouble)),
    Column("health", Value[Health](Health), nullable=False),
    Column("teardown", Value[Teardown](Teardown)),
    Column("archive", Value[ArchiveReceipt](ArchiveReceipt)),
    Column("is_hidden", Boolean, nullable=False),
    Column("pursued_since", UtcDateTime),
    Column("busy_until", UtcDateTime),
    Column("hides_until", UtcDateTime),
    Column("due_at", UtcDateTime),
    Column("lease_owner", Text),
    Column("lease_until", UtcDateTime),
    Column("taken_over_at", UtcDateTime),
    Column("gives_way", Value[GivingWay](GivingWay)),
    Column("retain_until", UtcDateTime),
    Column("legal_hold", Value[LegalHold](LegalHold)),
    Column("is_lock_owed", Boolean, nullable=False, server_default=false()),
    ForeignKeyConstraint(
        ["tenant", "journey_id", "client_id"],
        [journeys.c.tenant, journeys.c.journey_id, journeys.c.client_id],
    ),
    ForeignKeyConstraint(
        ["tenant", "template_fingerprint"],
        [dataset_templates.c.tenant, dataset_templates.c.fingerprint],
    ),
    UniqueConstraint("tenant", "client_id", "stage", "dataset_type", "generation"),
    CheckConstraint(
        "status <> 'ready' OR (quality_score IS NOT NULL AND quality_score >= 0.95)",
        name="quality_threshold",
    ),
    CheckConstraint(
        "status <> 'archived' OR (archive IS NOT NULL AND archived_at IS NOT NULL)",
        name="archived_has_archive",
    ),
    CheckConstraint(
        "purged_at IS NULL OR (status = 'archived' AND purged_at >= archived_at)",
        name="purged_once_archived",
    ),
    CheckConstraint("generation >= 1", name="generation"),
)
"""One row a dataset: its facts, when it is due, and who holds it just now.

`due_at`, `lease_owner`, `lease_until` and `taken_over_at` stand outside the version: the engine
writes them, the rest is written by nobody but the aggregate. `quality_score` is for comparing; the
exact score is in `quality`.
"""

Index(
    "uq_datasets_active_slot",
    datasets.c.tenant,
    datasets.c.client_id,
    datasets.c.stage,
    datasets.c.dataset_type,
    unique=True,
    sqlite_where=IS_ACTIVE,
    postgresql_where=IS_ACTIVE,
)
Index(
    "uq_datasets_active_connector",
    datasets.c.tenant,
    func.lower(datasets.c.connector_name),
    unique=True,
    sqlite_where=IS_ACTIVE,
    postgresql_where=IS_ACTIVE,
)
Index(
    "ix_datasets_connector",
    datasets.c.tenant,
    func.lower(datasets.c.connector_name),
    datasets.c.created_at,
    datasets.c.generation,
)

_LISTED_BY = ("journey_id", "journey_ref", "client_id", "client_ref", "stage", "status")
"""What datasets are listed by, newest first: each has an index that ends in the list's order."""

_NEWEST = (datasets.c.created_at, datasets.c.dataset_id)

Index("ix_datasets_newest", datasets.c.tenant, *_NEWEST)
for _each in _LISTED_BY:
    Index(f"ix_datasets_{_each}", datasets.c.tenant, datasets.c[_each], *_NEWEST)
Index(
    "ix_datasets_due",
    datasets.c.due_at,
    sqlite_where=text("due_at IS NOT NULL"),
    postgresql_where=text("due_at IS NOT NULL"),
)
IS_PROBE, IS_WORK = text("status = 'ready'"), text("status <> 'ready'")
"""What a turn is for that is due: a probe of a READY dataset, or anything else; as the indexes say it."""

for _kind, _of_kind in {"probes": IS_PROBE, "work": IS_WORK}.items():
    _is_due = text(f"due_at IS NOT NULL AND {_of_kind.text}")
    Index(
        f"ix_datasets_due_{_kind}",
        datasets.c.due_at,
        sqlite_where=_is_due,
        postgresql_where=_is_due,
    )
Index(
    "ix_datasets_lease",
    datasets.c.lease_owner,
    sqlite_where=text("lease_owner IS NOT NULL"),
    postgresql_where=text("lease_owner IS NOT NULL"),
)
Index(
    "ix_datasets_archived",
    datasets.c.archived_at,
    datasets.c.tenant,
    sqlite_where=text("archived_at IS NOT NULL"),
    postgresql_where=text("archived_at IS NOT NULL"),
)
