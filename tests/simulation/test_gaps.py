"""What is known not to hold yet, each shown by a plan; once mended, its test must go."""

from __future__ import annotations

import pytest

from tests.simulation.plan import End, Plan
from tests.simulation.running import play

_SEEDS = 12


@pytest.mark.parametrize(
    ("story", "points", "gap"),
    [
        ("tear_down", range(5, 11), "filled"),  # what was emptied meanwhile
        ("restore", range(24, 30), "hidden"),  # what was restored meanwhile
    ],
)
def test_a_process_that_stood_still_may_go_on_with_what_is_over(
    story: str, points: range, gap: str
) -> None:
    plans = (
        Plan(story, seed).ending(point, End.STOP) for seed in range(_SEEDS) for point in points
    )

    assert any(play(each).gaps[gap] for each in plans)
