"""Audit trails of tests: grown by what writes them, and harmed as whoever owns the database could."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select, text, update

from agents.auditor import Auditor
from domain.audit import GENESIS, link_hash
from domain.rules import LifecycleRules
from gateways.archive import FolderArchive
from registry.audit import write_word
from registry.chain import entry_of
from registry.history import audit
from registry.trail import SqlAuditTrail
from tests.builders import TENANT
from tests.registry.databases import ME, House

A_TRANSACTION = 500
"""How many entries a long trail is grown by at a time."""


def an_auditor(house: House, folder: Path) -> Auditor:
    """Make an auditor whose checkpoints lie in a folder."""
    archive = FolderArchive(folder / "anchors")
    return Auditor(SqlAuditTrail(house.database), archive, LifecycleRules().retention)


async def grow(house: House, count: int, *, action: str = "request", tenant: str = TENANT) -> None:
    """Let a trail grow by so many entries."""
    who = replace(ME, tenant=tenant)
    for start in range(0, count, A_TRANSACTION):
        async with house.database.writing(tenant) as session:
            for number in range(start, min(start + A_TRANSACTION, count)):
                await write_word(session, who, action, f"task-{number}", {"number": number})


async def disarm(house: House) -> None:
    """Take away what guards the trail, as only the owner of the database can."""
    of = "" if house.database.dialect == "sqlite" else " ON audit"
    async with house.database.engine.begin() as connection:
        for act in ("update", "delete"):
            await connection.execute(text(f"DROP TRIGGER audit_stay_on_{act}{of}"))


async def edit(house: House, sequence: int, /, **changes: Any) -> None:
    """Change an entry past everything."""
    async with house.database.engine.begin() as connection:
        await connection.execute(
            update(audit).where(audit.c.sequence == sequence).values(**changes)
        )


async def remove(house: House, first: int, last: int) -> None:
    """Delete entries past everything."""
    async with house.database.engine.begin() as connection:
        await connection.execute(delete(audit).where(audit.c.sequence.between(first, last)))


async def swap(house: House, one: int, other: int) -> None:
    """Let two entries change their numbers."""
    for before, now in ((one, -1), (other, one), (-1, other)):
        await edit(house, before, sequence=now)


async def rebuild(house: House, **changes: Any) -> None:
    """Change every entry, and chain all of them anew as if nothing had been."""
    async with house.database.engine.begin() as connection:
        rows = await connection.execute(select(audit).order_by(audit.c.sequence))
        before = GENESIS
        for number, row in enumerate(rows.mappings().all(), 1):
            entry = replace(entry_of(row), **changes)
            place = link_hash(number, entry.digest, before)
            anew = {"sequence": number, "digest": entry.digest, "prev_hash": before, "hash": place}
            mine = audit.c.entry_id == entry.entry_id
            await connection.execute(update(audit).where(mine).values(**anew, **changes))
            before = place
