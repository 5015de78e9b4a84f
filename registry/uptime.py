"""Uptime: how many of each day's probes passed, by dataset, over a rolling month (A48)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import delete

from registry.dialect import Insert, insert
from registry.measure_tables import connector_uptime

if TYPE_CHECKING:
    from domain.state import DatasetPlace
    from registry.database import Database, Session

WINDOW_DAYS = 30
"""Over how many days, today among them, the uptime is told, and what else is told of a month."""

_u = connector_uptime.c


def first_day(now: datetime) -> date:
    """Tell the first day of the window that ends now."""
    return now.astimezone(UTC).date() - timedelta(days=WINDOW_DAYS - 1)


def window_start(now: datetime) -> datetime:
    """Tell the moment at which the window begins that ends now."""
    return datetime.combine(first_day(now), time(), UTC)


async def count_probes(
    session: Session, place: DatasetPlace, probes: Sequence[bool], at: datetime
) -> None:
    """Add probes of a dataset's connector, each by whether it passed, to their day."""
    if not probes:
        return
    row = {
        "tenant": place.tenant,
        "dataset_id": place.dataset_id,
        "day": at.astimezone(UTC).date(),
        "probes": len(probes),
        "passed": sum(probes),
    }
    await session.connection.execute(_add(session.dialect), row)


async def prune_uptime(database: Database, now: datetime) -> int:
    """Delete the days before the window; tells how many rows."""
    async with database.engine.begin() as connection:
        done = await connection.execute(delete(connector_uptime).where(_u.day < first_day(now)))
    return done.rowcount


@cache
def _add(dialect: str) -> Insert:
    statement = insert(dialect, connector_uptime)
    new = statement.excluded
    adding: Insert = statement.on_conflict_do_update(
        index_elements=[_u.tenant, _u.dataset_id, _u.day],
        set_={"probes": _u.probes + new.probes, "passed": _u.passed + new.passed},
    )
    return adding
