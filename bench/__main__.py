"""`make bench`: measure everything once, print it, and write `bench/results.json`.

The status is 1 where a figure misses its limit (`is_met`).
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench import (
    acme,
    archives,
    crowd,
    engines,
    fanout,
    growth,
    handing_over,
    limits,
    many,
    starts,
    sweep,
)
from tests import postgres

RESULTS = Path(__file__).with_name("results.json")

_VERSIONS = ("a2a-sdk", "starlette", "uvicorn", "sqlalchemy", "pydantic", "httpx", "protobuf")


async def main() -> list[dict[str, Any]]:
    """Run the benchmarks one after the other."""
    results: list[dict[str, Any]] = []
    for each in (
        acme,
        many,
        limits,
        starts,
        growth,
        handing_over,
        engines,
        crowd,
        archives,
        fanout,
        sweep,
    ):
        results += await each.measure()
    return results


def _context() -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load": os.getloadavg(),
        "versions": {name: version(name) for name in _VERSIONS},
    }


if __name__ == "__main__":
    postgres.SETTINGS["fsync"] = "on"  # a commit takes as long as where it matters
    report = {"context": _context(), "results": asyncio.run(main())}
    text = json.dumps(report, indent=2)
    RESULTS.write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(text + "\n")
    if missed := [each["what"] for each in report["results"] if each.get("is_met") is False]:
        sys.exit(f"Missed: {'; '.join(missed)}. See {RESULTS.name} for the figures.")
