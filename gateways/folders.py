"""Folders of existing datasets: files below one root, found without ever leaving it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

from domain.catalogue import ScannedPage
from domain.drafts import type_named
from domain.errors import NotAllowed, NotFound, RequestRejected, SupplierUnavailable
from domain.journey import DEFAULT_TENANT
from gateways.disk import open_plain
from gateways.record_files import READERS, pages_of

MOST_FILES = 200
"""How many files of one folder are read."""

MOST_NOTED = 10
"""How many things of one folder are named that are left out; the rest is counted."""

TENANT = "{tenant}"
"""What stands in the root for the tenant's name, where each has a folder of its own."""


class DiscoveryFolders:
    """The folders port over this machine's disk.

    `root` is a path, in which `{tenant}` stands for the tenant; without that only the default
    tenant may look, for nothing in a folder says whose it is.
    """

    def __init__(self, root: Path | None) -> None:
        self._root = root

    async def scan(self, tenant: str, name: str, /) -> AsyncGenerator[ScannedPage, None]:
        """Read a folder's files, or one file, by name; what is not looked into is noted."""
        root = self._root_of(tenant)
        files, notes = await asyncio.to_thread(_files, root, name)
        yield ScannedPage(notes=notes)
        for file in files:
            pages = _read(file)
            while (page := await asyncio.to_thread(next, pages, None)) is not None:
                yield page

    def _root_of(self, tenant: str) -> Path:
        if self._root is None:
            raise RequestRejected(
                "No folder may be looked through: DATAOPS_DISCOVERY_ROOT is not set. Set it to the "
                "folder that holds the exports."
            )
        if TENANT not in str(self._root):
            if tenant != DEFAULT_TENANT:
                raise NotAllowed(
                    "The folders below DATAOPS_DISCOVERY_ROOT are not parted by tenant. Let it "
                    f"hold {TENANT}, as in /exports/{TENANT}."
                )
            return self._root
        if tenant in {".", ".."} or not set(tenant).isdisjoint(f"/\\{os.sep}\0"):
            raise NotAllowed("This tenant's name is no name of a folder.")
        return Path(str(self._root).replace(TENANT, tenant))


def _files(root: Path, name: str) -> tuple[list[Path], list[str]]:
    """Find the files that a name below the root means, by name, and what is left out."""
    try:
        place = _below(root, name)
        if place.is_file():
            _require_readable(place, name)
            return [place], []
        return _inside(root.resolve(), place)
    except OSError as error:
        raise SupplierUnavailable(
            f"Folder {name!r} cannot be read: {error.strerror}. Check the discovery root."
        ) from error


def _below(root: Path, name: str) -> Path:
    """Resolve a name, links and all. Raises NotAllowed outside the root, NotFound for nothing."""
    if "\0" in name or Path(name).is_absolute() or ".." in Path(name).parts:
        raise NotAllowed(f"Folder {name!r} is not named as one below the discovery root.")
    try:
        real_root, place = root.resolve(strict=True), (root / name).resolve(strict=True)
    except (FileNotFoundError, NotADirectoryError, RuntimeError) as missing:
        raise NotFound(
            f"There is no folder or file {name!r} below the discovery root."
        ) from missing
    if not place.is_relative_to(real_root):
        raise NotAllowed(f"Folder {name!r} leads out of the discovery root.")
    return place


def _require_readable(place: Path, name: str) -> None:
    if place.suffix.lower() not in READERS:
        raise RequestRejected(f"File {name!r} is not read; {', '.join(READERS)} are.")


def _inside(root: Path, folder: Path) -> tuple[list[Path], list[str]]:
    """Find a folder's files and what is left out, each as far as it goes, whatever lies there."""
    files, left_out = _First(MOST_FILES), _First(MOST_NOTED)
    with os.scandir(folder) as entries:
        for each in entries:
            if each.name.startswith("."):
                continue
            if why := _why_not(root, each):
                left_out.add(f"{each.name} is left out: {why}.")
            else:
                files.add(each.name)
    notes = [f"Only the first {MOST_FILES} files are read."] if files.beyond else []
    notes += left_out.kept()
    if left_out.beyond:
        notes.append(f"{left_out.beyond} more are left out.")
    return [Path(os.path.realpath(folder / each)) for each in files.kept()], notes


class _First:
    """The first few of many texts in their order, and how many there are beyond."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._count = 0
        self._kept: list[str] = []

    @property
    def beyond(self) -> int:
        return max(0, self._count - self._most)

    def add(self, text: str) -> None:
        self._count += 1
        self._kept.append(text)
        if len(self._kept) > 2 * self._most:
            self._kept = self.kept()

    def kept(self) -> list[str]:
        return sorted(self._kept)[: self._most]


def _why_not(root: Path, entry: os.DirEntry[str]) -> str:
    if Path(entry.name).suffix.lower() not in READERS:
        return f"{', '.join(READERS)} are read, and nothing in folders inside"
    place = Path(os.path.realpath(entry.path)) if entry.is_symlink() else None
    if place is not None and not place.is_relative_to(root):
        return "it leads out of the discovery root"
    return "" if (place or entry).is_file() else "it is no file"


def _read(file: Path) -> Iterator[ScannedPage]:
    """Read one file; it is closed when it is read, or when nobody reads on."""
    try:
        stream = open_plain(file)
    except OSError as error:
        yield ScannedPage(notes=[f"{file.name} is left out: {error.strerror}."])
        return
    if stream is None:
        yield ScannedPage(notes=[f"{file.name} is left out: it is no file."])
        return
    with stream:
        yield from pages_of(stream, file.name, type_named(file.name.removesuffix(file.suffix)))
