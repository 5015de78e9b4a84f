"""A failing seed is played again exactly, by the one line that the failure prints."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.simulation.mutants import MUTANTS
from tests.simulation.plan import End, Fault, Plan, read_plan
from tests.simulation.running import play
from tests.simulation.searching import a_short_search, first_to_break
from tests.simulation.stories import storm


def test_the_same_seed_is_the_same_to_the_last_line() -> None:
    first, second = play(storm(42)), play(storm(42))

    assert first.trace == second.trace


def test_another_seed_is_another_story() -> None:
    assert play(storm(42)).digest != play(storm(44)).digest


def test_a_plan_is_read_as_it_was_written() -> None:
    plan = Plan("restore", 7, is_stormy=True).ending(3).ending(9, End.STOP).failing(5, Fault.LOST)

    assert read_plan(str(plan)) == plan


def test_what_breaks_says_how_to_see_it_again() -> None:
    (mutant,) = [each for each in MUTANTS if each.invariant == "I7"]
    with mutant.let_loose():
        caught = first_to_break("I7", a_short_search(20))
        assert caught is not None

        again = play(read_plan(str(caught).rsplit(" ", 1)[-1]))

    assert again.broken == caught.broken
    assert again.trace == caught.trace


def test_another_process_plays_the_same_whatever_its_hashes_are() -> None:
    here = play(storm(42))

    told = subprocess.run(
        [sys.executable, "-m", "tests.simulation.replay", str(here.plan)],
        env={**os.environ, "PYTHONHASHSEED": "7"},
        capture_output=True,
        check=True,
        text=True,
    )

    assert told.stdout.splitlines()[: len(here.trace)] == list(here.trace)
