"""Tasks in the database: whoever asks for one never waits for somebody who writes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from a2a.server.cluster import (
    ConcurrentTaskModificationError,
    TaskVersion,
    VersionedDatabaseTaskStore,
)
from a2a.server.context import ServerCallContext
from a2a.types import ListTasksRequest, Task, TaskState, TaskStatus
from sqlalchemy.exc import DBAPIError

from domain.commands import Principal
from domain.errors import RegistryUnavailable
from domain.work import AgentName
from protocol import tasks as tasks_module
from protocol.auth import Caller
from protocol.tasks import AgentTasks
from registry.migrations import downgrade
from tests.postgres_databases import a_fresh_database, cut_off_all
from tests.registry.databases import ME, House, a_fresh_file, open_house
from tests.running import SMALL, running

MINE = ServerCallContext(user=Caller(ME))
CAROLS = ServerCallContext(user=Caller(Principal(ME.tenant, "carol")))
SOON_SECONDS = 10
COMPLETED = TaskState.TASK_STATE_COMPLETED


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(a_fresh_file(tmp_path)) as opened:
        yield opened


def tasks_of(house: House, agent: AgentName = AgentName.COORDINATOR) -> AgentTasks:
    return AgentTasks(agent, house.database.engine, house.database.reads, house.registry)


def a_task(state: TaskState = TaskState.TASK_STATE_WORKING) -> Task:
    return Task(id=str(uuid4()), context_id="context-1", status=TaskStatus(state=state))


async def keep(tasks: AgentTasks, task: Task) -> TaskVersion:
    """Write a new task of mine."""
    return await tasks.save(
        task, event=task, prev=None, prev_version=TaskVersion.MISSING, context=MINE
    )


async def test_a_task_is_read_and_listed_while_somebody_writes(house: House) -> None:
    tasks, task = tasks_of(house), a_task()
    version = await keep(tasks, task)

    async with house.registry.transaction(ME), asyncio.timeout(SOON_SECONDS):
        stored = await tasks.get(task.id, MINE)
        listed = await tasks.list(ListTasksRequest(), MINE)

    assert stored is not None
    assert (stored.task, stored.version) == (task, version)
    assert list(listed.tasks) == [task]


async def test_a_caller_sees_a_task_while_the_registry_is_written(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        made = await service.call("lifecycle-coordinator", SMALL)

        async with service.service.registry.transaction(ME), asyncio.timeout(SOON_SECONDS):
            task = await service.line.task("lifecycle-coordinator", made.task_id)

        assert task.status.state == TaskState.TASK_STATE_COMPLETED


async def test_a_task_is_its_callers_and_its_agents_alone(house: House) -> None:
    tasks, task = tasks_of(house), a_task()
    await keep(tasks, task)

    for_carol = await tasks.get(task.id, CAROLS)
    at_another = await tasks_of(house, AgentName.TEARDOWN).get(task.id, MINE)

    assert (for_carol, at_another) == (None, None)


async def test_whoever_writes_a_task_second_at_a_version_is_refused(house: House) -> None:
    tasks, task = tasks_of(house), a_task()
    first = await keep(tasks, task)
    await tasks.save(task, event=None, prev=task, prev_version=first, context=MINE)

    with pytest.raises(ConcurrentTaskModificationError):
        await tasks.save(task, event=None, prev=task, prev_version=first, context=MINE)


async def test_whoever_has_read_the_end_of_a_task_cannot_take_it_back(house: House) -> None:
    here, elsewhere, task = tasks_of(house), tasks_of(house), a_task()
    version = await keep(here, task)
    ended = Task(id=task.id, context_id="context-1", status=TaskStatus(state=COMPLETED))
    await here.save(ended, event=None, prev=task, prev_version=version, context=MINE)
    read = await elsewhere.get(task.id, MINE)
    assert read is not None

    for late in (elsewhere, here):
        with pytest.raises(ConcurrentTaskModificationError):
            await late.save(task, event=None, prev=ended, prev_version=read.version, context=MINE)

    stored = await here.get(task.id, MINE)
    assert stored is not None
    assert stored.task.status.state == COMPLETED


async def test_a_task_is_kept_though_the_connection_was_lost_a_moment_ago() -> None:
    url = a_fresh_database()
    async with open_house(url) as on_a_server:
        tasks, task = tasks_of(on_a_server), a_task()
        await keep(tasks, a_task())
        await asyncio.to_thread(cut_off_all, url)

        await keep(tasks, task)

        assert await tasks.get(task.id, MINE) is not None


def take_nothing(monkeypatch: pytest.MonkeyPatch, calls: int) -> asyncio.Event:
    """Let the database take nothing for so many calls; tells when it was asked."""
    save, left, was_asked = VersionedDatabaseTaskStore.save, [calls], asyncio.Event()

    async def saved(*given: Any, **named: Any) -> TaskVersion:
        was_asked.set()
        if left[0]:
            left[0] -= 1
            raise RegistryUnavailable("away")
        return await save(*given, **named)

    monkeypatch.setattr(VersionedDatabaseTaskStore, "save", saved)
    return was_asked


async def change(tasks: AgentTasks, task: Task, version: TaskVersion) -> TaskVersion:
    """Write a task of mine that is there."""
    return await tasks.save(task, event=task, prev=task, prev_version=version, context=MINE)


async def test_a_task_at_work_is_written_as_soon_as_the_database_takes_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks, task = tasks_of(house), a_task()
    version = await keep(tasks, task)
    monkeypatch.setattr(tasks_module, "POLL_SECONDS", 0.0)
    take_nothing(monkeypatch, 3)

    written = await change(tasks, task, version)

    assert written.is_after(version)


async def test_a_new_task_is_refused_at_once_where_the_database_takes_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_nothing(monkeypatch, 1_000_000)

    async with asyncio.timeout(SOON_SECONDS):
        with pytest.raises(RegistryUnavailable):
            await keep(tasks_of(house), a_task())


def lose_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the database take the next task, and its answer get lost."""
    save = VersionedDatabaseTaskStore.save

    async def saved(*given: Any, **named: Any) -> TaskVersion:
        monkeypatch.setattr(VersionedDatabaseTaskStore, "save", save)
        await save(*given, **named)
        raise RegistryUnavailable("the answer was lost")

    monkeypatch.setattr(VersionedDatabaseTaskStore, "save", saved)


async def test_a_new_task_whose_answer_was_lost_is_kept_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks, task = tasks_of(house), a_task()
    lose_an_answer(monkeypatch)

    version = await keep(tasks, task)

    stored = await tasks.get(task.id, MINE)
    assert stored is not None
    assert (stored.task, stored.version) == (task, version)


async def test_a_change_whose_answer_was_lost_is_made_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks, task = tasks_of(house), a_task()
    first = await keep(tasks, task)
    task.status.state = TaskState.TASK_STATE_COMPLETED
    lose_an_answer(monkeypatch)

    second = await change(tasks, task, first)

    stored = await tasks.get(task.id, MINE)
    assert stored is not None
    assert (stored.task, stored.version) == (task, second)
    assert second.is_after(first)


async def test_what_somebody_else_wrote_meanwhile_is_no_answer_that_was_lost(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks, task = tasks_of(house), a_task()
    first = await keep(tasks, task)
    await change(tasks, a_copy(task, "somebody else's"), first)
    take_nothing(monkeypatch, 1)

    with pytest.raises(ConcurrentTaskModificationError):
        await change(tasks, task, first)


def a_copy(task: Task, context_id: str) -> Task:
    """Give a task in another version of it."""
    copied = Task(id=task.id, context_id=context_id)
    copied.status.CopyFrom(task.status)
    return copied


async def test_whoever_waits_to_write_a_task_can_be_stopped(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks, task = tasks_of(house), a_task()
    version = await keep(tasks, task)
    was_asked = take_nothing(monkeypatch, 1_000_000)
    waiting = asyncio.create_task(change(tasks, task, version))
    await was_asked.wait()

    waiting.cancel()

    await asyncio.wait({waiting})
    assert waiting.cancelled()


async def test_an_end_that_is_kept_stays_so_where_its_request_cannot_be_settled(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks, task = tasks_of(house), a_task(TaskState.TASK_STATE_COMPLETED)

    async def away(*_: object) -> None:
        raise RegistryUnavailable("away")

    monkeypatch.setattr(house.registry, "request_of_task", away)

    await keep(tasks, task)

    stored = await tasks.get(task.id, MINE)
    assert stored is not None
    assert stored.task.status.state == TaskState.TASK_STATE_COMPLETED


async def test_a_deleted_task_is_gone(house: House) -> None:
    tasks, task = tasks_of(house), a_task()
    await keep(tasks, task)

    await tasks.delete(task.id, MINE)

    assert await tasks.get(task.id, MINE) is None


async def test_tables_of_tasks_are_made_by_migrations_alone(tmp_path: Path) -> None:
    url = a_fresh_file(tmp_path)
    await asyncio.to_thread(downgrade, url, "0001")

    async with open_house(url) as house:
        await tasks_of(house).initialize()

        with pytest.raises(DBAPIError, match="task_versions"):
            await keep(tasks_of(house), a_task())
