"""A gate: a message becomes a request, or is called off, and never both at once.

What is a request already is called off in its row, where every process sees it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field


class CalledOff(Exception):
    """A message was called off before it became a request."""


@dataclass(eq=False, slots=True)
class Gate:
    """What one task at work and those who would call it off agree by.

    `lock` is held while a message becomes a request and while a request is called off;
    `is_called_off` is set under it, and `has_ended` when the task is worked at no more.
    """

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    is_called_off: bool = False
    has_ended: asyncio.Event = field(default_factory=asyncio.Event)

    def require_open(self) -> None:
        """Refuse to begin what was called off. Raises CalledOff."""
        if self.is_called_off:
            raise CalledOff
