"""What every journey stands on: the whole service over a folder of its own, answering."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from service import schedules
from tests.journeys.scenes import at_a_socket
from tests.processes import HeldSupplier
from tests.running import RunningService, running


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[RunningService]:
    async with running(tmp_path) as opened:
        yield opened


@pytest.fixture
async def supplier() -> AsyncIterator[tuple[HeldSupplier, str]]:
    held = HeldSupplier()
    async with at_a_socket(held.app()) as url:
        yield held, url
        held.let_go.set()


@pytest.fixture
def _quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have schedules look at the clock all the time: a test moves it."""
    monkeypatch.setattr(schedules, "LONGEST_SLEEP", 0.01)
