"""Approvals in SQL: asked for once a dataset, decided once, and never forgotten."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import and_, bindparam, case, func, select, text, update

from domain.approvals import Approval, ApprovalStatus
from domain.errors import Conflict, NotFound
from registry.dialect import insert_once
from registry.history import approvals
from registry.rows import as_uuid
from registry.tables import datasets

if TYPE_CHECKING:
    from sqlalchemy import RowMapping

    from registry.database import Session
    from registry.rows import Values

_a, _d = approvals.c, datasets.c

_SHOWN = (
    select(approvals, _d.connector_name, _d.stage, _d.journey_ref)
    .join(datasets, and_(_d.tenant == _a.tenant, _d.dataset_id == _a.dataset_id))
    .where(_a.tenant == bindparam("of_tenant"))
)

_ONE = _SHOWN.where(_a.approval_id == bindparam("of_approval"))

_PENDING = text("approvals.status = 'pending'")

_IS_ACTIVE = text("datasets.status NOT IN ('archived', 'teardown')")

_PENDING_FOR = _SHOWN.where(_a.dataset_id == bindparam("of_dataset"), _PENDING)

_OPEN = _SHOWN.where(_PENDING, _IS_ACTIVE).order_by(_a.asked_at, _a.approval_id)

_OLDEST_FIRST = _SHOWN.where(_a.approval_id.in_(bindparam("wanted", expanding=True))).order_by(
    _a.asked_at, _a.approval_id
)

_NEWEST_FIRST = _SHOWN.order_by(_a.asked_at.desc(), _a.approval_id.desc())

_OF_NAME = (
    select(_a.approval_id)
    .join(datasets, and_(_d.tenant == _a.tenant, _d.dataset_id == _a.dataset_id))
    .where(
        _a.tenant == bindparam("of_tenant"),
        func.lower(_d.connector_name) == func.lower(bindparam("of_name")),
    )
    .order_by(case((_PENDING, 0), else_=1), _a.asked_at.desc())
    .limit(1)
)

_DECIDED = (_a.status, _a.resolved_by, _a.resolved_at, _a.comment)

_DECIDE = (
    update(approvals)
    .where(
        _a.tenant == bindparam("of_tenant"),
        _a.approval_id == bindparam("of_approval"),
        text("status = 'pending'"),
    )
    .values({each.name: bindparam(f"now_{each.name}", type_=each.type) for each in _DECIDED})
)


async def write_approval(session: Session, approval: Approval) -> Approval:
    """Write an approval down that is asked for, or give the one that is pending already."""
    insert = insert_once(session.dialect, approvals)
    written = await session.connection.execute(insert, _values_of(approval))
    if written.rowcount == 1:
        return approval
    asked = {"of_tenant": session.tenant, "of_dataset": approval.dataset_id}
    row = (await session.connection.execute(_PENDING_FOR, asked)).mappings().one_or_none()
    if row is None:
        message = (
            f"The approval for {approval.connector_name} was decided while it was asked for anew. "
            "Ask again."
        )
        raise Conflict(message)
    return _approval_of(row)


async def find_approval(session: Session, approval_id: UUID) -> Approval:
    """Read an approval. Raises NotFound."""
    asked = {"of_tenant": session.tenant, "of_approval": approval_id}
    row = (await session.connection.execute(_ONE, asked)).mappings().one_or_none()
    if row is None:
        raise NotFound(_unknown(approval_id))
    return _approval_of(row)


async def resolve_approval(session: Session, ref: str) -> UUID:
    """Give the id of the approval a reference means: its id, or its dataset's connector name.

    Raises:
        NotFound: none was ever asked for under the name.
    """
    identity = as_uuid(ref)
    if identity is not None:
        return identity
    asked = {"of_tenant": session.tenant, "of_name": ref}
    found: UUID | None = (await session.connection.execute(_OF_NAME, asked)).scalar()
    if found is None:
        raise NotFound(_unknown(ref))
    return found


async def write_decision(session: Session, approval: Approval) -> None:
    """Write down how an approval was decided. Raises Conflict when somebody decided first."""
    decided: Values = {
        "of_tenant": session.tenant,
        "of_approval": approval.approval_id,
        "now_status": approval.status,
        "now_comment": approval.comment,
        "now_resolved_by": approval.resolved_by,
        "now_resolved_at": approval.resolved_at,
    }
    if (await session.connection.execute(_DECIDE, decided)).rowcount != 1:
        message = (
            f"Approval {approval.approval_id} was decided by somebody else meanwhile. Read it "
            "again to see how."
        )
        raise Conflict(message)


async def read_open(session: Session, limit: int) -> list[Approval]:
    """Read what waits for consent, oldest first."""
    found = await session.connection.execute(_OPEN.limit(limit), {"of_tenant": session.tenant})
    return [_approval_of(row) for row in found.mappings()]


async def read_approvals(
    session: Session, status: ApprovalStatus | None, limit: int
) -> list[Approval]:
    """Read approvals of a status, or of all, newest first."""
    statement = _NEWEST_FIRST.limit(limit)
    if status is not None:
        statement = statement.where(_a.status == status)
    found = await session.connection.execute(statement, {"of_tenant": session.tenant})
    return [_approval_of(row) for row in found.mappings()]


async def read_approvals_by_id(session: Session, ids: Collection[UUID]) -> list[Approval]:
    """Read approvals by id, oldest first."""
    if not ids:
        return []
    asked = {"of_tenant": session.tenant, "wanted": list(ids)}
    return [
        _approval_of(row)
        for row in (await session.connection.execute(_OLDEST_FIRST, asked)).mappings()
    ]


def _unknown(ref: UUID | str) -> str:
    return f"There is no approval {ref}. List the approvals to find the one you mean."


_OF_THE_DATASET = ("connector_name", "stage", "journey_ref")
"""What an approval shows of its dataset, and its own row does not hold."""


def _values_of(approval: Approval) -> Values:
    return {each.name: getattr(approval, each.name) for each in _a}


def _approval_of(row: RowMapping) -> Approval:
    names = (*(each.name for each in _a), *_OF_THE_DATASET)
    return Approval(**{name: row[name] for name in names})
