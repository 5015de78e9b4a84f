"""Draws: chance that is a function of its key, the same in every process and on every machine."""

from collections.abc import Sequence
from hashlib import shake_128
from typing import TypeVar

_BYTES = 96

Choice = TypeVar("Choice")


class Draws:
    """A stream of draws from one key; another key is another stream."""

    __slots__ = ("_bytes", "_next")

    def __init__(self, key: str) -> None:
        self._bytes = shake_128(key.encode()).digest(_BYTES)
        self._next = 0

    def below(self, bound: int) -> int:
        """A whole number from 0 to `bound` - 1; `bound` at most 65,536."""
        start = self._next
        self._next = start + 2
        return int.from_bytes(self._bytes[start : start + 2], "big") * bound >> 16

    def pick(self, choices: Sequence[Choice]) -> Choice:
        """One of the choices."""
        return choices[self.below(len(choices))]

    def some(self, choices: Sequence[Choice], count: int) -> list[Choice]:
        """`count` different choices, in random order."""
        pool = list(choices)
        for place in range(count):
            other = place + self.below(len(pool) - place)
            pool[place], pool[other] = pool[other], pool[place]
        return pool[:count]
