"""Files of records: JSON Lines and CSV, read line by line, told of by line and never by content."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pydantic_core import from_json

from domain.errors import SupplierLied
from domain.record import READER_FIELDS, Record

LARGEST_LINE_BYTES = 4 * 2**20
"""A longer line, or row of several lines, is no record that a search engine takes."""

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Line:
    """A record and the line, from 1, on which it ends."""

    number: int
    record: Record


class _Broken(Exception):
    """A line that is no record, by its number from 1, and why, without what stands there."""

    def __init__(self, number: int, why: str) -> None:
        super().__init__(why)
        self.number = number


def lines_of(suffix: str, lines: Iterator[bytes], shown: str) -> Iterator[Line]:
    """Read records by the suffix of their file; `shown` is how messages name it.

    Raises:
        SupplierLied: a line is broken; the message names file and line.
    """
    try:
        yield from READERS[suffix](_texts(lines))
    except _Broken as broken:
        raise SupplierLied(
            f"{shown}, line {broken.number}: {broken}. Mend the file, then validate the dataset."
        ) from None


def _texts(lines: Iterator[bytes]) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        if len(line) > LARGEST_LINE_BYTES:
            raise _Broken(number, f"it is longer than {LARGEST_LINE_BYTES} bytes")
        try:
            yield (line.removeprefix(_BOM) if number == 1 else line).decode("utf-8")
        except UnicodeDecodeError:
            raise _Broken(number, "it is not UTF-8 text") from None


def _json_lines(texts: Iterator[str]) -> Iterator[Line]:
    """Read one JSON object a line; blank lines are none."""
    for number, text in enumerate(texts, start=1):
        if not text.strip():
            continue
        try:
            value = from_json(text, allow_inf_nan=False)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise _Broken(number, "it is not one JSON object")
        yield Line(number, value)


def _csv(texts: Iterator[str]) -> Iterator[Line]:
    """Read rows below one of names; an empty cell is an absent field.

    The cells of readers hold names with semicolons between them.
    """
    counted = _RowTexts(texts)
    rows = csv.reader(counted, strict=True)
    try:
        header = next(rows, [])
        _require_names(header)
        counted.begin_row()
        for row in rows:
            counted.begin_row()
            if row:
                yield Line(rows.line_num, _row(header, row, rows.line_num))
    except csv.Error:
        raise _Broken(rows.line_num, "it is not CSV: check its quotes and commas") from None


class _RowTexts:
    """The texts of rows: one whose quotes run on over many lines is no longer than a line may be."""

    def __init__(self, texts: Iterator[str]) -> None:
        self._texts = enumerate(texts, start=1)
        self._size_bytes = 0

    def begin_row(self) -> None:
        """Let a row begin with the next text."""
        self._size_bytes = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        number, text = next(self._texts)
        self._size_bytes += len(text.encode())
        if self._size_bytes > LARGEST_LINE_BYTES:
            raise _Broken(number, f"its row is longer than {LARGEST_LINE_BYTES} bytes")
        return text


def _require_names(header: list[str]) -> None:
    if "id" not in header or "" in header or len(set(header)) != len(header):
        raise _Broken(1, "its cells must be the fields' names, each once, and id among them")


def _row(header: list[str], row: list[str], number: int) -> Record:
    if len(row) != len(header):
        raise _Broken(number, f"it has {len(row)} cells where the first line has {len(header)}")
    cells = {name: cell for name, cell in zip(header, row, strict=True) if cell}
    return {name: _cell(name, cell) for name, cell in cells.items()}


def _cell(name: str, cell: str) -> str | list[str]:
    return [each.strip() for each in cell.split(";")] if name in READER_FIELDS else cell


READERS: Mapping[str, Callable[[Iterator[str]], Iterator[Line]]] = MappingProxyType(
    {".jsonl": _json_lines, ".csv": _csv}
)
"""What reads a file, by its suffix."""
