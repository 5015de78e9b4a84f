"""Files of records, JSON Lines and CSV, read line by line: what is broken is told and passed over."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePath
from types import MappingProxyType
from typing import BinaryIO

from pydantic_core import from_json

from domain.catalogue import BrokenLine, ScannedPage
from domain.record import Record

LONGEST_LINE = 2**20
"""A longer line, in bytes, is passed over: no record of a document is that long."""

MOST_COLUMNS = 1000
PAGE_RECORDS = 100

_PAGE_BYTES = 2**20
_CHUNK = 2**16
_SHOWN = 120


class _Broken(ValueError):
    """A line is no record; the message says why."""


class _Lines:
    """The lines of a stream, none of them ever whole in memory beyond the longest allowed."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.number = 0
        self.size_bytes = 0
        self._is_inside = False

    def __iter__(self) -> Iterator[bytes | None]:
        """Give line by line; None for every piece of one that is too long."""
        while part := self._stream.readline(_CHUNK if self._is_inside else LONGEST_LINE + 1):
            self.size_bytes += len(part)
            was_inside, is_end = self._is_inside, part.endswith(b"\n")
            self.number += not was_inside
            self._is_inside = not is_end and (was_inside or len(part) > LONGEST_LINE)
            yield None if was_inside or self._is_inside or len(part) > LONGEST_LINE else part


class _Page:
    """A page as it fills, with what was broken on the way."""

    def __init__(self, lines: _Lines, file: str, dataset_type: str) -> None:
        self._lines = lines
        self._file = file
        self._type = dataset_type
        self._before = 0
        self._last_broken = 0
        self.records: list[tuple[str, Record]] = []
        self.broken: list[BrokenLine] = []

    @property
    def is_full(self) -> bool:
        is_long = self._lines.size_bytes - self._before >= _PAGE_BYTES
        return is_long or len(self.records) + len(self.broken) >= PAGE_RECORDS

    def add(self, record: Record) -> None:
        self.records.append((self._type, record))

    def note(self, why: str) -> None:
        """Note the line that is read just now as broken, once."""
        number = self._lines.number
        if number != self._last_broken:
            self.broken.append(BrokenLine(self._file, number, why))
            self._last_broken = number

    def turn(self) -> ScannedPage:
        """Give what is on the page, and begin a new one."""
        size = self._lines.size_bytes - self._before
        page = ScannedPage(tuple(self.records), tuple(self.broken), size)
        self.records, self.broken, self._before = [], [], self._lines.size_bytes
        return page


def pages_of(stream: BinaryIO, file: str, dataset_type: str) -> Iterator[ScannedPage]:
    """Read a stream in pages of at most 100 records and about a megabyte.

    `file` is its name, whose ending tells how it is written.
    """
    lines = _Lines(stream)
    page = _Page(lines, file, dataset_type)
    for _ in READERS[PurePath(file).suffix.lower()](lines, page):
        if page.is_full:
            yield page.turn()
    yield page.turn()


def _json_lines(lines: _Lines, page: _Page) -> Iterator[None]:
    for line in lines:
        if (text := _text(lines, page, line)) and text.strip():
            try:
                page.add(_object(text))
            except _Broken as broken:
                page.note(str(broken))
        yield


def _object(text: str) -> Record:
    try:
        value = from_json(text, allow_inf_nan=False)
    except ValueError as broken:
        raise _Broken(f"it is no JSON: {str(broken)[:_SHOWN]}") from broken
    if not isinstance(value, dict):
        raise _Broken("it is JSON, but no object")
    return value


def _csv(lines: _Lines, page: _Page) -> Iterator[None]:
    """Read CSV: the first line names the columns; an empty cell is a field that is not there."""
    texts = _Texts(lines, page)
    head = next(texts, "")
    delimiter = max(",;\t", key=head.count)
    names = _names(head, delimiter, page)
    rows = csv.reader(texts, delimiter=delimiter, strict=True)
    while names:
        texts.begin_row()
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as broken:
            page.note(f"it is no CSV: {broken}")
        else:
            _take_row(row, names, page)
        yield


def _take_row(row: list[str], names: list[str], page: _Page) -> None:
    if not row or row == [""]:
        return
    if len(row) != len(names):
        page.note(f"it has {len(row)} cells where the first line names {len(names)}")
        return
    page.add({name: cell for name, cell in zip(names, row, strict=True) if cell})


def _names(head: str, delimiter: str, page: _Page) -> list[str]:
    """Read the names of the columns; none where they cannot be told apart."""
    try:
        named = csv.reader([head], delimiter=delimiter, strict=True)
        names = [each.strip() for each in next(named, [])]
    except csv.Error:
        names = []
    if not names or "" in names or len(set(names)) < len(names) or len(names) > MOST_COLUMNS:
        page.note(f"it must name 1 to {MOST_COLUMNS} different columns; the file is passed over")
        return []
    return names


class _Texts:
    """The lines as text for the CSV reader, without those that are broken.

    Where many lines that hold nothing follow each other, an empty row lets the page turn. A row
    whose quotes run on over many lines is held in memory, and may be no longer than one line.
    """

    def __init__(self, lines: _Lines, page: _Page) -> None:
        self._lines = iter(lines)
        self._all = lines
        self._page = page
        self._may_rest = False
        self._row_bytes = 0

    def begin_row(self) -> None:
        """Let a row begin with the next line."""
        self._may_rest, self._row_bytes = True, 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        for line in self._lines:
            text = _text(self._all, self._page, line)
            if line is not None and text is not None:
                self._may_rest = False
                self._count(line)
                return text
            if self._may_rest and self._page.is_full:
                return "\n"
        raise StopIteration

    def _count(self, line: bytes) -> None:
        self._row_bytes += len(line)
        if self._row_bytes > LONGEST_LINE:
            message = f"its row is longer than {LONGEST_LINE} bytes"
            raise csv.Error(message)


def _text(lines: _Lines, page: _Page, line: bytes | None) -> str | None:
    """Read a line as text, or note why it is none."""
    if line is None:
        page.note(f"it is longer than {LONGEST_LINE} bytes")
        return None
    if b"\0" in line:
        page.note("it holds a NUL byte")
        return None
    try:
        return line.decode("utf-8-sig" if lines.number == 1 else "utf-8")
    except UnicodeDecodeError as broken:
        page.note(f"it is no UTF-8: byte {broken.start + 1}")
        return None


READERS: Mapping[str, Callable[[_Lines, _Page], Iterator[None]]] = MappingProxyType(
    {".jsonl": _json_lines, ".ndjson": _json_lines, ".csv": _csv}
)
"""How files are read, by their endings."""
