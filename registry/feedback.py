"""Feedback in SQL: a row a validation the supplier has not heard of, gone when it has."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

from sqlalchemy import RowMapping, and_, bindparam, delete, insert, select, update

from domain.feedback import CheckOutcome, Feedback
from registry.history import quality_checks, quality_runs
from registry.measure_tables import supplier_feedback
from registry.tables import dataset_templates, datasets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from registry.database import Database, Session
    from registry.rows import Values

_f, _r, _c, _d, _t = (
    supplier_feedback.c,
    quality_runs.c,
    quality_checks.c,
    datasets.c,
    dataset_templates.c,
)

_Run: TypeAlias = tuple[str, UUID, int]
"""A validation: its tenant, its dataset, and which of that one's it is."""

_INSERT = insert(supplier_feedback)

_THIS = (
    _f.tenant == bindparam("of_tenant"),
    _f.dataset_id == bindparam("of_dataset"),
    _f.run == bindparam("of_run"),
)

_DUE = (
    select(
        _f.tenant,
        _f.dataset_id,
        _f.run,
        _f.tries,
        _t.template,
        _t.version,
        _d.stage,
        _d.dataset_type,
        _d.content,
        _r.overall_score,
        _r.is_ready,
        _r.executed_at,
    )
    .select_from(supplier_feedback)
    .join(
        quality_runs,
        and_(_r.tenant == _f.tenant, _r.dataset_id == _f.dataset_id, _r.run == _f.run),
    )
    .join(datasets, and_(_d.tenant == _f.tenant, _d.dataset_id == _f.dataset_id))
    .join(
        dataset_templates,
        and_(_t.tenant == _d.tenant, _t.fingerprint == _d.template_fingerprint),
    )
    .where(_f.due_at <= bindparam("now"))
    .order_by(_f.due_at, _f.dataset_id, _f.run)
    .limit(bindparam("at_most"))
)

_CHECKS = (
    select(_c.tenant, _c.dataset_id, _c.run, _c.check_type, _c.passed, _c.score)
    .where(
        _c.tenant.in_(bindparam("tenants", expanding=True)),
        _c.dataset_id.in_(bindparam("datasets", expanding=True)),
        _c.run.in_(bindparam("runs", expanding=True)),
    )
    .order_by(_c.check_type)
)
"""The checks of some runs, and of a few besides: SQLite finds no three columns at once by index."""

_DONE = delete(supplier_feedback).where(*_THIS)

_POSTPONE = update(supplier_feedback).where(*_THIS).values(tries=_f.tries + 1)


async def ask_for_feedback(session: Session, key: Values, at: datetime) -> None:
    """Let the supplier hear of a validation, in the commit that writes it down."""
    await session.connection.execute(_INSERT, {**key, "tries": 0, "due_at": at})


class SqlFeedback:
    """The feedback of every tenant that is not sent yet."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def due(self, now: datetime, limit: int, /) -> list[Feedback]:
        """Read what is to be sent by now, what has been due longest first."""
        async with self._database.reads.connect() as connection:
            found = await connection.execute(_DUE, {"now": now, "at_most": limit})
            rows = found.mappings().all()
            checks = await _checks_of(connection, [_run_of(each) for each in rows])
        return [_feedback_of(each, checks[_run_of(each)]) for each in rows]

    async def done(self, feedback: Feedback, /) -> None:
        """Forget what the supplier has heard, or will never hear."""
        async with self._database.at_once() as connection:
            await connection.execute(_DONE, _key_of(feedback))

    async def postpone(self, feedback: Feedback, until: datetime, /) -> None:
        """Send it later, and count the try."""
        asked = {**_key_of(feedback), "due_at": until}
        async with self._database.at_once() as connection:
            await connection.execute(_POSTPONE, asked)


async def _checks_of(
    connection: AsyncConnection, runs: Sequence[_Run]
) -> Mapping[_Run, Sequence[CheckOutcome]]:
    """Read how the checks of these runs came out, by run, in one go."""
    found: dict[_Run, list[CheckOutcome]] = {each: [] for each in runs}
    tenants, dataset_ids, numbers = (sorted({each[at] for each in runs}) for at in range(3))
    asked = {"tenants": tenants, "datasets": dataset_ids, "runs": numbers}
    for row in await connection.execute(_CHECKS, asked):
        run = row.tenant, row.dataset_id, row.run
        if run in found:
            found[run].append(CheckOutcome(row.check_type, row.passed, row.score))
    return found


def _feedback_of(row: RowMapping, checks: Sequence[CheckOutcome]) -> Feedback:
    content = row["content"]
    return Feedback(
        tenant=row["tenant"],
        dataset_id=row["dataset_id"],
        run=row["run"],
        template_key=row["template"].supplier_key,
        template_version=row["version"],
        stage=row["stage"],
        dataset_type=row["dataset_type"],
        records_generated=content.record_count if content else None,
        documents_indexed=content.documents if content else None,
        overall_score=row["overall_score"],
        is_ready=row["is_ready"],
        checks=tuple(checks),
        executed_at=row["executed_at"],
        tries=row["tries"],
    )


def _run_of(row: RowMapping) -> _Run:
    return row["tenant"], row["dataset_id"], row["run"]


def _key_of(feedback: Feedback) -> Values:
    return {
        "of_tenant": feedback.tenant,
        "of_dataset": feedback.dataset_id,
        "of_run": feedback.run,
    }
