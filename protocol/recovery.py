"""Recovery: requests whose task nobody follows any more are carried on, by what is there."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog
from a2a.server.cluster.version import TaskVersion
from a2a.server.context import ServerCallContext
from a2a.types import Message, Task, TaskState

from domain.repository import FOLLOW
from domain.work import AgentName
from protocol.auth import Caller
from protocol.tasks import ENDED, WAITING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from domain.commands import Request
    from domain.repository import Followed, Follows, Registry
    from protocol.handler import AgentHandler

log = structlog.get_logger("recovery")

SWEEP_SECONDS = FOLLOW.total_seconds() / 4
"""How much time lies between two looks for tasks that nobody works at."""


class Recovery:
    """Takes up what others left behind, at the start and ever after."""

    def __init__(
        self,
        registry: Registry,
        follows: Follows,
        handlers: Mapping[AgentName, AgentHandler],
        owner: str,
    ) -> None:
        """Look for requests in this registry and hand them to these; `owner` names the process."""
        self._registry = registry
        self._follows = follows
        self._handlers = handlers
        self._owner = owner
        self._followed: Sequence[Followed] = ()
        self._is_kept = asyncio.Event()

    async def run(self) -> None:
        """Keep and look until cancelled; a database that is away stops nothing for good.

        However long a look takes, it delays no word that we are alive: else others would take up
        what is followed here. What is ours is looked at as soon as it is, for until then it is
        nobody's: where processes die one after the other, there may be no second look.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(_for_ever(self._keep, SWEEP_SECONDS))
            group.create_task(_for_ever(self._look, 0.0))

    async def sweep(self) -> None:
        """Say that we are alive, and carry on each request that nobody follows any more."""
        await self._keep()
        await self._look()

    async def _keep(self) -> None:
        self._followed = await self._follows.keep(self._owner, FOLLOW)
        self._is_kept.set()

    async def _look(self) -> None:
        """Look at each that is ours once it is; none of them keeps the others from it."""
        await self._is_kept.wait()
        self._is_kept.clear()
        for followed in self._followed:
            try:
                await self._look_at(followed)
            except Exception:
                log.exception("task.not_recovered", task_id=followed.task_id)

    async def leave(self) -> None:
        """Let others take up at once what was followed here; else they wait a few seconds."""
        try:
            await self._follows.leave(self._owner)
        except Exception:
            log.exception("leaving.failed")

    async def _look_at(self, followed: Followed) -> None:
        handler = self._handlers[AgentName(followed.agent)]
        if handler.is_busy(followed.task_id):
            return
        request = await self._registry.request_of_task(followed.tenant, followed.task_id)
        if request is not None and not request.is_settled:
            await self.take_up(request)

    async def take_up(self, request: Request) -> None:
        """Carry a request on that nobody follows; one that waits for consent is left waiting."""
        handler = self._handlers[AgentName(request.key.agent)]
        context = ServerCallContext(user=Caller(request.principal))
        stored = await handler.tasks.get(request.task_id, context)
        is_parked = stored is not None and stored.task.status.state in WAITING
        if is_parked and await handler.still_waits(request):
            return
        if not is_parked and await handler.is_at_work(request.task_id):
            return
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


async def _for_ever(turn: Callable[[], Awaitable[None]], pause: float) -> None:
    while True:
        await asyncio.sleep(pause)
        try:
            await turn()
        except Exception:
            log.exception("recovery.failed")
        _heed_cancellation()


def _heed_cancellation() -> None:
    """Go no further once we are cancelled: the library keeps that to itself where it reads events.

    Raises:
        CancelledError: somebody has cancelled us meanwhile.
    """
    this = asyncio.current_task()
    if this is not None and this.cancelling():
        raise asyncio.CancelledError


def _task_of(request: Request) -> Task:
    """Give the task as it was before anything came of it."""
    task = Task(id=request.task_id, context_id=request.context_id)
    task.status.state = TaskState.TASK_STATE_SUBMITTED
    task.status.timestamp.GetCurrentTime()
    task.history.append(Message.FromString(request.message))
    return task
