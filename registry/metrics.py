"""The figures: what the registry can tell about how well all of it goes, over every tenant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, select

from domain.journey import JourneyStage
from domain.lifecycle import ENDED, DatasetStatus
from registry.history import archived_datasets, outbox
from registry.tables import datasets

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from registry.database import Database

_d, _a = datasets.c, archived_datasets.c


@dataclass(frozen=True, slots=True)
class Figures:
    """The seed's success metrics and the engine's pulse, counted at one moment.

    `by_status` counts datasets, 0 included; `first_attempts` counts datasets that were validated
    at all, `first_passes` those that passed the first time; `provisioning_times` holds the time
    from request to first READY of every dataset that got there, shortest first;
    `teardowns_started` counts datasets in TEARDOWN or ARCHIVED, `teardowns_archived` the latter;
    `sandbox_datasets` counts those of the sandbox past discovery, `sandbox_from_template` those
    of them that have a template; `average_quality` is the mean of the last scores, 0 to 1, None
    before the first; `retention_violations` counts archives that are missing or were purged
    before their time; `events` counts the outbox; `waiting` counts datasets that are due,
    `oldest_due_at` is since when the first of them is.
    """

    by_status: Mapping[DatasetStatus, int]
    first_attempts: int
    first_passes: int
    provisioning_times: tuple[timedelta, ...]
    teardowns_started: int
    teardowns_archived: int
    sandbox_datasets: int
    sandbox_from_template: int
    average_quality: float | None
    retention_violations: int
    events: int
    waiting: int
    oldest_due_at: datetime | None

    @property
    def first_pass_rate(self) -> float | None:
        """The share of datasets that passed their first validation, 0 to 1 (seed: R92)."""
        return self.first_passes / self.first_attempts if self.first_attempts else None

    @property
    def template_coverage(self) -> float | None:
        """The share of sandbox datasets made from a template, 0 to 1 (seed: R94)."""
        return self.sandbox_from_template / self.sandbox_datasets if self.sandbox_datasets else None

    def provisioning_time(self, percent: int) -> timedelta | None:
        """Tell within which time so many percent (1 to 100) of the datasets became READY."""
        count = len(self.provisioning_times)
        return self.provisioning_times[ceil(count * percent / 100) - 1] if count else None


_BY_STATUS = select(_d.status, func.count()).group_by(_d.status)

_TIMES = select(_d.created_at, _d.ready_at).where(_d.ready_at.is_not(None))

_IN_SANDBOX = (_d.stage == JourneyStage.SANDBOX, _d.status != DatasetStatus.DISCOVERING)

_TOTALS = select(
    func.count(_d.first_passed).label("first_attempts"),
    func.count().filter(_d.first_passed).label("first_passes"),
    func.count().filter(*_IN_SANDBOX).label("sandbox_datasets"),
    func.count(_d.template_id).filter(*_IN_SANDBOX).label("sandbox_from_template"),
    func.avg(_d.quality_score).label("average_quality"),
)

_LOST_ARCHIVES = (
    select(func.count())
    .select_from(datasets)
    .outerjoin(archived_datasets, (_a.tenant == _d.tenant) & (_a.dataset_id == _d.dataset_id))
    .where(
        _d.status == DatasetStatus.ARCHIVED,
        _a.dataset_id.is_(None) | (_a.purged_at < _a.retain_until),
    )
)

_FIRST_TENANT = select(func.min(outbox.c.tenant).label("tenant")).cte("tenants", recursive=True)

_NEXT_TENANT = select(func.min(outbox.c.tenant)).where(outbox.c.tenant > _FIRST_TENANT.c.tenant)

_TENANTS = _FIRST_TENANT.union_all(
    select(_NEXT_TENANT.scalar_subquery()).where(_FIRST_TENANT.c.tenant.is_not(None))
)
"""Every tenant with events, found by one step into the index a tenant."""

_LAST = (
    select(func.max(outbox.c.sequence))
    .where(outbox.c.tenant == _TENANTS.c.tenant)
    .correlate(_TENANTS)
    .scalar_subquery()
)

_EVENTS = select(func.coalesce(func.sum(_LAST), 0)).select_from(_TENANTS)
"""How many events there are: each tenant's are numbered from 1 without a gap."""

_WAITING = select(func.count(), func.min(_d.due_at)).where(_d.due_at <= bindparam("now"))


async def read_figures(database: Database) -> Figures:
    """Count everything, now."""
    async with database.reads.connect() as connection:
        by_status = await _by_status(connection)
        totals = (await connection.execute(_TOTALS)).mappings().one()
        violations = (await connection.execute(_LOST_ARCHIVES)).scalar_one()
        events = (await connection.execute(_EVENTS)).scalar_one()
        waiting = (await connection.execute(_WAITING, {"now": database.clock()})).one()
        return Figures(
            by_status=by_status,
            provisioning_times=await _provisioning_times(connection),
            teardowns_started=sum(by_status[each] for each in ENDED),
            teardowns_archived=by_status[DatasetStatus.ARCHIVED],
            retention_violations=violations,
            events=int(events),
            waiting=waiting[0],
            oldest_due_at=waiting[1],
            **totals,
        )


async def _by_status(connection: AsyncConnection) -> Mapping[DatasetStatus, int]:
    counted = {status: count for status, count in await connection.execute(_BY_STATUS)}  # noqa: C416 - rows are no pairs to dict()
    return {status: counted.get(status, 0) for status in DatasetStatus}


async def _provisioning_times(connection: AsyncConnection) -> tuple[timedelta, ...]:
    rows = (await connection.execute(_TIMES)).all()
    return tuple(sorted(row.ready_at - row.created_at for row in rows))
