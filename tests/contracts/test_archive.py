"""Every archive: written once, read back whole, and kept until its time."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.errors import NotFound, SupplierRefused
from domain.ports import Archive
from gateways.archive import FolderArchive

NOW = datetime(2026, 1, 20, 12, tzinfo=UTC)
LOCKED_UNTIL = NOW + timedelta(days=91)
KEY = "0d6a3f0e-5a2e-4b3b-9a55-111111111111/4f53cda18c2baa0c.json"

ARCHIVES: dict[str, Callable[[Path], Archive]] = {"folder": FolderArchive}


@pytest.fixture(params=sorted(ARCHIVES))
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Archive:
    return ARCHIVES[request.param](tmp_path / "archive")


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

    with pytest.raises(NotFound):
        await archive.read(receipt.location.replace(".json", ".other"))


async def test_nothing_is_purged_before_its_time(archive: Archive) -> None:
    receipt = await archive.put(KEY, b"content", LOCKED_UNTIL)

    with pytest.raises(SupplierRefused, match="locked until 2026-04-21"):
        await archive.purge(receipt.location, LOCKED_UNTIL - timedelta(seconds=1))

    assert await archive.read(receipt.location) == b"content"


async def test_a_later_lock_asked_for_in_vain_does_not_change_the_first(archive: Archive) -> None:
    receipt = await archive.put(KEY, b"content", LOCKED_UNTIL)
    await archive.put(KEY, b"content", NOW)

    with pytest.raises(SupplierRefused):
        await archive.purge(receipt.location, NOW)


async def test_after_its_time_an_archive_is_purged(archive: Archive) -> None:
    receipt = await archive.put(KEY, b"content", LOCKED_UNTIL)

    await archive.purge(receipt.location, LOCKED_UNTIL)

    with pytest.raises(NotFound):
        await archive.read(receipt.location)


async def test_purging_twice_is_as_purging_once(archive: Archive) -> None:
    receipt = await archive.put(KEY, b"content", LOCKED_UNTIL)
    await archive.purge(receipt.location, LOCKED_UNTIL)

    await archive.purge(receipt.location, LOCKED_UNTIL)


@pytest.mark.parametrize("key", ["../escape", "a/../../b", "/etc/passwd", "a//b", ".", "", "a/.b"])
async def test_no_key_leads_out_of_the_archive(archive: Archive, key: str) -> None:
    with pytest.raises(SupplierRefused, match="no key of an archive"):
        await archive.put(key, b"content", LOCKED_UNTIL)


async def test_another_archives_location_is_refused(archive: Archive) -> None:
    with pytest.raises(SupplierRefused):
        await archive.read("elsewhere://bucket/key")
