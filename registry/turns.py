"""Turns: whose is next of what is due, so that no client and no kind of turn waits for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import (
    CTE,
    ColumnElement,
    Integer,
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
    union_all,
)

from domain.lifecycle import DatasetStatus
from registry.dialect import database_now
from registry.tables import IS_PROBE, IS_WORK, datasets

if TYPE_CHECKING:
    from domain.repository import Room

_d = datasets.c

_MOST_LOOKED_AT = 1000
"""How many due datasets of each kind a claim chooses among: its cost grows with no others."""

WORK_A_PROBE = 4
"""So many other turns come before each probe of a READY dataset, where there is no room for both.

That is so of all turns under way in every process, and of each client's, who comes to it with as
many as it may have where these are fewer. Where all processes together have room for fewer, a
probe waits for as long as there is work.
"""


def limits_of(room: Room) -> dict[str, int]:
    """Give what `due_statement` is told of the room there is."""
    a_probe = min(WORK_A_PROBE, room.a_client)
    return {"at_most": room.turns, "a_client": room.a_client, "a_probe": a_probe}


def is_free(dialect: str) -> ColumnElement[bool]:
    """Tell whether nobody holds a dataset, or holds it no more."""
    return or_(_d.lease_until.is_(None), _d.lease_until <= database_now(dialect))


def due_statement(dialect: str) -> Select[str, UUID]:
    """Give the query of what is due, not leased and may be claimed; others' rows are skipped."""
    due, held = (_d.due_at <= bindparam("now"), is_free(dialect)), _held(dialect)
    ranked = _among_all(_in_turns(due, held).subquery("in_turns"), held).subquery("ranked")
    is_same = and_(ranked.c.tenant == _d.tenant, ranked.c.dataset_id == _d.dataset_id)
    return (
        select(_d.tenant, _d.dataset_id)
        .select_from(datasets.join(ranked, is_same))
        .where(*due)
        .order_by(ranked.c.share, ranked.c.due_at)
        .limit(bindparam("at_most"))
        .with_for_update(of=datasets, skip_locked=True)  # SQLite has one writer and leaves it out
    )


def _among_all(waiting: Subquery, held: CTE) -> Select[Any]:
    """Give the query of each one's turn among all of its kind, those under way included.

    Work of all clients and probes of all share the turns as those of one client do: many clients
    with a little work each would keep every probe waiting otherwise.
    """
    turn = func.row_number().over(
        partition_by=waiting.c.is_probe, order_by=(waiting.c.turn, waiting.c.due_at)
    )
    under_way = select(
        func.coalesce(func.sum(held.c.turns - held.c.probes), 0).label("work"),
        func.coalesce(func.sum(held.c.probes), 0).label("probes"),
    ).subquery("under_way")
    before = case((waiting.c.is_probe == 1, under_way.c.probes), else_=under_way.c.work)
    weight = case((waiting.c.is_probe == 1, WORK_A_PROBE), else_=1)
    return (
        select(waiting, ((turn + before) * weight).label("share"))
        .select_from(waiting.join(under_way, literal(value=True)))
        .where(waiting.c.place <= bindparam("a_client"))
    )


def _in_turns(due: tuple[ColumnElement[bool], ...], held: CTE) -> Select[Any]:
    """Give the query of the place each has among its client's turns, those under way included.

    A client's turns come in the order in which its work and its probes, which weigh more, share
    them.
    """
    work, probes = _first(due, held, IS_WORK, 0), _first(due, held, IS_PROBE, 1)
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
        partition_by=(waiting.c.tenant, waiting.c.client_id, waiting.c.is_probe),
        order_by=waiting.c.due_at,
    )
    is_probe = waiting.c.is_probe == 1
    of_kind = case((is_probe, held.c.probes), else_=held.c.turns - held.c.probes)
    weight = case((is_probe, bindparam("a_probe", type_=Integer())), else_=1)
    is_same = and_(held.c.tenant == waiting.c.tenant, held.c.client_id == waiting.c.client_id)
    return select(
        waiting,
        func.coalesce(held.c.turns, 0).label("before"),
        ((turn + func.coalesce(of_kind, 0)) * weight).label("turn"),
    ).select_from(waiting.outerjoin(held, is_same))


def _first(
    due: tuple[ColumnElement[bool], ...], held: CTE, of_kind: TextClause, is_probe: int
) -> Subquery:
    """Give the query of what is due longest of one kind, and whose clients may have more turns."""
    is_at_limit = exists().where(
        held.c.tenant == _d.tenant,
        held.c.client_id == _d.client_id,
        held.c.turns >= bindparam("a_client"),
    )
    who = (_d.tenant, _d.dataset_id, _d.client_id, _d.due_at)
    longest = (
        select(*who, literal(is_probe).label("is_probe"))
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
        .where(_d.lease_owner.is_not(None), ~is_free(dialect))
        .cte("leased")
        .prefix_with("MATERIALIZED")
    )
    client = (leased.c.tenant, leased.c.client_id)
    counted = select(
        *client, func.count().label("turns"), func.sum(leased.c.is_probe).label("probes")
    )
    return counted.group_by(*client).cte("held")
