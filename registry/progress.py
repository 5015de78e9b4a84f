"""Live progress: how far each order has come, written outside the dataset's version."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import Row, and_, bindparam, select

from domain.repository import Standing
from domain.work import Progress
from registry.dialect import insert_or_replace
from registry.history import progress
from registry.tables import datasets

if TYPE_CHECKING:
    from registry.database import Database

_p = progress.c

_d = datasets.c

_STANDINGS = (
    select(_d.dataset_id, _d.version, _d.status, _p.phase, _p.done, _p.total, _p.unit)
    .select_from(
        datasets.outerjoin(progress, and_(_p.tenant == _d.tenant, _p.dataset_id == _d.dataset_id))
    )
    .where(
        _d.tenant == bindparam("of_tenant"),
        _d.dataset_id.in_(bindparam("wanted", expanding=True)),
    )
)


class SqlProgressLog:
    """The last progress of each dataset's order; a note rings no bell, followers look by turns."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(self, tenant: str, dataset_id: UUID, noted: Progress, /) -> None:
        """Write down how far a dataset's order has come."""
        row = {
            "tenant": tenant,
            "dataset_id": dataset_id,
            "phase": noted.phase,
            "done": noted.done,
            "total": noted.total,
            "unit": noted.unit,
            "noted_at": self._database.clock(),
        }
        async with self._database.engine.begin() as connection:
            await connection.execute(insert_or_replace(self._database.dialect, progress), row)

    async def standings(self, tenant: str, ids: Collection[UUID], /) -> dict[UUID, Standing]:
        """Tell where each dataset stands; unknown ones are left out."""
        asked = {"of_tenant": tenant, "wanted": list(ids)}
        async with self._database.reads.connect() as connection:
            rows = (await connection.execute(_STANDINGS, asked)).all()
        return {
            row.dataset_id: Standing(row.version, row.status, _progress_of(row)) for row in rows
        }


def _progress_of(row: Row[*tuple[Any, ...]]) -> Progress | None:
    if row.phase is None:
        return None
    return Progress(row.phase, row.done, row.total, row.unit)
