"""What every test of the registry stands on: a migrated database of its own, opened."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.registry.databases import DATABASES, House, a_fresh, open_house


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return a_fresh(request.param, tmp_path)


@pytest.fixture
async def house(url: str) -> AsyncIterator[House]:
    async with open_house(url) as opened:
        yield opened
