"""Clocks that tests set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.clocks import MovableClock

if TYPE_CHECKING:
    from datetime import timedelta


class SteppedClock(MovableClock):
    """A clock that may be set back as well, as a machine's may."""

    def step(self, by: timedelta) -> None:
        """Set the clock on, or back."""
        self._ahead += by
