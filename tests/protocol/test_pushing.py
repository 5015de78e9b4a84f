"""Push notifications over A2A: a task is told to whoever asked, until it has ended, and no one else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from a2a.types import Task
from google.protobuf.json_format import ParseDict
from sqlalchemy import text

from domain.subscription import Subscription
from registry.deliveries import SqlDeliveries
from tests.journeys.scenes import at_a_socket
from tests.processes import HeldSupplier
from tests.running import SMALL, RunningService, running, tokens_file
from tests.subscribers import PATIENCE_SECONDS, Subscriber, subscriber

if TYPE_CHECKING:
    from tests.running import Line

COORDINATOR = "lifecycle-coordinator"
TOKEN = "T0K3N-OF-THE-CALLER"


@pytest.fixture
async def hook() -> AsyncIterator[Subscriber]:
    async with subscriber() as listening:
        yield listening


@asynccontextmanager
async def served(folder: Path, **more: Any) -> AsyncIterator[RunningService]:
    async with running(folder / "data", webhook_loopback=True, **more) as it:
        yield it


def config(hook: Subscriber, **more: Any) -> dict[str, Any]:
    return {
        "url": hook.url,
        "token": TOKEN,
        "authentication": {"scheme": "Bearer", "credentials": "C4N4RY"},
        **more,
    }


async def rpc(line: Line, method: str, **params: Any) -> dict[str, Any]:
    return await line.rpc(
        COORDINATOR, {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    )


async def begun(line: Line, given: dict[str, Any], push: dict[str, Any]) -> str:
    """Send a skill call with a push configuration; gives the task's id."""
    message = {"messageId": "m-1", "role": "ROLE_USER", "parts": [{"data": given}]}
    configuration = {"returnImmediately": True, "taskPushNotificationConfig": push}
    answer = await rpc(line, "SendMessage", message=message, configuration=configuration)
    return str(answer["result"]["task"]["id"])


def states(hook: Subscriber) -> list[str]:
    return [each.event["task"]["status"]["state"] for each in hook.calls]


def has_ended(hook: Subscriber) -> bool:
    return bool(hook.calls) and states(hook)[-1] == "TASK_STATE_COMPLETED"


async def test_a_task_is_pushed_until_it_has_ended_with_what_the_caller_gave(
    tmp_path: Path, hook: Subscriber
) -> None:
    async with served(tmp_path) as it:
        task_id = await begun(it.line, SMALL, config(hook))
        await hook.until(lambda: has_ended(hook))

    last = hook.calls[-1]
    task = ParseDict(last.event["task"], Task())
    assert (task.id, len(task.artifacts)) == (task_id, 1)
    assert last.headers["x-a2a-notification-token"] == TOKEN
    assert last.headers["authorization"] == "Bearer C4N4RY"
    assert {name.lower() for name in last.names} == {
        "host",
        "content-length",
        "content-type",
        "webhook-id",
        "x-a2a-notification-token",
        "authorization",
    }


async def test_a_push_that_fails_comes_again_and_the_end_is_not_lost(
    tmp_path: Path, hook: Subscriber
) -> None:
    hook.status = 503
    async with served(tmp_path) as it:
        await begun(it.line, SMALL, config(hook))
        await it.settled("ACME-sandbox-jira", "ready")
        await hook.until(lambda: len(hook.calls) >= 1)
        hook.status = 200
        async with asyncio.timeout(30):
            while not has_ended(hook):
                it.clock.advance(timedelta(hours=1))
                it.service.bell.ring()
                await hook.until_next()


async def test_an_end_that_comes_while_a_task_is_looked_at_is_told_all_the_same(
    tmp_path: Path, hook: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, read = HeldSupplier(), SqlDeliveries.version_of

    async def read_just_before_the_end(self: SqlDeliveries, subscription: Subscription) -> int:
        version = await read(self, subscription)
        if version == subscription.position and not held.let_go.is_set():
            held.let_go.set()
            await it.line.follow(COORDINATOR, task_id)
        return version

    monkeypatch.setattr(SqlDeliveries, "version_of", read_just_before_the_end)
    async with at_a_socket(held.app()) as supplier, served(tmp_path, mock_data_url=supplier) as it:
        task_id = await begun(it.line, SMALL, config(hook))

        await hook.until(lambda: has_ended(hook))

    assert held.let_go.is_set()


async def test_a_push_survives_a_restart(tmp_path: Path, hook: Subscriber) -> None:
    hook.status = 503
    async with served(tmp_path) as it:
        await begun(it.line, SMALL, config(hook))
        await it.settled("ACME-sandbox-jira", "ready")
        await hook.until(lambda: len(hook.calls) >= 1)
    hook.status = 200

    async with served(tmp_path) as again:
        again.clock.advance(timedelta(hours=1))
        again.service.bell.ring()
        await hook.until(lambda: has_ended(hook))


async def test_configurations_are_made_read_listed_and_removed(
    tmp_path: Path, hook: Subscriber
) -> None:
    async with served(tmp_path) as it:
        task = await it.line.begin(COORDINATOR, SMALL)
        given = config(hook, id="mine", taskId=task.id)

        made = await rpc(it.line, "CreateTaskPushNotificationConfig", **given)
        read = await rpc(it.line, "GetTaskPushNotificationConfig", taskId=task.id, id="mine")
        listed = await rpc(it.line, "ListTaskPushNotificationConfigs", taskId=task.id)
        gone = await rpc(it.line, "DeleteTaskPushNotificationConfig", taskId=task.id, id="mine")
        after = await rpc(it.line, "ListTaskPushNotificationConfigs", taskId=task.id)

    assert made["result"] == read["result"] == given
    assert listed["result"]["configs"] == [given]
    assert "error" not in gone
    assert after["result"].get("configs", []) == []


async def test_a_task_that_has_ended_is_told_once_to_who_asks_late(
    tmp_path: Path, hook: Subscriber
) -> None:
    async with served(tmp_path) as it:
        heard = await it.call(COORDINATOR, SMALL)
        await rpc(it.line, "CreateTaskPushNotificationConfig", **config(hook, taskId=heard.task_id))

        await hook.until(lambda: has_ended(hook))

    assert len(hook.calls) == 1


@pytest.mark.parametrize(
    "url",
    ["http://hooks.example.com/", "https://169.254.169.254/", "https://10.0.0.1/", "ftp://x/"],
)
async def test_nothing_is_pushed_where_we_do_not_call(
    tmp_path: Path, hook: Subscriber, url: str
) -> None:
    async with served(tmp_path) as it:
        task = await it.line.begin(COORDINATOR, SMALL)

        answer = await rpc(
            it.line, "CreateTaskPushNotificationConfig", **config(hook, taskId=task.id, url=url)
        )

    assert answer["error"]["code"] == -32602
    assert "Nothing can be pushed there" in answer["error"]["message"]


async def test_a_task_takes_so_many_configurations_and_no_more(
    tmp_path: Path, hook: Subscriber
) -> None:
    async with served(tmp_path) as it:
        task = await it.line.begin(COORDINATOR, SMALL)
        answers = [
            await rpc(
                it.line,
                "CreateTaskPushNotificationConfig",
                **config(hook, taskId=task.id, id=f"c-{number}"),
            )
            for number in range(11)
        ]

    assert ["error" in each for each in answers] == [False] * 10 + [True]
    assert "10 are the most" in answers[-1]["error"]["message"]


async def test_nobody_reads_or_makes_a_configuration_of_anothers_task(
    tmp_path: Path, hook: Subscriber
) -> None:
    tokens = tokens_file(tmp_path, alices="default alice", bobs="globex bob")
    async with served(tmp_path, auth_tokens=tokens) as it:
        alice, bob = await it.line_of("alices"), await it.line_of("bobs")
        task_id = await begun(alice, SMALL, config(hook, id="mine"))

        answers = [
            await rpc(bob, "GetTaskPushNotificationConfig", taskId=task_id, id="mine"),
            await rpc(bob, "CreateTaskPushNotificationConfig", **config(hook, taskId=task_id)),
            await rpc(bob, "ListTaskPushNotificationConfigs", taskId=task_id),
        ]

    assert [each["error"]["code"] for each in answers] == [-32001] * 3


async def test_what_the_caller_entrusts_to_us_lies_closed_in_the_database(
    tmp_path: Path, hook: Subscriber
) -> None:
    async with served(tmp_path) as it:
        await begun(it.line, SMALL, config(hook))
        async with it.service.database.reads.connect() as connection:
            rows = (await connection.execute(text("SELECT * FROM subscriptions"))).all()
            tasks = (await connection.execute(text("SELECT * FROM tasks"))).all()
            requests = (await connection.execute(text("SELECT * FROM requests"))).all()

    assert len(rows) == 1
    assert TOKEN not in f"{rows}{tasks}{requests}"
    assert "C4N4RY" not in f"{rows}{tasks}{requests}"


async def test_a_configuration_under_a_lost_key_is_given_up_and_says_so(
    tmp_path: Path, hook: Subscriber
) -> None:
    hook.status = 503
    async with served(tmp_path) as it:
        await begun(it.line, SMALL, config(hook))
        await hook.until(lambda: len(hook.calls) >= 1)
    (tmp_path / "data" / "push.key").write_text("another")
    hook.calls.clear()

    async with served(tmp_path) as again:
        pauses = 0
        while (found := await column(again, "state")) == "active":
            pauses += 1
            await fails(again, timedelta(hours=2))
        why = await column(again, "why")

    assert (found, hook.calls) == ("disabled", [])
    assert "closed with another key" in why
    assert pauses >= 12


async def test_a_configuration_is_pushed_once_its_key_is_back(
    tmp_path: Path, hook: Subscriber
) -> None:
    key = tmp_path / "data" / "push.key"
    hook.status = 503
    async with served(tmp_path) as it:
        await begun(it.line, SMALL, config(hook))
        await it.settled("ACME-sandbox-jira", "ready")
        await hook.until(lambda: len(hook.calls) >= 1)
    right = key.read_text()
    key.write_text("another")
    async with served(tmp_path) as without:
        await fails(without, timedelta(hours=1))
    hook.status, hook.calls = 200, []
    key.write_text(right)

    async with served(tmp_path) as again:
        again.clock.advance(timedelta(hours=2))
        again.service.bell.ring()

        await hook.until(lambda: has_ended(hook))


async def test_every_card_says_that_it_pushes(tmp_path: Path) -> None:
    async with served(tmp_path) as it:
        found = (await it.http.get("/agents")).json()["agents"]

    assert [each["capabilities"]["pushNotifications"] for each in found] == [True] * 5
    assert "pushNotifications" in json.dumps(found)


async def column(it: RunningService, name: str) -> Any:
    async with it.service.database.reads.connect() as connection:
        rows = await connection.execute(text("SELECT * FROM subscriptions"))
        return rows.mappings().one()[name]


async def fails(it: RunningService, later: timedelta) -> None:
    """Let time pass, and wait until the push has failed once more or is given up."""
    before = await column(it, "failures")
    it.clock.advance(later)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await column(it, "state") == "active" and await column(it, "failures") == before:
            it.service.bell.ring()
            await it.service.bell.handle()(0.1)
