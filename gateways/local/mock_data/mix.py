"""The content mix: shares in percent, dealt so that every prefix is within one record of them."""

from collections.abc import Mapping
from fractions import Fraction
from math import gcd


def period_of(mix: Mapping[str, int]) -> tuple[str, ...]:
    """One period of a mix of positive shares that add up to 100, at most 100 names long.

    Exact at every multiple of the period and within one record before it, so that a longer run
    only appends (R. Tijdeman, The chairman assignment problem, 1980).
    """
    taken = dict.fromkeys(mix, 0)
    dealt: list[str] = []
    for _ in range(100 // gcd(*mix.values())):
        name = min(mix, key=lambda name: _deadline(mix[name], taken[name], among=len(mix)))
        taken[name] += 1
        dealt.append(name)
    return tuple(dealt)


def _deadline(percent: int, taken: int, *, among: int) -> Fraction:
    """When the next turn must have come, up to a factor that all share."""
    slack = 2 * among - 2
    return Fraction(slack * (taken + 1) - 1, percent)
