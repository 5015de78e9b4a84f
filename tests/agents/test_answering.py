"""Answering: every foreign error becomes the one outcome that says what to do about it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from agents.answering import answer
from domain.errors import (
    Conflict,
    ConnectorNameTaken,
    DataOpsError,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    SupplierLied,
    SupplierRefused,
    SupplierUnavailable,
    TemplateNotFound,
)
from domain.work import FindTemplate, OrderFailed, Outcome
from tests.agents.scene import is_a, refused, unavailable
from tests.domain.driving import (
    a_dataset,
    order_of,
)
from tests.domain.making import (
    NOW,
    found,
)


def an_order(seconds: float = 60.0) -> FindTemplate:
    order = order_of(a_dataset(), FindTemplate)
    return FindTemplate(order.key, NOW + timedelta(seconds=seconds), order.wanted)


async def raising(error: Exception) -> Outcome:
    raise error


@pytest.mark.parametrize("error", [SupplierUnavailable, OutcomeUnknown])
async def test_what_may_work_later_is_unavailable(error: type[DataOpsError]) -> None:
    order = an_order()

    outcome = await answer(order, raising(error("Glean is away.")), lambda: NOW)

    assert unavailable(outcome) == "Glean is away."
    assert outcome.key == order.key


@pytest.mark.parametrize(
    "error",
    [SupplierRefused, SupplierLied, ConnectorNameTaken, NotFound, InvalidInput, TemplateNotFound],
)
async def test_what_somebody_must_mend_is_refused(error: type[DataOpsError]) -> None:
    outcome = await answer(an_order(), raising(error("It is not ours.")), lambda: NOW)

    assert refused(outcome) == "It is not ours."


async def test_how_long_a_supplier_wants_to_be_left_alone_is_passed_on() -> None:
    error = SupplierUnavailable("Glean is busy.", timedelta(minutes=2))

    outcome = await answer(an_order(), raising(error), lambda: NOW)

    assert is_a(OrderFailed, outcome).retry_after == timedelta(minutes=2)


async def test_work_that_succeeds_is_passed_on() -> None:
    wanted = found(a_dataset())

    async def work() -> Outcome:
        return wanted

    assert await answer(an_order(), work(), lambda: NOW) is wanted


@pytest.mark.requirement("R15")
async def test_work_that_outlasts_its_deadline_is_stopped() -> None:
    async def work() -> Outcome:
        await asyncio.Event().wait()
        raise AssertionError

    outcome = await answer(an_order(seconds=0.01), work(), lambda: NOW)

    assert "ran out of time" in unavailable(outcome)


@pytest.mark.parametrize("seconds", [0.0, -1.0])
async def test_work_whose_deadline_has_passed_is_not_begun(seconds: float) -> None:
    begun = []

    async def work() -> Outcome:
        begun.append(True)
        raise AssertionError

    outcome = await answer(an_order(seconds), work(), lambda: NOW)

    assert "ran out of time" in unavailable(outcome)
    assert begun == []


@pytest.mark.parametrize("error", [Conflict("Somebody wrote first."), ZeroDivisionError()])
async def test_what_is_no_suppliers_fault_is_not_hidden(error: Exception) -> None:
    with pytest.raises(type(error)):
        await answer(an_order(), raising(error), lambda: NOW)


async def test_cancellation_is_let_through() -> None:
    async def work() -> Outcome:
        await asyncio.Event().wait()
        raise AssertionError

    running = asyncio.ensure_future(answer(an_order(), work(), lambda: NOW))
    await asyncio.sleep(0)
    running.cancel()

    with pytest.raises(asyncio.CancelledError):
        await running
