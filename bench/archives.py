"""Archives a second, written and verified: in a folder, and in a bucket on a real S3 server."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from domain.record import canonical_json
from gateways.archive import FolderArchive
from gateways.s3_archive import S3Archive
from tests import s3

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from domain.archive import ArchiveReceipt
    from domain.ports import Archive

ARCHIVES = 100
"""Archives a round."""

ROUNDS = 5
AT_ONCE = 8
"""As many as the bucket has threads."""

DOSSIER = canonical_json({"events": [{"name": "DatasetReady", "sequence": n} for n in range(400)]})
"""About as large as the dossier of a usual life: 16 kB."""


async def measure() -> list[dict[str, Any]]:
    """Measure both archives in turns; the server's start is no part of it."""
    with (
        tempfile.TemporaryDirectory(prefix="dataops-bench-") as folder,
        closing(S3Archive(s3.a_fresh_place(), s3.server().access)) as bucket,
    ):
        archives: dict[str, Archive] = {"folder": FolderArchive(Path(folder)), "s3": bucket}
        await _round(bucket, 0)  # boto3 is loaded, the connections are open
        seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in archives}
        for number in range(1, ROUNDS + 1):
            for name, archive in archives.items():
                seconds[name].append(await _round(archive, number))
    return [_told(name, each) for name, each in seconds.items()]


async def _round(archive: Archive, number: int) -> tuple[float, float]:
    """Archive and verify; gives the seconds each took."""
    until = datetime.now(UTC) + timedelta(minutes=5)
    receipts: list[ArchiveReceipt] = []

    async def put(each: int) -> None:
        receipts.append(await archive.put(f"bench-{number}/{each}.json", DOSSIER, until))

    async def verify(each: int) -> None:
        receipt = receipts[each]
        content, lock = (
            await archive.read(receipt.location),
            await archive.lock_of(receipt.location),
        )
        if hashlib.sha256(content).hexdigest() != receipt.sha256 or lock.locked_until < until:
            message = f"{receipt.location} is not what was archived."
            raise RuntimeError(message)

    return await _timed(put), await _timed(verify)


async def _timed(work: Callable[[int], Awaitable[None]]) -> float:
    numbers = iter(range(ARCHIVES))

    async def take_turns() -> None:
        for each in numbers:
            await work(each)

    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(take_turns())
    return time.perf_counter() - started


def _told(name: str, rounds: Sequence[tuple[float, float]]) -> dict[str, Any]:
    archived, verified = ([ARCHIVES / each[at] for each in rounds] for at in (0, 1))
    return {
        "what": f"archives a second in {'a folder' if name == 'folder' else 'a bucket'}",
        "archived": round(median(archived), 1),
        "archived_spread": [round(min(archived), 1), round(max(archived), 1)],
        "verified": round(median(verified), 1),
        "verified_spread": [round(min(verified), 1), round(max(verified), 1)],
        "bytes": len(DOSSIER),
        "at_once": AT_ONCE,
        "rounds": ROUNDS,
    }
