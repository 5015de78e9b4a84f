"""Provisioning times: how long datasets took to become READY, and how many are late for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, bindparam, or_, select, type_coerce

from domain.success import PROVISIONING_TIME
from registry.tables import datasets
from registry.uptime import window_start

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Row

LIMIT = timedelta(seconds=PROVISIONING_TIME.target)

_d = datasets.c

TIMES = select(
    _d.created_at, _d.ready_at, type_coerce(_d.teardown, JSON)["started_at"].as_string()
).where(or_(_d.ready_at.is_not(None), _d.created_at <= bindparam("an_hour_ago")))
"""One row a dataset that may count: when it was asked for, READY first, and torn down, if so."""


@dataclass(frozen=True, slots=True)
class ProvisioningTimes:
    """How long datasets took from the request to the first READY.

    One that was not READY within the hour counts as well, with the time until its teardown, or
    until now; one that was called off before is left out. `lately` holds the times of those asked
    for in the last 30 days, shortest first; `count` tells how many there ever were, `late` how
    many of them took 60 minutes or longer. Both only grow.
    """

    lately: tuple[timedelta, ...]
    count: int
    late: int


def times_of(rows: Iterable[Row[*tuple[Any, ...]]], now: datetime) -> ProvisioningTimes:
    """Measure what TIMES found."""
    since = window_start(now)
    found = [(asked, ready, _until(ready, ended, now) - asked) for asked, ready, ended in rows]
    counted = [(asked, took) for asked, ready, took in found if ready or took >= LIMIT]
    return ProvisioningTimes(
        lately=tuple(sorted(took for asked, took in counted if asked >= since)),
        count=len(counted),
        late=sum(took >= LIMIT for _, took in counted),
    )


def _until(ready: datetime | None, ended: str | None, now: datetime) -> datetime:
    return ready or (datetime.fromisoformat(ended) if ended else now)
