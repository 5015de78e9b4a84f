"""Addressees: a task that waits for a message takes one at a time, and any other takes none."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from a2a.server.events.event_queue_v2 import QueueShutDown  # type: ignore[attr-defined]  # bare
from a2a.utils.errors import UnsupportedOperationError

from protocol.tasks import ENDED, WAITING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from a2a.server.cluster import VersionedTaskStore
    from a2a.server.context import ServerCallContext


class Addressees:
    """The tasks that messages are on their way to."""

    def __init__(self, store: VersionedTaskStore) -> None:
        """Look tasks up in this store."""
        self._store = store
        self._addressed: set[str] = set()

    @asynccontextmanager
    async def turn(self, named: str, context: ServerCallContext) -> AsyncIterator[None]:
        """Let one message at a time reach the task it names, and only one that waits for it.

        A message that names none makes its own. Raises UnsupportedOperationError.
        """
        if named in self._addressed:
            raise _at_work(named)
        try:
            if named:
                self._addressed.add(named)
                await self._require_waiting(named, context)
            yield
        except QueueShutDown as ended:
            raise UnsupportedOperationError(
                message=f"Task {named} has just ended and takes no message. Send a new message "
                "without a task id."
            ) from ended
        finally:
            self._addressed.discard(named)

    async def _require_waiting(self, named: str, context: ServerCallContext) -> None:
        stored = await self._store.get(named, context)
        if stored is not None and stored.task.status.state not in ENDED | WAITING:
            raise _at_work(named)


def _at_work(named: str) -> UnsupportedOperationError:
    return UnsupportedOperationError(
        message=f"Task {named} is at work and takes no message. Wait until it has ended, cancel it, "
        "or send a new message without a task id."
    )
