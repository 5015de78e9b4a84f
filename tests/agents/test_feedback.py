"""Feedback is sent when the supplier can take it, later when it cannot, and never stops the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from agents.feedback import SupplierFeedback
from domain.feedback import Feedback
from gateways.local.mock_data import create_app
from gateways.mock_data import MockDataClient
from tests.domain.test_feedback import FEEDBACK
from tests.gateways.foreign import Said, Scripted, Time, calling

NOW = FEEDBACK.executed_at


class Queue:
    """A queue in memory, as the registry keeps one."""

    def __init__(self, *waiting: Feedback) -> None:
        self.waiting = {each.feedback_id: (NOW, each) for each in waiting}

    async def due(self, now: datetime, limit: int, /) -> Sequence[Feedback]:
        due = sorted(
            (each for each in self.waiting.values() if each[0] <= now), key=lambda each: each[0]
        )
        return [each for _, each in due][:limit]

    async def done(self, feedback: Feedback, /) -> None:
        self.waiting.pop(feedback.feedback_id)

    async def postpone(self, feedback: Feedback, until: datetime, /) -> None:
        tried = replace(feedback, tries=feedback.tries + 1)
        self.waiting[feedback.feedback_id] = (until, tried)


SOME = tuple(replace(FEEDBACK, dataset_id=UUID(int=each)) for each in range(3))


def sending(queue: Queue, supplier: Scripted, now: datetime = NOW) -> SupplierFeedback:
    client = MockDataClient(calling(supplier), Time().timing)
    return SupplierFeedback(queue, client, lambda: now)


@pytest.mark.requirement("R4")
async def test_what_is_due_is_told_and_forgotten() -> None:
    queue, http = Queue(*SOME), calling(create_app())
    agent = SupplierFeedback(queue, MockDataClient(http, Time().timing), lambda: NOW)

    sent = await agent.send_due()

    shown = (await http.get(f"/templates/{FEEDBACK.template_key}/feedback")).json()
    assert (sent, queue.waiting) == (3, {})
    assert shown["count"] == 3
    assert shown["feedback"][0]["quality"]["overall_score"] == 0.995


async def test_a_supplier_that_takes_no_feedback_is_told_once_and_left_in_peace() -> None:
    queue, supplier = Queue(*SOME), Scripted(*[Said(404)] * 3)

    assert await sending(queue, supplier).send_due() == 3

    assert queue.waiting == {}
    assert len(supplier.asked) == 3


async def test_a_supplier_that_is_away_is_asked_later_ever_more_seldom() -> None:
    queue = Queue(FEEDBACK)

    assert await sending(queue, Scripted(*[Said(503)] * 9)).send_due() == 0
    first, tried = queue.waiting[FEEDBACK.feedback_id]
    await sending(queue, Scripted(*[Said(503)] * 9), first).send_due()
    second, tried_again = queue.waiting[FEEDBACK.feedback_id]

    assert (tried.tries, tried_again.tries) == (1, 2)
    assert timedelta(0) < first - NOW < second - first


async def test_while_the_supplier_is_away_nobody_knocks_for_the_rest() -> None:
    queue, supplier = Queue(*SOME), Scripted(*[Said(503)] * 99)

    await sending(queue, supplier).send_due()

    assert [until > NOW for until, _ in queue.waiting.values()].count(True) == 1


async def test_feedback_that_is_refused_for_good_is_no_hindrance_to_the_rest() -> None:
    queue, supplier = Queue(*SOME), Scripted(Said(422), Said(202), Said(202))

    assert await sending(queue, supplier).send_due() == 3

    assert queue.waiting == {}


async def test_a_template_no_address_can_be_made_of_is_no_hindrance_to_the_rest() -> None:
    queue = Queue(replace(SOME[0], template_key=".."), SOME[1])

    assert await sending(queue, Scripted(Said(202))).send_due() == 2

    assert queue.waiting == {}
