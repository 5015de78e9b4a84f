"""Farewell: on its way out the service lets nobody wait for a task whose end it will not see.

The tasks go on, in another process or in this one when it is back. Whoever follows one is told so
and has to ask again; nothing of it is kept, since nothing has happened to the task.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, TypeVar

from a2a.types import Task, TaskArtifactUpdateEvent, TaskState, TaskStatusUpdateEvent

from protocol.tasks import ENDED, WAITING
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
        pumping = asyncio.create_task(_pump(events, coming))
        parting = asyncio.create_task(self._parting())
        seen: Event | None = None
        try:
            while (event := await _next(coming, pumping, parting if seen else pumping)) is not None:
                yield (seen := event)
            if pumping.done():
                pumping.result()
            elif seen is not None and (names := _going_on(seen)) is not None:
                yield _goodbye(*names)
        finally:
            await _ended(pumping, parting)

    async def answer(self, answering: Awaitable[T], task: Callable[[], Awaitable[T | None]]) -> T:
        """Give an answer, or the task as it stands where the service ends first and there is one."""
        answer = asyncio.ensure_future(answering)
        parting = asyncio.create_task(self._parting())
        try:
            await asyncio.wait({answer, parting}, return_when=asyncio.FIRST_COMPLETED)
            while not answer.done():
                if (found := await task()) is not None:
                    return found
                await asyncio.wait({answer}, timeout=LOOK_SECONDS)
            return answer.result()
        finally:
            await _ended(answer, parting)


async def _pump(events: AsyncGenerator[Event, None], into: asyncio.Queue[Event]) -> None:
    """Read all events in one task, as whoever gives them expects."""
    async with aclosing(events):
        async for event in events:
            await into.put(event)


async def _next(coming: asyncio.Queue[Event], *reasons: asyncio.Future[Any]) -> Event | None:
    """Give the next event; None where none is there and there is a reason to wait for none."""
    following = asyncio.create_task(coming.get())
    await asyncio.wait({following, *reasons}, return_when=asyncio.FIRST_COMPLETED)
    if not following.done():
        following.cancel()
        await asyncio.wait({following})
    return None if following.cancelled() else following.result()


async def _ended(*tasks: asyncio.Future[Any]) -> None:
    for each in tasks:
        each.cancel()
    await asyncio.wait(tasks)
    for each in tasks:
        if not each.cancelled():
            each.exception()  # whoever had to hear of it has


def _going_on(event: Event) -> tuple[str, str] | None:
    """Give the ids of an event's task and context; None where nothing is to follow it."""
    match event:
        case Task() | TaskStatusUpdateEvent() if event.status.state in ENDED | WAITING:
            return None
        case Task():
            return event.id, event.context_id
        case TaskStatusUpdateEvent() | TaskArtifactUpdateEvent():
            return event.task_id, event.context_id
        case _:
            return None


def _goodbye(task_id: str, context_id: str) -> TaskStatusUpdateEvent:
    status = said(TaskState.TASK_STATE_WORKING, GOODBYE, {})
    return TaskStatusUpdateEvent(task_id=task_id, context_id=context_id, status=status)
