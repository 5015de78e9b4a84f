"""What tests of the service share: the logs are set back, for setting them up is global."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture
def logs() -> Iterator[None]:
    root, ours = logging.getLogger(), structlog.get_config()
    before, level = list(root.handlers), root.level
    yield
    structlog.configure(**ours)
    root.setLevel(level)
    for handler in [each for each in root.handlers if each not in before]:
        root.removeHandler(handler)
