"""Replaying: one line, as a failing test prints it, is played again and told step by step."""

from __future__ import annotations

import sys

from tests.simulation.plan import read_plan
from tests.simulation.running import play


def main(line: str) -> int:
    """Play a plan and print its trace; tells by 1 that something is broken."""
    played = play(read_plan(line))
    sys.stdout.write("\n".join([*played.trace, str(played), ""]))
    return 1 if played.broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
