"""The archive as a world of its own: objects under lock, and what was asked of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from domain.archive import ArchiveLock, ArchiveReceipt
from domain.errors import NotFound, SupplierRefused

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tests.simulation.line import Line


@dataclass(frozen=True, slots=True)
class Kept:
    """An object: its bytes, its lock, when it was written, and whether a legal hold is on it."""

    content: bytes
    locked_until: datetime
    at: float
    is_held: bool = False


@dataclass(frozen=True, slots=True)
class Purge:
    """Somebody asked for an object's removal; whether it is allowed is another matter.

    `kept` is the object as it was then; None where it was gone already.
    """

    location: str
    at: float
    kept: Kept | None


@dataclass
class ArchiveWorld:
    """Every object that was ever kept, those that still are, and every purge asked for."""

    now: Callable[[], float]
    kept: dict[str, Kept] = field(default_factory=dict)
    ever: dict[str, Kept] = field(default_factory=dict)
    purges: list[Purge] = field(default_factory=list)


class ArchiveLine:
    """The port Archive of one process."""

    def __init__(self, world: ArchiveWorld, line: Line) -> None:
        self._world = world
        self._line = line

    async def put(self, key: str, content: bytes, locked_until: datetime, /) -> ArchiveReceipt:
        """Keep the content; the same again is the same receipt."""
        return await self._line.effect("put", lambda _: self._put(key, content, locked_until))

    async def read(self, location: str, /) -> bytes:
        """Give an object's bytes; asked wrongly, others. Raises NotFound."""
        return await self._line.ask("the archive", lambda wrong: self._read(location, wrong))

    async def lock_of(self, location: str, /) -> ArchiveLock:
        """Tell how an object is locked. Raises NotFound."""
        return await self._line.ask("the archive", lambda _: self._lock_of(location))

    async def lock(self, location: str, wanted: ArchiveLock, /) -> ArchiveLock:
        """Lock an object for longer, hold it or release it. Raises NotFound."""
        return await self._line.effect("lock", lambda _: self._lock(location, wanted))

    async def purge(self, location: str, now: datetime, /) -> None:
        """Remove an object. Raises SupplierRefused before its lock is over."""
        await self._line.effect("purge", lambda _: self._purge(location, now))

    def _put(self, key: str, content: bytes, locked_until: datetime) -> ArchiveReceipt:
        new = Kept(content, locked_until, self._world.now())
        kept = self._world.kept.setdefault(key, new)
        self._world.ever.setdefault(key, kept)
        if kept.content != content:
            raise SupplierRefused(key)
        digest = hashlib.sha256(content).hexdigest()
        return ArchiveReceipt(key, digest, len(content), kept.locked_until)

    def _read(self, location: str, wrong: bool) -> bytes:
        if location not in self._world.kept:
            raise NotFound(location)
        return b"other bytes" if wrong else self._world.kept[location].content

    def _lock_of(self, location: str) -> ArchiveLock:
        if location not in self._world.kept:
            raise NotFound(location)
        kept = self._world.kept[location]
        return ArchiveLock(kept.locked_until, is_held=kept.is_held)

    def _lock(self, location: str, wanted: ArchiveLock) -> ArchiveLock:
        until = max(self._lock_of(location).locked_until, wanted.locked_until)
        kept = self._world.kept[location]
        self._world.kept[location] = replace(kept, locked_until=until, is_held=wanted.is_held)
        return self._lock_of(location)

    def _purge(self, location: str, now: datetime) -> None:
        kept = self._world.kept.get(location)
        self._world.purges.append(Purge(location, self._world.now(), kept))
        if kept is not None and (kept.is_held or now < kept.locked_until):
            raise SupplierRefused(location)
        self._world.kept.pop(location, None)
