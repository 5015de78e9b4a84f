"""The outbox: events are written in the commit that causes them and numbered in its order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from enum import Enum
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import bindparam, func, select

from domain.events import DomainEvent, EventContext, Happening, RecordedEvent
from registry.dialect import SQLITE, Insert, insert, outbox_number
from registry.history import outbox

if TYPE_CHECKING:
    from sqlalchemy import RowMapping

    from domain.record import Json, JsonObject
    from registry.database import Session
    from registry.rows import Values

_AFTER = (
    select(outbox)
    .where(outbox.c.tenant == bindparam("of_tenant"), outbox.c.sequence > bindparam("after"))
    .order_by(outbox.c.sequence)
    .limit(bindparam("at_most"))
)

_OF_DATASET = _AFTER.where(outbox.c.dataset_id == bindparam("of_dataset"))

_LAST = select(func.coalesce(func.max(outbox.c.sequence), 0)).where(
    outbox.c.tenant == bindparam("of_tenant")
)


async def write_events(
    session: Session, context: EventContext, happenings: Sequence[Happening], at: datetime
) -> None:
    """Put events into the outbox, in order; the commit makes them public."""
    if happenings:
        rows = [_row(session, context, each, at) for each in happenings]
        await session.connection.execute(_insert(session.dialect), rows)


async def read_events(
    session: Session, after: int, limit: int, dataset_id: UUID | None
) -> list[RecordedEvent]:
    """Read a tenant's events behind a sequence, of all datasets or of one."""
    asked: Values = {"of_tenant": session.tenant, "after": after, "at_most": limit}
    if dataset_id is None:
        found = await session.connection.execute(_AFTER, asked)
    else:
        found = await session.connection.execute(_OF_DATASET, {**asked, "of_dataset": dataset_id})
    return [_event_of(row) for row in found.mappings()]


async def read_last_sequence(session: Session) -> int:
    """Tell the sequence of a tenant's newest event; 0 before the first."""
    found = await session.connection.execute(_LAST, {"of_tenant": session.tenant})
    return int(found.scalar_one())


def plain_fields(event: DomainEvent) -> JsonObject:
    """Give an event's fields as JSON: ids and enum values as strings, scores as numbers."""
    return {each.name: _plain(getattr(event, each.name)) for each in fields(event)}


@cache
def _insert(dialect: str) -> Insert:
    columns = {each.name: bindparam(f"new_{each.name}", type_=each.type) for each in outbox.c}
    statement: Insert = insert(dialect, outbox).values(
        {**columns, "sequence": outbox_number(dialect)}
    )
    return statement


def _row(session: Session, context: EventContext, each: Happening, at: datetime) -> Values:
    row: Values = {
        "new_tenant": context.tenant,
        "new_event_id": session.database.ids(),
        "new_name": each.name,
        "new_occurred_at": at,
        "new_journey_id": context.journey_id,
        "new_journey_ref": context.journey_ref,
        "new_client_ref": context.client_ref,
        "new_dataset_id": context.dataset_id,
        "new_correlation": context.correlation,
        "new_causation": context.causation,
        "new_fields": plain_fields(each.event),
        "new_extensions": each.extensions,
    }
    if session.dialect == SQLITE:
        row["numbered_tenant"] = context.tenant
    return row


def _plain(value: Any) -> Json:
    match value:
        case Fraction():
            return float(value)
        case UUID():
            return str(value)
        case Enum():
            return value.value
        case datetime():
            return value.isoformat()
        case tuple():
            return [_plain(each) for each in value]
        case _:
            return value


def _event_of(row: RowMapping) -> RecordedEvent:
    return RecordedEvent(
        event_id=row["event_id"],
        sequence=row["sequence"],
        name=row["name"],
        occurred_at=row["occurred_at"],
        context=EventContext(
            tenant=row["tenant"],
            journey_id=row["journey_id"],
            journey_ref=row["journey_ref"],
            client_ref=row["client_ref"],
            dataset_id=row["dataset_id"],
            correlation=row["correlation"],
            causation=row["causation"],
        ),
        fields=row["fields"],
        extensions=row["extensions"],
    )
