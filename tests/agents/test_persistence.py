"""Persistence: a few tries where others write first, and one where no try can help."""

from __future__ import annotations

import pytest

from agents.persistence import MOST_TRIES, persistently
from domain.errors import CameBefore, Conflict, RegistryUnavailable


class Hindered:
    """A change that fails by these errors first, and counts how often it is tried."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)
        self.tries = 0

    async def __call__(self) -> str:
        self.tries += 1
        if self._errors:
            raise self._errors.pop(0)
        return "done"


async def test_what_others_hindered_a_few_times_is_done_in_the_end() -> None:
    change = Hindered(*[Conflict("they wrote first")] * (MOST_TRIES - 1))

    assert await persistently(change) == "done"
    assert change.tries == MOST_TRIES


async def test_what_others_hinder_every_time_is_given_up() -> None:
    change = Hindered(*[Conflict("they wrote first")] * MOST_TRIES)

    with pytest.raises(Conflict, match="they wrote first"):
        await persistently(change)
    assert change.tries == MOST_TRIES


@pytest.mark.parametrize("error", [CameBefore("known"), RegistryUnavailable("away")])
async def test_what_no_other_try_mends_is_tried_once(error: Exception) -> None:
    change = Hindered(error)

    with pytest.raises(type(error)):
        await persistently(change)
    assert change.tries == 1
