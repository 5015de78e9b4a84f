"""Every point at which a process can die or stand still, and every call that can go wrong."""

from __future__ import annotations

from itertools import islice

import pytest

from tests.simulation.plan import End, Fault, read_plan
from tests.simulation.running import play
from tests.simulation.searching import (
    FILLING,
    STANDING_STILL,
    STANDSTILLS,
    broken_among,
    lost_agents,
    pairs_of_ends,
    single_ends,
    single_faults,
    standstills,
)
from tests.simulation.stories import STORIES

_PARTS = 4
"""Parts of equal size, so that as many processes of tests as there are can share the pairs."""


@pytest.mark.parametrize("end", End)
@pytest.mark.parametrize("story", STORIES)
def test_a_process_may_end_at_any_point(story: str, end: End) -> None:
    assert broken_among(single_ends(story, end)) == ""


@pytest.mark.parametrize("seed", STANDSTILLS)
@pytest.mark.parametrize("story", STANDING_STILL)
def test_a_process_may_stand_still_at_any_point_for_any_time(story: str, seed: int) -> None:
    assert broken_among(standstills(story, [seed])) == ""


@pytest.mark.parametrize("part", range(_PARTS))
@pytest.mark.parametrize("story", [FILLING, "revalidate", "call_off", "tear_down", "restore"])
def test_processes_may_die_at_any_two_points(story: str, part: int) -> None:
    pairs = islice(pairs_of_ends(story), part, None, _PARTS)

    broken = broken_among(pairs)

    assert broken == ""


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("story", STORIES)
def test_any_call_may_go_wrong(story: str, fault: Fault) -> None:
    assert broken_among(single_faults(story, fault)) == ""


def test_an_agent_may_be_lost_while_it_is_slow() -> None:
    assert broken_among(lost_agents("lose")) == ""


@pytest.mark.parametrize(
    "line", ["tear_down/1/calm/stop@6/slow@47", "tear_down/7/calm/stop@7/slow@48"]
)
def test_what_comes_in_between_emptying_and_verifying_holds_no_teardown_up(line: str) -> None:
    """Found by the search: the teardown verified again and again, and never emptied again."""
    assert play(read_plan(line)).broken == []
