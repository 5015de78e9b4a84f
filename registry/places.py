"""Journeys and clients in SQL, as they were last seen (seed: Stage Association)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select, update

from domain.errors import NotFound
from domain.journey import Client, JourneyStatus
from registry.dialect import insert_or_replace
from registry.rows import as_uuid
from registry.tables import clients, journeys

if TYPE_CHECKING:
    from domain.journey import Journey
    from registry.database import Session
    from registry.rows import Values


_c, _j = clients.c, journeys.c

_OF_TENANT = (
    select(clients).where(_c.tenant == bindparam("of_tenant")).order_by(_c.seen_at.desc()).limit(1)
)

_BY_ID = _OF_TENANT.where(_c.client_id == bindparam("of_client"))
_BY_REF = _OF_TENANT.where(_c.ref == bindparam("of_ref"))


_COMPLETE = (
    update(journeys)
    .where(_j.tenant == bindparam("of_tenant"))
    .values(status=JourneyStatus.COMPLETED, seen_at=bindparam("now_seen", type_=_j.seen_at.type))
)


async def write_journey(session: Session, journey: Journey) -> None:
    """Write a journey and its client down, over what was known of them."""
    seen: Values = {"tenant": session.tenant, "seen_at": session.database.clock()}
    await session.connection.execute(
        insert_or_replace(session.dialect, clients), seen | _values_of_client(journey.client)
    )
    await session.connection.execute(
        insert_or_replace(session.dialect, journeys), seen | _values_of_journey(journey)
    )


async def find_client(session: Session, ref: str) -> Client:
    """Read a client by id or reference, the last seen where two share one. Raises NotFound."""
    asked = {"of_tenant": session.tenant, "of_ref": ref}
    identity = as_uuid(ref)
    statement = _BY_REF if identity is None else _BY_ID
    found = await session.connection.execute(statement, {**asked, "of_client": identity})
    row = found.mappings().first()
    if row is None:
        message = f"There is no client {ref!r} here. It is known once a journey of it was seen."
        raise NotFound(message)
    return Client(
        client_id=row["client_id"],
        ref=row["ref"],
        name=row["name"],
        code=row["code"],
        industry=row["industry"],
        use_case=row["use_case"],
    )


async def note_completion(session: Session, ref: str) -> None:
    """Write down that a journey, by id or reference, was told to be completed."""
    identity = as_uuid(ref)
    statement = _COMPLETE.where(_j.ref == ref if identity is None else _j.journey_id == identity)
    given: Values = {"of_tenant": session.tenant, "now_seen": session.database.clock()}
    await session.connection.execute(statement, given)


def _values_of_client(client: Client) -> Values:
    return {
        "client_id": client.client_id,
        "ref": client.ref,
        "name": client.name,
        "code": client.code,
        "industry": client.industry,
        "use_case": client.use_case,
    }


def _values_of_journey(journey: Journey) -> Values:
    return {
        "journey_id": journey.journey_id,
        "client_id": journey.client.client_id,
        "ref": journey.ref,
        "status": journey.status,
        "stage": journey.stage,
    }
