"""Leases: who takes a turn with which dataset, and until when, in the database's own time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    select,
    tuple_,
    update,
)

from domain.repository import Claim, Room
from registry.dialect import lease_end
from registry.tables import datasets
from registry.turns import due_statement, is_free, limits_of

if TYPE_CHECKING:
    from sqlalchemy.sql.dml import ReturningUpdate

    from registry.database import Database

_d = datasets.c


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
        READY datasets give way to provisioning, gates and teardowns, but not for ever: of five
        turns under way one may be a probe, and of what a client may have, if that is less.
        """
        asked = {"owner": owner, "lease": ttl, "now": now, **limits_of(room)}
        async with self._database.at_once() as connection:
            rows = (await connection.execute(_claim(self._database.dialect), asked)).all()
        return [Claim(row.tenant, row.dataset_id, owner) for row in rows]

    async def due(self, room: Room, now: datetime, /) -> list[Claim]:
        """Tell what `claim` would take, and take nothing: for an engine with a queue of its own.

        Nobody owns these claims yet. What somebody is about to claim at this moment is left out.
        """
        asked = {"now": now, **limits_of(room)}
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
            is_free(dialect),
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
    waiting = (_d.due_at.is_not(None), is_free(dialect))
    return select(_d.due_at).where(*waiting).order_by(_d.due_at).limit(1)
