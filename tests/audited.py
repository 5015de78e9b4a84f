"""The audit trail when all is over: whoever died or froze meanwhile, nothing of it is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.auditor import Auditor
from domain.rules import LifecycleRules
from gateways.archive import FolderArchive
from registry.trail import SqlAuditTrail
from tests.registry.databases import open_house

if TYPE_CHECKING:
    from pathlib import Path


async def flaws_in(url: str, data: Path) -> list[str]:
    """Look through the trails of a service's database, and hold them to the checkpoints in its folder.

    A sentence each; that nobody wrote anything down is one as well.
    """
    async with open_house(url) as house:
        archive = FolderArchive(data / "archive")
        auditor = Auditor(SqlAuditTrail(house.database), archive, LifecycleRules().retention)
        verdicts = [await auditor.verify(tenant) for tenant in await auditor.tenants()]
    flaws = [finding.message for each in verdicts for finding in each.findings]
    return flaws if any(each.entries for each in verdicts) else ["Nobody wrote down who did what."]
