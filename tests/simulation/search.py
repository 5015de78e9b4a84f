"""Searching on: as many storms as there is time for, each that breaks something told at once."""

from __future__ import annotations

import sys

from tests.simulation.running import play
from tests.simulation.stories import storm


def main(first: int, last: int) -> int:
    """Play the storms of these seeds; tells by 1 that something was broken."""
    broken = 0
    for seed in range(first, last):
        played = play(storm(seed))
        if played.broken:
            sys.stdout.write(f"{played}\n")
            broken += 1
    sys.stdout.write(f"{broken} of {last - first} seeds broke something\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
