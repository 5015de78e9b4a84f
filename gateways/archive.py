"""Archives in a folder: written once, whole or not at all, and checked when they are read.

It is tamper-evident, not tamper-proof: whoever may write the folder can remove a file before its
time, which only an object lock in compliance mode prevents.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from domain.archive import ArchiveLock, ArchiveReceipt
from domain.errors import ArchiveDamaged, NotFound, SupplierRefused, SupplierUnavailable
from gateways.archive_keys import parts_of
from gateways.disk import UNFINISHED, make_folder, sync_folder, written_beside
from gateways.folder_lock import read_lock, remove_lock, write_lock

_SCHEME = "folder:"
_UNFINISHED_SECONDS = 3600.0
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class _Header(BaseModel):
    """The first line of an archive's file: what follows it, and until when it is kept."""

    model_config = ConfigDict(frozen=True)

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size_bytes: int = Field(ge=0)
    locked_until: AwareDatetime

    def receipt(self, key: str) -> ArchiveReceipt:
        return ArchiveReceipt(f"{_SCHEME}{key}", self.sha256, self.size_bytes, self.locked_until)


class FolderArchive:
    """The archive port over a folder; a location reads back wherever the folder is mounted."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def put(self, key: str, content: bytes, locked_until: datetime, /) -> ArchiveReceipt:
        """Write the content durably under a key; what is there already keeps its lock."""
        return await asyncio.to_thread(self._put, key, content, locked_until)

    async def read(self, location: str, /) -> bytes:
        """Give an archive's bytes. Raises NotFound, or ArchiveDamaged."""
        return await asyncio.to_thread(self._read, _key_of(location))

    async def lock_of(self, location: str, /) -> ArchiveLock:
        """Tell how an archive is locked. Raises NotFound, or ArchiveDamaged."""
        return await asyncio.to_thread(self._lock_of, _key_of(location))

    async def lock(self, location: str, wanted: ArchiveLock, /) -> ArchiveLock:
        """Write a longer lock, or a legal hold, beside the archive's file, which stays as it is."""
        return await asyncio.to_thread(self._lock, _key_of(location), wanted)

    async def purge(self, location: str, now: datetime, /) -> None:
        """Remove an archive whose lock is over; a damaged one, whose lock nobody knows, stays."""
        await asyncio.to_thread(self._purge, _key_of(location), now)

    async def locations(self, prefix: str, /) -> Sequence[str]:
        """Give the location of every archive below a prefix, in the keys' order."""
        return await asyncio.to_thread(self._locations, prefix)

    def _locations(self, prefix: str) -> list[str]:
        with _in_our_words(prefix):
            found = [each for each in self._path(prefix).rglob("*") if each.is_file()]
        keys = (each.relative_to(self._root).as_posix() for each in found)
        return [f"{_SCHEME}{key}" for key in sorted(keys) if not _is_beside(key)]

    def _put(self, key: str, content: bytes, locked_until: datetime) -> ArchiveReceipt:
        path = self._path(key)
        header = _Header(
            sha256=hashlib.sha256(content).hexdigest(),
            size_bytes=len(content),
            locked_until=locked_until,
        )
        with _in_our_words(key):
            make_folder(path.parent, self._root)
            try:
                _create(path, header.model_dump_json().encode() + b"\n" + content)
            except FileExistsError:
                kept, _ = _opened(path, key)
            else:
                kept = header
            sync_folder(path.parent)  # of a file that was there as well: who made it may have died
            _sweep(path.parent, path.stat().st_mtime)
        if kept.sha256 != header.sha256:
            raise SupplierRefused(
                f"Archive {key} exists and holds other content. It was left as it is; an archive "
                "is never overwritten."
            )
        return kept.receipt(key)

    def _read(self, key: str) -> bytes:
        with _in_our_words(key):
            try:
                return _opened(self._path(key), key)[1]
            except FileNotFoundError as absent:
                raise _absent(key) from absent

    def _lock_of(self, key: str) -> ArchiveLock:
        with _in_our_words(key):
            try:
                return _lock_at(self._path(key), key)
            except FileNotFoundError as absent:
                raise _absent(key) from absent

    def _lock(self, key: str, wanted: ArchiveLock) -> ArchiveLock:
        present, path = self._lock_of(key), self._path(key)
        until = max(present.locked_until, wanted.locked_until)
        new = ArchiveLock(until, is_held=wanted.is_held)
        if new == present:
            return present
        with _in_our_words(key):
            write_lock(path, new)
            if not path.exists():  # somebody has purged it meanwhile
                raise _absent(key)
            return _lock_beside(path, key, present)

    def _purge(self, key: str, now: datetime) -> None:
        path = self._path(key)
        with _in_our_words(key), contextlib.suppress(FileNotFoundError):
            with contextlib.suppress(FileNotFoundError):
                _refuse_locked(path, key, now)
                path.unlink()
            remove_lock(path)
            sync_folder(path.parent)  # of a file that was gone as well, as above
            _sweep(path.parent, now.timestamp())

    def _path(self, key: str) -> Path:
        return self._root.joinpath(*parts_of(key))


def _absent(key: str) -> NotFound:
    return NotFound(
        f"There is no archive {key} in the archive folder. Check that the folder is the one it was "
        "written to."
    )


def _lock_at(path: Path, key: str) -> ArchiveLock:
    """Read how a file is locked. Raises ArchiveDamaged where nobody can tell."""
    header, _ = _opened(path, key)
    return _lock_beside(path, key, ArchiveLock(header.locked_until))


def _lock_beside(path: Path, key: str, first: ArchiveLock) -> ArchiveLock:
    try:
        return read_lock(path, first)
    except ValueError as broken:
        raise ArchiveDamaged(_damaged(key, f"its lock {broken}")) from broken


def _refuse_locked(path: Path, key: str, now: datetime) -> None:
    lock = _lock_at(path, key)
    if lock.is_held:
        raise SupplierRefused(
            f"Archive {key} is under a legal hold and was left as it is. Release it before."
        )
    if now < lock.locked_until:
        raise SupplierRefused(
            f"Archive {key} is locked until {lock.locked_until.isoformat()} and was left as it "
            "is. Purge it after that."
        )


def _create(path: Path, content: bytes) -> None:
    """Create a file that is whole from its first moment. Raises FileExistsError."""
    with written_beside(path, content, 0o440) as made:
        os.link(made, path)


def _sweep(folder: Path, now: float) -> None:
    """Remove what a writer who was killed had begun; `now` is in seconds since the epoch.

    A writer who is only slow begins anew.
    """
    for each in folder.glob(f"{UNFINISHED}*"):
        with contextlib.suppress(FileNotFoundError):
            if each.stat().st_mtime < now - _UNFINISHED_SECONDS:
                each.unlink()


def _opened(path: Path, key: str) -> tuple[_Header, bytes]:
    """Read a file and check it against its header. Raises ArchiveDamaged when they disagree."""
    line, _, content = path.read_bytes().partition(b"\n")
    try:
        header = _Header.model_validate_json(line)
    except ValidationError as broken:
        raise ArchiveDamaged(_damaged(key, "its header cannot be read")) from broken
    digest = hashlib.sha256(content).hexdigest()
    if (digest, len(content)) != (header.sha256, header.size_bytes):
        message = _damaged(key, f"its digest is {digest}, not {header.sha256}")
        raise ArchiveDamaged(message, digest, len(content))
    return header, content


@contextlib.contextmanager
def _in_our_words(key: str) -> Iterator[None]:
    try:
        yield
    except OSError as broken:
        if broken.errno in _FULL:
            raise SupplierUnavailable(
                f"Archive {key} could not be written: the archive folder's disk is full. Free "
                "some space or enlarge it; the archive is then written again."
            ) from broken
        raise SupplierUnavailable(
            f"Archive {key} cannot be reached: {broken.strerror or broken}. Check that the "
            "archive folder is mounted and that we may read and write it."
        ) from broken


def _key_of(location: str) -> str:
    if not location.startswith(_SCHEME):
        raise SupplierRefused(
            f"{location!r} is not in the archive folder: its locations begin with {_SCHEME!r}."
        )
    return location.removeprefix(_SCHEME)


def _damaged(key: str, how: str) -> str:
    return f"Archive {key} is damaged: {how}. Restore it from a copy of the archive folder."


def _is_beside(key: str) -> bool:
    """Whether a file is a lock or unfinished: no part of an archive's key begins with a dot."""
    return key.rpartition("/")[2].startswith(".")
