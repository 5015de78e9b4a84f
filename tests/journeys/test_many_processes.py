"""Several processes over one PostgreSQL: whichever dies or freezes, all is finished, once."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from a2a.types import TaskState

from tests.journeys.scenes import at_a_socket
from tests.postgres import a_fresh_database
from tests.processes import PATIENCE, Cluster, HeldSupplier, Running, cluster
from tests.running import CONFLUENCE, SMALL, TWO_TYPES

pytestmark = pytest.mark.timeout(240)

TAKE_OVER_SECONDS = 10.0
"""How long what a dead process was at may lie untouched."""

EVENTS_OF_ONE = {
    "DatasetProvisioningStarted": 1,
    "DatasetPopulated": 1,
    "DatasetProvisionCompleted": 1,
    "DatasetReady": 1,
}


@pytest.fixture
async def supplier() -> AsyncIterator[tuple[HeldSupplier, str]]:
    held = HeldSupplier()
    async with at_a_socket(held.app()) as url:
        yield held, url
        held.let_go.set()


@pytest.fixture
async def town(tmp_path: Path, supplier: tuple[HeldSupplier, str]) -> AsyncIterator[Cluster]:
    async with cluster(tmp_path, a_fresh_database(), mock_data_url=supplier[1]) as found:
        yield found


def _stories(events: list[dict[str, Any]]) -> dict[str, Counter[str]]:
    """Count the events of each dataset by their names."""
    stories: dict[str, Counter[str]] = {}
    for each in events:
        if "subject" in each:
            name = each["type"].removeprefix("io.dataops.lifecycle.").removesuffix(".v1")
            stories.setdefault(each["subject"], Counter())[name] += 1
    return stories


async def _ended(process: Running, task_id: str) -> dict[str, Any]:
    """Wait for the end of a task by following it at a process."""
    async with asyncio.timeout(PATIENCE):
        while True:
            task = await process.task(task_id)
            if task["status"]["state"] not in {"TASK_STATE_SUBMITTED", "TASK_STATE_WORKING"}:
                return task
            await asyncio.sleep(0.1)  # a task of another process rings no bell here


async def test_what_a_killed_process_was_at_is_taken_over_in_ten_seconds(
    town: Cluster, supplier: tuple[HeldSupplier, str]
) -> None:
    held, _ = supplier
    one = await town.start()
    task_id = await one.begin(TWO_TYPES, "m-1")
    for _ in range(2):
        await held.asked.get()
    two = await town.start()

    one.kill()
    killed_at = time.monotonic()
    async with asyncio.timeout(PATIENCE):
        await held.asked.get()
    taken_over_after = time.monotonic() - killed_at
    held.let_go.set()

    assert (await _ended(two, task_id))["status"]["state"] == "TASK_STATE_COMPLETED"
    assert {each["status"] for each in await two.datasets()} == {"ready"}
    assert list(_stories(await two.events()).values()) == [EVENTS_OF_ONE] * 2
    assert taken_over_after < TAKE_OVER_SECONDS


async def test_a_process_that_freezes_holds_up_nobody_and_changes_nothing_when_it_thaws(
    town: Cluster, supplier: tuple[HeldSupplier, str]
) -> None:
    held, _ = supplier
    frozen = await town.start()
    task_id = await frozen.begin(TWO_TYPES, "m-1")
    await held.asked.get()
    healthy = await town.start()
    frozen.stop()
    held.let_go.set()

    slowest = 0.0
    async with asyncio.timeout(PATIENCE):
        while {each["status"] for each in await healthy.datasets()} != {"ready"}:
            asked_at = time.monotonic()
            await healthy.datasets()
            slowest = max(slowest, time.monotonic() - asked_at)
    assert (await _ended(healthy, task_id))["status"]["state"] == "TASK_STATE_COMPLETED"
    before = await healthy.events()
    frozen.resume()
    await frozen.get("/readyz")
    again = {"skill": "validate-dataset", "dataset_id": CONFLUENCE}
    ending = await frozen.call(again, agent="data-validation")

    assert slowest < 5.0
    assert ending.state == TaskState.TASK_STATE_COMPLETED
    assert list(_stories(before).values()) == [EVENTS_OF_ONE] * 2
    after = [each["id"] for each in await healthy.events()]
    assert after[: len(before)] == [each["id"] for each in before]
    assert {each["status"] for each in await healthy.datasets()} == {"ready"}
    assert (await frozen.task(task_id))["status"]["state"] == "TASK_STATE_COMPLETED"


async def test_a_coordinator_hands_orders_to_agents_elsewhere_by_their_cards(
    town: Cluster, supplier: tuple[HeldSupplier, str], tmp_path: Path
) -> None:
    supplier[0].let_go.set()
    key = tmp_path / "order-key"
    key.write_text("the key of this installation")
    shared = {"auth_order_key": f"secret://file/{key}"}
    agents = await town.start("--role", "agents", **shared)
    coordinator = await town.start("--role", "coordinator", agents_url=agents.url, **shared)

    ending = await coordinator.call(SMALL)

    assert ending.state == TaskState.TASK_STATE_COMPLETED
    asked_here = (await agents.get("/healthz")).status_code
    assert asked_here == 200
    assert [each["status"] for each in await agents.datasets()] == ["ready"]


async def test_a_coordinator_whose_agents_die_gives_their_orders_to_others(
    town: Cluster, supplier: tuple[HeldSupplier, str], tmp_path: Path
) -> None:
    held, _ = supplier
    key = tmp_path / "order-key"
    key.write_text("the key of this installation")
    shared = {"auth_order_key": f"secret://file/{key}", "retry_delays": "100ms,100ms,100ms"}
    agents = await town.start("--role", "agents", **shared)
    coordinator = await town.start("--role", "coordinator", agents_url=agents.url, **shared)
    task_id = await coordinator.begin(SMALL, "m-1")
    await held.asked.get()

    agents.kill()
    held.let_go.set()

    failed = (await _ended(coordinator, task_id))["status"]
    assert failed["state"] == "TASK_STATE_FAILED"
    assert "data" in str(failed)


async def test_a_worker_drives_what_another_took_in_and_answers_probes_alone(
    town: Cluster, supplier: tuple[HeldSupplier, str], tmp_path: Path
) -> None:
    supplier[0].let_go.set()
    key = tmp_path / "order-key"
    key.write_text("the key of this installation")
    front = await town.start("--role", "agents", auth_order_key=f"secret://file/{key}")
    worker = await town.start("--role", "worker")

    ending = await front.call(SMALL)

    assert ending.state == TaskState.TASK_STATE_COMPLETED
    answers = [(await worker.get(path)).status_code for path in ("/readyz", "/metrics", "/agents")]
    assert answers == [200, 200, 404]


async def test_a_request_called_off_at_another_process_stops_the_work_where_it_is(
    town: Cluster, supplier: tuple[HeldSupplier, str]
) -> None:
    held, _ = supplier
    one = await town.start()
    task_id = await one.begin(SMALL, "m-1")
    await held.asked.get()
    two = await town.start()

    answer = await two.cancel(task_id)

    assert answer["result"]["status"]["state"] == "TASK_STATE_CANCELED"
    async with asyncio.timeout(PATIENCE):
        while {each["status"] for each in await one.datasets()} != {"archived"}:  # noqa: ASYNC110 - see below
            await asyncio.sleep(0.1)  # another process's work rings no bell here
    assert (await one.task(task_id))["status"]["state"] == "TASK_STATE_CANCELED"


async def test_a_message_sent_to_two_processes_is_one_request(
    town: Cluster, supplier: tuple[HeldSupplier, str]
) -> None:
    supplier[0].let_go.set()
    one, two = await town.start(), await town.start()
    first = await one.call(SMALL, message_id="m-1")

    again = await two.call(SMALL, message_id="m-1")

    assert again == first
    assert len(await two.datasets()) == 1


async def test_a_process_that_is_asked_to_end_hands_over_at_once(
    town: Cluster, supplier: tuple[HeldSupplier, str]
) -> None:
    held, _ = supplier
    one = await town.start()
    task_id = await one.begin(SMALL, "m-1")
    await held.asked.get()
    two = await town.start()

    ending = asyncio.create_task(one.end())
    async with asyncio.timeout(TAKE_OVER_SECONDS):
        await held.asked.get()
    held.let_go.set()

    assert (await _ended(two, task_id))["status"]["state"] == "TASK_STATE_COMPLETED"
    assert await ending == 0
