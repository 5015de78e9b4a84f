"""Doubts: what is not known of one tenant keeps no other waiting, and an outage is told from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_IN_A_ROW = 3
"""So many tenants in doubt one after the other are an outage, and none of theirs.

Each one more would be asked after for as long as Journey Orchestration takes to be silent, and
tell nothing new.
"""


class Doubts:
    """Remembers in this process who was in doubt, and asks after those last the next time.

    Tenants whose journeys can never be looked up would otherwise end each scan before the others.
    """

    def __init__(self) -> None:
        """Begin with nobody in doubt."""
        self._longest_ago_first: dict[str, None] = {}

    def last(self, tenants: Iterable[str]) -> list[str]:
        """Put those who were in doubt behind the others, and who was so latest behind all."""
        places = {tenant: place for place, tenant in enumerate(self._longest_ago_first, 1)}
        return sorted(tenants, key=lambda each: places.get(each, 0))

    def note(self, tenant: str, *, is_in_doubt: bool) -> None:
        """Remember how a tenant's scan ended."""
        self._longest_ago_first.pop(tenant, None)
        if is_in_doubt:
            self._longest_ago_first[tenant] = None
