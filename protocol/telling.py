"""What a task tells its caller: always the text part first, then the data part."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from a2a.helpers import new_message
from a2a.server.tasks import TaskUpdater
from a2a.types import Artifact, Role, Task, TaskState, TaskStatus

from protocol.codec import data_part, text_part

if TYPE_CHECKING:
    from a2a.server.agent_execution import RequestContext
    from a2a.server.events import EventQueue
    from a2a.types import Message, Part

    from domain.record import JsonObject
    from protocol.projection import Showing

RESULT = "result"
"""The name of a task's artifact."""


class Telling:
    """The voice of one task.

    Nothing is told of a task before it has begun: what is answered at once is one event, and a
    task that is seen to be under way stands on a request that is kept.
    """

    def __init__(self, context: RequestContext, queue: EventQueue) -> None:
        """Speak for the task of a message."""
        self._context = context
        self._queue = queue
        self._updater = TaskUpdater(queue, str(context.task_id), str(context.context_id))
        self._has_begun = context.current_task is not None

    async def begin(self) -> None:
        """Let the task be seen."""
        if not self._has_begun:
            self._has_begun = True
            await self._queue.enqueue_event(self._task(_status(TaskState.TASK_STATE_SUBMITTED)))

    async def tell(self, showing: Showing) -> None:
        """Tell how things stand; mere progress goes beside the message, for history keeps those."""
        if showing.is_news:
            parts = [text_part(showing.sentence), data_part(showing.data)]
            await self._say(TaskState.TASK_STATE_WORKING, parts)
            return
        progress = json.loads(json.dumps(showing.data))
        await self._updater.update_status(TaskState.TASK_STATE_WORKING, metadata=progress)

    async def ask(self, sentence: str, data: JsonObject) -> None:
        """Ask for better input."""
        await self.end(TaskState.TASK_STATE_INPUT_REQUIRED, sentence, data)

    async def finish(
        self,
        sentence: str,
        data: JsonObject,
        state: TaskState = TaskState.TASK_STATE_COMPLETED,
    ) -> None:
        """End the task with its artifact."""
        parts = [text_part(sentence), data_part(data)]
        if self._has_begun:
            await self._updater.add_artifact(parts, name=RESULT, last_chunk=True)
        await self._say(state, parts, Artifact(artifact_id=RESULT, name=RESULT, parts=parts))

    async def end(self, state: TaskState, sentence: str, data: JsonObject) -> None:
        """End the task without an artifact, saying why."""
        await self._say(state, [text_part(sentence), data_part(data)])

    async def _say(
        self, state: TaskState, parts: list[Part], artifact: Artifact | None = None
    ) -> None:
        message = new_message(parts, role=Role.ROLE_AGENT)
        if self._has_begun:
            await self._updater.update_status(state, message)
            return
        self._has_begun = True
        task = self._task(_status(state, message))
        if artifact is not None:
            task.artifacts.append(artifact)
        await self._queue.enqueue_event(task)

    def _task(self, status: TaskStatus) -> Task:
        task = Task(id=self._context.task_id, context_id=self._context.context_id, status=status)
        if self._context.message is not None:
            task.history.append(self._context.message)
        return task


def said(state: TaskState, sentence: str, data: JsonObject) -> TaskStatus:
    """Give a status with what it says."""
    return _status(state, new_message([text_part(sentence), data_part(data)], role=Role.ROLE_AGENT))


def _status(state: TaskState, message: Message | None = None) -> TaskStatus:
    status = TaskStatus(state=state, message=message)
    status.timestamp.GetCurrentTime()
    return status
