"""How suppliers' errors become outcomes: what may work later, and what a person must mend."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from domain.errors import RequestRejected, SupplierRefused, SupplierUnavailable
from domain.work import FailureKind, OrderFailed

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from domain.ports import Clock
    from domain.work import Order, Outcome


async def answer(order: Order, work: Coroutine[None, None, Outcome], clock: Clock) -> Outcome:
    """Do an order's work before its deadline and turn foreign errors into an outcome (A19).

    Work whose deadline has passed is not begun.
    """
    seconds = (order.deadline - clock()).total_seconds()
    if seconds <= 0:
        work.close()
        return _out_of_time(order)
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError:
        return _out_of_time(order)
    except SupplierUnavailable as error:
        return OrderFailed(order.key, FailureKind.UNAVAILABLE, str(error), error.retry_after)
    except (SupplierRefused, RequestRejected) as error:
        return OrderFailed(order.key, FailureKind.REFUSED, str(error))


def misdirected(order: Order, agent: str) -> Outcome:
    """Refuse an order that is meant for another agent."""
    message = f"Order {order.kind} was sent to {agent}, which does not carry it out."
    return OrderFailed(order.key, FailureKind.REFUSED, message)


def _out_of_time(order: Order) -> Outcome:
    message = f"Order {order.kind} for dataset {order.key.dataset_id} ran out of time."
    return OrderFailed(order.key, FailureKind.UNAVAILABLE, message)
