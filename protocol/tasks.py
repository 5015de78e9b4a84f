"""Tasks as they are stored: one shared set of tables, and a request is settled by its own end."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from contextlib import suppress
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import structlog
from a2a.server.cluster import ConcurrentTaskModificationError, VersionedDatabaseTaskStore
from a2a.types import TaskState

from domain.errors import RegistryUnavailable
from protocol.auth import caller_of

if TYPE_CHECKING:
    from typing import Any

    from a2a.server.cluster import StoredTask
    from a2a.server.cluster.version import TaskVersion
    from a2a.server.context import ServerCallContext
    from a2a.types import ListTasksRequest, ListTasksResponse, Task
    from sqlalchemy.ext.asyncio import AsyncEngine

    from domain.repository import Registry
    from domain.work import AgentName

log = structlog.get_logger("tasks")

CANCELED = TaskState.TASK_STATE_CANCELED

ENDED = frozenset(
    {
        TaskState.TASK_STATE_COMPLETED,
        TaskState.TASK_STATE_FAILED,
        TaskState.TASK_STATE_CANCELED,
        TaskState.TASK_STATE_REJECTED,
    }
)
"""The states from which no task comes back."""

WAITING = frozenset({TaskState.TASK_STATE_INPUT_REQUIRED, TaskState.TASK_STATE_AUTH_REQUIRED})
"""The states in which a task takes another message."""

PATIENCE_SECONDS = 30.0
"""How long a task may take to appear after its request."""

POLL_SECONDS = 0.5
"""How long to wait for it at most: a task that another process keeps rings no bell here."""


RETRY_SECONDS = 0.02
"""How long to rest after a first failure; each further one rests longer."""

MOST_TRIES = 5
"""How often a new task is tried: a connection may have been lost while it rested."""

KEPT_ENDS = 10_000
"""How many ends are remembered: far more than tasks end while a writer that is late reads one."""


class AgentTasks(VersionedDatabaseTaskStore):
    """One agent's tasks; each belongs to its caller, a subject within a tenant."""

    def __init__(
        self, agent: AgentName, writes: AsyncEngine, reads: AsyncEngine, registry: Registry
    ) -> None:
        """Write an agent's tasks through one pool, read them through one that nobody holds up."""

        def owner(context: ServerCallContext) -> str:
            return f"{agent.value}/{caller_of(context).user_name}"

        super().__init__(writes, create_table=False, owner_resolver=owner, max_attempts=1)
        self._reads = VersionedDatabaseTaskStore(reads, create_table=False, owner_resolver=owner)
        self._registry = registry
        self._awaited: WeakValueDictionary[str, asyncio.Event] = WeakValueDictionary()
        self._ends: OrderedDict[str, None] = OrderedDict()

    async def save(
        self,
        task: Task,
        *,
        prev_version: TaskVersion,
        context: ServerCallContext,
        **before: Any,
    ) -> TaskVersion:
        """Keep a task; once its end is kept, and not before, its request needs nobody any more.

        One that is there already is tried until it can be done: given up, the library would end
        the task FAILED, although its datasets go on. Of a new one the caller hears at once.

        Nothing is kept of a task after its end. Two processes may follow one for a while, and the
        library lets the slower, once it has read the end, go on with what it had still to tell.

        Raises:
            ConcurrentTaskModificationError: somebody else has changed the task, or it has ended.
            RegistryUnavailable: the database cannot take a new task just now.
        """
        if task.id in self._ends:
            raise ConcurrentTaskModificationError(task.id)
        version = await self._surely_saved(task, prev_version, context, before)
        if (appeared := self._awaited.pop(task.id, None)) is not None:
            appeared.set()
        self._note_end(task)
        if task.status.state in ENDED:
            with suppress(RegistryUnavailable):  # the end is kept, and recovery settles it as well
                await self._settle(task.id, caller_of(context).principal.tenant)
        return version

    async def _settle(self, task_id: str, tenant: str) -> None:
        if await self._registry.request_of_task(tenant, task_id) is not None:
            await self._registry.settle_request(tenant, task_id)

    async def _surely_saved(
        self,
        task: Task,
        prev_version: TaskVersion,
        context: ServerCallContext,
        before: dict[str, Any],
    ) -> TaskVersion:
        failures = 0
        while True:
            try:
                return await self._saved(
                    task, prev_version, context, before, is_tried_again=failures > 0
                )
            except RegistryUnavailable as error:
                failures += 1
                if prev_version.is_missing and failures == MOST_TRIES:
                    raise
                log.warning("task.unsaved", task_id=task.id, why=repr(error.__cause__))
                await asyncio.sleep(min(RETRY_SECONDS * failures, POLL_SECONDS))

    async def _saved(
        self,
        task: Task,
        prev_version: TaskVersion,
        context: ServerCallContext,
        before: dict[str, Any],
        *,
        is_tried_again: bool,
    ) -> TaskVersion:
        """Keep a task; one whose commit was done though its answer was lost is kept already."""
        try:
            version: TaskVersion = await super().save(
                task, prev_version=prev_version, context=context, **before
            )
        except ConcurrentTaskModificationError:
            stored = await self.get(task.id, context) if is_tried_again else None
            if stored is None or stored.task != task:
                raise
            return stored.version
        return version

    async def get(self, task_id: str, context: ServerCallContext) -> StoredTask | None:
        """Give a task with its version, as the last commit left them."""
        stored = await self._reads.get(task_id, context)
        if stored is not None:
            self._note_end(stored.task)
        return stored

    def _note_end(self, task: Task) -> None:
        """Remember an end: to write over one, a writer must have read it here, or written it."""
        if task.status.state in ENDED:
            self._ends[task.id] = None
            self._ends.move_to_end(task.id)
        if len(self._ends) > KEPT_ENDS:
            self._ends.popitem(last=False)

    async def kept(self, task_id: str, context: ServerCallContext) -> Task | None:
        """Give a task whose request is kept already, once it is kept as well.

        It follows its request at once; where it does not, whoever carries the request on makes it.
        """
        for _ in range(round(PATIENCE_SECONDS / POLL_SECONDS)):
            appeared = self._awaited.setdefault(task_id, asyncio.Event())
            stored = await self.get(task_id, context)
            if stored is not None:
                return stored.task
            with suppress(TimeoutError):
                await asyncio.wait_for(appeared.wait(), POLL_SECONDS)
        return None

    async def list(self, params: ListTasksRequest, context: ServerCallContext) -> ListTasksResponse:
        """List the caller's tasks."""
        return await self._reads.list(params, context)
