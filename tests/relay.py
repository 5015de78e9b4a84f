"""A relay of TCP between two processes, in whose middle a test cuts the line."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import AsyncIterator

_CHUNK = 65536


@dataclass
class Relay:
    """Whatever comes in goes on to the port behind it, and back.

    `withheld` tells that something is on its way back that a cut holds up.
    """

    behind: int
    withheld: asyncio.Event = field(default_factory=asyncio.Event)
    _gate: asyncio.Event = field(default_factory=asyncio.Event)
    _ends: list[StreamWriter] = field(default_factory=list)

    def cut(self) -> None:
        """Let nothing through any more; both sides see a line that is open and silent."""
        self._gate.clear()

    def heal(self) -> None:
        """Let everything through again, and what was held up before it."""
        self._gate.set()

    def heal_for_others(self) -> None:
        """Let through what comes on new lines; those there are stay silent for ever."""
        self._gate = asyncio.Event()
        self.heal()

    def drop(self) -> None:
        """Break the lines there are, with all that was held up; new ones get through."""
        for each in self._ends:
            each.transport.abort()
        self.heal_for_others()

    async def carry(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Carry one line."""
        gate = self._gate
        there, back = await asyncio.open_connection("127.0.0.1", self.behind)
        self._ends += [writer, back]
        with suppress(ConnectionError):
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass_on(reader, back, gate, asyncio.Event()))
                group.create_task(self._pass_on(there, writer, gate, self.withheld))

    async def _pass_on(
        self, come: StreamReader, go: StreamWriter, gate: asyncio.Event, withheld: asyncio.Event
    ) -> None:
        with suppress(ConnectionError):
            while chunk := await come.read(_CHUNK):
                if not gate.is_set():
                    withheld.set()
                await gate.wait()
                go.write(chunk)
                await go.drain()
        await gate.wait()
        go.close()

    def end(self) -> None:
        """Break every line."""
        for each in self._ends:
            each.transport.abort()
        self._gate.set()


@asynccontextmanager
async def relayed(behind: int) -> AsyncIterator[tuple[Relay, str]]:
    """Open a relay to a port; gives its address."""
    relay = Relay(behind)
    relay.heal()
    server = await asyncio.start_server(relay.carry, "127.0.0.1", 0)
    try:
        yield relay, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        relay.end()
