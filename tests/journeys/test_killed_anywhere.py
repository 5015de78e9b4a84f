"""Killed after any commit and started again: nothing is lost, doubled, or left half-made."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

COMPLETED, CANCELED = 3, 5


def lives_of(act: str, folder: Path) -> list[dict[str, Any]]:
    """Kill a service after each commit of an act, and tell what stood after each new start."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.journeys.killing", act, str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


@pytest.mark.timeout(300)
def test_a_request_killed_after_any_commit_ends_ready_exactly_once(tmp_path: Path) -> None:
    lives = lives_of("provision", tmp_path)

    assert len(lives) > 8
    for each in lives:
        assert (each["state"], each["status"]) == ("COMPLETED", "ready")
        assert (each["tasks"], each["unsettled"], each["flaws"]) == ([COMPLETED], 0, [])
        assert each["events"] == {
            "DatasetProvisionRequested": 1,
            "DatasetProvisioningStarted": 1,
            "DatasetPopulated": 1,
            "DatasetProvisionCompleted": 1,
            "DatasetReady": 1,
        }


@pytest.mark.timeout(300)
def test_a_request_called_off_is_killed_after_any_commit_and_never_half_cancelled(
    tmp_path: Path,
) -> None:
    lives = lives_of("call_off", tmp_path)

    assert len(lives) > 4
    for each in lives:
        wanted = ("CANCELED", "archived") if each["cancelled"] else ("COMPLETED", "ready")
        assert (each["state"], each["status"]) == wanted
        assert set(each["tasks"]) <= {COMPLETED, CANCELED}
        assert (each["unsettled"], each["flaws"]) == (0, [])


@pytest.mark.timeout(300)
def test_a_teardown_killed_after_any_commit_ends_archived_exactly_once(tmp_path: Path) -> None:
    lives = lives_of("tear_down", tmp_path)

    assert len(lives) > 6
    for each in lives:
        assert (each["state"], each["status"]) == ("COMPLETED", "archived")
        assert (each["tasks"], each["unsettled"], each["flaws"]) == ([COMPLETED], 0, [])
        assert each["events"]["DatasetTeardownStarted"] == each["events"]["DatasetArchived"] == 1
