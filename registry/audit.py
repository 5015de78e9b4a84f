"""The audit trail: who changed which dataset, when, from which status to which."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import insert

from domain.commands import SYSTEM
from domain.dataset import Dataset
from domain.events import Happening
from domain.lifecycle import DatasetStatus
from registry.history import audit

if TYPE_CHECKING:
    from domain.commands import Principal
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
    row = {
        "tenant": principal.tenant,
        "entry_id": session.database.ids(),
        "at": at,
        "principal": principal.subject,
        "action": ", ".join(each.name for each in happenings) or silent,
        "dataset_id": dataset.place.dataset_id,
        "version": dataset.version,
        "from_status": before,
        "to_status": dataset.status,
        "correlation": dataset.place.correlation,
    }
    await session.connection.execute(_INSERT, row)


def _silent_action(before: DatasetStatus | None, now: DatasetStatus) -> str:
    """Name what was done without an event."""
    if before is None:
        return "registration"
    return _CHANGE if before is now else "transition"
