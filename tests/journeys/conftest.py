"""What every journey stands on: the whole service over a folder of its own, answering."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from service import schedules
from tests.journeys.doors import DOORS, Door
from tests.journeys.scenes import at_a_socket
from tests.processes import HeldSupplier
from tests.running import RunningService, running
from tests.service.cli.commanding import Cli, served


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    """The command line of a service in a process of its own, which all tests of a module share."""
    with served(tmp_path_factory.mktemp("served")) as found:
        yield found


@pytest.fixture(params=DOORS)
def door(request: pytest.FixtureRequest) -> Door:
    return DOORS[request.param]


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
