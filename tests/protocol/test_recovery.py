"""Recovery: a service starts whatever was left behind, and every request comes to its end."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from a2a.server.context import ServerCallContext
from a2a.types import Role, TaskState

from domain.errors import RegistryUnavailable
from gateways.local.glean.faults import FaultKind
from protocol.auth import ANONYMOUS, Caller
from protocol.projection import Projection
from protocol.recovery import Recovery
from registry.repository import SqlRegistry
from tests.running import JIRA, PATIENCE_SECONDS, SMALL, RunningService, running

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from domain.commands import Request

COORDINATOR = "lifecycle-coordinator"
WORKING = TaskState.TASK_STATE_WORKING


def _unsettle(data: Path) -> None:
    """Leave a request as a kill just before its settling does."""
    with sqlite3.connect(data / "dataops.db") as connection:
        connection.execute("UPDATE requests SET is_settled = 0, followed_until = NULL")


def _forget_tasks(data: Path) -> None:
    """Leave a request as a kill just before its task is stored does."""
    _unsettle(data)
    with sqlite3.connect(data / "dataops.db") as connection:
        for table in ("tasks", "task_versions", "task_events"):
            connection.execute(f"DELETE FROM {table}")  # noqa: S608 - constants


async def _unsettled(service: RunningService) -> list[str]:
    found = await service.service.registry.unsettled_requests(10)
    return [each.task_id for each in found]


@pytest.mark.parametrize("left", [_unsettle, _forget_tasks])
async def test_what_a_kill_left_behind_is_settled_at_the_start(
    tmp_path: Path, left: Callable[[Path], None]
) -> None:
    async with running(tmp_path) as service:
        made = await service.call(COORDINATOR, SMALL, "m-1")
    left(tmp_path)

    async with running(tmp_path) as service:
        heard = await service.call(COORDINATOR, SMALL, "m-1")

        assert (heard.task_id, heard.state) == (made.task_id, "COMPLETED")
        assert await _unsettled(service) == []


async def test_one_request_that_cannot_be_recovered_keeps_no_other_from_it(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await service.call(COORDINATOR, SMALL, "m-1")
        slack = await service.call(COORDINATOR, {**SMALL, "dataset_types": ["slack"]}, "m-2")
    _forget_tasks(tmp_path)
    with sqlite3.connect(tmp_path / "dataops.db") as connection:
        connection.execute("UPDATE requests SET message = x'ff' WHERE message_id = 'm-1'")

    async with running(tmp_path) as service:
        heard = await service.call(COORDINATOR, {**SMALL, "dataset_types": ["slack"]}, "m-2")

        assert (heard.task_id, heard.state) == (slack.task_id, "COMPLETED")


async def test_a_request_that_nobody_follows_any_more_is_taken_up_as_well(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await service.call(COORDINATOR, SMALL, "m-1")
        _unsettle(tmp_path)
        before = await _unsettled(service)

        await service.service.server.recovery.sweep()

        assert len(before) == 1
        assert await _unsettled(service) == []


async def test_a_request_that_is_followed_is_left_alone(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        service.glean_faults.fail_next("/bulkindexdocuments", kind=FaultKind.SLOW, delay_seconds=60)
        task = await service.line.begin(COORDINATOR, SMALL)

        await service.service.server.recovery.sweep()

        stored = await service.line.task(COORDINATOR, task.id)
        assert [each.message_id for each in stored.history if each.role == Role.ROLE_USER]
        assert stored.status.state in {WORKING, TaskState.TASK_STATE_SUBMITTED}
        await service.line.cancel(COORDINATOR, task.id)


async def test_a_look_that_fails_is_taken_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look, failures = Projection._look, [OSError("the database is away")]  # noqa: SLF001 - the one place

    async def fail_once(self: Projection, *given: object) -> object:
        if failures:
            raise failures.pop()
        return await look(self, *given)  # type: ignore[arg-type]  # handed on as they came

    monkeypatch.setattr(Projection, "_look", fail_once)
    async with running(tmp_path) as service:
        heard = await service.call(COORDINATOR, SMALL)

        assert heard.state == "COMPLETED"
        assert failures == []


async def test_an_end_that_cannot_be_kept_is_kept_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    close, failures = SqlRegistry.close_request, [OSError("the database is away")]

    async def fail_once(self: SqlRegistry, tenant: str, task_id: str, /) -> bool:
        if failures:
            raise failures.pop()
        return await close(self, tenant, task_id)

    monkeypatch.setattr(SqlRegistry, "close_request", fail_once)
    async with running(tmp_path) as service:
        heard = await service.call(COORDINATOR, SMALL)

        assert heard.state == "COMPLETED"
        assert failures == []


async def test_a_request_is_settled_only_once_its_task_is_stored_as_ended(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        heard = await service.call(COORDINATOR, SMALL)
        tasks = service.service.server.handlers[next(iter(service.service.cards))].tasks
        context = ServerCallContext(user=Caller(ANONYMOUS))

        stored = await tasks.get(heard.task_id, context)

        assert stored is not None
        assert await _unsettled(service) == []


async def test_a_request_that_was_kept_is_followed_though_the_registry_was_away_at_its_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path) as service:
        front, look = type(service.service.desks.front), SqlRegistry.request_of_task
        perform = front.perform
        stays_away = [True, True]

        async def away(registry: SqlRegistry, tenant: str, task_id: str, /) -> Request | None:
            if stays_away:
                stays_away.pop()
                raise RegistryUnavailable("away")
            return await look(registry, tenant, task_id)

        async def lost(*given: Any) -> None:
            await perform(*given)
            monkeypatch.setattr(SqlRegistry, "request_of_task", away)
            raise RegistryUnavailable("away")

        monkeypatch.setattr(front, "perform", lost)

        heard = await service.call(COORDINATOR, SMALL)

        assert heard.state == "COMPLETED"
        assert stays_away == []


async def test_a_request_that_was_not_kept_for_want_of_the_registry_can_be_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path) as service:

        async def away(*_: object) -> None:
            raise RegistryUnavailable("The registry is away.")

        with monkeypatch.context() as meanwhile:
            meanwhile.setattr(type(service.service.desks.front), "perform", away)
            refused = await service.call(COORDINATOR, SMALL, "m-1")

        heard = await service.call(COORDINATOR, SMALL, "m-1")

        assert (refused.state, refused.sentence) == ("FAILED", "The registry is away.")
        assert heard.state == "COMPLETED"


async def test_a_defect_of_ours_ends_the_task_and_keeps_its_inside_to_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path) as service:

        async def break_down(*_: object) -> None:
            raise KeyError("the inside of ours")

        monkeypatch.setattr(type(service.service.desks.front), "perform", break_down)

        heard = await service.call(COORDINATOR, SMALL)

        assert heard.state == "FAILED"
        assert "Something of ours broke" in heard.sentence
        assert heard.task_id in heard.sentence
        assert "the inside of ours" not in str(heard)


async def test_a_teardown_that_is_refused_again_and_again_ends_its_task_and_says_why(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, retry_delays=()) as service:
        await service.call(COORDINATOR, SMALL)
        service.glean_faults.fail_next("/visibilityoverrides", status=403, times=99)

        heard = await service.call(
            "data-teardown", {"skill": "teardown-dataset", "dataset_id": JIRA}
        )

        assert heard.state == "FAILED"
        assert heard.sentence.startswith(f"{JIRA} is being torn down (disconnect; which failed: ")
        assert "answered 403" in heard.sentence
        assert "tried again at" in heard.sentence


async def test_a_recovery_that_is_cancelled_where_the_library_keeps_it_to_itself_ends_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking = asyncio.Event()

    async def look(self: Recovery) -> None:
        del self
        looking.set()
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    async with running(tmp_path) as service:
        monkeypatch.setattr(Recovery, "_look", look)
        recovering = asyncio.create_task(service.service.server.recovery.run())
        await looking.wait()

        recovering.cancel()
        ended, _ = await asyncio.wait({recovering}, timeout=PATIENCE_SECONDS)

        assert ended == {recovering}
        assert recovering.cancelled()
        monkeypatch.undo()


async def test_a_task_that_waits_for_consent_is_left_waiting(tmp_path: Path) -> None:
    async with running(tmp_path, protect_stages=("sandbox",)) as service:
        await service.call(COORDINATOR, SMALL)
        given = {"skill": "complete-journey", "journey_id": "journey-acme-2026"}
        asked = await service.call(COORDINATOR, given)
        before = await service.line.task(COORDINATOR, asked.task_id)

        await service.service.server.recovery.sweep()

        after = await service.line.task(COORDINATOR, asked.task_id)
        assert before.status.state == TaskState.TASK_STATE_INPUT_REQUIRED
        assert after == before
        assert await _unsettled(service) == [asked.task_id]
