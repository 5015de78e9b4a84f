"""Checkpoints of the audit trail are kept at their moments, and soon after teardowns have ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from agents.auditor import Auditor
from domain.errors import DataOpsError
from domain.lifecycle import DatasetStatus
from gateways.archive import FolderArchive
from registry.ticks import SqlTicks
from registry.trail import SqlAuditTrail
from service.auditing import keep_checkpoints
from service.schedules import Schedules
from tests.builders import NOW, TENANT, a_dataset, a_dataset_in
from tests.registry.databases import OTHERS, House, a_fresh_file, open_house
from tests.registry.trails import grow

if TYPE_CHECKING:
    from domain.archive import ArchiveReceipt

RETENTION = timedelta(days=90)

NEVER = "0 0 29 2 *"
"""Moments that are far away from those of these tests."""


class Noticing(FolderArchive):
    """A folder that tells of what was put into it."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.root = root
        self.keys: asyncio.Queue[tuple[str, datetime]] = asyncio.Queue()

    async def put(self, key: str, content: bytes, locked_until: datetime, /) -> ArchiveReceipt:
        receipt = await super().put(key, content, locked_until)
        self.keys.put_nowait((key, receipt.locked_until))
        return receipt


@dataclass
class Keeping:
    """A trail, where its checkpoints go, and the time of whoever keeps them."""

    house: House
    archive: Noticing
    now: datetime = field(default=NOW)

    @asynccontextmanager
    async def at_work(self, expression: str) -> AsyncIterator[None]:
        """Keep checkpoints for as long as the block lasts."""
        schedules = Schedules(SqlTicks(self.house.database), lambda: self.now)
        auditor = Auditor(SqlAuditTrail(self.house.database), self.archive, RETENTION)
        keep_checkpoints(schedules, auditor, expression)
        work = asyncio.create_task(schedules.run())
        try:
            yield
        finally:
            work.cancel()
            await asyncio.wait({work})

    async def next(self) -> tuple[str, datetime]:
        """Wait for the next checkpoint."""
        async with asyncio.timeout(10):
            return await self.archive.keys.get()


@pytest.fixture
async def keeping(tmp_path: Path) -> AsyncIterator[Keeping]:
    async with open_house(a_fresh_file(tmp_path)) as house:
        yield Keeping(house, Noticing(tmp_path / "anchors"))


async def test_every_trail_has_its_checkpoint_at_its_moment(keeping: Keeping) -> None:
    await grow(keeping.house, 3)
    await grow(keeping.house, 2, tenant=OTHERS.tenant)
    tick = NOW.replace(minute=0, second=0, microsecond=0)

    async with keeping.at_work("0 * * * *"):
        (mine, locked), (theirs, _) = await keeping.next(), await keeping.next()

    assert mine.startswith(f"audit/{TENANT}/000000000003-")
    assert theirs.startswith(f"audit/{OTHERS.tenant}/000000000002-")
    assert locked == tick + RETENTION


async def test_a_checkpoint_that_cannot_be_kept_keeps_no_other_from_it(keeping: Keeping) -> None:
    await grow(keeping.house, 3)
    await grow(keeping.house, 2, tenant=OTHERS.tenant)
    folder = keeping.archive.root / "audit" / TENANT
    folder.parent.mkdir(parents=True)
    folder.write_text("a file where a folder should be")
    auditor = Auditor(SqlAuditTrail(keeping.house.database), keeping.archive, RETENTION)

    with pytest.raises(DataOpsError):
        await auditor.keep_checkpoints(NOW)

    (theirs, _) = await keeping.next()
    assert theirs.startswith(f"audit/{OTHERS.tenant}/")


async def test_of_every_checkpoint_that_cannot_be_kept_there_is_a_trace(keeping: Keeping) -> None:
    tenants = sorted((TENANT, OTHERS.tenant))
    for each in tenants:
        await grow(keeping.house, 2, tenant=each)
    keeping.archive.root.mkdir()
    (keeping.archive.root / "audit").write_text("a file where a folder should be")
    auditor = Auditor(SqlAuditTrail(keeping.house.database), keeping.archive, RETENTION)

    with capture_logs() as lines, pytest.raises(DataOpsError) as raised:
        await auditor.keep_checkpoints(NOW)

    failed = [each for each in lines if each["event"] == "checkpoint.failed"]
    assert sorted(each["tenant"] for each in failed) == tenants
    assert failed[0]["why"] == str(raised.value)


async def test_the_end_of_a_teardown_is_held_by_a_checkpoint(keeping: Keeping) -> None:
    dataset = await keeping.house.keep(a_dataset_in(DatasetStatus.ARCHIVED))
    await grow(keeping.house, 2, tenant=OTHERS.tenant)
    assert dataset.archived_at is not None
    keeping.now = dataset.archived_at + timedelta(minutes=6)

    async with keeping.at_work(NEVER):
        key, _ = await keeping.next()

    assert key.startswith(f"audit/{TENANT}/000000000001-")


async def test_the_end_of_a_teardown_is_no_reason_to_hold_anothers_trail(keeping: Keeping) -> None:
    dataset = await keeping.house.keep(a_dataset_in(DatasetStatus.ARCHIVED))
    await grow(keeping.house, 2, tenant=OTHERS.tenant)
    assert dataset.archived_at is not None
    auditor = Auditor(SqlAuditTrail(keeping.house.database), keeping.archive, RETENTION)

    kept = await auditor.keep_checkpoints_after_teardowns(dataset.archived_at, NOW)

    assert kept == 1
    assert (await keeping.next())[0].startswith(f"audit/{TENANT}/")


async def test_a_teardown_that_ended_long_ago_is_held_already(keeping: Keeping) -> None:
    dataset = await keeping.house.keep(a_dataset_in(DatasetStatus.ARCHIVED))
    assert dataset.archived_at is not None
    trail = SqlAuditTrail(keeping.house.database)

    later = await trail.tenants_archived_since(dataset.archived_at + timedelta(seconds=1))
    then = await trail.tenants_archived_since(dataset.archived_at)

    assert (list(later), list(then)) == ([], [TENANT])


async def test_an_entry_of_an_older_version_is_taken_in_before_its_checkpoint(
    keeping: Keeping,
) -> None:
    await keeping.house.keep(a_dataset())
    async with keeping.house.database.engine.begin() as connection:
        await connection.exec_driver_sql(
            "INSERT INTO audit (tenant, entry_id, at, principal, action, correlation) "
            "SELECT tenant, '000000000000000000000000000000aa', at, principal, action, correlation "
            "FROM audit"
        )

    async with keeping.at_work("0 * * * *"):
        key, _ = await keeping.next()

    assert key.startswith(f"audit/{TENANT}/000000000003-"), "the entry, and that it was taken in"
