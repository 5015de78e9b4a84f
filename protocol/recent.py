"""Recent tasks: the hops between our own agents, kept in memory and only for a while."""

from __future__ import annotations

from collections import OrderedDict

from a2a.server.context import ServerCallContext
from a2a.server.tasks import TaskStore
from a2a.types import ListTasksRequest, ListTasksResponse, Task

KEPT = 1000
"""How many hops are remembered: enough to answer an order that is sent again."""


class RecentTasks(TaskStore):
    """The last tasks of one agent; older ones are forgotten, for the dataset row is the truth."""

    def __init__(self, kept: int = KEPT) -> None:
        """Remember at most `kept` tasks."""
        self._kept = kept
        self._tasks: OrderedDict[str, Task] = OrderedDict()

    async def save(self, task: Task, context: ServerCallContext) -> None:
        """Remember a task as it stands."""
        del context
        self._tasks[task.id] = task
        self._tasks.move_to_end(task.id)
        while len(self._tasks) > self._kept:
            self._tasks.popitem(last=False)

    async def get(self, task_id: str, context: ServerCallContext) -> Task | None:
        """Give a task, if it is remembered."""
        del context
        return self._tasks.get(task_id)

    async def list(self, params: ListTasksRequest, context: ServerCallContext) -> ListTasksResponse:
        """List the tasks that are remembered."""
        del params, context
        tasks = list(self._tasks.values())
        return ListTasksResponse(tasks=tasks, total_size=len(tasks), page_size=len(tasks))

    async def delete(self, task_id: str, context: ServerCallContext) -> None:
        """Forget a task."""
        del context
        self._tasks.pop(task_id, None)
