"""The archive folder: moved, damaged, full and closed to us."""

from __future__ import annotations

import hashlib
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.archive import ArchiveLock
from domain.errors import ArchiveDamaged, NotFound, SupplierRefused, SupplierUnavailable
from gateways.archive import FolderArchive
from gateways.folder_lock import write_lock

NOW = datetime(2026, 1, 20, 12, tzinfo=UTC)
KEY = "dataset/digest.json"


@contextmanager
def no_file_longer_than(size_bytes: int) -> Iterator[None]:
    """A limit the operating system itself keeps, as a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def written_down(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The inodes of what was forced to the disk, in that order."""
    inodes: list[int] = []
    force = os.fsync

    def noting(descriptor: int) -> None:
        inodes.append(os.fstat(descriptor).st_ino)
        force(descriptor)

    monkeypatch.setattr(os, "fsync", noting)
    return inodes


def inodes(*paths: Path) -> list[int]:
    return [each.stat().st_ino for each in paths]


def left_behind(folder: Path, *, at: datetime) -> Path:
    """What a writer who was killed leaves."""
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / ".unfinished-k1ll3d"
    unfinished.write_bytes(b"half of it")
    os.utime(unfinished, (at.timestamp(), at.timestamp()))
    return unfinished


def files(folder: Path) -> list[Path]:
    return [each for each in folder.rglob("*") if each.is_file()]


async def test_a_location_reads_back_wherever_the_folder_is_mounted(tmp_path: Path) -> None:
    receipt = await FolderArchive(tmp_path / "here").put(KEY, b"content", NOW)
    (tmp_path / "here").rename(tmp_path / "there")

    content = await FolderArchive(tmp_path / "there").read(receipt.location)

    assert receipt.location == "folder:dataset/digest.json"
    assert content == b"content"


async def test_the_lock_lasts_over_a_restart(tmp_path: Path) -> None:
    receipt = await FolderArchive(tmp_path).put(KEY, b"content", NOW)

    with pytest.raises(SupplierRefused, match="locked until"):
        await FolderArchive(tmp_path).purge(receipt.location, NOW - timedelta(seconds=1))


async def test_a_changed_byte_is_found(tmp_path: Path) -> None:
    archive = FolderArchive(tmp_path)
    receipt = await archive.put(KEY, b"content", NOW)
    (file,) = files(tmp_path)
    file.chmod(0o600)
    file.write_bytes(file.read_bytes().replace(b"content", b"contend"))

    with pytest.raises(ArchiveDamaged, match="is damaged: its digest is") as found:
        await archive.read(receipt.location)

    assert found.value.sha256 == hashlib.sha256(b"contend").hexdigest()
    assert found.value.size_bytes == 7


@pytest.mark.parametrize("content", [b"", b"{}\n", b"no header\ncontent", b"\xff\n"])
async def test_a_file_without_our_header_is_damaged(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "dataset").mkdir()
    (tmp_path / KEY).write_bytes(content)

    with pytest.raises(ArchiveDamaged, match="its header cannot be read"):
        await FolderArchive(tmp_path).read(f"folder:{KEY}")


async def test_a_damaged_archive_is_not_purged(tmp_path: Path) -> None:
    archive = FolderArchive(tmp_path)
    receipt = await archive.put(KEY, b"content", NOW)
    (file,) = files(tmp_path)
    file.chmod(0o600)
    file.write_bytes(b"damaged")

    with pytest.raises(ArchiveDamaged):
        await archive.purge(receipt.location, NOW)

    assert file.exists()


async def test_an_archive_is_a_file_nobody_may_write(tmp_path: Path) -> None:
    await FolderArchive(tmp_path).put(KEY, b"content", NOW)

    (file,) = files(tmp_path)
    assert file.stat().st_mode & 0o777 == 0o440
    assert file.stat().st_nlink == 1


async def test_an_archive_and_every_folder_on_the_way_to_it_are_forced_to_the_disk(
    tmp_path: Path, written_down: list[int]
) -> None:
    root = tmp_path / "new" / "archive"

    await FolderArchive(root).put(KEY, b"content", NOW)

    file, folder = inodes(root / KEY, root / "dataset")
    assert written_down[-2:] == [file, folder]
    assert set(inodes(root, root.parent, tmp_path)) <= set(written_down)


async def test_what_was_there_already_is_forced_to_the_disk_all_the_same(
    tmp_path: Path, written_down: list[int]
) -> None:
    archive = FolderArchive(tmp_path)
    await archive.put(KEY, b"content", NOW)
    written_down.clear()

    await archive.put(KEY, b"content", NOW)

    assert set(inodes(tmp_path / "dataset", tmp_path)) <= set(written_down)


@pytest.mark.parametrize("times", [1, 2])
async def test_a_purge_is_forced_to_the_disk_however_often_it_is_asked_for(
    tmp_path: Path, written_down: list[int], times: int
) -> None:
    archive = FolderArchive(tmp_path)
    receipt = await archive.put(KEY, b"content", NOW)

    for _ in range(times):
        written_down.clear()
        await archive.purge(receipt.location, NOW)

    assert written_down == inodes(tmp_path / "dataset")


@pytest.mark.parametrize(("minutes", "remains"), [(30, True), (90, False)])
async def test_what_a_killed_writer_left_is_swept_away_in_time(
    tmp_path: Path, minutes: int, *, remains: bool
) -> None:
    await FolderArchive(tmp_path).put(KEY, b"content", NOW)
    written_at = datetime.fromtimestamp((tmp_path / KEY).stat().st_mtime, UTC)
    unfinished = left_behind(tmp_path / "dataset", at=written_at - timedelta(minutes=minutes))

    await FolderArchive(tmp_path).put("dataset/later.json", b"more", NOW)

    assert unfinished.exists() is remains


async def test_a_purge_takes_what_a_killed_writer_left_with_it(tmp_path: Path) -> None:
    archive = FolderArchive(tmp_path)
    receipt = await archive.put(KEY, b"content", NOW)
    left_behind(tmp_path / "dataset", at=NOW - timedelta(days=90))

    await archive.purge(receipt.location, NOW)

    assert files(tmp_path) == []


async def test_a_full_disk_is_named_and_leaves_nothing_half_made(tmp_path: Path) -> None:
    archive = FolderArchive(tmp_path)

    with (
        no_file_longer_than(4096),
        pytest.raises(SupplierUnavailable, match="disk is full"),
    ):
        await archive.put(KEY, b"x" * 10_000, NOW)

    assert files(tmp_path) == []


async def test_when_there_is_space_again_the_archive_is_written(tmp_path: Path) -> None:
    archive = FolderArchive(tmp_path)
    with no_file_longer_than(4096), pytest.raises(SupplierUnavailable):
        await archive.put(KEY, b"x" * 10_000, NOW)

    receipt = await archive.put(KEY, b"x" * 10_000, NOW)

    assert await archive.read(receipt.location) == b"x" * 10_000


async def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where the folder should be")

    with pytest.raises(SupplierUnavailable, match="Check that the archive folder is mounted"):
        await FolderArchive(tmp_path / "taken").put(KEY, b"content", NOW)


async def test_a_folder_that_is_not_mounted_has_no_archives(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="Check that the folder"):
        await FolderArchive(tmp_path / "nowhere").read(f"folder:{KEY}")


@pytest.mark.parametrize("location", ["s3://bucket/key", "folder:../secret", "folder:/etc/passwd"])
async def test_no_location_leads_out_of_the_folder(tmp_path: Path, location: str) -> None:
    (tmp_path / "secret").write_text("s3cret")

    with pytest.raises(SupplierRefused):
        await FolderArchive(tmp_path / "archive").read(location)


async def test_a_longer_lock_lies_beside_the_file_which_stays_as_it_is(tmp_path: Path) -> None:
    archive = FolderArchive(tmp_path)
    receipt = await archive.put(KEY, b"content", NOW)
    before = (tmp_path / KEY).read_bytes()

    await archive.lock(receipt.location, ArchiveLock(NOW + timedelta(days=1), is_held=True))

    assert (tmp_path / KEY).read_bytes() == before
    assert {each.name for each in files(tmp_path)} == {"digest.json", ".digest.json.lock"}


async def test_a_lock_that_changes_nothing_is_not_written(tmp_path: Path) -> None:
    archive = FolderArchive(tmp_path)
    receipt = await archive.put(KEY, b"content", NOW)

    await archive.lock(receipt.location, ArchiveLock(NOW - timedelta(days=1)))

    assert files(tmp_path) == [tmp_path / KEY]


async def test_an_archive_is_read_once_to_be_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive, wanted = FolderArchive(tmp_path), ArchiveLock(NOW + timedelta(days=1), is_held=True)
    receipt = await archive.put(KEY, b"content", NOW)
    read_bytes, read = Path.read_bytes, list[Path]()

    def noting(self: Path) -> bytes:
        read.append(self)
        return read_bytes(self)

    monkeypatch.setattr(Path, "read_bytes", noting)

    found = await archive.lock(receipt.location, wanted)

    assert found == wanted
    assert read.count(tmp_path / KEY) == 1


async def test_what_is_purged_while_it_is_locked_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = FolderArchive(tmp_path)
    receipt = await archive.put(KEY, b"content", NOW)

    def write_lock_late(path: Path, lock: ArchiveLock) -> None:
        path.unlink()
        write_lock(path, lock)

    monkeypatch.setattr("gateways.archive.write_lock", write_lock_late)

    with pytest.raises(NotFound):
        await archive.lock(receipt.location, ArchiveLock(NOW, is_held=True))


async def test_a_hold_lasts_over_a_restart_and_is_forced_to_the_disk(
    tmp_path: Path, written_down: list[int]
) -> None:
    receipt = await FolderArchive(tmp_path).put(KEY, b"content", NOW)
    written_down.clear()

    await FolderArchive(tmp_path).lock(receipt.location, ArchiveLock(NOW, is_held=True))

    lock, folder = inodes(tmp_path / "dataset" / ".digest.json.lock", tmp_path / "dataset")
    assert written_down == [lock, folder]
    with pytest.raises(SupplierRefused, match="under a legal hold"):
        await FolderArchive(tmp_path).purge(receipt.location, NOW + timedelta(days=1))


async def test_an_archive_whose_lock_nobody_can_read_is_not_purged(tmp_path: Path) -> None:
    archive = FolderArchive(tmp_path)
    receipt = await archive.put(KEY, b"content", NOW)
    (tmp_path / "dataset" / ".digest.json.lock").write_text("scribble")

    with pytest.raises(ArchiveDamaged, match=r"its lock \.digest\.json\.lock cannot be read"):
        await archive.purge(receipt.location, NOW)
    with pytest.raises(ArchiveDamaged):
        await archive.lock_of(receipt.location)


async def test_a_purge_takes_the_lock_with_it_though_the_file_is_gone(tmp_path: Path) -> None:
    archive = FolderArchive(tmp_path)
    receipt = await archive.put(KEY, b"content", NOW)
    await archive.lock(receipt.location, ArchiveLock(NOW + timedelta(days=1)))
    (tmp_path / KEY).unlink()  # the one who purged it died here

    await archive.purge(receipt.location, NOW + timedelta(days=1))

    assert files(tmp_path) == []


async def test_no_room_for_a_lock_leaves_the_old_one(tmp_path: Path) -> None:
    archive = FolderArchive(tmp_path)
    receipt = await archive.put(KEY, b"content", NOW)

    with no_file_longer_than(8), pytest.raises(SupplierUnavailable, match="disk is full"):
        await archive.lock(receipt.location, ArchiveLock(NOW, is_held=True))

    assert await archive.lock_of(receipt.location) == ArchiveLock(NOW)
    assert files(tmp_path) == [tmp_path / KEY]
