"""What tests of the service share: a console, and logs that are set back, for they are global."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog

from tests.service.consoles import Console, serving


@pytest.fixture
def logs() -> Iterator[None]:
    root, ours = logging.getLogger(), structlog.get_config()
    before, level = list(root.handlers), root.level
    yield
    structlog.configure(**ours)
    root.setLevel(level)
    for handler in [each for each in root.handlers if each not in before]:
        root.removeHandler(handler)


@pytest.fixture
async def console(tmp_path: Path) -> AsyncIterator[Console]:
    async with serving(tmp_path) as served:
        yield served
