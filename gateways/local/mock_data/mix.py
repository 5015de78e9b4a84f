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
    for turn in range(1, 100 // gcd(*mix.values()) + 1):
        name = _next_name(mix, taken, turn)
        taken[name] += 1
        dealt.append(name)
    return tuple(dealt)


def _next_name(mix: Mapping[str, int], taken: Mapping[str, int], turn: int) -> str:
    """Of the names that are behind their share by enough, the one that would be late first."""
    margin = Fraction(1, max(2 * len(mix) - 2, 1))
    behind = (name for name in mix if taken[name] + margin <= Fraction(mix[name] * turn, 100))
    return min(behind, key=lambda name: (taken[name] + 1 - margin) / mix[name])
