"""Adds up what the workers ran of ours: `python -m tests.coverage_report FOLDER`.

It tells what nothing ran. With `--strict` it fails below 98 % of all lines and branches, and
where one of `domain` was not run.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from slipcover import Slipcover, merge_coverage, print_coverage

from tests.coverage import wanted

LEAST = 98.0
WHOLE = "domain/"


def added_up(folder: Path) -> dict[str, Any]:
    """Give the coverage of all of ours, also of what no worker has imported."""
    coverage = deepcopy(_nothing_run())
    for each in sorted(folder.glob("*.json")):
        merge_coverage(coverage, json.loads(each.read_text(encoding="utf-8")))
    return coverage


@cache
def _nothing_run() -> dict[str, Any]:
    """Find every line and branch of ours, which takes seconds."""
    coverage: dict[str, Any] = Slipcover(**wanted()).get_coverage()
    return coverage


def too_little(coverage: dict[str, Any]) -> list[str]:
    """Say where less is run than must be."""
    total, files = coverage["summary"]["percent_covered"], coverage["files"]
    whole = {name: each for name, each in files.items() if name.startswith(WHOLE)}
    few = [f"{total:.1f} % is run, and {LEAST} % must be."] if total < LEAST else []
    if not whole or not coverage["meta"]["branch_coverage"]:
        few += [
            f"The branches of {WHOLE} are not measured: see [tool.slipcover] of pyproject.toml."
        ]
    return few + [
        f"{name} must be run to its last branch."
        for name, each in whole.items()
        if each["summary"]["percent_covered"] < 100
    ]


def main(*words: str) -> int:
    """Print the table and the total; tells how to exit."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--strict", action="store_true")
    given = parser.parse_args(words)
    coverage = added_up(given.folder)
    print_coverage(coverage, skip_covered=True)
    sys.stdout.write(f"{coverage['summary']['percent_covered']:.1f} % covered\n")
    missing = too_little(coverage) if given.strict else []
    sys.stderr.writelines(f"{each}\n" for each in missing)
    return len(missing) > 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
