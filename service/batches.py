"""Batches: the outbox is read once for all who stand at the same place, and written once."""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from domain.events import RecordedEvent
    from domain.repository import Registry

BATCH = 100
"""How many events are read from the outbox at a time."""

KEPT_BATCHES = 32
"""How many batches are remembered: nobody who stands elsewhere takes more memory than his own."""


@dataclass(frozen=True)
class Published:
    """An event with the bytes that every carrier gives: stream, replay and webhook."""

    event: RecordedEvent
    content: bytes

    @cached_property
    def frame(self) -> bytes:
        """The event as a frame of server-sent events."""
        head = f"id: {self.event.sequence}\nevent: {self.event.name}\ndata: "
        return b"%s%s\n\n" % (head.encode(), self.content)


class Batches:
    """Reads events from behind a sequence.

    Sequences have no gap and no event ever changes, so what was once read behind a place may be
    given again to whoever stands there, who then reads on; that there was nothing is not kept.
    """

    def __init__(self, registry: Registry, write: Callable[[RecordedEvent], bytes]) -> None:
        """Read from this registry; `write` gives an event's bytes."""
        self._registry = registry
        self._write = write
        self._kept: OrderedDict[tuple[str, int], Sequence[Published]] = OrderedDict()
        self._reading: dict[tuple[str, int], asyncio.Task[Sequence[Published]]] = {}

    async def behind(self, tenant: str, after: int) -> Sequence[Published]:
        """Give at most a batch of events; who asks while it is read waits for the same reading."""
        place = (tenant, after)
        if place in self._kept:
            self._kept.move_to_end(place)
            return self._kept[place]
        reading = self._reading.get(place)
        if reading is None:
            reading = self._reading[place] = asyncio.create_task(self._read(tenant, after))
            reading.add_done_callback(lambda _: self._reading.pop(place, None))
        return await asyncio.shield(reading)

    async def page(self, tenant: str, after: int, limit: int) -> Sequence[Published]:
        """Give so many events as there are now, and no fewer for having been read before."""
        read = await self._registry.events(tenant, after, limit)
        return tuple(Published(each, self._write(each)) for each in read)

    async def _read(self, tenant: str, after: int) -> Sequence[Published]:
        batch = await self.page(tenant, after, BATCH)
        if batch:
            self._kept[tenant, after] = batch
            if len(self._kept) > KEPT_BATCHES:
                self._kept.popitem(last=False)
        return batch


def as_json(value: Any) -> bytes:
    """Write a value as the bytes that every carrier gives."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
