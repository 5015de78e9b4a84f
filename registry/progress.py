"""Live progress: how far each order has come, written outside the dataset's version."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import bindparam, select

from domain.work import Progress
from registry.dialect import insert_or_replace
from registry.history import progress

if TYPE_CHECKING:
    from registry.database import Database

_p = progress.c

_OF_DATASETS = select(_p.dataset_id, _p.phase, _p.done, _p.total, _p.unit).where(
    _p.tenant == bindparam("of_tenant"), _p.dataset_id.in_(bindparam("wanted", expanding=True))
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

    async def read(self, tenant: str, ids: Collection[UUID], /) -> dict[UUID, Progress]:
        """Read the last progress of each dataset that has any."""
        asked = {"of_tenant": tenant, "wanted": list(ids)}
        async with self._database.reads.connect() as connection:
            rows = (await connection.execute(_OF_DATASETS, asked)).all()
        return {row.dataset_id: Progress(row.phase, row.done, row.total, row.unit) for row in rows}
