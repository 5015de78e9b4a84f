"""Every requirement that a test or a page ever showed is shown still."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests import requirements
from tests.requirements import SHOWN_BEFORE, TITLES, Report, main, numbers_in

ROOT = Path(__file__).resolve().parents[1]


def test_no_requirement_that_was_shown_is_lost() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "tests.requirements"],
        cwd=ROOT,
        capture_output=True,
        check=False,
        encoding="utf-8",
    )

    assert told.returncode == 0, told.stdout[-2000:] + told.stderr[-2000:]
    assert " of 100" in told.stdout


def test_a_number_that_is_lost_is_named() -> None:
    found = Report({"R1": "one", "R2": "two"}, {"R1": ["tests/a.py::test_a"]}, ["R1", "R2"])

    assert found.lost == ["R2"]
    assert not found.is_whole
    assert found.lines()[-2:] == ["1 of 2", "R2 was shown before and is lost."]


def test_a_number_that_nobody_asked_for_is_named() -> None:
    found = Report({"R1": "one"}, {"R7": ["tests/a.py::test_a"]}, [])

    assert found.unknown == ["R7"]
    assert not found.is_whole


@pytest.mark.parametrize(
    ("shown", "status", "kept"),
    [
        ({"R1": ["a"]}, 1, "R1\nR2\n"),
        ({"R1": ["a"], "R2": ["a"], "R4": ["a"]}, 1, "R1\nR2\n"),
        ({"R1": ["a"], "R2": ["a"], "R3": ["a"]}, 0, "R1\nR2\nR3\n"),
    ],
    ids=["one is lost", "nobody asked for one", "one more"],
)
def test_what_is_shown_is_kept_only_where_nothing_is_lost(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    shown: dict[str, list[str]],
    status: int,
    kept: str,
) -> None:
    before = tmp_path / "requirements.txt"
    before.write_text("R1\nR2\n")
    found = Report({"R1": "one", "R2": "two", "R3": "three"}, shown, ["R1", "R2"])
    monkeypatch.setattr(requirements, "SHOWN_BEFORE", before)
    monkeypatch.setattr(requirements, "report", lambda: found)

    assert main(["--keep"]) == status
    assert before.read_text() == kept


def test_the_table_has_each_number_in_order_with_what_shows_it() -> None:
    found = Report({"R10": "ten", "R9": "nine"}, {"R9": ["docs/page.md"]}, [])

    assert found.lines() == [
        "R9    nine",
        "      docs/page.md",
        "R10   ten",
        "      nothing yet",
        "",
        "1 of 2",
    ]
    assert found.is_whole


def test_a_page_says_in_a_comment_what_it_shows() -> None:
    page = "# Page\n<!-- requirement: R2, R3 -->\nText\n<!-- requirement: R89 -->\n"

    assert numbers_in(page) == ["R2", "R3", "R89"]


def test_the_list_has_each_number_from_1_to_100_once() -> None:
    listed = [line for line in TITLES.read_text("utf-8").splitlines() if line.startswith("- R")]

    numbers = [int(line[3:].partition(":")[0]) for line in listed]
    assert numbers == list(range(1, 101))


def test_what_was_shown_before_is_kept_in_order() -> None:
    kept = SHOWN_BEFORE.read_text("utf-8").split()

    assert kept == sorted(set(kept), key=lambda each: int(each[1:]))
