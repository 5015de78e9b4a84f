"""Orders as a stage agent's endpoint takes them: one final event, progress only where it lasts."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from a2a.helpers import new_message
from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.types import (
    Artifact,
    CancelTaskRequest,
    Role,
    SendMessageRequest,
    Task,
    TaskArtifactUpdateEvent,
    TaskState,
    TaskStatus,
    TaskStatusUpdateEvent,
)
from a2a.utils.errors import InvalidParamsError

from domain.errors import InvalidInput
from domain.work import Outcome, Progress
from protocol.codec import outcome_part, read_order, text_part
from protocol.contexts import OrderContexts
from protocol.recent import KEPT, RecentTasks
from protocol.tasks import ENDED

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from a2a.server.context import ServerCallContext
    from a2a.server.events import Event, EventQueue
    from a2a.types import AgentCard

    from domain.ports import StageAgent

PROGRESS_SECONDS = 0.1
"""How much time lies between two progress events; a shorter order sends none."""

CALLED_OFF = "The order was called off."


class OrderExecutor(AgentExecutor):
    """Has a stage agent carry out the orders that reach its endpoint."""

    def __init__(self, agent: StageAgent) -> None:
        """Serve this agent."""
        self._agent = agent
        self._under_way: dict[str, asyncio.Future[Outcome]] = {}
        self._unknown = _Remembered()

    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        """Carry out one order; its outcome is the task's only artifact."""
        if context.message is None:
            raise InvalidParamsError(message="An order needs a message.")
        try:
            order = read_order(context.message)
        except InvalidInput as error:
            raise InvalidParamsError(message=str(error)) from error
        if order is None:
            raise InvalidParamsError(message="The coordinator sends orders only.")
        report = _Report(context, event_queue)
        if self._unknown.pop(str(context.task_id)):
            await report.end(TaskState.TASK_STATE_CANCELED, CALLED_OFF)
            return
        work = asyncio.ensure_future(self._agent.perform(order, report.note))
        if await self._ended(str(context.task_id), work):
            await report.finish(work.result())
        else:
            await report.end(TaskState.TASK_STATE_CANCELED, CALLED_OFF)

    def call_off(self, task_id: str) -> bool:
        """Stop the work of an order that is under way here; tells whether there was one.

        One that is not known yet may be just about to begin: it is remembered, and then it ends.
        """
        work = self._under_way.get(task_id)
        if work is None:
            self._unknown.add(task_id)
        return work is not None and work.cancel()

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        """Call an order off; its work has been cancelled already."""
        await _Report(context, event_queue).end(TaskState.TASK_STATE_CANCELED, CALLED_OFF)

    async def _ended(self, task_id: str, work: asyncio.Future[Outcome]) -> bool:
        """Wait until work is over; tells whether it came to its own end."""
        self._under_way[task_id] = work
        try:
            await asyncio.wait({work})
        except asyncio.CancelledError:
            work.cancel()
            raise
        finally:
            del self._under_way[task_id]
        return not work.cancelled()


class _Remembered:
    """The last few ids that were named."""

    def __init__(self) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()

    def add(self, named: str) -> None:
        """Remember an id; the oldest is forgotten for it when there are too many."""
        self._ids[named] = None
        while len(self._ids) > KEPT:
            self._ids.popitem(last=False)

    def pop(self, named: str) -> bool:
        """Forget an id; tells whether it was remembered."""
        was_there = named in self._ids
        self._ids.pop(named, None)
        return was_there


class OrderHandler(DefaultRequestHandler):
    """Takes orders; one that comes again gets the answer it got before."""

    def __init__(self, agent: StageAgent, card: AgentCard) -> None:
        """Let this agent carry out orders."""
        self._executor = OrderExecutor(agent)
        super().__init__(
            self._executor, RecentTasks(), card, request_context_builder=OrderContexts()
        )

    async def on_message_send_stream(
        self, params: SendMessageRequest, context: ServerCallContext
    ) -> AsyncGenerator[Event, None]:
        """Carry an order out, or give what became of it when it comes again."""
        known = await self.task_store.get(params.message.message_id, context)
        if isinstance(known, Task) and known.status.state in ENDED:
            yield known
            return
        async for event in super().on_message_send_stream(params, context):
            yield event

    async def on_cancel_task(
        self, params: CancelTaskRequest, context: ServerCallContext
    ) -> Task | None:
        """Call an order off, also one that has told nothing yet and so has no task to be seen."""
        if self._executor.call_off(params.id):
            called_off = Task(id=params.id, context_id=params.id)
            called_off.status.state = TaskState.TASK_STATE_CANCELED
            return called_off
        ended: Task | None = await super().on_cancel_task(params, context)
        return ended


class _Report:
    """What one order's task tells: nothing while it is quick, some progress while it lasts."""

    def __init__(self, context: RequestContext, queue: EventQueue) -> None:
        self._context = context
        self._queue = queue
        self._last = time.monotonic()
        self._has_begun = context.current_task is not None

    async def note(self, progress: Progress) -> None:
        """Pass progress on, at most every `PROGRESS_SECONDS`."""
        now = time.monotonic()
        if now - self._last < PROGRESS_SECONDS:
            return
        self._last = now
        await self._begin()
        update = self._update(TaskState.TASK_STATE_WORKING, "")
        update.metadata.update(
            {
                "phase": progress.phase,
                "done": progress.done,
                "total": progress.total,
                "unit": progress.unit,
            }
        )
        await self._queue.enqueue_event(update)

    async def finish(self, outcome: Outcome) -> None:
        """End the task with the outcome, in one event where nothing was told before."""
        artifact = Artifact(artifact_id="outcome", name=outcome.kind, parts=[outcome_part(outcome)])
        if not self._has_begun:
            task = self._task(TaskState.TASK_STATE_COMPLETED)
            task.artifacts.append(artifact)
            await self._queue.enqueue_event(task)
            return
        update = self._artifact(artifact)
        await self._queue.enqueue_event(update)
        await self.end(TaskState.TASK_STATE_COMPLETED, "")

    async def end(self, state: TaskState, why: str) -> None:
        """End the task without an outcome, or after it."""
        await self._begin()
        await self._queue.enqueue_event(self._update(state, why))

    async def _begin(self) -> None:
        if not self._has_begun:
            self._has_begun = True
            await self._queue.enqueue_event(self._task(TaskState.TASK_STATE_WORKING))

    def _task(self, state: TaskState) -> Task:
        task = Task(id=self._context.task_id, context_id=self._context.context_id)
        task.status.state = state
        task.status.timestamp.GetCurrentTime()
        return task

    def _update(self, state: TaskState, why: str) -> TaskStatusUpdateEvent:
        status = TaskStatus(state=state)
        status.timestamp.GetCurrentTime()
        if why:
            status.message.CopyFrom(new_message([text_part(why)], role=Role.ROLE_AGENT))
        return TaskStatusUpdateEvent(
            task_id=self._context.task_id, context_id=self._context.context_id, status=status
        )

    def _artifact(self, artifact: Artifact) -> TaskArtifactUpdateEvent:
        return TaskArtifactUpdateEvent(
            task_id=self._context.task_id,
            context_id=self._context.context_id,
            artifact=artifact,
            last_chunk=True,
        )
