"""What every test of the registry stands on: a migrated database of its own, opened."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.registry.databases import House, a_fresh_file, open_house


@pytest.fixture
def url(tmp_path: Path) -> str:
    return a_fresh_file(tmp_path)


@pytest.fixture
async def house(url: str) -> AsyncIterator[House]:
    async with open_house(url) as opened:
        yield opened
