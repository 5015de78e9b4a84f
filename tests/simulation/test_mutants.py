"""The oracle is no rubber stamp: whatever an invariant rests on is missed when it is taken away."""

from __future__ import annotations

import pytest

from tests.simulation.mutants import MUTANTS, Mutant
from tests.simulation.oracle import INVARIANTS
from tests.simulation.searching import (
    STANDSTILLS,
    a_short_search,
    broken_among,
    first_to_break,
    standstills,
)

_SEEDS = 60


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda each: each.name)
def test_a_mutant_is_caught(mutant: Mutant) -> None:
    story = mutant.story
    with mutant.let_loose():
        plans = standstills(story, STANDSTILLS) if story else a_short_search(_SEEDS)
        caught = first_to_break(mutant.invariant, plans)

    assert caught is not None
    assert broken_among([caught.plan]) == ""


def test_every_invariant_has_a_mutant() -> None:
    assert {each.invariant for each in MUTANTS} == set(INVARIANTS)
