"""Moments: every time names its zone, or it would be another one on another machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.errors import InvalidInput

if TYPE_CHECKING:
    from datetime import datetime


def require_zone(what: str, moment: datetime) -> None:
    """Refuse a time that names no zone.

    Raises:
        InvalidInput: `moment` is naive.
    """
    if moment.utcoffset() is None:
        raise InvalidInput(f"{what} is {moment}, which names no zone; give it in UTC.")
