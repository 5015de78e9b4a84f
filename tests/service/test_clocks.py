"""Clocks: the wall's is in UTC, the movable one only goes forward."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest

from service.clocks import MovableClock, wall_clock


def test_the_walls_time_is_in_utc() -> None:
    assert wall_clock().tzinfo is UTC


def test_a_clock_that_was_not_moved_tells_the_walls_time() -> None:
    before = wall_clock()

    told = MovableClock()()

    assert before <= told <= wall_clock()


def test_moves_add_up() -> None:
    clock = MovableClock()

    clock.advance(timedelta(hours=24))
    clock.advance(timedelta(seconds=1))

    assert clock() - wall_clock() > timedelta(hours=24)


def test_a_clock_is_never_moved_back() -> None:
    clock = MovableClock()

    with pytest.raises(ValueError, match="cannot be moved back"):
        clock.advance(timedelta(seconds=-1))

    assert clock() - wall_clock() < timedelta(seconds=1)
