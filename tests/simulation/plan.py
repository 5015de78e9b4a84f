"""Plans: all that decides a simulation, in one line with which it is played again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class End(StrEnum):
    """What may become of a process at a point: it dies there, or stands still for a while."""

    CRASH = "crash"
    STOP = "stop"


class Fault(StrEnum):
    """What may become of a call: the four ways in which the world disappoints.

    Never happened; happened and the answer is lost; slow; answered wrongly.
    """

    NEVER = "never"
    LOST = "lost"
    SLOW = "slow"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is played: a story by its name, the seed of all chance, and what goes wrong where.

    `ends` are by the number of the point, `faults` by the number of the call. `is_stormy` lets
    chance decide on more of both.
    """

    story: str
    seed: int = 0
    ends: tuple[tuple[int, End], ...] = ()
    faults: tuple[tuple[int, Fault], ...] = ()
    is_stormy: bool = False

    def __str__(self) -> str:
        """Write the plan as the one line that `read_plan` takes."""
        parts = [self.story, str(self.seed), "storm" if self.is_stormy else "calm"]
        parts += [f"{each}@{point}" for point, each in self.ends]
        parts += [f"{each}@{call}" for call, each in self.faults]
        return "/".join(parts)

    def ending(self, point: int, end: End = End.CRASH) -> Plan:
        """Give this plan with one more end."""
        return replace(self, ends=(*self.ends, (point, end)))

    def failing(self, call: int, fault: Fault) -> Plan:
        """Give this plan with one more fault."""
        return replace(self, faults=(*self.faults, (call, fault)))


def read_plan(line: str) -> Plan:
    """Read a plan as it was printed. Raises ValueError for anything else."""
    story, seed, weather, *rest = line.strip().split("/")
    plan = Plan(story, int(seed), is_stormy=weather == "storm")
    for each in rest:
        kind, number = each.split("@")
        if kind in set(End):
            plan = plan.ending(int(number), End(kind))
        else:
            plan = plan.failing(int(number), Fault(kind))
    return plan
