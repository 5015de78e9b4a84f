"""Orders at a running service: whose they are, and how they travel."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from a2a.server.context import ServerCallContext
from a2a.types import ListTasksRequest, Message, Part, Task

from domain.errors import InvalidInput
from domain.lifecycle import TeardownStep
from domain.template import TemplateRequest
from domain.work import (
    FailureKind,
    FindTemplate,
    OrderFailed,
    OrderKey,
    Progress,
    StepTaken,
    TakeStep,
)
from protocol.codec import ORDER_TYPE, OUTCOME_TYPE, order_part, read_order, read_outcome
from protocol.delegate import A2ADelegate, known
from protocol.recent import RecentTasks
from tests.protocol.ordering import an_order
from tests.running import RunningService, running

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from domain.ports import OnProgress
    from domain.work import Order, Outcome

    Work = Callable[[Order, OnProgress], Awaitable[Outcome]]


async def _ignored(_progress: Progress) -> None:
    """Take no note."""


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
    return A2ADelegate(
        line.http, known({name: each.card for name, each in service.service.cards.items()})
    )


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
