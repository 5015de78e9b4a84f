"""The gate of coverage: what is not run is told, and too little of it fails."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.coverage_report import added_up, main, too_little

if TYPE_CHECKING:
    from pathlib import Path

LINES = list(range(1, 101))


def measured(**run: list[int]) -> dict[str, Any]:
    """Give the coverage of files of a hundred lines each, of which these were run."""
    files = {
        f"{name}/a.py": {"summary": {"percent_covered": float(len(lines))}}
        for name, lines in run.items()
    }
    total = sum(len(lines) for lines in run.values()) / len(run)
    return {
        "meta": {"branch_coverage": True},
        "files": files,
        "summary": {"percent_covered": total},
    }


def test_enough_is_enough() -> None:
    assert too_little(measured(domain=LINES, service=LINES[:96])) == []


def test_less_than_98_percent_of_all_is_too_little() -> None:
    (fault,) = too_little(measured(domain=LINES, service=LINES[:95]))

    assert fault == "97.5 % is run, and 98.0 % must be."


def test_one_line_of_the_domain_is_too_little() -> None:
    (fault,) = too_little(measured(domain=LINES[:99], service=LINES))

    assert fault == "domain/a.py must be run to its last branch."


@pytest.mark.parametrize("missing", ["the domain", "branches"])
def test_what_is_not_measured_is_no_success(missing: str) -> None:
    coverage = measured(service=LINES) if missing == "the domain" else measured(domain=LINES)
    coverage["meta"]["branch_coverage"] = missing != "branches"

    (fault,) = too_little(coverage)

    assert "not measured" in fault


def test_where_no_worker_left_anything_nothing_was_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(str(tmp_path), "--strict")

    assert status == 1
    assert "0.0 % is run" in capsys.readouterr().err


def test_what_two_workers_ran_is_added_up(tmp_path: Path) -> None:
    nothing = added_up(tmp_path)["files"]["domain/moments.py"]
    lines = nothing["missing_lines"]
    for worker, ran in {"gw0": lines[:1], "gw1": lines[1:2]}.items():
        (tmp_path / f"{worker}.json").write_text(json.dumps(part(ran, lines)), encoding="utf-8")

    found = added_up(tmp_path)["files"]["domain/moments.py"]

    assert found["executed_lines"] == lines[:2]
    assert found["missing_lines"] == lines[2:]


def part(ran: list[int], lines: list[int]) -> dict[str, Any]:
    """Give what a worker leaves that ran these lines of a file."""
    missing = [each for each in lines if each not in ran]
    file = {
        "executed_lines": ran,
        "missing_lines": missing,
        "executed_branches": [],
        "missing_branches": [],
    }
    return {
        "meta": {"software": "slipcover", "branch_coverage": True},
        "files": {"domain/moments.py": file},
    }
