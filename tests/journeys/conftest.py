"""What every journey stands on: the whole service over a folder of its own, answering."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.running import RunningService, running


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[RunningService]:
    async with running(tmp_path) as opened:
        yield opened
