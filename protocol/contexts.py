"""The contexts of messages: a follow-up belongs to that of its task, an order has one of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from a2a.server.agent_execution import RequestContext, RequestContextBuilder

if TYPE_CHECKING:
    from a2a.server.cluster import VersionedTaskStore
    from a2a.server.context import ServerCallContext
    from a2a.types import SendMessageRequest, Task


class KnownContexts(RequestContextBuilder):
    """Gives a follow-up message the context of its task where it names none itself."""

    def __init__(self, store: VersionedTaskStore) -> None:
        """Look tasks up in this store."""
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


class OrderContexts(RequestContextBuilder):
    """Names an order's task after its message, so that whoever gave the order can cancel it."""

    async def build(
        self,
        context: ServerCallContext,
        params: SendMessageRequest | None = None,
        task_id: str | None = None,
        context_id: str | None = None,
        task: Task | None = None,
    ) -> RequestContext:
        """Build the context of an order."""
        named = params.message.message_id if params else None
        return RequestContext(
            call_context=context,
            request=params,
            task_id=task_id or named,
            context_id=context_id or named,
            task=task,
        )
