"""Measures what a test worker runs of ours; `tests/coverage_report.py` adds the workers up.

`COVERAGE_FOLDER` names the folder in which each worker leaves its part. Probes in the code tell of
a line or a branch and then go: tracing, which Python 3.11 needs otherwise, takes more than twice
the time of all that is traced. What a test starts as a process of its own is not measured, nor is
a run without workers.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slipcover import Slipcover

ROOT = Path(__file__).resolve().parents[1]

_measured: list[tuple[Slipcover, Path]] = []


def wanted() -> dict[str, Any]:
    """Give the branches, sources and exclusions of pyproject.toml, as `Slipcover` takes them."""
    from slipcover.config import read_config  # noqa: PLC0415 - only where something is measured

    table = read_config(ROOT / "pyproject.toml")
    return {name.replace("-", "_"): value for name, value in table.items()}


def begin() -> None:
    """Measure all of ours that this worker imports from now on, if that was asked for."""
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        folder = os.environ.pop("COVERAGE_FOLDER", None)  # a child would write over it
        if folder:
            _begin(Path(folder, f"{worker}.json"))


def _begin(part: Path) -> None:
    from slipcover import (  # noqa: PLC0415 - only where something is measured
        FileMatcher,
        ImportManager,
        Slipcover,
        wrap_spec_from_file_location,
    )

    what = wanted()
    matcher = FileMatcher(what.pop("source"), what["omit"])
    meter = Slipcover(**what)
    ImportManager(meter, matcher).__enter__()
    wrap_spec_from_file_location(meter, matcher)  # Alembic finds its env.py by path
    _measured.append((meter, part))


def leave() -> None:
    """Write what was run, if anything is measured."""
    for meter, part in _measured:
        part.write_text(json.dumps(meter.get_coverage()), encoding="utf-8")
