"""Orders over A2A: only from the coordinator, once each, with progress while they last."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest
from a2a.server.routes import create_jsonrpc_routes
from starlette.applications import Starlette
from starlette.middleware import Middleware

from domain.work import (
    AgentName,
    ArchivePurged,
    FailureKind,
    OrderFailed,
    Progress,
)
from protocol import delegate as delegate_module
from protocol import orders as orders_module
from protocol.auth import Authentication, CallerContextBuilder, Tokens
from protocol.cards import load_cards
from protocol.delegate import A2ADelegate, known, published
from protocol.orders import OrderHandler
from protocol.transport import StreamingTransport
from tests.protocol.ordering import an_order
from tests.running import BASE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from domain.ports import OnProgress
    from domain.work import Order, Outcome

    Work = Callable[[Order, OnProgress], Awaitable[Outcome]]


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
        yield A2ADelegate(http, known({stage.name: card}))
    await handler.aclose()


async def _ignored(progress: Progress) -> None:
    """Take no note."""


async def _purged(order: Order, _progress: OnProgress) -> Outcome:
    return ArchivePurged(order.key)


@pytest.mark.requirement("R7")
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


@pytest.mark.parametrize("ticks", range(8))
async def test_an_order_called_off_before_it_begins_leaves_nothing_at_work(ticks: int) -> None:
    under_way: set[str] = set()

    async def work(order: Order, _progress: OnProgress) -> Outcome:
        under_way.add(order.kind)
        try:
            await asyncio.Event().wait()
        finally:
            under_way.discard(order.kind)
        return ArchivePurged(order.key)

    async with delegating(Stage(work)) as delegate:
        working = asyncio.create_task(delegate.delegate(an_order(), _ignored))
        for _ in range(ticks):
            await asyncio.sleep(0)

        working.cancel()

        await asyncio.wait({working})
        ours = {each for each in asyncio.all_tasks() if "perform" in str(each.get_coro())}
        assert (under_way, ours) == (set(), set())


async def test_an_agent_that_breaks_is_an_unavailable_outcome() -> None:
    async def work(_order: Order, _progress: OnProgress) -> Outcome:
        raise RuntimeError("a bug")

    order = an_order()
    async with delegating(Stage(work)) as delegate:
        outcome = await delegate.delegate(order, _ignored)

    assert isinstance(outcome, OrderFailed)
    assert outcome.failure is FailureKind.UNAVAILABLE
    assert outcome.key == order.key


async def test_an_agent_out_of_reach_is_a_lost_one() -> None:
    cards = {AgentName.TEARDOWN: load_cards("http://127.0.0.1:9")[AgentName.TEARDOWN].card}
    async with httpx.AsyncClient(trust_env=False) as http:
        outcome = await A2ADelegate(http, known(cards)).delegate(an_order(), _ignored)

    assert isinstance(outcome, OrderFailed)
    assert outcome.failure is FailureKind.LOST
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
        working = asyncio.create_task(
            A2ADelegate(http, known(cards)).delegate(an_order(), _ignored)
        )
        await begun.wait()

        working.cancel()

        with pytest.raises(asyncio.CancelledError):
            await working


async def test_an_agent_that_never_hears_of_a_calling_off_keeps_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(delegate_module, "CALL_OFF_SECONDS", 0.01)
    begun = asyncio.Event()

    async def silent(request: httpx.Request) -> httpx.Response:
        del request
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    cards = {AgentName.TEARDOWN: load_cards(BASE)[AgentName.TEARDOWN].card}
    async with httpx.AsyncClient(transport=httpx.MockTransport(silent)) as http:
        working = asyncio.create_task(
            A2ADelegate(http, known(cards)).delegate(an_order(), _ignored)
        )
        await begun.wait()

        working.cancel()

        async with asyncio.timeout(10):
            await asyncio.wait({working})
    assert working.cancelled()


def _publishing(base_url: str, calls: list[httpx.Request]) -> httpx.MockTransport:
    """Publish the cards of a service at `base_url`, and write down whoever else is called."""

    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/.well-known/agent-card.json"):
            name = AgentName(request.url.path.split("/")[2])
            return httpx.Response(200, json=load_cards(base_url)[name].document)
        calls.append(request)
        return httpx.Response(503)

    return httpx.MockTransport(handle)


async def test_an_agent_elsewhere_is_called_at_the_address_its_card_names() -> None:
    calls: list[httpx.Request] = []
    base = "http://agents.example:8080"
    async with httpx.AsyncClient(transport=_publishing(base, calls)) as http:
        await A2ADelegate(http, published(http, base)).delegate(an_order(), _ignored)

    assert [str(each.url) for each in calls] == [f"{base}/agents/data-teardown"]


async def test_a_card_that_names_another_address_gets_no_order_and_no_key() -> None:
    calls: list[httpx.Request] = []
    elsewhere = _publishing("http://elsewhere.example", calls)
    async with httpx.AsyncClient(transport=elsewhere) as http:
        delegate = A2ADelegate(http, published(http, "http://agents.example"))

        outcome = await delegate.delegate(an_order(), _ignored)

    assert calls == []
    assert isinstance(outcome, OrderFailed)
    assert outcome.failure is FailureKind.LOST
    assert "names another address, http://elsewhere.example" in outcome.message


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
    ("results", "failure", "why"),
    [
        ((_TASK % "FAILED",), FailureKind.UNAVAILABLE, "it gave up"),
        (
            (_TASK % "WORKING", _UPDATE % "CANCELED"),
            FailureKind.UNAVAILABLE,
            "ended its task without an outcome",
        ),
        (
            (_TASK % "WORKING", _UPDATE % "COMPLETED"),
            FailureKind.LOST,
            "ended without an outcome",
        ),
        ((_TASK % "WORKING", _NO_OUTCOME), FailureKind.UNAVAILABLE, "holds no outcome"),
        ((_MESSAGE,), FailureKind.LOST, "ended without an outcome"),
    ],
)
async def test_an_answer_without_an_outcome_tells_whether_its_agent_has_ended(
    results: tuple[str, ...], failure: FailureKind, why: str
) -> None:
    cards = {AgentName.TEARDOWN: load_cards(BASE)[AgentName.TEARDOWN].card}
    async with httpx.AsyncClient(transport=_answering(*results)) as http:
        outcome = await A2ADelegate(http, known(cards)).delegate(an_order(), _ignored)

    assert isinstance(outcome, OrderFailed)
    assert outcome.failure is failure
    assert why in outcome.message
