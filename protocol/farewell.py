"""Farewell: on its way out the service lets nobody wait for a task whose end it will not see.

The tasks go on, in another process or in this one when it is back. Whoever follows one is told so
and has to ask again; nothing of it is kept, since nothing has happened to the task.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any, TypeVar

from a2a.types import Task, TaskArtifactUpdateEvent, TaskState, TaskStatusUpdateEvent

from domain.errors import RegistryUnavailable
from protocol.tasks import ENDED
from protocol.telling import said

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine

    from a2a.server.events import Event

GOODBYE = "The service ends here, and the task goes on: subscribe to it again."
"""The last that is told to whoever follows a task."""

LOOK_SECONDS = 0.1
"""How long lies between two looks whether what is being answered is a task by now."""

T = TypeVar("T")


class Farewell:
    """Ends what would outlast the service."""

    def __init__(self, parting: Callable[[], Coroutine[object, object, object]]) -> None:
        """Say it when this comes back: when the service begins to end."""
        self._parting = parting

    async def stream(self, events: AsyncGenerator[Event, None]) -> AsyncGenerator[Event, None]:
        """Give a task's events to the last of them, or to the farewell; never less than one."""
        coming: asyncio.Queue[Event] = asyncio.Queue(1)
        pumping = _begun(_pump(events, coming))
        parting = _begun(self._parting())
        seen: Event | None = None
        try:
            while (event := await _next(coming, pumping, parting if seen else pumping)) is not None:
                yield (seen := event)
            if pumping.done():
                pumping.result()
            elif (goodbye := _goodbye(seen)) is not None:
                yield goodbye
        finally:
            await _ended(pumping, parting)

    async def answer(
        self, answering: Coroutine[Any, Any, T], task: Callable[[], Awaitable[T | None]]
    ) -> T:
        """Give an answer, or the task as it stands where the service ends first and there is one."""
        answer, parting = _begun(answering), _begun(self._parting())
        looking: asyncio.Task[T] | None = None
        try:
            await asyncio.wait({answer, parting}, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                looking = _begun(_found(task))
                await asyncio.wait({answer, looking}, return_when=asyncio.FIRST_COMPLETED)
            return looking.result() if looking and not answer.done() else answer.result()
        finally:
            await _ended(answer, parting, *filter(None, [looking]))


async def _found(look: Callable[[], Awaitable[T | None]]) -> T:
    """Look until there is something; a registry that is away is asked again."""
    while True:
        with suppress(RegistryUnavailable):
            if (found := await look()) is not None:
                return found
        await asyncio.sleep(LOOK_SECONDS)


async def _pump(events: AsyncGenerator[Event, None], into: asyncio.Queue[Event]) -> None:
    """Read all events in one task, as whoever gives them expects."""
    async with aclosing(events):
        async for event in events:
            await into.put(event)


async def _next(coming: asyncio.Queue[Event], *reasons: asyncio.Future[Any]) -> Event | None:
    """Give the next event; None where none is there and there is a reason to wait for none."""
    following = _begun(coming.get())
    try:
        await asyncio.wait({following, *reasons}, return_when=asyncio.FIRST_COMPLETED)
        return following.result() if following.done() else None
    finally:
        following.cancel()


def _begun(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Begin what may be left alone: nobody need hear what becomes of it then."""
    task = asyncio.create_task(work)
    task.add_done_callback(lambda each: each.cancelled() or each.exception())
    return task


async def _ended(*tasks: asyncio.Future[Any]) -> None:
    for each in tasks:
        each.cancel()
    await asyncio.wait(tasks)


def _goodbye(seen: Event | None) -> TaskStatusUpdateEvent | None:
    """Give the farewell to whoever has seen this of a task; None where nothing is to follow it."""
    match seen:
        case Task():
            return _said(seen.id, seen.context_id, seen.status.state)
        case TaskStatusUpdateEvent():
            return _said(seen.task_id, seen.context_id, seen.status.state)
        case TaskArtifactUpdateEvent():
            return _said(seen.task_id, seen.context_id, TaskState.TASK_STATE_WORKING)
        case _:
            return None


def _said(task_id: str, context_id: str, state: TaskState) -> TaskStatusUpdateEvent | None:
    if state in ENDED:
        return None
    status = said(state, GOODBYE, {})
    return TaskStatusUpdateEvent(task_id=task_id, context_id=context_id, status=status)
