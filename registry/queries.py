"""The read side: what callers see of their tenant, newest first, page by page."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, func, select, tuple_

from domain.errors import FieldError, InvalidInput, NotFound
from domain.repository import DatasetFilter, Page
from registry.datasets import ALL_DATASETS, build_datasets
from registry.rows import as_uuid, unknown_dataset
from registry.tables import datasets

if TYPE_CHECKING:
    from sqlalchemy import Select

    from domain.dataset import Dataset
    from registry.database import Session

LARGEST_PAGE = 100
"""The most datasets one page holds."""

_d = datasets.c

_BY_IDS = ALL_DATASETS.where(_d.dataset_id.in_(bindparam("wanted", expanding=True)))

_NEWEST_FIRST = ALL_DATASETS.order_by(_d.created_at.desc(), _d.dataset_id.desc())


_NEWEST_OF_NAME = (
    select(_d.dataset_id)
    .where(
        _d.tenant == bindparam("of_tenant"),
        func.lower(_d.connector_name) == func.lower(bindparam("of_name")),
    )
    .order_by(_d.created_at.desc(), _d.generation.desc())
    .limit(1)
)

_OF_ID = select(_d.dataset_id).where(
    _d.tenant == bindparam("of_tenant"), _d.dataset_id == bindparam("of_dataset")
)


async def resolve_dataset(session: Session, ref: str) -> UUID:
    """Give the id of the dataset a reference means: its id, or its connector's name.

    Raises:
        NotFound: there is none; of several with the name, the newest is meant.
    """
    asked, identity = {"of_tenant": session.tenant}, as_uuid(ref)
    if identity is None:
        found = await session.connection.execute(_NEWEST_OF_NAME, {**asked, "of_name": ref})
    else:
        found = await session.connection.execute(_OF_ID, {**asked, "of_dataset": identity})
    dataset_id: UUID | None = found.scalar_one_or_none()
    if dataset_id is None:
        raise NotFound(unknown_dataset(ref))
    return dataset_id


async def read_page(session: Session, wanted: DatasetFilter, size: int, token: str | None) -> Page:
    """Read a page of at most `size` datasets, 1 to 100.

    Raises:
        InvalidInput: the size is out of range, or the token none of ours.
    """
    statement = page_statement(wanted, _size_of(size), token)
    found_rows = await session.connection.execute(statement, {"of_tenant": session.tenant})
    rows = found_rows.mappings().all()
    found = await build_datasets(session, rows[:size])
    return Page(tuple(found), _token_after(found[-1]) if len(rows) > size else None)


async def read_by_ids(session: Session, ids: Collection[UUID]) -> Sequence[Dataset]:
    """Read datasets by id, in the order of the ids; unknown ones are left out."""
    asked = {"of_tenant": session.tenant, "wanted": list(ids)}
    rows = (await session.connection.execute(_BY_IDS, asked)).mappings().all()
    found = await build_datasets(session, rows)
    by_id = {each.place.dataset_id: each for each in found}
    return [by_id[each] for each in ids if each in by_id]


def page_statement(wanted: DatasetFilter, size: int, token: str | None) -> Select[Any]:
    """Give the query of a page; it asks for one row more, to tell whether another page follows."""
    statement = _NEWEST_FIRST.where(*_conditions(wanted)).limit(size + 1)
    if token is None:
        return statement
    created_at, dataset_id = _place_of(token)
    reached = tuple_(_d.created_at, _d.dataset_id) < tuple_(created_at, dataset_id)
    return statement.where(reached)


def _conditions(wanted: DatasetFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.journey is not None:
        conditions.append(_refers(_d.journey_id, _d.journey_ref, wanted.journey))
    if wanted.client is not None:
        conditions.append(_refers(_d.client_id, _d.client_ref, wanted.client))
    if wanted.stage is not None:
        conditions.append(_d.stage == wanted.stage)
    if wanted.status is not None:
        conditions.append(_d.status == wanted.status)
    return conditions


def _refers(
    identity: ColumnElement[UUID], name: ColumnElement[str], reference: str
) -> ColumnElement[bool]:
    """Compare a reference with ids where it is one, with names where it is a slug."""
    given = as_uuid(reference)
    return identity == given if given is not None else name == reference


def _size_of(size: int) -> int:
    if 1 <= size <= LARGEST_PAGE:
        return size
    message = f"A page holds 1 to {LARGEST_PAGE} datasets, not {size}. Ask for that many."
    raise InvalidInput(message, [FieldError("page_size", f"{size} is out of range")])


def _token_after(dataset: Dataset) -> str:
    place = dataset.place
    reached = f"{place.requested_at.isoformat()} {place.dataset_id}"
    return base64.urlsafe_b64encode(reached.encode()).decode()


def _place_of(token: str) -> tuple[datetime, UUID]:
    try:
        moment, _, identity = base64.urlsafe_b64decode(token).decode().partition(" ")
        created_at, dataset_id = datetime.fromisoformat(moment), UUID(identity)
    except (binascii.Error, ValueError) as error:
        raise InvalidInput(_FOREIGN, [FieldError("page_token", "not ours")]) from error
    if created_at.tzinfo is None:
        raise InvalidInput(_FOREIGN, [FieldError("page_token", "not ours")])
    return created_at, dataset_id


_FOREIGN = (
    "This page token is none that a list of datasets gave out. Use the next_page_token of the "
    "page before, or leave it out to begin anew."
)
