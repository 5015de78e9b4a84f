"""What tests of the service share: the logs are set back, for setting them up is global."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture
def logs() -> Iterator[None]:
    root = logging.getLogger()
    before = list(root.handlers)
    yield
    structlog.reset_defaults()
    for handler in [each for each in root.handlers if each not in before]:
        root.removeHandler(handler)
