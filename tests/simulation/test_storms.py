"""Thousands of seeds: callers do anything while processes die and calls go wrong by chance."""

from __future__ import annotations

import pytest

from tests.simulation.searching import broken_among
from tests.simulation.stories import storm

SEEDS = 2000
_PARTS = 16
"""Parts of equal size, so that as many processes of tests as there are can share the seeds."""


@pytest.mark.parametrize("part", range(_PARTS))
def test_no_storm_breaks_anything(part: int) -> None:
    seeds = range(part, SEEDS, _PARTS)

    broken = broken_among(map(storm, seeds))

    assert broken == ""
