"""Follows: which process carries which request's task, in the database's own time."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, or_, text, update

from domain.repository import Followed
from registry.dialect import database_now, lease_end
from registry.history import requests

if TYPE_CHECKING:
    from sqlalchemy import Update
    from sqlalchemy.sql.dml import ReturningUpdate

    from registry.database import Database

_q = requests.c


class SqlFollows:
    """Leases on requests: one statement renews a process's own and takes up what nobody follows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, owner: str, ttl: timedelta, /) -> list[Followed]:
        """Renew the owner's leases and take up those that are over; gives all it has now."""
        asked = {"owner": owner, "lease": ttl}
        async with self._database.at_once() as connection:
            rows = (await connection.execute(_keep(self._database.dialect), asked)).all()
        return [Followed(row.tenant, row.task_id, row.agent) for row in rows]

    async def leave(self, owner: str, /) -> None:
        """Let others take up at once what the owner followed."""
        async with self._database.at_once() as connection:
            await connection.execute(_leave(self._database.dialect), {"owner": owner})


@cache
def _keep(dialect: str) -> ReturningUpdate[str, str, str]:
    is_free = or_(_q.followed_until.is_(None), _q.followed_until <= database_now(dialect))
    return (
        update(requests)
        .where(text("NOT is_settled"), or_(_q.followed_by == bindparam("owner"), is_free))
        .values(followed_by=bindparam("owner"), followed_until=lease_end(dialect))
        .returning(_q.tenant, _q.task_id, _q.agent)
    )


@cache
def _leave(dialect: str) -> Update:
    return (
        update(requests)
        .where(text("NOT is_settled"), _q.followed_by == bindparam("owner"))
        .values(followed_until=database_now(dialect))
    )
