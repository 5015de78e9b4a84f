"""The figures: what the registry can tell about how well all of it goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, Select, and_, bindparam, func, not_, or_, select, type_coerce

from domain.journey import JourneyStage
from domain.lifecycle import ENDED, DatasetStatus, TeardownStep
from domain.teardown import IRREVERSIBLE
from registry.history import archived_datasets, outbox
from registry.measure_tables import connector_uptime
from registry.numbered import count_of, tenants_of
from registry.orphans import OrphanFigures, read_orphan_figures
from registry.provisioning_times import LIMIT, TIMES, ProvisioningTimes, times_of
from registry.tables import datasets
from registry.trail import count_entries
from registry.uptime import first_day, window_start

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, CursorResult
    from sqlalchemy.ext.asyncio import AsyncConnection

    from registry.database import Database
    from registry.rows import Values

_d, _a, _u = datasets.c, archived_datasets.c, connector_uptime.c


@dataclass(frozen=True, slots=True)
class Figures:
    """The seed's success metrics and the engine's pulse, counted at one moment.

    `by_status` counts datasets, 0 included; `first_attempts` counts datasets that were validated
    at all, `first_passes` those that passed the first time, and both `_lately` those of them that
    were asked for in the last 30 days; `provisioning` tells how long datasets took, or take in
    vain; `provisioning_failed` counts those that are FAILED and were never READY;
    `teardowns_due` counts the teardowns that are done or should be: those in their grace period
    and those on their way to it are not, unless a step had to be tried again; `teardowns_archived`
    counts the done ones; `sandbox_datasets` counts those of the sandbox past discovery,
    `sandbox_from_template` those of them that have a template; `average_quality` is the mean of
    the last scores of what is active or was asked for in the last 30 days, 0 to 1, None before the
    first, `scored` how many there are;
    `connectors_watched` counts the connectors of datasets that are READY, or that were and have an
    open incident (A48), `connectors_well` those whose last probe passed; `probes` counts those of
    the last 30 days, `probes_passed` those that passed; `retention_violations` counts archives
    that are missing or were purged before their time; `events` counts the outbox, `audited` the
    entries of the audit trail; `waiting` counts datasets that are due, `oldest_due_at` is since
    when the first of them is; `orphans` counts what has no active journey, or no dataset.
    """

    by_status: Mapping[DatasetStatus, int]
    first_attempts: int
    first_passes: int
    first_attempts_lately: int
    first_passes_lately: int
    provisioning: ProvisioningTimes
    provisioning_failed: int
    teardowns_due: int
    teardowns_archived: int
    sandbox_datasets: int
    sandbox_from_template: int
    average_quality: float | None
    scored: int
    connectors_watched: int
    connectors_well: int
    probes: int
    probes_passed: int
    retention_violations: int
    events: int
    audited: int
    waiting: int
    oldest_due_at: datetime | None
    orphans: OrphanFigures

    @property
    def first_pass_rate(self) -> float | None:
        """The share of the last 30 days' that passed their first validation, 0 to 1 (seed: R92)."""
        return _share(self.first_passes_lately, self.first_attempts_lately)

    @property
    def teardown_success(self) -> float | None:
        """The share of the teardowns that are due which are archived, 0 to 1 (seed: R93)."""
        return _share(self.teardowns_archived, self.teardowns_due)

    @property
    def template_coverage(self) -> float | None:
        """The share of sandbox datasets made from a template, 0 to 1 (seed: R94)."""
        return _share(self.sandbox_from_template, self.sandbox_datasets)

    @property
    def connectors_up(self) -> float | None:
        """The share of the watched connectors that are well now, 0 to 1."""
        return _share(self.connectors_well, self.connectors_watched)

    @property
    def uptime(self) -> float | None:
        """The share of the probes of the last 30 days that passed, 0 to 1 (seed: R96)."""
        return _share(self.probes_passed, self.probes)

    @property
    def retention_compliance(self) -> float | None:
        """The share of archives that are there, or were for their time, 0 to 1 (seed: R98)."""
        archives = self.by_status[DatasetStatus.ARCHIVED]
        return _share(archives - self.retention_violations, archives)

    @property
    def active(self) -> int:
        """How many datasets are active: neither in teardown nor archived."""
        return sum(count for status, count in self.by_status.items() if status not in ENDED)

    def orphans_unseen(self, now: datetime) -> timedelta | None:
        """Tell how long an orphan can have gone unfound: since the last whole scan (seed: R97)."""
        scanned = self.orphans.last_scan_at
        return None if scanned is None else now - scanned

    def provisioning_time(self, percent: int) -> timedelta | None:
        """Tell in which time so many percent (1 to 100) of the last 30 days' were READY (R91).

        Or in which they were not, where too few of them were.
        """
        times = self.provisioning.lately
        return times[ceil(len(times) * percent / 100) - 1] if times else None


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


_BY_STATUS = select(_d.status, func.count()).group_by(_d.status)

_IN_SANDBOX = (_d.stage == JourneyStage.SANDBOX, _d.status != DatasetStatus.DISCOVERING)

_teardown, _health = type_coerce(_d.teardown, JSON), type_coerce(_d.health, JSON)

_step = _teardown["step"].as_string()

_IS_PAST_GRACE = or_(
    _step.in_([each.value for each in IRREVERSIBLE]),
    and_(_step == TeardownStep.GRACE.value, _d.due_at <= bindparam("now")),
    _teardown["retries"].as_integer() > 0,
)

_IS_TEARDOWN_DUE = or_(
    _d.status == DatasetStatus.ARCHIVED,
    and_(_d.status == DatasetStatus.TEARDOWN, _IS_PAST_GRACE),
)

_HAS_INCIDENT = _health["incident_id"].as_string().is_not(None)

_IS_WATCHED = or_(
    _d.status == DatasetStatus.READY,
    and_(
        _d.status.in_([DatasetStatus.VALIDATING, DatasetStatus.FAILED]),
        _d.ready_at.is_not(None),
        _HAS_INCIDENT,
    ),
)

_IS_WELL = and_(
    _IS_WATCHED,
    _health["failures"].as_integer() == 0,
    or_(not_(_HAS_INCIDENT), _health["successes"].as_integer() > 0),
)

_IS_OF_LATE = _d.created_at >= bindparam("since")

_IS_JUDGED = or_(_IS_OF_LATE, _d.status.not_in(ENDED))

_IS_UNDONE = (_d.status == DatasetStatus.FAILED, _d.ready_at.is_(None))

_TOTALS = select(
    func.count(_d.first_passed).label("first_attempts"),
    func.count().filter(_d.first_passed).label("first_passes"),
    func.count(_d.first_passed).filter(_IS_OF_LATE).label("first_attempts_lately"),
    func.count().filter(_d.first_passed, _IS_OF_LATE).label("first_passes_lately"),
    func.count().filter(*_IS_UNDONE).label("provisioning_failed"),
    func.count().filter(*_IN_SANDBOX).label("sandbox_datasets"),
    func.count(_d.template_id).filter(*_IN_SANDBOX).label("sandbox_from_template"),
    func.avg(_d.quality_score).filter(_IS_JUDGED).label("average_quality"),
    func.count(_d.quality_score).filter(_IS_JUDGED).label("scored"),
    func.count().filter(_IS_TEARDOWN_DUE).label("teardowns_due"),
    func.count().filter(_IS_WATCHED).label("connectors_watched"),
    func.count().filter(_IS_WELL).label("connectors_well"),
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

_TENANTS = tenants_of(outbox)

_EVENTS = count_of(outbox, _TENANTS)
"""How many events there are: each tenant's are numbered from 1 without a gap."""

_WAITING = select(func.count(), func.min(_d.due_at)).where(_d.due_at <= bindparam("now"))

_PROBES = select(
    func.coalesce(func.sum(_u.probes), 0), func.coalesce(func.sum(_u.passed), 0)
).where(_u.day >= bindparam("first_day"))


async def read_figures(database: Database, tenant: str | None = None) -> Figures:
    """Count everything, now: of one tenant, or by default of all together."""
    async with database.reads.connect() as connection:
        return await _Reading(connection, tenant, database.clock()).figures()


@dataclass(frozen=True, slots=True)
class _Reading:
    """One look at the figures: through which connection, of whom, at which moment."""

    connection: AsyncConnection
    tenant: str | None
    now: datetime

    async def figures(self) -> Figures:
        by_status = await self._by_status()
        now = {"now": self.now}
        lately = now | {"since": window_start(self.now)}
        totals = (await self._rows(_TOTALS, _d.tenant, lately)).mappings().one()
        violations = (await self._rows(_LOST_ARCHIVES, _d.tenant)).scalar_one()
        events = (await self._rows(_EVENTS, _TENANTS.c.tenant)).scalar_one()
        waiting = (await self._rows(_WAITING, _d.tenant, now)).one()
        since = {"first_day": first_day(self.now)}
        probes, passed = (await self._rows(_PROBES, _u.tenant, since)).one()
        return Figures(
            by_status=by_status,
            provisioning=await self._provisioning(),
            teardowns_archived=by_status[DatasetStatus.ARCHIVED],
            retention_violations=violations,
            probes=int(probes),
            probes_passed=int(passed),
            events=int(events),
            audited=await count_entries(self.connection, self.tenant),
            waiting=waiting[0],
            oldest_due_at=waiting[1],
            orphans=await read_orphan_figures(self.connection, self.tenant),
            **totals,
        )

    async def _rows(
        self,
        statement: Select[*tuple[Any, ...]],
        tenant: ColumnElement[str],
        given: Values | None = None,
    ) -> CursorResult[*tuple[Any, ...]]:
        """Run a statement over the rows of the tenant that was asked for, if one was."""
        wanted = statement if self.tenant is None else statement.where(tenant == self.tenant)
        return await self.connection.execute(wanted, given)

    async def _by_status(self) -> Mapping[DatasetStatus, int]:
        rows = await self._rows(_BY_STATUS, _d.tenant)
        counted = {status: count for status, count in rows}  # noqa: C416 - rows are no pairs to dict()
        return {status: counted.get(status, 0) for status in DatasetStatus}

    async def _provisioning(self) -> ProvisioningTimes:
        rows = await self._rows(TIMES, _d.tenant, {"an_hour_ago": self.now - LIMIT})
        return times_of(rows.all(), self.now)
