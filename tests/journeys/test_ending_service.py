"""The service ends in the middle of tasks: who follows one is told, and finds it again elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from a2a.types import TaskState

from protocol.farewell import GOODBYE
from service.cli.serve import DRAIN_SECONDS
from service.cli.talk import Talk
from tests.ports import free_port
from tests.processes import COORDINATOR, Cluster, HeldSupplier, Running, cluster
from tests.registry.databases import DATABASES, a_fresh
from tests.running import SMALL

pytestmark = pytest.mark.timeout(120)

MESSAGE = "the-one-message"


@pytest.fixture(params=DATABASES)
async def town(
    request: pytest.FixtureRequest, tmp_path: Path, supplier: tuple[HeldSupplier, str]
) -> AsyncIterator[Cluster]:
    database = a_fresh(request.param, tmp_path)
    async with cluster(tmp_path, database, mock_data_url=supplier[1]) as found:
        yield found


async def _in_its_place(town: Cluster, ended: Running) -> Running:
    return await town.start("--port", ended.url.rpartition(":")[2])


async def test_whoever_listens_to_a_task_is_told_at_once_to_come_back(
    town: Cluster, supplier: tuple[HeldSupplier, str]
) -> None:
    service = await town.start()
    task_id = await service.begin(SMALL, MESSAGE)
    await supplier[0].asked.get()
    stream = service.listen(task_id)
    await anext(stream)

    ending = asyncio.create_task(service.end())
    told = [each async for each in stream]
    async with asyncio.timeout(DRAIN_SECONDS / 2):
        status = await ending

    said = told[-1]["statusUpdate"]["status"]
    assert said["message"]["parts"][0]["text"] == GOODBYE
    assert said["state"] == "TASK_STATE_WORKING"
    assert status == 0


async def test_whoever_waits_for_a_task_gets_it_as_it_stands_and_its_end_from_the_next_process(
    town: Cluster, supplier: tuple[HeldSupplier, str]
) -> None:
    service = await town.start("--port", str(free_port()))
    waiting = asyncio.create_task(service.wait_for(SMALL, MESSAGE))
    await supplier[0].asked.get()

    status = await service.end()
    task = await waiting
    supplier[0].let_go.set()
    after = await _in_its_place(town, service)
    ended = await after.wait_for(SMALL, MESSAGE)

    assert (status, task["status"]["state"]) == (0, "TASK_STATE_WORKING")
    assert (ended["id"], ended["status"]["state"]) == (task["id"], "TASK_STATE_COMPLETED")


async def test_whoever_has_corrected_a_message_gets_its_task_as_it_stands_too(
    town: Cluster, supplier: tuple[HeldSupplier, str]
) -> None:
    service = await town.start()
    asked = await service.wait_for({**SMALL, "stage": "moon"}, MESSAGE)
    correcting = asyncio.create_task(service.wait_for(SMALL, "the-correction", task_id=asked["id"]))
    await supplier[0].asked.get()

    await service.end()
    task = await correcting

    assert asked["status"]["state"] == "TASK_STATE_INPUT_REQUIRED"
    assert (task["id"], task["status"]["state"]) == (asked["id"], "TASK_STATE_WORKING")


async def test_the_command_line_sees_a_call_through_though_the_service_is_restarted(
    town: Cluster, supplier: tuple[HeldSupplier, str]
) -> None:
    service = await town.start("--port", str(free_port()))
    talk = Talk(service.url)
    calling = asyncio.create_task(talk.see_through(COORDINATOR, SMALL, _overhear))
    await supplier[0].asked.get()

    await service.end()
    supplier[0].let_go.set()
    after = await _in_its_place(town, service)
    ending = await calling
    await talk.close()

    assert ending.state == TaskState.TASK_STATE_COMPLETED
    assert len(await after.tasks()) == 1


async def _overhear(data: dict[str, Any]) -> None:
    del data
