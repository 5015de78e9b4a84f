"""One endpoint an agent: skills for callers, orders for the coordinator, one message one request."""

from __future__ import annotations

from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

from a2a.server.context import ServerCallContext
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.types import (
    CancelTaskRequest,
    Message,
    SendMessageRequest,
    SubscribeToTaskRequest,
    Task,
)
from a2a.utils.errors import (
    InvalidParamsError,
    TaskNotCancelableError,
    UnsupportedOperationError,
)
from a2a.utils.task import apply_history_length

from domain.errors import InvalidInput
from protocol.addressees import Addressees
from protocol.arrivals import sent
from protocol.auth import Caller, caller_of
from protocol.calls import request_key
from protocol.codec import read_call
from protocol.contexts import KnownContexts
from protocol.ending import Ending, cancelled, has_ended
from protocol.orders import OrderHandler
from protocol.pushing import PushConfigs, accepting
from protocol.skills import SKILLS
from protocol.tasks import ENDED, WAITING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from a2a.server.cluster import TaskEventStream
    from a2a.server.events import Event
    from a2a.types import AgentCard

    from domain.commands import Principal, Request, RequestKey
    from domain.repository import Registry
    from domain.work import AgentName
    from protocol.codec import SkillCall
    from protocol.executor import SkillExecutor
    from protocol.farewell import Farewell
    from protocol.pushing import PushDesk
    from protocol.tasks import AgentTasks


class AgentHandler(DefaultRequestHandler):
    """Takes skill calls from everybody, and orders from the coordinator alone."""

    def __init__(
        self,
        name: AgentName,
        executor: SkillExecutor,
        *,
        store: AgentTasks,
        stream: TaskEventStream,
        card: AgentCard,
        registry: Registry,
        orders: OrderHandler | None,
        pushing: PushDesk,
        farewell: Farewell,
    ) -> None:
        """Serve one agent's endpoint."""
        super().__init__(
            executor,
            store,
            card,
            event_stream=stream,
            request_context_builder=KnownContexts(store),
            push_config_store=PushConfigs(name, pushing),
            push_url_validator=accepting(pushing.judge),
        )
        self._name = name
        self._executor = executor
        self._store = store
        self._registry = registry
        self._orders = orders
        self._ending = Ending(executor, store, stream)
        self._farewell = farewell
        self._addressees = Addressees(store)

    async def on_message_send(
        self, params: SendMessageRequest, context: ServerCallContext
    ) -> Message | Task:
        """Take a message; one that came before gets its own task again.

        Where the service ends before the task does, the task is given as it stands.
        """
        made = partial(self._made, params, context)
        return await self._farewell.answer(self._answered(params, context), made)

    async def _answered(
        self, params: SendMessageRequest, context: ServerCallContext
    ) -> Message | Task:
        async with self._arriving(params, context) as known:
            if known is not None:
                return await self._ended(known, params, context)
            async with self._addressees.turn(params.message.task_id, context):
                answer: Message | Task = await super().on_message_send(params, context)
                return answer

    async def _made(self, params: SendMessageRequest, context: ServerCallContext) -> Task | None:
        """Give the task that a message has made, or has set to work again, if it has."""
        if _writing_call(params.message) is None:
            return None
        if params.message.task_id:
            return await self._at_work_again(params, context)
        principal, key = caller_of(context).principal, request_key(self._name, params.message)
        request = await self._known(principal, key)
        return None if request is None else await self._task(request, params, context)

    async def _at_work_again(
        self, params: SendMessageRequest, context: ServerCallContext
    ) -> Task | None:
        stored = await self._store.get(params.message.task_id, context)
        if stored is None or stored.task.status.state in WAITING:
            return None
        return apply_history_length(stored.task, params.configuration)

    async def on_message_send_stream(
        self, params: SendMessageRequest, context: ServerCallContext
    ) -> AsyncGenerator[Event, None]:
        """Take a message and stream its task; one that came before streams its own task again."""
        if self._orders is not None and caller_of(context).is_coordinator:
            stream = self._orders.on_message_send_stream(params, context)
        else:
            stream = self._farewell.stream(self._stream(params, context))
        async for event in stream:
            yield event

    async def on_subscribe_to_task(
        self, params: SubscribeToTaskRequest, context: ServerCallContext
    ) -> AsyncGenerator[Event, None]:
        """Stream a task's events from now on."""
        events = super().on_subscribe_to_task(params, context)
        async for event in self._farewell.stream(events):
            yield event

    async def _stream(
        self, params: SendMessageRequest, context: ServerCallContext
    ) -> AsyncGenerator[Event, None]:
        async with self._arriving(params, context) as known:
            if known is not None:
                async for event in self._again(known, params, context):
                    yield event
                return
            async with self._addressees.turn(params.message.task_id, context):
                async for event in super().on_message_send_stream(params, context):
                    yield event

    async def on_cancel_task(
        self, params: CancelTaskRequest, context: ServerCallContext
    ) -> Task | None:
        """Call a task off, an order as well as a request.

        The request is called off before the task says so, whoever follows it and wherever.
        Raises TaskNotCancelableError where its end came first.
        """
        if self._orders is not None and caller_of(context).is_coordinator:
            return await self._orders.on_cancel_task(params, context)
        stored = await self._store.get(params.id, context)
        if stored is not None:
            principal = caller_of(context).principal
            if stored.task.status.state in ENDED:
                raise has_ended(params.id)
            if not await self._executor.call_off(params.id, principal):
                raise has_ended(params.id)
            if not await self.is_at_work(params.id):
                return await self._ending.end(params.id, context)
        with suppress(TaskNotCancelableError):  # it may have ended meanwhile, as it was told to
            await super().on_cancel_task(params, context)
        return cancelled(params.id, await self._store.get(params.id, context))

    @property
    def tasks(self) -> AgentTasks:
        """The tasks of this agent."""
        return self._store

    async def is_at_work(self, task_id: str) -> bool:
        """Whether a task is followed here, or its end is about to be kept."""
        return await self._active_task_registry.get(task_id) is not None

    def is_busy(self, task_id: str) -> bool:
        """Whether a message of a task is worked at here just now."""
        return self._executor.is_at(task_id)

    async def still_waits(self, request: Request) -> bool:
        """Whether a request's task has to wait for somebody's consent as things stand."""
        return await self._executor.still_waits(request)

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

    @asynccontextmanager
    async def _arriving(
        self, params: SendMessageRequest, context: ServerCallContext
    ) -> AsyncIterator[Request | None]:
        """Find the request this very message has made before, one message at a time."""
        call = _writing_call(params.message)
        if call is None:
            yield None
            return
        principal, key = caller_of(context).principal, request_key(self._name, params.message)
        arrivals, message = self._executor.arrivals, sent(principal, self._name, key.message_id)
        arrival = await arrivals.turn(message)
        try:
            known = await self._known(principal, key)
            if known is not None:  # whoever follows it keeps nobody waiting
                arrivals.leave(message, arrival)
            yield known
        finally:
            arrivals.leave(message, arrival)

    async def _known(self, principal: Principal, key: RequestKey) -> Request | None:
        try:
            return await self._registry.request(principal, key)
        except InvalidInput as error:
            raise InvalidParamsError(message=str(error)) from error

    async def _ended(
        self, known: Request, params: SendMessageRequest, context: ServerCallContext
    ) -> Task:
        task = await self._task(known, params, context)
        if params.configuration.return_immediately or task.status.state in ENDED | WAITING:
            return task
        async for _ in self._again(known, params, context):
            continue
        return await self._task(known, params, context)

    async def _again(
        self, known: Request, params: SendMessageRequest, context: ServerCallContext
    ) -> AsyncGenerator[Event, None]:
        task = await self._task(known, params, context)
        if task.status.state in ENDED | WAITING:
            yield task
            return
        following = SubscribeToTaskRequest(id=known.task_id)
        try:
            async for event in super().on_subscribe_to_task(following, context):
                yield event
        except UnsupportedOperationError:  # it has ended between the two looks at it
            yield await self._task(known, params, context)

    async def _task(
        self, known: Request, params: SendMessageRequest, context: ServerCallContext
    ) -> Task:
        task = await self._store.kept(known.task_id, context)
        if task is None:
            raise InvalidParamsError(message=f"Task {known.task_id} is gone.")
        return apply_history_length(task, params.configuration)


def _writing_call(message: Message) -> SkillCall | None:
    """Read a call of a skill that writes; what cannot be read is the executor's to turn away."""
    try:
        call = read_call(message)
    except InvalidInput:
        return None
    is_write = call is not None and call.skill in SKILLS and SKILLS[call.skill].is_write
    return call if is_write else None
