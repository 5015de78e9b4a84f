"""Quality history: every validation stays, with its verdict and the evidence of its checks."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import Row, bindparam, func, insert, select

from domain.quality import CheckType, DataQualityCheck, QualityScore
from domain.recipe import is_read
from domain.repository import QualityRun
from domain.view import describe_check, describe_quality
from registry.feedback import ask_for_feedback
from registry.history import quality_checks, quality_runs

if TYPE_CHECKING:
    from domain.state import DatasetPlace
    from registry.database import Session
    from registry.rows import Values

_r, _c = quality_runs.c, quality_checks.c

_THIS = (_r.tenant == bindparam("of_tenant"), _r.dataset_id == bindparam("of_dataset"))

_LAST_RUN = select(func.coalesce(func.max(_r.run), 0)).where(*_THIS)

_HISTORY = (
    select(
        _r.run,
        _r.executed_at.label("ended_at"),
        _r.verdict,
        _c.check_type,
        _c.passed,
        _c.exact_score,
        _c.details,
        _c.executed_at,
    )
    .join_from(quality_runs, quality_checks)
    .where(*_THIS)
    .order_by(_c.run)
)

_INSERT_RUN = insert(quality_runs)
_INSERT_CHECKS = insert(quality_checks)

_ORDER = list(CheckType)


async def write_validation(session: Session, place: DatasetPlace, score: QualityScore) -> None:
    """Add a validation to a dataset's history, a row for the run and one for each check.

    The supplier is told of it later, where the records were the supplier's.
    """
    asked = {"of_tenant": place.tenant, "of_dataset": place.dataset_id}
    last = (await session.connection.execute(_LAST_RUN, asked)).scalar_one()
    key: Values = {"tenant": place.tenant, "dataset_id": place.dataset_id, "run": last + 1}
    await session.connection.execute(_INSERT_RUN, key | _values_of_run(score))
    await session.connection.execute(
        _INSERT_CHECKS, [key | _values_of(each) for each in score.checks]
    )
    if not is_read(place.stage):
        await ask_for_feedback(session, key, session.database.clock())


async def read_history(session: Session, dataset_id: UUID) -> list[QualityRun]:
    """Read every validation of a dataset, oldest first."""
    asked = {"of_tenant": session.tenant, "of_dataset": dataset_id}
    rows = (await session.connection.execute(_HISTORY, asked)).all()
    return [_run_of(run, list(checks)) for run, checks in groupby(rows, attrgetter("run"))]


def _values_of_run(score: QualityScore) -> Values:
    verdict = {key: each for key, each in describe_quality(score).items() if key != "checks"}
    return {
        "executed_at": max(each.executed_at for each in score.checks),
        "overall_score": float(score.overall_score),
        "is_ready": score.is_ready,
        "severity": score.severity,
        "verdict": verdict,
    }


def _values_of(check: DataQualityCheck) -> Values:
    return {
        "check_type": check.check_type,
        "passed": check.passed,
        "score": float(check.score),
        "exact_score": str(check.score),
        "details": check.details,
        "executed_at": check.executed_at,
    }


def _run_of(run: int, rows: list[Row[*tuple[Any, ...]]]) -> QualityRun:
    shown = [describe_check(each) for each in _in_order(_check_of(row) for row in rows)]
    return QualityRun(run, rows[0].ended_at, {**rows[0].verdict, "checks": shown})


def _in_order(checks: Iterable[DataQualityCheck]) -> list[DataQualityCheck]:
    return sorted(checks, key=lambda each: _ORDER.index(each.check_type))


def _check_of(row: Row[*tuple[Any, ...]]) -> DataQualityCheck:
    return DataQualityCheck(
        row.check_type, row.passed, Fraction(row.exact_score), row.details, row.executed_at
    )
