"""Orders over A2A: only from the coordinator, once each, with progress while they last."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import httpx
import pytest
from a2a.server.context import ServerCallContext
from a2a.server.routes import create_jsonrpc_routes
from a2a.types import ListTasksRequest, Message, Part, Task
from starlette.applications import Starlette
from starlette.middleware import Middleware

from domain.errors import InvalidInput
from domain.lifecycle import TeardownStep
from domain.template import TemplateRequest
from domain.work import (
    AgentName,
    ArchivePurged,
    FailureKind,
    FindTemplate,
    OrderFailed,
    OrderKey,
    Progress,
    PurgeArchive,
    StepTaken,
    TakeStep,
)
from protocol import orders as orders_module
from protocol.auth import Authentication, CallerContextBuilder, Tokens
from protocol.cards import load_cards
from protocol.codec import ORDER_TYPE, OUTCOME_TYPE, order_part, read_order, read_outcome
from protocol.delegate import A2ADelegate
from protocol.handler import OrderHandler
from protocol.recent import RecentTasks
from protocol.transport import StreamingTransport
from tests.running import BASE, RunningService, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from domain.ports import OnProgress
    from domain.work import Order, Outcome

    Work = Callable[[Order, OnProgress], Awaitable[Outcome]]


def an_order(attempt: int = 0) -> PurgeArchive:
    """Make an order that the teardown agent carries out."""
    key = OrderKey("default", uuid4(), 3, attempt)
    return PurgeArchive(key, datetime.now(UTC) + timedelta(minutes=30), "folder:nowhere")


class Stage:
    """A stage agent that does what a test says, and counts."""

    name = AgentName.TEARDOWN

    def __init__(self, work: Work) -> None:
        self._work = work
        self.performed = 0

    async def perform(self, order: Order, progress: OnProgress, /) -> Outcome:
        """Carry an order out."""
        self.performed += 1
        return await self._work(order, progress)


@asynccontextmanager
async def delegating(stage: Stage) -> AsyncIterator[A2ADelegate]:
    """Give a delegate whose teardown agent is this one, behind the real protocol."""
    card = load_cards(BASE)[stage.name].card
    handler = OrderHandler(stage, card)
    app = Starlette(
        routes=create_jsonrpc_routes(handler, f"/agents/{stage.name}", CallerContextBuilder()),
        middleware=[Middleware(Authentication, tokens=Tokens("key"), open_paths=())],
    )
    async with httpx.AsyncClient(transport=StreamingTransport(app)) as http:
        yield A2ADelegate(http, {stage.name: card})
    await handler.aclose()


async def _ignored(progress: Progress) -> None:
    """Take no note."""


async def _purged(order: Order, _progress: OnProgress) -> Outcome:
    return ArchivePurged(order.key)


async def test_an_outcome_comes_back_as_it_was_given() -> None:
    order = an_order()
    async with delegating(Stage(_purged)) as delegate:
        outcome = await delegate.delegate(order, _ignored)

    assert outcome == ArchivePurged(order.key)


async def test_an_order_sent_again_gets_the_same_outcome_and_is_not_done_twice() -> None:
    stage, order = Stage(_purged), an_order()
    async with delegating(stage) as delegate:
        first = await delegate.delegate(order, _ignored)

        again = await delegate.delegate(order, _ignored)

    assert again == first
    assert stage.performed == 1


async def test_another_attempt_is_another_order() -> None:
    stage, order = Stage(_purged), an_order()
    async with delegating(stage) as delegate:
        await delegate.delegate(order, _ignored)

        await delegate.delegate(replace(order, key=replace(order.key, attempt=1)), _ignored)

    assert stage.performed == 2


async def test_progress_streams_while_an_order_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders_module, "PROGRESS_SECONDS", 0.0)
    seen: asyncio.Queue[Progress] = asyncio.Queue()

    async def work(order: Order, progress: OnProgress) -> Outcome:
        await progress(Progress("upload", 1, 2))
        await heard.wait()
        await progress(Progress("upload", 2, 2))
        return ArchivePurged(order.key)

    heard = asyncio.Event()
    async with delegating(Stage(work)) as delegate:
        working = asyncio.create_task(delegate.delegate(an_order(), seen.put))

        first = await seen.get()

        assert (first, working.done()) == (Progress("upload", 1, 2), False)
        heard.set()
        assert isinstance(await working, ArchivePurged)
        assert await seen.get() == Progress("upload", 2, 2)


async def test_a_quick_order_tells_no_progress() -> None:
    seen: list[Progress] = []

    async def work(order: Order, progress: OnProgress) -> Outcome:
        await progress(Progress("upload", 1, 2))
        return ArchivePurged(order.key)

    async def note(progress: Progress) -> None:
        seen.append(progress)

    async with delegating(Stage(work)) as delegate:
        await delegate.delegate(an_order(), note)

    assert seen == []


async def test_calling_an_order_off_stops_its_work() -> None:
    begun, stopped = asyncio.Event(), asyncio.Event()

    async def work(order: Order, _progress: OnProgress) -> Outcome:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()
        return ArchivePurged(order.key)

    async with delegating(Stage(work)) as delegate:
        working = asyncio.create_task(delegate.delegate(an_order(), _ignored))
        await begun.wait()

        working.cancel()

        with pytest.raises(asyncio.CancelledError):
            await working
        async with asyncio.timeout(10):
            await stopped.wait()


async def test_an_agent_that_breaks_is_an_unavailable_outcome() -> None:
    async def work(_order: Order, _progress: OnProgress) -> Outcome:
        raise RuntimeError("a bug")

    order = an_order()
    async with delegating(Stage(work)) as delegate:
        outcome = await delegate.delegate(order, _ignored)

    assert isinstance(outcome, OrderFailed)
    assert outcome.failure is FailureKind.UNAVAILABLE
    assert outcome.key == order.key


async def test_an_agent_out_of_reach_is_an_unavailable_outcome() -> None:
    cards = {AgentName.TEARDOWN: load_cards("http://127.0.0.1:9")[AgentName.TEARDOWN].card}
    async with httpx.AsyncClient(trust_env=False) as http:
        outcome = await A2ADelegate(http, cards).delegate(an_order(), _ignored)

    assert isinstance(outcome, OrderFailed)
    assert outcome.failure is FailureKind.UNAVAILABLE
    assert "data-teardown did not carry out purge_archive" in outcome.message


async def test_calling_off_an_order_to_an_agent_that_has_gone_is_no_error() -> None:
    begun = asyncio.Event()

    async def gone(request: httpx.Request) -> httpx.Response:
        if b"CancelTask" in request.content:
            raise httpx.ConnectError("gone")
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    cards = {AgentName.TEARDOWN: load_cards(BASE)[AgentName.TEARDOWN].card}
    async with httpx.AsyncClient(transport=httpx.MockTransport(gone)) as http:
        working = asyncio.create_task(A2ADelegate(http, cards).delegate(an_order(), _ignored))
        await begun.wait()

        working.cancel()

        with pytest.raises(asyncio.CancelledError):
            await working


def _answering(*results: str) -> httpx.MockTransport:
    """Answer every message with these JSON-RPC results, as a stream."""
    lines = "".join(f'data: {{"jsonrpc":"2.0","id":"1","result":{each}}}\n\n' for each in results)

    def handle(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, text=lines)

    return httpx.MockTransport(handle)


_TASK = '{"task":{"id":"t","contextId":"c","status":{"state":"TASK_STATE_%s"}}}'
_UPDATE = (
    '{"statusUpdate":{"taskId":"t","contextId":"c","status":{"state":"TASK_STATE_%s"},'
    '"metadata":{}}}'
)
_NO_OUTCOME = (
    '{"artifactUpdate":{"taskId":"t","artifact":{"artifactId":"a","parts":[{"text":"x"}]}}}'
)
_MESSAGE = '{"message":{"messageId":"m","role":"ROLE_AGENT","parts":[{"text":"x"}]}}'


@pytest.mark.parametrize(
    ("results", "why"),
    [
        ((_TASK % "FAILED",), "it gave up"),
        ((_TASK % "WORKING", _UPDATE % "CANCELED"), "ended its task without an outcome"),
        ((_TASK % "WORKING", _UPDATE % "COMPLETED"), "ended without an outcome"),
        ((_TASK % "WORKING", _NO_OUTCOME), "holds no outcome"),
        ((_MESSAGE,), "ended without an outcome"),
    ],
)
async def test_an_answer_without_an_outcome_is_an_unavailable_outcome(
    results: tuple[str, ...], why: str
) -> None:
    cards = {AgentName.TEARDOWN: load_cards(BASE)[AgentName.TEARDOWN].card}
    async with httpx.AsyncClient(transport=_answering(*results)) as http:
        outcome = await A2ADelegate(http, cards).delegate(an_order(), _ignored)

    assert isinstance(outcome, OrderFailed)
    assert why in outcome.message


async def test_an_order_from_anybody_else_is_no_order(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        heard = await service.line.say("data-teardown", [order_part(an_order())])

        assert heard.state == "COMPLETED"
        assert "I am data-teardown" in heard.sentence


async def test_the_coordinators_orders_are_carried_out(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        delegate = await _own_delegate(service)
        key = OrderKey("default", uuid4(), 1, 0)
        order = TakeStep(key, datetime.now(UTC) + timedelta(hours=1), TeardownStep.DISCONNECT, None)

        outcome = await delegate.delegate(order, _ignored)

        assert isinstance(outcome, StepTaken)
        assert "never was a connector" in outcome.detail


async def test_the_coordinator_sends_nothing_but_orders(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        line = await service.line_of(service.service.tokens.order_key)

        with pytest.raises(Exception, match="sends orders only"):
            await line.call("data-teardown", {"skill": "dataset-status"})


async def test_an_order_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        line = await service.line_of(service.service.tokens.order_key)

        with pytest.raises(Exception, match="one version"):
            await line.say("data-teardown", [Part(raw=b'{"kind":"x"}', media_type=ORDER_TYPE)])


async def test_an_order_to_the_wrong_agent_is_refused_by_that_agent(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        line = await service.line_of(service.service.tokens.order_key)
        wanted = TemplateRequest("healthcare", "search", "jira")
        order = FindTemplate(an_order().key, datetime.now(UTC) + timedelta(hours=1), wanted)
        seen = [each async for each in line.stream("data-teardown", [order_part(order)])]

        outcome = read_outcome(list(seen[0].task.artifacts[0].parts))

        assert isinstance(outcome, OrderFailed)
        assert outcome.failure is FailureKind.REFUSED


async def _own_delegate(service: RunningService) -> A2ADelegate:
    line = await service.line_of(service.service.tokens.order_key)
    return A2ADelegate(line.http, {name: each.card for name, each in service.service.cards.items()})


def test_a_message_without_an_order_is_none() -> None:
    assert read_order(Message(message_id="m", parts=[Part(text="hello")])) is None


def test_an_order_survives_the_wire_to_the_last_digit() -> None:
    order = an_order()

    assert read_order(Message(message_id="m", parts=[order_part(order)])) == order


def test_an_outcome_of_another_version_is_an_error() -> None:
    with pytest.raises(InvalidInput, match="one version"):
        read_outcome([Part(raw=b'{"kind": "danced"}', media_type=OUTCOME_TYPE)])


async def test_only_so_many_hops_are_remembered() -> None:
    recent, context = RecentTasks(kept=2), ServerCallContext()
    for each in "abc":
        await recent.save(Task(id=each), context)

    await recent.delete("b", context)

    assert await recent.get("a", context) is None
    assert [each.id for each in (await recent.list(ListTasksRequest(), context)).tasks] == ["c"]
