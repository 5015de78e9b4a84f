"""Several processes over one PostgreSQL: whichever dies or freezes, all is finished, once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from a2a.types import TaskState

from tests.audited import flaws_in
from tests.journeys.scenes import at_a_socket
from tests.postgres_databases import a_fresh_database
from tests.postgres_locks import held_up, let_go_on, wait_until_waiting
from tests.processes import PACE_SECONDS, PATIENCE, Cluster, HeldSupplier, Running, cluster
from tests.reading import LONGEST_READ, Reader
from tests.running import JIRA, SMALL, TWO_TYPES
from tests.verdict import MADE_ONCE, stories

pytestmark = pytest.mark.timeout(240)

TAKE_OVER_SECONDS = 10.0
"""How long what a dead process was at may lie untouched."""

COMPLETED = TaskState.TASK_STATE_COMPLETED

MESSAGE = "the-one-message"
"""Whoever sends it again, at whatever process, follows its task to the end."""

ANOTHER = {**SMALL, "dataset_types": ["slack"]}

SIX_TYPES = {
    **TWO_TYPES,
    "dataset_types": ["github", "jira", "slack", "gdrive", "sharepoint", "salesforce"],
    "record_count": 50,
}


@pytest.fixture
async def town(
    tmp_path: Path, supplier: tuple[HeldSupplier, str], request: pytest.FixtureRequest
) -> AsyncIterator[Cluster]:
    settings = {"mock_data_url": supplier[1], "engine": getattr(request, "param", "builtin")}
    async with cluster(tmp_path, a_fresh_database(), **settings) as found:
        yield found


on_each_engine = pytest.mark.parametrize("town", ["builtin", "dbos"], indirect=True)


@pytest.fixture
def shared(tmp_path: Path) -> dict[str, str]:
    """Give what coordinators and agents of one installation have in common."""
    key = tmp_path / "order-key"
    key.write_text("the key of this installation")
    return {"auth_order_key": f"secret://file/{key}"}


async def _held_at_one(
    town: Cluster, held: HeldSupplier, given: dict[str, Any], datasets: int
) -> tuple[Running, Running, str]:
    """Have one process at work with all that is asked, held up; then start another beside it."""
    one = await town.start()
    task_id = await one.begin(given, MESSAGE)
    for _ in range(datasets):
        await held.asked.get()
    return one, await town.start(), task_id


@on_each_engine
async def test_what_a_killed_process_was_at_is_taken_over_in_ten_seconds(
    town: Cluster, supplier: tuple[HeldSupplier, str]
) -> None:
    held, _ = supplier
    one, two, _ = await _held_at_one(town, held, TWO_TYPES, 2)

    one.kill()
    killed_at = time.monotonic()
    async with asyncio.timeout(PATIENCE):
        await held.asked.get()
    taken_over_after = time.monotonic() - killed_at
    held.let_go.set()

    ending = await two.call(TWO_TYPES, message_id=MESSAGE)
    assert ending.state == COMPLETED
    assert {each["status"] for each in await two.datasets()} == {"ready"}
    assert list(stories(await two.events()).values()) == [MADE_ONCE] * 2
    assert taken_over_after < TAKE_OVER_SECONDS


@on_each_engine
async def test_many_datasets_of_a_killed_process_are_finished_and_nothing_is_called_twice_over(
    town: Cluster, supplier: tuple[HeldSupplier, str]
) -> None:
    held, _ = supplier
    one, two, _ = await _held_at_one(town, held, SIX_TYPES, 6)

    one.kill()
    held.let_go.set()

    assert (await two.call(SIX_TYPES, message_id=MESSAGE)).state == COMPLETED
    assert [each["status"] for each in await two.datasets()] == ["ready"] * 6
    assert list(stories(await two.events()).values()) == [MADE_ONCE] * 6
    assert held.asked.qsize() == 2 * 6  # once to fill, once to validate


@on_each_engine
async def test_a_process_that_freezes_holds_up_nobody_and_changes_nothing_when_it_thaws(
    town: Cluster, supplier: tuple[HeldSupplier, str]
) -> None:
    held, _ = supplier
    frozen = await town.start()
    with held_up(town.database, "quality_runs") as line:
        held.let_go.set()
        task_id = await frozen.begin(SMALL, MESSAGE)
        await asyncio.to_thread(wait_until_waiting, line, 1, "INSERT INTO quality_runs")
        held.let_go.clear()
        await frozen.begin(ANOTHER, "another-message")
        for _ in range(3):  # the first has asked twice: to be filled, and to be checked
            await held.asked.get()
        healthy = await town.start()
        frozen.stop()
        await asyncio.to_thread(let_go_on, line, 1, "INSERT INTO quality_runs")
    held.let_go.set()  # one dataset's row is locked, and the other's order out at the supplier

    reader = Reader(healthy)
    await reader.until_done(asyncio.create_task(healthy.until("DatasetReady", times=2)))
    endings = [
        await healthy.call(SMALL, message_id=MESSAGE),
        await healthy.call(ANOTHER, message_id="another-message"),
    ]
    before = await healthy.events()
    frozen.resume()
    again = {"skill": "validate-dataset", "dataset_id": JIRA}
    ending = await frozen.call(again, agent="data-validation")

    assert reader.slowest < LONGEST_READ
    assert {each.state for each in (*endings, ending)} == {COMPLETED}
    assert list(stories(before).values()) == [MADE_ONCE] * 2
    after = [each["id"] for each in await healthy.events()]
    assert after[: len(before)] == [each["id"] for each in before]
    assert {each["status"] for each in await healthy.datasets()} == {"ready"}
    assert (await frozen.task(task_id))["status"]["state"] == "TASK_STATE_COMPLETED"
    assert await flaws_in(town.database, town.folder) == []


async def test_a_coordinator_hands_orders_to_agents_elsewhere_by_their_cards(
    town: Cluster, supplier: tuple[HeldSupplier, str], shared: dict[str, str]
) -> None:
    theirs, _ = supplier
    theirs.let_go.set()
    mine = HeldSupplier()
    agents = await town.start("--role", "agents", **shared)
    async with at_a_socket(mine.app()) as url:
        coordinator = await town.start(
            "--role", "coordinator", agents_url=agents.url, mock_data_url=url, **shared
        )

        ending = await coordinator.call(SMALL)

        await coordinator.end()
    assert ending.state == COMPLETED
    assert theirs.asked.qsize() > 0
    assert mine.asked.empty()


async def test_agents_that_end_bring_the_order_to_its_end_that_they_are_at(
    town: Cluster, supplier: tuple[HeldSupplier, str], shared: dict[str, str]
) -> None:
    held, _ = supplier
    agents = await town.start("--role", "agents", **shared)
    coordinator = await town.start("--role", "coordinator", agents_url=agents.url, **shared)
    await coordinator.begin(SMALL, MESSAGE)
    await held.asked.get()

    ending = asyncio.create_task(agents.end())
    while True:
        ready = await agents.get("/readyz")
        if ready.json()["draining"]:
            break
        await asyncio.sleep(PACE_SECONDS)
    held.let_go.set()

    await coordinator.until("DatasetPopulated")
    assert await ending == 0


async def test_an_order_whose_agents_die_is_given_to_those_that_come_in_their_place(
    town: Cluster, supplier: tuple[HeldSupplier, str], shared: dict[str, str]
) -> None:
    held, _ = supplier
    agents = await town.start("--role", "agents", **shared)
    url, port = agents.url, agents.url.rpartition(":")[2]
    coordinator = await town.start("--role", "coordinator", agents_url=url, **shared)
    await coordinator.begin(SMALL, MESSAGE)
    await held.asked.get()

    agents.kill()
    await agents.process.wait()
    await town.start("--role", "agents", "--port", port, **shared)
    held.let_go.set()

    assert (await coordinator.call(SMALL, message_id=MESSAGE)).state == COMPLETED
    assert list(stories(await coordinator.events()).values()) == [MADE_ONCE]


async def test_an_order_whose_agents_stay_away_fails_and_says_who_did_not_answer(
    town: Cluster, supplier: tuple[HeldSupplier, str], shared: dict[str, str]
) -> None:
    held, _ = supplier
    agents = await town.start("--role", "agents", **shared)
    coordinator = await town.start(
        "--role", "coordinator", agents_url=agents.url, retry_delays="100ms", **shared
    )
    await coordinator.begin(SMALL, MESSAGE)
    await held.asked.get()

    agents.kill()
    held.let_go.set()

    ending = await coordinator.call(SMALL, message_id=MESSAGE)
    assert ending.state == TaskState.TASK_STATE_FAILED
    assert "Agent dataset-provisioning did not carry out provision_dataset" in ending.sentence


async def test_a_worker_drives_what_another_took_in_and_tells_and_answers_probes_alone(
    town: Cluster, supplier: tuple[HeldSupplier, str], shared: dict[str, str]
) -> None:
    supplier[0].let_go.set()
    front = await town.start("--role", "agents", **shared)
    worker = await town.start("--role", "worker")

    listening = asyncio.create_task(front.until("DatasetReady", times=6))
    ending = await front.call(SIX_TYPES)

    assert ending.state == COMPLETED
    heard = await listening
    assert [each["id"] for each in heard] == [each["id"] for each in await front.events()]
    told = stories(heard)
    assert list(told.values()) == [MADE_ONCE] * 6
    assert [list(names) for names in told.values()] == [list(MADE_ONCE)] * 6  # and in this order
    answers = [(await worker.get(path)).status_code for path in ("/readyz", "/metrics", "/agents")]
    assert answers == [200, 200, 404]


async def test_a_request_called_off_at_another_process_stops_the_work_where_it_is(
    town: Cluster, supplier: tuple[HeldSupplier, str]
) -> None:
    one, two, task_id = await _held_at_one(town, supplier[0], SMALL, 1)

    answer = await two.cancel(task_id)

    assert answer["result"]["status"]["state"] == "TASK_STATE_CANCELED"
    await one.until("DatasetArchived")
    assert (await one.task(task_id))["status"]["state"] == "TASK_STATE_CANCELED"


async def test_a_task_is_listed_and_listened_to_at_another_process_than_the_one_at_work(
    town: Cluster, supplier: tuple[HeldSupplier, str]
) -> None:
    _, two, task_id = await _held_at_one(town, supplier[0], SMALL, 1)
    listening = two.listen(task_id)
    standing, listed = (await anext(listening))["task"], await two.tasks()

    supplier[0].let_go.set()
    async with asyncio.timeout(PATIENCE):
        told = [each async for each in listening]

    assert [each["id"] for each in (standing, *listed)] == [task_id] * 2
    assert {_state(each) for each in (standing, *listed)} <= {"SUBMITTED", "WORKING"}
    assert [kind for each in told for kind in each][-2:] == ["artifactUpdate", "statusUpdate"]
    assert _state(told[-1]["statusUpdate"]) == "COMPLETED"
    assert [(each["id"], _state(each)) for each in await two.tasks()] == [(task_id, "COMPLETED")]


async def test_a_message_that_two_processes_take_in_at_the_same_moment_is_one_request(
    town: Cluster, supplier: tuple[HeldSupplier, str]
) -> None:
    supplier[0].let_go.set()
    rivals = [await town.start(), await town.start()]
    with held_up(town.database, "requests") as line:
        sent = [asyncio.create_task(each.call(SMALL, message_id=MESSAGE)) for each in rivals]
        await asyncio.to_thread(wait_until_waiting, line, 2, "INSERT INTO requests")

    winner, copy = sorted(await asyncio.gather(*sent), key=lambda each: each.state)

    assert (winner.state, copy.state) == (COMPLETED, TaskState.TASK_STATE_REJECTED)
    (task_id,) = [each["id"] for each in await rivals[0].tasks() if _state(each) == "COMPLETED"]
    assert f"is task {task_id} already" in copy.sentence
    assert [await each.call(SMALL, message_id=MESSAGE) for each in rivals] == [winner] * 2
    assert [each["status"] for each in await rivals[0].datasets()] == ["ready"]
    assert list(stories(await rivals[0].events()).values()) == [MADE_ONCE]


@on_each_engine
async def test_a_process_that_is_asked_to_end_hands_over_at_once(
    town: Cluster, supplier: tuple[HeldSupplier, str]
) -> None:
    held, _ = supplier
    one, two, _ = await _held_at_one(town, held, SMALL, 1)

    ending = asyncio.create_task(one.end())
    async with asyncio.timeout(TAKE_OVER_SECONDS):
        await held.asked.get()
    held.let_go.set()

    assert (await two.call(SMALL, message_id=MESSAGE)).state == COMPLETED
    assert await ending == 0


def _state(told: dict[str, Any]) -> str:
    """Give the state in which a task is by what is told of it."""
    return str(told["status"]["state"]).removeprefix("TASK_STATE_")
