"""Arrivals: a message that comes again while it is taken in waits for what becomes of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from domain.commands import Principal
    from domain.work import AgentName

Sent: TypeAlias = "tuple[str, str, str, str]"
"""Who sent a message, to which agent, and its id: tenant, subject, agent, message id."""


def sent(principal: Principal, agent: AgentName, message_id: str) -> Sent:
    """Name a message; its body does not count."""
    return principal.tenant, principal.subject, agent.value, message_id


@dataclass(eq=False, slots=True)
class Arrival:
    """One coming of a message: whether its executor has it, and whether it is in."""

    is_taken: bool = False
    is_in: asyncio.Event = field(default_factory=asyncio.Event)


class Arrivals:
    """The messages that are being taken in here just now."""

    def __init__(self) -> None:
        """Begin with none."""
        self._open: dict[Sent, Arrival] = {}

    async def turn(self, message: Sent) -> Arrival:
        """Wait until nobody takes this message in, then begin to do so."""
        while (before := self._open.get(message)) is not None:
            await before.is_in.wait()
        self._open[message] = arrival = Arrival()
        return arrival

    def take(self, message: Sent) -> None:
        """Take note that a message has reached its executor, which will say when it is in."""
        if (arrival := self._open.get(message)) is not None:
            arrival.is_taken = True

    def settle(self, message: Sent) -> None:
        """Take note that a message is in: it is a request now, or was turned away."""
        if (arrival := self._open.pop(message, None)) is not None:
            arrival.is_in.set()

    def leave(self, message: Sent, arrival: Arrival) -> None:
        """Take note that whoever brought a message is gone; its executor may have it still."""
        if self._open.get(message) is arrival and not arrival.is_taken:
            self.settle(message)
