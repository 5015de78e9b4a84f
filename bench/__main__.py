"""`make bench`: measure everything once, print it, and write `bench/results.json`."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench import acme, crowd, engines, growth, handing_over, limits, many, starts, sweep

RESULTS = Path(__file__).with_name("results.json")

_VERSIONS = ("a2a-sdk", "starlette", "uvicorn", "sqlalchemy", "pydantic", "httpx", "protobuf")


async def main() -> list[dict[str, Any]]:
    """Run the benchmarks one after the other."""
    results: list[dict[str, Any]] = []
    for each in (acme, many, limits, starts, growth, handing_over, engines, crowd, sweep):
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
    report = {"context": _context(), "results": asyncio.run(main())}
    text = json.dumps(report, indent=2)
    RESULTS.write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(text + "\n")
