"""Leases: who takes a turn with which dataset, and until when, in the database's own time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import (
    CTE,
    ColumnElement,
    Select,
    Subquery,
    TextClause,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    tuple_,
    union_all,
    update,
)

from domain.lifecycle import DatasetStatus
from domain.repository import Claim, Room
from registry.dialect import database_now, lease_end
from registry.tables import IS_PROBE, IS_WORK, datasets

if TYPE_CHECKING:
    from sqlalchemy.sql.dml import ReturningUpdate

    from registry.database import Database

_d = datasets.c

_MOST_LOOKED_AT = 1000
"""How many due datasets of each kind a claim chooses among: its cost grows with no others."""

WORK_A_PROBE = 4
"""So many other turns come before each probe of a READY dataset, where there is no room for both."""


class SqlLeases:
    """Leases on dataset rows.

    A lease begins and ends by the database's clock, which all processes share and no test
    moves; what is due is told by the caller's `now`, which the demo may move.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, owner: str, ttl: timedelta, room: Room, now: datetime, /) -> list[Claim]:
        """Claim datasets that are due at `now` and not leased, as far as there is room.

        Clients come in turns, each with what has been due longest. Processes that claim at the
        same moment may together pass a client's limit by what each of them claims then. Probes of
        READY datasets give way to provisioning, gates and teardowns, but not for ever.
        """
        limits = {"at_most": room.turns, "a_client": room.a_client}
        asked = {"owner": owner, "lease": ttl, "now": now, **limits}
        async with self._database.at_once() as connection:
            rows = (await connection.execute(_claim(self._database.dialect), asked)).all()
        return [Claim(row.tenant, row.dataset_id, owner) for row in rows]

    async def due(self, room: Room, now: datetime, /) -> list[Claim]:
        """Tell what `claim` would take, and take nothing: for an engine with a queue of its own.

        Nobody owns these claims yet. What somebody is about to claim at this moment is left out.
        """
        asked = {"at_most": room.turns, "a_client": room.a_client, "now": now}
        async with self._database.at_once() as connection:
            rows = (await connection.execute(due_statement(self._database.dialect), asked)).all()
        return [Claim(row.tenant, row.dataset_id, "") for row in rows]

    async def claim_one(self, wanted: Claim, ttl: timedelta, now: datetime, /) -> bool:
        """Claim this one dataset; tells whether it was due at `now` and not leased."""
        asked = {
            "of_tenant": wanted.tenant,
            "of_dataset": wanted.dataset_id,
            "owner": wanted.owner,
            "lease": ttl,
            "now": now,
        }
        async with self._database.at_once() as connection:
            rows = (await connection.execute(_claim_one(self._database.dialect), asked)).all()
        return bool(rows)

    async def beat(self, owner: str, ids: Collection[UUID], ttl: timedelta, /) -> set[UUID]:
        """Renew leases; gives those still held, a late one that nobody took included."""
        asked = {"owner": owner, "lease": ttl, "held": list(ids)}
        async with self._database.at_once() as connection:
            rows = (await connection.execute(_beat(self._database.dialect), asked)).all()
        return {row.dataset_id for row in rows}

    async def release(self, claim: Claim, due_at: datetime | None, version: int, /) -> None:
        """Give a lease back.

        `due_at` is kept only where the row is still at `version`; else the row stays due as
        whoever wrote has left it.
        """
        asked = {
            "of_tenant": claim.tenant,
            "of_dataset": claim.dataset_id,
            "owner": claim.owner,
            "of_version": version,
            "next_due": due_at,
        }
        async with self._database.at_once() as connection:
            await connection.execute(_RELEASE, asked)

    async def next_due(self, /) -> datetime | None:
        """Tell when the next unleased dataset is due."""
        async with self._database.reads.connect() as connection:
            found = await connection.execute(_next_due(self._database.dialect))
            return found.scalar_one_or_none()


_NEXT_DUE = bindparam("next_due", type_=_d.due_at.type)

_RELEASE = (
    update(datasets)
    .where(
        _d.tenant == bindparam("of_tenant"),
        _d.dataset_id == bindparam("of_dataset"),
        _d.lease_owner == bindparam("owner"),
    )
    .values(
        lease_owner=None,
        lease_until=None,
        due_at=case((_d.version == bindparam("of_version"), _NEXT_DUE), else_=_d.due_at),
    )
)


def due_statement(dialect: str) -> Select[str, UUID]:
    """Give the query of what is due, not leased and may be claimed; others' rows are skipped."""
    due = (_d.due_at <= bindparam("now"), _is_free(dialect))
    ranked = _in_turns(dialect, due).subquery("ranked")
    is_same = and_(ranked.c.tenant == _d.tenant, ranked.c.dataset_id == _d.dataset_id)
    return (
        select(_d.tenant, _d.dataset_id)
        .select_from(datasets.join(ranked, is_same))
        .where(*due, ranked.c.place <= bindparam("a_client"))
        .order_by(ranked.c.turn, ranked.c.due_at)
        .limit(bindparam("at_most"))
        .with_for_update(of=datasets, skip_locked=True)  # SQLite has one writer and leaves it out
    )


def _in_turns(dialect: str, due: tuple[ColumnElement[bool], ...]) -> Select[Any]:
    """Give the query of the place each has among its client's turns, those under way included.

    A client's turns come in the order in which its work and its probes, which weigh more, share
    them; among those of all clients they come in the same.
    """
    held = _held(dialect)
    work, probes = _first(due, held, IS_WORK, 1), _first(due, held, IS_PROBE, WORK_A_PROBE)
    waiting = union_all(select(work), select(probes)).subquery("waiting")
    shared = _shared(waiting, held).subquery("shared")
    place = func.row_number().over(
        partition_by=(shared.c.tenant, shared.c.client_id),
        order_by=(shared.c.turn, shared.c.due_at),
    )
    return select(shared, (place + shared.c.before).label("place"))


def _shared(waiting: Subquery, held: CTE) -> Select[Any]:
    """Give the query of each one's turn among its client's of its kind, times what these weigh."""
    turn = func.row_number().over(
        partition_by=(waiting.c.tenant, waiting.c.client_id, waiting.c.weight),
        order_by=waiting.c.due_at,
    )
    of_kind = case((waiting.c.weight == 1, held.c.turns - held.c.probes), else_=held.c.probes)
    is_same = and_(held.c.tenant == waiting.c.tenant, held.c.client_id == waiting.c.client_id)
    return select(
        waiting,
        func.coalesce(held.c.turns, 0).label("before"),
        ((turn + func.coalesce(of_kind, 0)) * waiting.c.weight).label("turn"),
    ).select_from(waiting.outerjoin(held, is_same))


def _first(
    due: tuple[ColumnElement[bool], ...], held: CTE, of_kind: TextClause, weight: int
) -> Subquery:
    """Give the query of what has been due longest of one kind, whose clients may have more turns."""
    is_at_limit = exists().where(
        held.c.tenant == _d.tenant,
        held.c.client_id == _d.client_id,
        held.c.turns >= bindparam("a_client"),
    )
    who = (_d.tenant, _d.dataset_id, _d.client_id, _d.due_at)
    longest = (
        select(*who, literal(weight).label("weight"))
        .where(*due, of_kind, ~is_at_limit)
        .order_by(_d.due_at)
        .limit(_MOST_LOOKED_AT)
    )
    return longest.subquery()


def _held(dialect: str) -> CTE:
    """Give the query of how many turns each client has under way, and how many of them are probes.

    The few leased rows are found first, by their own index: a grouping by client alone would
    walk every row there is.
    """
    leased = (
        select(
            _d.tenant,
            _d.client_id,
            case((_d.status == DatasetStatus.READY, 1), else_=0).label("is_probe"),
        )
        .where(_d.lease_owner.is_not(None), ~_is_free(dialect))
        .cte("leased")
        .prefix_with("MATERIALIZED")
    )
    client = (leased.c.tenant, leased.c.client_id)
    counted = select(
        *client, func.count().label("turns"), func.sum(leased.c.is_probe).label("probes")
    )
    return counted.group_by(*client).cte("held")


@cache
def _claim(dialect: str) -> ReturningUpdate[str, UUID]:
    return (
        update(datasets)
        .where(tuple_(_d.tenant, _d.dataset_id).in_(due_statement(dialect)))
        .values(_lease(dialect))
        .returning(_d.tenant, _d.dataset_id)
    )


@cache
def _claim_one(dialect: str) -> ReturningUpdate[UUID]:
    return (
        update(datasets)
        .where(
            _d.tenant == bindparam("of_tenant"),
            _d.dataset_id == bindparam("of_dataset"),
            _d.due_at <= bindparam("now"),
            _is_free(dialect),
        )
        .values(_lease(dialect))
        .returning(_d.dataset_id)
    )


def _lease(dialect: str) -> dict[str, ColumnElement[Any]]:
    """Give what a claim writes; of what it finds free, another's lease was left to run out."""
    owner, now = (
        bindparam("owner", type_=_d.lease_owner.type),
        bindparam("now", type_=_d.due_at.type),
    )
    is_takeover = and_(_d.lease_owner.is_not(None), _d.lease_owner != owner)
    return {
        "lease_owner": owner,
        "lease_until": lease_end(dialect),
        "taken_over_at": case((is_takeover, now), else_=_d.taken_over_at),
    }


@cache
def _beat(dialect: str) -> ReturningUpdate[UUID]:
    return (
        update(datasets)
        .where(
            _d.lease_owner == bindparam("owner"),
            _d.dataset_id.in_(bindparam("held", expanding=True)),
        )
        .values(lease_until=lease_end(dialect))
        .returning(_d.dataset_id)
    )


@cache
def _next_due(dialect: str) -> Select[datetime | None]:
    waiting = (_d.due_at.is_not(None), _is_free(dialect))
    return select(_d.due_at).where(*waiting).order_by(_d.due_at).limit(1)


def _is_free(dialect: str) -> ColumnElement[bool]:
    return or_(_d.lease_until.is_(None), _d.lease_until <= database_now(dialect))
