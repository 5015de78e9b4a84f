"""Archives in SQL: a row is born with the ARCHIVED status and ends as a tombstone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, insert, update

from domain.archive import kept_until
from domain.dataset import Dataset
from registry.history import archived_datasets

if TYPE_CHECKING:
    from registry.database import Session

_INSERT = insert(archived_datasets)

_a = archived_datasets.c

_KEPT = bindparam("kept_until", type_=_a.retain_until.type)

_CHANGE = (
    update(archived_datasets)
    .where(_a.tenant == bindparam("of_tenant"), _a.dataset_id == bindparam("of_dataset"))
    .values(retain_until=func.coalesce(_KEPT, _a.retain_until))
)


async def write_archive(session: Session, dataset: Dataset) -> None:
    """Write down where an ARCHIVED dataset's archive lies and until when it is kept."""
    if dataset.archive is None or dataset.archived_at is None:
        return
    row = {
        "tenant": dataset.place.tenant,
        "dataset_id": dataset.place.dataset_id,
        "location": dataset.archive.location,
        "sha256": dataset.archive.sha256,
        "size_bytes": dataset.archive.size_bytes,
        "archived_at": dataset.archived_at,
        "retain_until": kept_until(dataset.archive, dataset.archived_at, dataset.rules.retention),
    }
    await session.connection.execute(_INSERT, row)


async def write_custody(session: Session, dataset: Dataset) -> None:
    """Write down until when an archive is kept and when it was purged; its row stays."""
    place = dataset.place
    row = {
        "of_tenant": place.tenant,
        "of_dataset": place.dataset_id,
        "kept_until": dataset.retain_until,
        "purged_at": dataset.purged_at,
    }
    await session.connection.execute(_CHANGE, row)
