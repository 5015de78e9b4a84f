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
    files: list[Path] = []
    notes: list[str] = []
    for each in sorted(folder.iterdir()):
        if each.name.startswith("."):
            continue
        if len(files) == MOST_FILES:
            notes.append(f"Only the first {MOST_FILES} files are read.")
            break
        if why := _why_not(root, each):
            notes.append(f"{each.name} is left out: {why}.")
        else:
            files.append(each.resolve())
    return files, notes


def _why_not(root: Path, file: Path) -> str:
    if file.suffix.lower() not in READERS:
        return f"{', '.join(READERS)} are read, and nothing in folders inside"
    if not file.resolve().is_relative_to(root):
        return "it leads out of the discovery root"
    return "" if file.is_file() else "it is no file"


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
