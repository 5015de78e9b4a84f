"""Which test, or which page, shows each requirement; a number that was shown is never lost again.

`make requirements` prints the table. A test names the requirements it shows by the mark
`requirement`, a page by the comment `requirement: R89`; docs/requirements.md says what each number
asks for, and tests/requirements.txt lists the numbers that are shown, one a line.
"""

from __future__ import annotations

import io
import re
import sys
from collections import defaultdict
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

ROOT = Path(__file__).resolve().parents[1]
TITLES = ROOT / "docs/requirements.md"
SHOWN_BEFORE = ROOT / "tests/requirements.txt"

_TITLE = re.compile(r"^- (R\d+): (.+)$", re.MULTILINE)
_COMMENT = re.compile(r"<!-- requirement: ([R\d, ]+) -->")

Shown = dict[str, list[str]]
"""The tests and pages that show each number, in order."""


@dataclass(frozen=True, slots=True)
class Report:
    """What each number asks for, what shows it, and which numbers were shown before."""

    titles: Mapping[str, str]
    shown: Mapping[str, Sequence[str]]
    before: Sequence[str]

    @property
    def lost(self) -> list[str]:
        """The numbers that were shown once and are not any more."""
        return _sorted(each for each in self.before if not self.shown.get(each))

    @property
    def unknown(self) -> list[str]:
        """The numbers that are shown and that the list of requirements does not have."""
        return _sorted(each for each in self.shown if each not in self.titles)

    @property
    def is_whole(self) -> bool:
        """Whether nothing was lost and nothing is shown that nobody asked for."""
        return not self.lost and not self.unknown

    def lines(self) -> list[str]:
        """Write the table, a number with its title and then what shows it, and the count."""
        table = [line for number in _sorted(self.titles) for line in self._entry(number)]
        count = sum(bool(self.shown.get(each)) for each in self.titles)
        complaints = [f"{each} was shown before and is lost." for each in self.lost]
        strangers = [f"{each} stands in no list of requirements." for each in self.unknown]
        return [*table, "", f"{count} of {len(self.titles)}", *complaints, *strangers]

    def _entry(self, number: str) -> list[str]:
        by = [f"      {each}" for each in self.shown.get(number, ())]
        return [f"{number:<5} {self.titles[number]}", *(by or ["      nothing yet"])]


class _Collector:
    """Takes note of the marks of all tests that pytest finds."""

    def __init__(self) -> None:
        self.shown: Shown = defaultdict(list)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            name = item.nodeid.partition("[")[0]
            for mark in item.iter_markers("requirement"):
                for number in mark.args:
                    if name not in self.shown[number]:
                        self.shown[number].append(name)


def report() -> Report:
    """Look at all tests and pages of this repository."""
    shown = _shown_by_tests()
    for page in sorted((ROOT / "docs").rglob("*.md")):
        for number in numbers_in(page.read_text("utf-8")):
            shown[number].append(str(page.relative_to(ROOT)))
    titles = dict(_TITLE.findall(TITLES.read_text("utf-8")))
    return Report(titles, shown, SHOWN_BEFORE.read_text("utf-8").split())


def numbers_in(page: str) -> list[str]:
    """Give the numbers that a page says it shows."""
    return [each.strip() for found in _COMMENT.findall(page) for each in found.split(",")]


def _shown_by_tests() -> Shown:
    collector, said = _Collector(), io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        status = pytest.main(
            [
                "--collect-only",
                "-qq",
                "-p",
                "no:cacheprovider",
                "-p",
                "no:xdist",
                str(ROOT / "tests"),
            ],
            plugins=[collector],
        )
    if status != pytest.ExitCode.OK:
        sys.exit(f"The tests cannot be collected. Mend this first:\n{said.getvalue()[-4000:]}")
    return collector.shown


def _sorted(numbers: Iterable[str]) -> list[str]:
    return sorted(numbers, key=lambda each: int(each[1:]))


def main(words: Sequence[str]) -> int:
    """Print the table; `--keep` writes down what is shown now as never to be lost again.

    Nothing is written while a number is lost, or is in no list: take a lost one out by hand.
    """
    found = report()
    sys.stdout.write("\n".join([*found.lines(), ""]))
    if not found.is_whole:
        return 1
    if "--keep" in words:
        SHOWN_BEFORE.write_text("".join(f"{each}\n" for each in _sorted(found.shown)), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
