"""The audit trail when all is over: whoever died or froze meanwhile, nothing of it is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.auditor import Auditor
from domain.rules import LifecycleRules
from gateways.archive import FolderArchive
from registry.trail import SqlAuditTrail
from tests.builders import TENANT
from tests.registry.databases import open_house

if TYPE_CHECKING:
    from pathlib import Path


async def flaws_in(url: str, data: Path) -> list[str]:
    """Look through the trail of a service's database, and hold it to the checkpoints in its folder.

    A sentence each; a trail without an entry is one as well.
    """
    async with open_house(url) as house:
        archive = FolderArchive(data / "archive")
        auditor = Auditor(SqlAuditTrail(house.database), archive, LifecycleRules().retention)
        verdict = await auditor.verify(TENANT)
    flaws = [each.message for each in verdict.findings]
    return flaws if verdict.entries else [*flaws, "The audit trail is empty."]
