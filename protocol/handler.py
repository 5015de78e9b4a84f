"""One endpoint an agent: skills for callers, orders for the coordinator, one message one request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from a2a.server.agent_execution import RequestContext, RequestContextBuilder
from a2a.server.context import ServerCallContext
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.types import (
    CancelTaskRequest,
    GetTaskRequest,
    Message,
    SendMessageRequest,
    SubscribeToTaskRequest,
    Task,
    TaskState,
)
from a2a.utils.errors import InvalidParamsError, UnsupportedOperationError

from domain.errors import InvalidInput
from protocol.auth import Caller, caller_of
from protocol.codec import read_call
from protocol.executor import request_key
from protocol.orders import OrderContexts, OrderExecutor
from protocol.recent import RecentTasks
from protocol.skills import SKILLS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from a2a.server.cluster import TaskEventStream, VersionedTaskStore
    from a2a.server.events import Event
    from a2a.types import AgentCard

    from domain.commands import Request
    from domain.ports import StageAgent
    from domain.repository import Registry
    from domain.work import AgentName
    from protocol.executor import SkillExecutor

_ENDED = {
    TaskState.TASK_STATE_COMPLETED,
    TaskState.TASK_STATE_FAILED,
    TaskState.TASK_STATE_CANCELED,
    TaskState.TASK_STATE_REJECTED,
}


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
        if isinstance(known, Task) and known.status.state in _ENDED:
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


class AgentHandler(DefaultRequestHandler):
    """Takes skill calls from everybody, and orders from the coordinator alone."""

    def __init__(
        self,
        name: AgentName,
        executor: SkillExecutor,
        *,
        store: VersionedTaskStore,
        stream: TaskEventStream,
        card: AgentCard,
        registry: Registry,
        orders: OrderHandler | None,
    ) -> None:
        """Serve one agent's endpoint."""
        super().__init__(
            executor,
            store,
            card,
            event_stream=stream,
            request_context_builder=_KnownContexts(store),
        )
        self._name = name
        self._registry = registry
        self._orders = orders

    async def on_message_send(
        self, params: SendMessageRequest, context: ServerCallContext
    ) -> Message | Task:
        """Take a message; one that came before gets its own task again."""
        known = await self._known(params, context)
        if known is not None:
            return await self._ended(known, params, context)
        answer: Message | Task = await super().on_message_send(params, context)
        return answer

    async def on_message_send_stream(
        self, params: SendMessageRequest, context: ServerCallContext
    ) -> AsyncGenerator[Event, None]:
        """Take a message and stream its task; one that came before streams its own task again."""
        if self._orders is not None and caller_of(context).is_coordinator:
            stream = self._orders.on_message_send_stream(params, context)
        elif (known := await self._known(params, context)) is not None:
            stream = self._again(known, context)
        else:
            stream = super().on_message_send_stream(params, context)
        async for event in stream:
            yield event

    async def on_cancel_task(
        self, params: CancelTaskRequest, context: ServerCallContext
    ) -> Task | None:
        """Call a task off, an order as well as a request."""
        cancelled: Task | None
        if self._orders is not None and caller_of(context).is_coordinator:
            cancelled = await self._orders.on_cancel_task(params, context)
        else:
            cancelled = await super().on_cancel_task(params, context)
        return cancelled

    async def resume(self, request: Request) -> None:
        """Carry on the task of a request whose process died: its message is sent once more."""
        message = Message.FromString(request.message)
        params = SendMessageRequest(message=message)
        params.configuration.return_immediately = True
        context = ServerCallContext(user=Caller(request.principal))
        await super().on_message_send(params, context)

    async def aclose(self) -> None:
        """End what is still running here."""
        if self._orders is not None:
            await self._orders.aclose()
        await super().aclose()

    async def _known(
        self, params: SendMessageRequest, context: ServerCallContext
    ) -> Request | None:
        """Find the request this very message has made before (same principal, same agent)."""
        message = params.message
        call = None if message.task_id else read_call(message)
        if call is None or call.skill not in SKILLS or not SKILLS[call.skill].is_write:
            return None
        principal = caller_of(context).principal
        try:
            return await self._registry.request(principal, request_key(self._name, message))
        except InvalidInput as error:
            raise InvalidParamsError(message=str(error)) from error

    async def _ended(
        self, known: Request, params: SendMessageRequest, context: ServerCallContext
    ) -> Task:
        task = await self._task(known, context)
        if params.configuration.return_immediately or task.status.state in _ENDED:
            return task
        async for _ in self._again(known, context):
            continue
        return await self._task(known, context)

    async def _again(
        self, known: Request, context: ServerCallContext
    ) -> AsyncGenerator[Event, None]:
        task = await self._task(known, context)
        if task.status.state in _ENDED:
            yield task
            return
        params = SubscribeToTaskRequest(id=known.task_id)
        try:
            async for event in self.on_subscribe_to_task(params, context):
                yield event
        except UnsupportedOperationError:  # it has ended between the two looks at it
            yield await self._task(known, context)

    async def _task(self, known: Request, context: ServerCallContext) -> Task:
        task: Task | None = await self.on_get_task(GetTaskRequest(id=known.task_id), context)
        if task is None:
            raise InvalidParamsError(message=f"Task {known.task_id} is gone.")
        return task


class _KnownContexts(RequestContextBuilder):
    """Gives a follow-up message the context of its task where it names none itself."""

    def __init__(self, store: VersionedTaskStore) -> None:
        self._store = store

    async def build(
        self,
        context: ServerCallContext,
        params: SendMessageRequest | None = None,
        task_id: str | None = None,
        context_id: str | None = None,
        task: Task | None = None,
    ) -> RequestContext:
        """Build the context of a message."""
        if task_id is not None and context_id is None:
            stored = await self._store.get(task_id, context)
            context_id = stored.task.context_id if stored else None
        return RequestContext(
            call_context=context,
            request=params,
            task_id=task_id,
            context_id=context_id,
            task=task,
        )
