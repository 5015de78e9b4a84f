"""Ending a task from afar: one that was called off and is at work elsewhere, or nowhere."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from a2a.server.cluster.event_stream import VersionedEvent
from a2a.server.cluster.task_store import ConcurrentTaskModificationError
from a2a.types import Task, TaskStatusUpdateEvent
from a2a.utils.errors import TaskNotCancelableError

from protocol.auth import caller_of
from protocol.tasks import CANCELED, ENDED

if TYPE_CHECKING:
    from a2a.server.cluster import StoredTask, TaskEventStream
    from a2a.server.context import ServerCallContext

    from protocol.executor import SkillExecutor
    from protocol.tasks import AgentTasks


class Ending:
    """Ends tasks that were called off, beside whoever follows them."""

    def __init__(self, executor: SkillExecutor, store: AgentTasks, stream: TaskEventStream) -> None:
        """Ask the executor what a task says at its end, keep it here and tell it there."""
        self._executor = executor
        self._store = store
        self._stream = stream

    async def end(self, task_id: str, context: ServerCallContext) -> Task:
        """End a task CANCELED; whoever follows it may write meanwhile, or may say so first.

        Raises TaskNotCancelableError where it has ended otherwise.
        """
        while True:
            stored = await self._store.get(task_id, context)
            if stored is None or stored.task.status.state in ENDED:
                return cancelled(task_id, stored)
            with suppress(ConcurrentTaskModificationError):
                await self._write(stored, context)

    async def _write(self, stored: StoredTask, context: ServerCallContext) -> None:
        before, task = stored.task, Task()
        task.CopyFrom(before)
        task.status.CopyFrom(await self._executor.called_off(task.id, caller_of(context).principal))
        event = TaskStatusUpdateEvent(
            task_id=task.id, context_id=task.context_id, status=task.status
        )
        version = await self._store.save(
            task, event=event, prev=before, prev_version=stored.version, context=context
        )
        await self._stream.publish(task.id, VersionedEvent(event=event, version=version))


def cancelled(task_id: str, stored: StoredTask | None) -> Task:
    """Give a task that has ended CANCELED. Raises TaskNotCancelableError for any other."""
    if stored is None or stored.task.status.state != CANCELED:
        raise has_ended(task_id)
    return stored.task


def has_ended(task_id: str) -> TaskNotCancelableError:
    """Say that a task came to its end before it could be called off."""
    return TaskNotCancelableError(
        message=f"Task {task_id} has ended and cannot be called off. Read it for its end."
    )
