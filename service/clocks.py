"""Clocks: the wall's, and one that can be moved for the demo and for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def wall_clock() -> datetime:
    """Tell the time, in UTC."""
    return datetime.now(UTC)


class MovableClock:
    """The wall's time plus what it has been moved by; it never goes back."""

    def __init__(self) -> None:
        """Start at the wall's time."""
        self._ahead = timedelta(0)

    def __call__(self) -> datetime:
        """Tell the time."""
        return wall_clock() + self._ahead

    def advance(self, by: timedelta) -> None:
        """Move the time on. Raises ValueError for a step back."""
        if by < timedelta(0):
            message = f"A clock cannot be moved back by {-by}."
            raise ValueError(message)
        self._ahead += by
