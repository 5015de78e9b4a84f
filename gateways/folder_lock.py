"""The lock beside an archive's file: how long it is kept when it is kept for longer than it was."""

from __future__ import annotations

from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from domain.archive import ArchiveLock
from gateways.disk import sync_folder, written_beside


class _Written(BaseModel):
    """The lock as it is written down."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    locked_until: AwareDatetime
    is_held: bool


def read_lock(path: Path, first: ArchiveLock) -> ArchiveLock:
    """Give the lock of an archive's file that was first locked so; it lasts at least as long.

    Raises:
        ValueError: there is a lock beside it that nobody can read.
    """
    try:
        written = _Written.model_validate_json(_beside(path).read_bytes())
    except FileNotFoundError:
        return first
    except ValidationError as broken:
        raise ValueError(f"{_beside(path).name} cannot be read") from broken
    return ArchiveLock(max(first.locked_until, written.locked_until), is_held=written.is_held)


def write_lock(path: Path, lock: ArchiveLock) -> None:
    """Write the lock of an archive's file down, whole or not at all, so that it stays."""
    content = _Written(locked_until=lock.locked_until, is_held=lock.is_held).model_dump_json()
    with written_beside(path, content.encode(), 0o440) as made:
        made.replace(_beside(path))
    sync_folder(path.parent)


def remove_lock(path: Path) -> None:
    """Remove what lies beside an archive's file, if anything does."""
    _beside(path).unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    """Name the lock's file: no key of an archive begins with a dot."""
    return path.with_name(f".{path.name}.lock")
