"""A source in a folder: a client's records, one file a type, read and never written."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from domain.errors import NotFound, SupplierLied, SupplierRefused, SupplierUnavailable
from domain.journey import DEFAULT_TENANT
from domain.ports import Reading
from domain.recipe import MOST_READ, Extract
from domain.record import Record
from gateways.disk import open_plain
from gateways.source_files import LARGEST_LINE_BYTES, READERS, Line, lines_of

PAGE_RECORDS = 100

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}")


class FolderSource:
    """The source port over a folder: `CLIENT/TYPE.jsonl` or `CLIENT/TYPE.csv`.

    The clients of another tenant than the default one lie below a folder of the tenant's name.
    A link may lead anywhere inside the folder and nowhere else.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    async def locate(self, extract: Extract, /) -> str:
        """Name the file of an extract, as seen from the folder. Raises NotFound."""
        return await asyncio.to_thread(lambda: self._shown(self._file(extract)))

    async def open(self, extract: Extract, /) -> Reading:
        """Read the file once, to know that all of it can be read, and give a second reading."""
        path = await asyncio.to_thread(self._file, extract)
        shown = self._shown(path)
        total, version = await asyncio.to_thread(_survey, path, shown)
        return Reading(version, total, _pages(path, shown, version))

    def _file(self, extract: Extract) -> Path:
        folder = self._folder(extract)
        names = [f"{extract.dataset_type}{each}" for each in READERS]
        with _in_our_words(self._shown(folder)):
            there = [folder / each for each in names if os.path.lexists(folder / each)]
            if len(there) > 1:
                raise SupplierRefused(
                    f"The source has both {names[0]} and {names[1]} in {self._shown(folder)}. Leave "
                    "one of them there."
                )
            if not there:
                raise NotFound(
                    f"The source has no records of client {extract.client_ref} and type "
                    f"{extract.dataset_type}: neither {' nor '.join(names)} is in "
                    f"{self._shown(folder)}. Put one there, or ask for another type."
                )
            return self._inside(there[0])

    def _folder(self, extract: Extract) -> Path:
        parts = [extract.client_ref]
        if extract.tenant != DEFAULT_TENANT:
            parts.insert(0, extract.tenant)
        if not all(_NAME.fullmatch(each) for each in parts):
            raise NotFound(
                f"The source has no folder for client {extract.client_ref!r}: the name of one has "
                "letters, digits, dots, hyphens and underscores alone."
            )
        return self._root.joinpath(*parts)

    def _inside(self, path: Path) -> Path:
        """Follow links, and refuse to be led out of the folder, or to a file of another kind."""
        resolved = path.resolve()
        if not resolved.is_relative_to(self._root.resolve()) or resolved.suffix != path.suffix:
            raise SupplierRefused(
                f"{self._shown(path)} leads out of the source's folder, or to another kind of file, "
                "and was not read. Put the file itself there."
            )
        return resolved

    def _shown(self, path: Path) -> str:
        """Write a path as seen from the folder: where that lies is nobody's business."""
        for root in (self._root, self._root.resolve()):
            if path.is_relative_to(root):
                return path.relative_to(root).as_posix()
        return path.name


def _survey(path: Path, shown: str) -> tuple[int, str]:
    """Read a whole file; gives how many records it has and the SHA-256 of its bytes."""
    digest = hashlib.sha256()
    with _opened(path, shown) as file:
        total = sum(1 for _ in _records(file, path, shown, digest.update))
    return total, digest.hexdigest()


async def _pages(path: Path, shown: str, version: str) -> AsyncIterator[Sequence[Record]]:
    """Give a file's records page by page; raises SupplierUnavailable when it is another by now."""
    digest = hashlib.sha256()
    with _opened(path, shown) as file:
        records = _records(file, path, shown, digest.update)
        while page := await asyncio.to_thread(lambda: list(islice(records, PAGE_RECORDS))):
            yield page
    if digest.hexdigest() != version:
        raise SupplierUnavailable(f"{shown} changed while it was read. It is read again later.")


def _records(
    file: BinaryIO, path: Path, shown: str, digest: Callable[[bytes], None]
) -> Iterator[Record]:
    """Give the records of a file, each an object with an id of its own; `digest` takes its bytes."""
    lines_by_id: dict[str, int] = {}
    for line in lines_of(path.suffix, _digested(file, digest), shown):
        _let_in(line, lines_by_id, shown)
        yield line.record
        if len(lines_by_id) > MOST_READ:
            raise SupplierRefused(
                f"{shown} has more than {MOST_READ} records, the most that are read. Part it."
            )


def _let_in(line: Line, lines_by_id: dict[str, int], shown: str) -> None:
    """Hold a record to have an id, and one that no other has; its text is not repeated."""
    record_id = line.record.get("id")
    if not isinstance(record_id, str) or not re.fullmatch(r"[a-z0-9]{1,200}", record_id):
        raise SupplierLied(
            f"{shown}, line {line.number}: the field id is not 1 to 200 lower-case letters and "
            "digits. Mend the file, then validate the dataset."
        )
    first = lines_by_id.setdefault(record_id, line.number)
    if first != line.number:
        raise SupplierLied(
            f"{shown}, line {line.number}: its id stands on line {first} too. Mend the file, then "
            "validate the dataset."
        )


def _digested(file: BinaryIO, digest: Callable[[bytes], None]) -> Iterator[bytes]:
    """Give a file's lines; of one that is too long no more than shows that."""
    while line := file.readline(LARGEST_LINE_BYTES + 1):
        digest(line)
        yield line


@contextmanager
def _opened(path: Path, shown: str) -> Iterator[BinaryIO]:
    """Open a plain file without waiting; no link is followed that was not followed before."""
    with _in_our_words(shown):
        file = open_plain(path)
        if file is None:
            raise SupplierRefused(f"{shown} is no plain file and was not read.")
        with file:
            yield file


@contextmanager
def _in_our_words(shown: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as gone:
        raise NotFound(f"The source has no {shown} any more. Put it back.") from gone
    except OSError as broken:
        raise SupplierUnavailable(
            f"{shown} of the source cannot be read: {broken.strerror}. Check that its folder is "
            "mounted and that we may read it."
        ) from broken
