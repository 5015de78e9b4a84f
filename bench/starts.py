"""Starts: how long until help is shown, until the service is ready, and from clone to demo."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from statistics import median
from typing import Any

ROUNDS = 5

HERE = Path(__file__).resolve().parents[1]


async def measure() -> list[dict[str, Any]]:
    """Time `--help` and `serve` from the start of their process."""
    return [
        {"what": "dataops --help: seconds, at most 0.3", "seconds": _median(_help)},
        {"what": "dataops serve until ready: seconds, at most 3", "seconds": _median(_serve)},
        {"what": "clone to demo done: seconds, at most 30, once", "seconds": round(_clone(), 1)},
    ]


def _median(once: Any) -> float:
    return round(median(once() for _ in range(ROUNDS)), 3)


def _help() -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "service", "--help"], check=True, capture_output=True)
    return time.perf_counter() - started


def _clone() -> float:
    """Do what somebody new does: clone, and watch the demo; packages may lie in a cache."""
    with tempfile.TemporaryDirectory(prefix="dataops-bench-") as folder:
        started = time.perf_counter()
        subprocess.run(["git", "clone", "--quiet", str(HERE), folder], check=True)
        subprocess.run(["make", "demo"], cwd=folder, check=True, capture_output=True)
        return time.perf_counter() - started


def _serve() -> float:
    with tempfile.TemporaryDirectory(prefix="dataops-bench-") as folder:
        started = time.perf_counter()
        command = [sys.executable, "-m", "service", "serve", "--port", "0", "--data", folder]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            url = process.stdout.readline().strip() if process.stdout else ""
            with urllib.request.urlopen(f"{url}/readyz", timeout=30) as answer:  # noqa: S310 - our own loopback address
                answer.read()
            taken = time.perf_counter() - started
            process.terminate()
    return taken
