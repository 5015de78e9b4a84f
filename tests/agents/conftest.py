"""The scene each test of an agent plays in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.agents.scene import Scene


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)
