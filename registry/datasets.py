"""Datasets in SQL: read in the tenant's sight, written only at the version they were read at."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    Column,
    RowMapping,
    bindparam,
    case,
    func,
    insert,
    null,
    select,
    update,
)

from domain.dataset import Dataset
from domain.errors import Conflict, NotFound
from domain.lifecycle import DatasetStatus
from domain.quality import QualityScore
from domain.template import DatasetTemplate
from registry.rows import (
    Values,
    as_uuid,
    dataset_of,
    unknown_dataset,
    values_of_place,
    values_of_purge,
    values_of_state,
)
from registry.tables import IS_ACTIVE, datasets
from registry.templates import fingerprint_of, templates_by_fingerprint, write_template

if TYPE_CHECKING:
    from domain.repository import Slot
    from registry.database import Session

_d = datasets.c

_OF_THE_ENGINE = {"due_at", "lease_owner", "lease_until"}
_READ: list[Column[Any]] = [each for each in _d if each.name not in _OF_THE_ENGINE]

ALL_DATASETS = select(*_READ).where(_d.tenant == bindparam("of_tenant"))
"""Every dataset of a tenant, with the columns an aggregate is built from."""

_BY_ID = ALL_DATASETS.where(_d.dataset_id == bindparam("of_dataset"))

_IN_SLOT = (
    _d.client_id == bindparam("of_client"),
    _d.stage == bindparam("of_stage", type_=_d.stage.type),
    _d.dataset_type == bindparam("of_type"),
)

_HOLDER = ALL_DATASETS.where(*_IN_SLOT, IS_ACTIVE)

_NAMESAKE = ALL_DATASETS.where(
    func.lower(_d.connector_name) == func.lower(bindparam("of_name")), IS_ACTIVE
)

_ACTIVE = ALL_DATASETS.where(IS_ACTIVE).order_by(_d.created_at, _d.dataset_id)

_ACTIVE_BY_ID = _ACTIVE.where(_d.journey_id == bindparam("of_journey"))
_ACTIVE_BY_REF = _ACTIVE.where(_d.journey_ref == bindparam("of_journey"))

_MAKE_DUE = (
    update(datasets)
    .where(
        _d.tenant == bindparam("of_tenant"),
        _d.dataset_id == bindparam("of_dataset"),
        IS_ACTIVE,
    )
    .values(due_at=bindparam("now_due", type_=_d.due_at.type))
)

_LAST_GENERATION = select(func.coalesce(func.max(_d.generation), 0)).where(
    _d.tenant == bindparam("of_tenant"), *_IN_SLOT
)

_BEFORE = select(_d.status, _d.quality, _d.template_fingerprint).where(
    _d.tenant == bindparam("of_tenant"), _d.dataset_id == bindparam("of_dataset")
)

_INSERT = insert(datasets)

_NOTED = bindparam("noted_takeover", type_=_d.taken_over_at.type)

_UPDATE = (
    update(datasets)
    .where(
        _d.tenant == bindparam("of_tenant"),
        _d.dataset_id == bindparam("of_dataset"),
        _d.version == bindparam("of_version"),
    )
    .values(taken_over_at=case((_d.taken_over_at <= _NOTED, null()), else_=_d.taken_over_at))
)
"""Write a row at its version; a takeover that came since it was read stays to be noted."""


class Before(NamedTuple):
    """A dataset as its row stood: what a write compares with to tell what has changed."""

    status: DatasetStatus | None
    quality: QualityScore | None = None
    template: DatasetTemplate | None = None
    fingerprint: str | None = None


async def find_dataset(session: Session, dataset_id: UUID) -> tuple[Dataset, Before]:
    """Read a dataset and how its row stands. Raises NotFound."""
    asked = {"of_tenant": session.tenant, "of_dataset": dataset_id}
    row = (await session.connection.execute(_BY_ID, asked)).mappings().one_or_none()
    if row is None:
        raise NotFound(unknown_dataset(dataset_id))
    (dataset,) = await build_datasets(session, [row])
    fingerprint = row["template_fingerprint"]
    return dataset, Before(dataset.status, dataset.quality, dataset.template, fingerprint)


async def build_datasets(session: Session, rows: Sequence[RowMapping]) -> list[Dataset]:
    """Build the datasets of rows, fetching the templates nobody remembers yet."""
    wanted = (row["template_fingerprint"] for row in rows)
    templates = await templates_by_fingerprint(session, wanted)
    return [dataset_of(row, templates, session.database.rules) for row in rows]


async def look_before(session: Session, dataset: Dataset) -> Before:
    """Read how the row of a dataset stands that was loaded elsewhere. Raises NotFound."""
    place = dataset.place
    asked = {"of_tenant": place.tenant, "of_dataset": place.dataset_id}
    row = (await session.connection.execute(_BEFORE, asked)).one_or_none()
    if row is None:
        raise NotFound(unknown_dataset(place.dataset_id))
    quality = dataset.quality if row.quality == dataset.quality else row.quality
    return Before(row.status, quality, None, row.template_fingerprint)


async def find_holder(session: Session, slot: Slot) -> Dataset | None:
    """Read the active dataset in a slot."""
    rows = (
        (await session.connection.execute(_HOLDER, _of_slot(session.tenant, slot))).mappings().all()
    )
    found = await build_datasets(session, rows)
    return found[0] if found else None


async def find_active_of(session: Session, journey: str) -> list[tuple[Dataset, Before]]:
    """Read a journey's active datasets, oldest first, and how the row of each stands."""
    identity = as_uuid(journey)
    statement = _ACTIVE_BY_REF if identity is None else _ACTIVE_BY_ID
    asked = {"of_tenant": session.tenant, "of_journey": journey if identity is None else identity}
    rows = (await session.connection.execute(statement, asked)).mappings().all()
    return [
        (each, Before(each.status, each.quality, each.template, row["template_fingerprint"]))
        for each, row in zip(await build_datasets(session, rows), rows, strict=True)
    ]


async def make_due(session: Session, dataset_id: UUID, at: datetime) -> None:
    """Let an active dataset be due, outside its version."""
    asked: Values = {"of_tenant": session.tenant, "of_dataset": dataset_id, "now_due": at}
    await session.connection.execute(_MAKE_DUE, asked)


async def find_namesake(session: Session, connector_name: str) -> Dataset | None:
    """Read the active dataset whose connector has a name, whatever its case."""
    asked = {"of_tenant": session.tenant, "of_name": connector_name}
    rows = (await session.connection.execute(_NAMESAKE, asked)).mappings().all()
    found = await build_datasets(session, rows)
    return found[0] if found else None


async def last_generation(session: Session, slot: Slot) -> int:
    """Tell the highest generation a slot has seen; 0 before the first."""
    found = await session.connection.execute(_LAST_GENERATION, _of_slot(session.tenant, slot))
    return int(found.scalar_one())


async def insert_dataset(
    session: Session, dataset: Dataset, fingerprint: str | None, due_at: datetime
) -> None:
    """Write a new dataset's row, due at once."""
    row: Values = {
        **values_of_place(dataset.place),
        **values_of_state(dataset),
        "wish": dataset.wish,
        "version": dataset.version,
        "template_fingerprint": fingerprint,
        "due_at": due_at,
    }
    await session.connection.execute(_INSERT, row)


async def update_dataset(
    session: Session,
    dataset: Dataset,
    before: Before,
    fingerprint: str | None,
    due_at: datetime | None,
) -> None:
    """Write a changed dataset one version higher. Raises Conflict when the version has moved."""
    place = dataset.place
    row: Values = {
        **_changes(dataset, before, fingerprint),
        "of_tenant": place.tenant,
        "of_dataset": place.dataset_id,
        "of_version": dataset.version,
        "noted_takeover": dataset.taken_over_at,
        "version": dataset.version + 1,
        "due_at": due_at,
    }
    written = await session.connection.execute(_UPDATE, row)
    if written.rowcount != 1:
        message = (
            f"{dataset.name} was changed by somebody else since version {dataset.version} was "
            "read. Read it again and decide anew."
        )
        raise Conflict(message)


async def keep_template_of(session: Session, dataset: Dataset, before: Before) -> str | None:
    """Write a dataset's template down where it is new; gives its fingerprint."""
    template = dataset.template
    if template is None or template is before.template:
        return before.fingerprint if template is not None else None
    fingerprint = fingerprint_of(template)
    if fingerprint != before.fingerprint:
        await write_template(session, fingerprint, template)
    return fingerprint


def _changes(dataset: Dataset, before: Before, fingerprint: str | None) -> Values:
    """Give the columns a save writes: of an archived dataset those of its purge alone."""
    if before.status is DatasetStatus.ARCHIVED:
        return values_of_purge(dataset)
    changes = values_of_state(dataset)
    return {**changes, "wish": dataset.wish, "template_fingerprint": fingerprint}


def _of_slot(tenant: str, slot: Slot) -> Values:
    return {
        "of_tenant": tenant,
        "of_client": slot.client_id,
        "of_stage": slot.stage,
        "of_type": slot.dataset_type,
    }
