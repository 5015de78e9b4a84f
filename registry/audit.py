"""Writing the audit trail: who did what, in the commit that does it, at the end of the chain."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import insert

from domain.audit import SYSTEM, AuditEntry
from domain.dataset import Dataset
from domain.events import Happening
from domain.lifecycle import DatasetStatus
from registry.chain import LAST, linked, values_of
from registry.dialect import SQLITE
from registry.history import audit

if TYPE_CHECKING:
    from domain.approvals import Approval
    from domain.commands import Principal
    from domain.record import JsonObject
    from registry.database import Session

_INSERT = insert(audit)

_CHANGE = "change"


async def write_entry(
    session: Session,
    principal: Principal,
    change: tuple[DatasetStatus | None, Dataset],
    happenings: Sequence[Happening],
    at: datetime,
) -> None:
    """Write down a change: the status before, the dataset as it is now, and what happened.

    `action` names the events, comma-separated; without any it is a `registration`, a `transition`
    to another status, or a `change`. A change that the service makes by itself leaves no entry:
    a probe is no history. What anybody else does always leaves one.
    """
    before, dataset = change
    silent = _silent_action(before, dataset.status)
    if not happenings and silent == _CHANGE and principal.subject == SYSTEM:
        return
    entry = AuditEntry(
        tenant=principal.tenant,
        entry_id=session.database.ids(),
        at=at,
        principal=principal.subject,
        action=", ".join(each.name for each in happenings) or silent,
        correlation=dataset.place.correlation,
        dataset_id=dataset.place.dataset_id,
        version=dataset.version,
        from_status=before,
        to_status=dataset.status,
    )
    await _append(session, entry)


async def write_word(
    session: Session,
    principal: Principal,
    action: str,
    correlation: str,
    detail: JsonObject | None = None,
) -> None:
    """Write down what somebody decided that is no change of one dataset: a request, its end.

    `action` says in a word what was done, `detail` what was asked: plain JSON without fractions.
    """
    entry = AuditEntry(
        tenant=principal.tenant,
        entry_id=session.database.ids(),
        at=session.database.clock(),
        principal=principal.subject,
        action=action,
        correlation=correlation,
        detail=detail,
    )
    await _append(session, entry)


async def write_withdrawal(
    session: Session, principal: Principal, approval: Approval, dataset: Dataset
) -> None:
    """Write down that consent to a dataset's teardown is not asked for any more."""
    entry = AuditEntry(
        tenant=principal.tenant,
        entry_id=session.database.ids(),
        at=session.database.clock(),
        principal=principal.subject,
        action="withdrawal",
        correlation=approval.task_id,
        dataset_id=dataset.place.dataset_id,
        version=dataset.version,
        from_status=dataset.status,
        to_status=dataset.status,
        detail={"approval_id": str(approval.approval_id)},
    )
    await _append(session, entry)


async def _append(session: Session, entry: AuditEntry) -> None:
    """Write an entry at the end of its tenant's chain.

    PostgreSQL finds its place inside the commit, as it does for an event, under a lock that no
    client can hold; SQLite has one writer at a time, so that its place is known at once.
    """
    row = {**values_of(entry), "digest": entry.digest}
    if session.dialect == SQLITE:
        found = await session.connection.execute(LAST, {"of_tenant": entry.tenant})
        last = found.one_or_none()
        row |= linked(entry.digest, (last.sequence, last.hash) if last is not None else None)
    await session.connection.execute(_INSERT, row)


def _silent_action(before: DatasetStatus | None, now: DatasetStatus) -> str:
    """Name what was done without an event."""
    if before is None:
        return "registration"
    return _CHANGE if before is now else "transition"
