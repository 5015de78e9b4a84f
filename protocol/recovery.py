"""Recovery: requests whose task nobody follows any more are carried on, by what is there."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog
from a2a.server.cluster.version import TaskVersion
from a2a.server.context import ServerCallContext
from a2a.types import Message, Task, TaskState

from domain.work import AgentName
from protocol.auth import Caller
from protocol.tasks import ENDED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domain.commands import Request
    from domain.repository import Registry
    from protocol.handler import AgentHandler

log = structlog.get_logger("recovery")

SWEEP_SECONDS = 15.0
"""How much time lies between two looks for tasks that nobody works at."""

MOST_REQUESTS = 10_000
"""So many requests at once are more than the service is made for."""


class Recovery:
    """Takes up what others left behind, at the start and ever after."""

    def __init__(self, registry: Registry, handlers: Mapping[AgentName, AgentHandler]) -> None:
        """Look for requests in this registry and hand them to these."""
        self._registry = registry
        self._handlers = handlers

    async def run(self) -> None:
        """Look again and again until cancelled; a database that is away stops nothing for good."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                await self.sweep()
            except Exception:
                log.exception("recovery.failed")

    async def sweep(self) -> None:
        """Carry on each request that nobody follows here; none keeps the others from it."""
        for request in await self._registry.unsettled_requests(MOST_REQUESTS):
            try:
                await self._look_at(request)
            except Exception:
                log.exception("task.not_recovered", task_id=request.task_id)

    async def _look_at(self, request: Request) -> None:
        handler = self._handlers[AgentName(request.key.agent)]
        if not await handler.is_at_work(request.task_id):
            await self._take_up(request, handler)

    async def _take_up(self, request: Request, handler: AgentHandler) -> None:
        context = ServerCallContext(user=Caller(request.principal))
        stored = await handler.tasks.get(request.task_id, context)
        if stored is not None and stored.task.status.state in ENDED:
            await self._registry.settle_request(request.principal.tenant, request.task_id)
            return
        if stored is None:
            await handler.tasks.save(
                _task_of(request),
                event=None,
                prev=None,
                prev_version=TaskVersion.MISSING,
                context=context,
            )
        await handler.resume(request)


def _task_of(request: Request) -> Task:
    """Give the task as it was before anything came of it."""
    task = Task(id=request.task_id, context_id=request.context_id)
    task.status.state = TaskState.TASK_STATE_SUBMITTED
    task.status.timestamp.GetCurrentTime()
    task.history.append(Message.FromString(request.message))
    return task
