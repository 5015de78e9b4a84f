"""Requests in SQL: one message is one request, whatever is sent again."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select, text, update

from domain.commands import Principal, Request, RequestKey
from domain.errors import CameBefore, InvalidInput
from domain.repository import FOLLOW
from registry.dialect import Insert, insert, lease_end
from registry.history import requests
from registry.rows import request_of, values_of_request

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from registry.database import Session

_q = requests.c

_BY_MESSAGE = select(requests).where(
    _q.tenant == bindparam("of_tenant"),
    _q.subject == bindparam("of_subject"),
    _q.agent == bindparam("of_agent"),
    _q.message_id == bindparam("of_message"),
)

_OF_TASK = (_q.tenant == bindparam("of_tenant"), _q.task_id == bindparam("of_task"))

_BY_TASK = select(requests).where(*_OF_TASK)

_UNSETTLED = (
    select(requests)
    .where(text("NOT is_settled"))
    .order_by(_q.accepted_at, _q.task_id)
    .limit(bindparam("at_most"))
)

_SETTLE = update(requests).where(*_OF_TASK).values(is_settled=True)

_CALL_OFF = (
    update(requests)
    .where(*_OF_TASK, text("NOT is_closed"), text("NOT is_settled"))
    .values(is_cancelled=True)
    .returning(_q.task_id)
)

_CLOSE = (
    update(requests)
    .where(*_OF_TASK, text("NOT is_cancelled"))
    .values(is_closed=True)
    .returning(_q.task_id)
)


async def write_request(session: Session, request: Request) -> None:
    """Write an accepted request down. Raises CameBefore when its message did."""
    row = {f"new_{name}": value for name, value in values_of_request(request).items()}
    row |= {"new_accepted_at": session.database.clock(), "new_followed_by": session.database.owner}
    written = await session.connection.execute(_insert(session.dialect), {**row, "lease": FOLLOW})
    if written.rowcount != 1:
        message = (
            f"Message {request.key.message_id!r} to {request.key.agent} was accepted before. "
            "Read the request it made; it is the answer to this one as well."
        )
        raise CameBefore(message)


@cache
def _insert(dialect: str) -> Insert:
    """Give the INSERT of a request, which its process follows from the moment it is there."""
    given = [each for each in _q if each.name not in {"is_closed", "followed_until"}]
    columns = {each.name: bindparam(f"new_{each.name}", type_=each.type) for each in given}
    statement = insert(dialect, requests).values({**columns, "followed_until": lease_end(dialect)})
    once: Insert = statement.on_conflict_do_nothing()
    return once.execution_options(preserve_rowcount=True)


async def find_request(session: Session, principal: Principal, key: RequestKey) -> Request | None:
    """Find the request a message made before. Raises InvalidInput when its body differs."""
    asked = {
        "of_tenant": principal.tenant,
        "of_subject": principal.subject,
        "of_agent": key.agent,
        "of_message": key.message_id,
    }
    row = (await session.connection.execute(_BY_MESSAGE, asked)).mappings().one_or_none()
    if row is None:
        return None
    if row["digest"] != key.digest:
        message = (
            f"Message {key.message_id!r} was sent to {key.agent} before, with another body. "
            "Give a new request a message id of its own."
        )
        raise InvalidInput(message)
    return request_of(row)


async def find_request_of_task(session: Session, task_id: str) -> Request | None:
    """Find the request a task shows."""
    asked = {"of_tenant": session.tenant, "of_task": task_id}
    row = (await session.connection.execute(_BY_TASK, asked)).mappings().one_or_none()
    return request_of(row) if row is not None else None


async def find_unsettled(connection: AsyncConnection, limit: int) -> list[Request]:
    """Read requests of every tenant whose task has not ended, oldest first."""
    found = await connection.execute(_UNSETTLED, {"at_most": limit})
    return [request_of(row) for row in found.mappings()]


async def mark_settled(session: Session, task_id: str) -> None:
    """Write down that a request's task has ended; again, or for an unknown one, is nothing."""
    await session.connection.execute(_SETTLE, {"of_tenant": session.tenant, "of_task": task_id})


async def mark_cancelled(session: Session, task_id: str) -> bool:
    """Write down that a request was called off; tells whether it was still open to it."""
    asked = {"of_tenant": session.tenant, "of_task": task_id}
    return (await session.connection.execute(_CALL_OFF, asked)).first() is not None


async def mark_closed(session: Session, task_id: str) -> bool:
    """Write down that a request can be called off no more; tells whether it never was."""
    asked = {"of_tenant": session.tenant, "of_task": task_id}
    return (await session.connection.execute(_CLOSE, asked)).first() is not None
