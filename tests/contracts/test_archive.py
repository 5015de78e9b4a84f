"""Every archive: written once, read back whole, and kept until its time."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.archive import ArchiveLock, ArchiveReceipt
from domain.errors import NotFound, SupplierRefused
from domain.ports import Archive
from gateways.archive import FolderArchive
from gateways.s3_archive import S3Archive
from tests import s3

NOW = datetime.now(UTC).replace(microsecond=0)
LOCKED_UNTIL = NOW + timedelta(days=91)
KEY = "0d6a3f0e-5a2e-4b3b-9a55-111111111111/4f53cda18c2baa0c.json"


@dataclass(frozen=True, slots=True)
class Kept:
    """An archive, and a wait until a time is over by the clock that its locks go by."""

    archive: Archive
    until_past: Callable[[datetime], Awaitable[None]]


@contextmanager
def in_a_folder(folder: Path) -> Iterator[Kept]:
    """Locks go by the time that the caller tells."""

    async def at_once(_: datetime) -> None: ...

    yield Kept(FolderArchive(folder / "archive"), at_once)


@contextmanager
def on_s3(_: Path) -> Iterator[Kept]:
    """Locks go by the server's own clock, which nobody can set."""

    async def in_fact(moment: datetime) -> None:
        await asyncio.sleep((moment - datetime.now(UTC)).total_seconds())

    with closing(S3Archive(s3.a_fresh_place(), s3.server().access)) as archive:
        yield Kept(archive, in_fact)


ARCHIVES = {"folder": in_a_folder, "s3": on_s3}


@pytest.fixture(params=sorted(ARCHIVES))
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kept]:
    with ARCHIVES[request.param](tmp_path) as opened:
        yield opened


@pytest.fixture
def archive(kept: Kept) -> Archive:
    return kept.archive


async def put_for_a_moment(archive: Archive) -> ArchiveReceipt:
    """Archive something whose lock is over soon: in whole seconds, on a machine that may be slow."""
    for seconds in (2, 4, 8, 16):
        until = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=seconds)
        with suppress(SupplierRefused):  # it came when its lock was over already
            return await archive.put(KEY, b"content", until)
    raise AssertionError("Archiving takes longer than any lock of this test.")


@pytest.mark.requirement("R21", "R24")
async def test_what_is_put_is_read_back(archive: Archive) -> None:
    receipt = await archive.put(KEY, b'{"a":1}\nand more', LOCKED_UNTIL)

    assert await archive.read(receipt.location) == b'{"a":1}\nand more'
    assert receipt.sha256 == hashlib.sha256(b'{"a":1}\nand more').hexdigest()
    assert receipt.size_bytes == 16
    assert receipt.locked_until == LOCKED_UNTIL


async def test_the_same_content_again_is_the_same_receipt(archive: Archive) -> None:
    first = await archive.put(KEY, b"content", LOCKED_UNTIL)

    again = await archive.put(KEY, b"content", LOCKED_UNTIL + timedelta(days=1))

    assert again == first


@pytest.mark.requirement("R22", "R70")
async def test_other_content_under_a_key_is_refused(archive: Archive) -> None:
    receipt = await archive.put(KEY, b"content", LOCKED_UNTIL)

    with pytest.raises(SupplierRefused, match="holds other content"):
        await archive.put(KEY, b"other", LOCKED_UNTIL)

    assert await archive.read(receipt.location) == b"content"


async def test_of_many_writers_one_wins(archive: Archive) -> None:
    contents = [f"content {number}".encode() for number in range(16)]

    results = await asyncio.gather(
        *(archive.put(KEY, each, LOCKED_UNTIL) for each in contents), return_exceptions=True
    )

    receipts = [each for each in results if not isinstance(each, BaseException)]
    assert len(receipts) == 1
    assert all(isinstance(each, SupplierRefused) for each in results if each not in receipts)
    assert await archive.read(receipts[0].location) in contents


async def test_an_empty_archive_is_one_too(archive: Archive) -> None:
    receipt = await archive.put(KEY, b"", LOCKED_UNTIL)

    assert await archive.read(receipt.location) == b""


async def test_what_was_never_put_is_not_found(archive: Archive) -> None:
    receipt = await archive.put(KEY, b"content", LOCKED_UNTIL)
    elsewhere = receipt.location.replace(".json", ".other")

    for ask in (archive.read(elsewhere), archive.lock_of(elsewhere)):
        with pytest.raises(NotFound):
            await ask


@pytest.mark.requirement("R23", "R98")
async def test_nothing_is_purged_before_its_time(archive: Archive) -> None:
    receipt = await archive.put(KEY, b"content", LOCKED_UNTIL)

    with pytest.raises(SupplierRefused, match=f"locked until {LOCKED_UNTIL:%Y-%m-%d}"):
        await archive.purge(receipt.location, LOCKED_UNTIL - timedelta(seconds=1))

    assert await archive.read(receipt.location) == b"content"


async def test_a_shorter_lock_asked_for_in_vain_does_not_change_the_first(archive: Archive) -> None:
    receipt = await archive.put(KEY, b"content", LOCKED_UNTIL)
    await archive.put(KEY, b"content", NOW + timedelta(days=1))

    with pytest.raises(SupplierRefused):
        await archive.purge(receipt.location, NOW + timedelta(days=2))


@pytest.mark.requirement("R23")
async def test_after_its_time_an_archive_is_purged(kept: Kept) -> None:
    archive, receipt = kept.archive, await put_for_a_moment(kept.archive)
    until = receipt.locked_until
    await kept.until_past(until)

    await archive.purge(receipt.location, until)

    with pytest.raises(NotFound):
        await archive.read(receipt.location)


async def test_purging_twice_is_as_purging_once(kept: Kept) -> None:
    archive, receipt = kept.archive, await put_for_a_moment(kept.archive)
    until = receipt.locked_until
    await kept.until_past(until)
    await archive.purge(receipt.location, until)

    await archive.purge(receipt.location, until)


async def test_an_archive_is_locked_and_not_held_at_first(archive: Archive) -> None:
    receipt = await archive.put(KEY, b"content", LOCKED_UNTIL)

    assert await archive.lock_of(receipt.location) == ArchiveLock(LOCKED_UNTIL, is_held=False)


async def test_a_lock_is_extended_and_the_content_stays(archive: Archive) -> None:
    receipt = await archive.put(KEY, b"content", LOCKED_UNTIL)
    longer = ArchiveLock(LOCKED_UNTIL + timedelta(days=30))

    locked = await archive.lock(receipt.location, longer)

    assert locked == longer == await archive.lock_of(receipt.location)
    assert await archive.read(receipt.location) == b"content"
    with pytest.raises(SupplierRefused, match="locked until"):
        await archive.purge(receipt.location, LOCKED_UNTIL + timedelta(days=1))


@pytest.mark.requirement("R98")
async def test_a_lock_is_never_shortened(archive: Archive) -> None:
    receipt = await archive.put(KEY, b"content", LOCKED_UNTIL)

    locked = await archive.lock(receipt.location, ArchiveLock(NOW + timedelta(days=1)))

    assert locked == ArchiveLock(LOCKED_UNTIL)


async def test_a_legal_hold_outlasts_the_lock_until_it_is_released(kept: Kept) -> None:
    archive, receipt = kept.archive, await put_for_a_moment(kept.archive)
    until = receipt.locked_until
    held = await archive.lock(receipt.location, ArchiveLock(until, is_held=True))
    await kept.until_past(until)

    with pytest.raises(SupplierRefused, match="under a legal hold"):
        await archive.purge(receipt.location, until)

    assert held == ArchiveLock(until, is_held=True)
    assert await archive.lock(receipt.location, ArchiveLock(until)) == ArchiveLock(until)
    await archive.purge(receipt.location, until)


async def test_an_archive_that_is_gone_cannot_be_locked(archive: Archive) -> None:
    receipt = await archive.put(KEY, b"content", LOCKED_UNTIL)

    with pytest.raises(NotFound):
        await archive.lock(
            receipt.location.replace(".json", ".other"), ArchiveLock(LOCKED_UNTIL, is_held=True)
        )


@pytest.mark.parametrize("key", ["../escape", "a/../../b", "/etc/passwd", "a//b", ".", "", "a/.b"])
async def test_no_key_leads_out_of_the_archive(archive: Archive, key: str) -> None:
    with pytest.raises(SupplierRefused, match="no key of an archive"):
        await archive.put(key, b"content", LOCKED_UNTIL)


async def test_another_archives_location_is_refused(archive: Archive) -> None:
    for ask in (archive.read, archive.lock_of):
        with pytest.raises(SupplierRefused):
            await ask("elsewhere://bucket/key")
