"""Searches: the plans that are played, one after the other, until one breaks something."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from tests.simulation.plan import End, Fault, Plan
from tests.simulation.running import Played, play
from tests.simulation.stories import STORIES, calm, storm

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FILLING = "provision"
"""The story every other begins with: what is before its end is searched once, in it."""


STANDSTILLS = range(1, 6)
"""The seeds of how long whoever stands still does so."""

AT_ONCE = (FILLING, "call_off", "lose", "do_anything")
"""The stories that do something else before a dataset is filled, or instead."""

STANDING_STILL = (FILLING, "tear_down", "restore", "restore_late")
"""The filling, and the stories in which what is done late does harm that nothing later mends."""


def single_ends(story: str, end: End) -> Iterator[Plan]:
    """Give the plans in which a process ends at one point, whichever it is."""
    plan = calm(story)
    return (plan.ending(point, end) for point in range(play(plan).points))


def pairs_of_ends(story: str) -> Iterator[Plan]:
    """Give the plans with a crash at a point and one more, also while the first is got over.

    The second is in that part of a story that is its own.
    """
    plan, begun = calm(story), _own_part(story).points
    for first in range(play(plan).points):
        once, after = plan.ending(first), max(first + 1, begun)
        yield from (once.ending(second) for second in range(after, play(once).points))


def single_faults(story: str, fault: Fault) -> Iterator[Plan]:
    """Give the plans in which one call goes wrong, in that part of a story that is its own."""
    plan, begun = calm(story), _own_part(story).calls
    return (plan.failing(call, fault) for call in range(begun, play(plan).calls))


def _own_part(story: str) -> Played:
    """Tell with which point and which call that part of a story begins that no other has."""
    if story in AT_ONCE:
        return Played(calm(story))
    filled = play(calm(FILLING))
    return replace(filled, points=filled.points - 1, calls=filled.calls - 1)


def lost_agents(story: str) -> Iterator[Plan]:
    """Give the plans in which an answer is lost and a later call is slow."""
    calls = range(play(Plan(story)).calls // 2)
    plan = Plan(story)
    for lost in calls:
        once = plan.failing(lost, Fault.LOST)
        yield from (once.failing(slow, Fault.SLOW) for slow in calls if slow > lost)


def first_to_break(invariant: str, plans: Iterable[Plan]) -> Played | None:
    """Play plans until one breaks an invariant; None when none does."""
    for plan in plans:
        played = play(plan)
        if any(each.startswith(f"{invariant}:") for each in played.broken):
            return played
    return None


def standstills(story: str, seeds: Iterable[int]) -> Iterator[Plan]:
    """Give the plans in which a process stands still at one point, for as long as each seed says."""
    for seed in seeds:
        plan = Plan(story, seed)
        yield from (plan.ending(point, End.STOP) for point in range(play(plan).points))


def a_short_search(seeds: int) -> Iterator[Plan]:
    """Give the plans a mutant must not survive: each story undisturbed, storms, lost agents."""
    return chain(map(calm, STORIES), map(storm, range(seeds)), lost_agents("lose"))


def broken_among(plans: Iterable[Plan]) -> str:
    """Play plans and tell what each that broke something broke, and how to see it again.

    That there was nothing to play is told as well: nobody has looked then.
    """
    played = [play(each) for each in plans]
    broken = [str(each) for each in played if each.broken]
    return "\n".join(broken) if played else "Nothing was played."
