"""Requests: one message is one request, whatever is sent again."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest

from domain.commands import Principal, Request, RequestKey
from domain.errors import CameBefore, InvalidInput
from tests.builders import TENANT
from tests.registry.databases import ME, OTHERS, House

KEY = RequestKey("lifecycle-coordinator", "message-1", "ab" * 32)


def a_request(task_id: str = "task-1", principal: Principal = ME) -> Request:
    return Request(
        task_id=task_id,
        context_id="context-1",
        key=KEY,
        principal=principal,
        skill="provision-datasets",
        dataset_ids=(uuid4(), uuid4()),
        since=7,
        message=b'\x00{"skill": "provision-datasets"}\xff',
    )


async def keep(house: House, request: Request) -> Request:
    async with house.registry.transaction(request.principal) as transaction:
        await transaction.keep_request(request)
    return request


async def test_a_request_is_found_by_its_message_and_by_its_task(house: House) -> None:
    request = await keep(house, a_request())

    by_message = await house.registry.request(ME, KEY)
    by_task = await house.registry.request_of_task(TENANT, "task-1")

    assert by_message == by_task == request


async def test_a_message_nobody_sent_made_no_request(house: House) -> None:
    found = await house.registry.request(ME, KEY)

    assert found is None
    assert await house.registry.request_of_task(TENANT, "task-1") is None


async def test_the_same_message_makes_no_second_request(house: House) -> None:
    first = await keep(house, a_request())

    with pytest.raises(CameBefore, match="'message-1'"):
        await keep(house, a_request("task-2"))

    assert await house.registry.request(ME, KEY) == first


async def test_the_same_message_with_another_body_is_an_error(house: House) -> None:
    await keep(house, a_request())

    with pytest.raises(InvalidInput, match="another body"):
        await house.registry.request(ME, replace(KEY, digest="cd" * 32))


@pytest.mark.parametrize(
    ("principal", "key"),
    [
        (Principal(TENANT, "carol"), KEY),
        (OTHERS, KEY),
        (ME, replace(KEY, agent="data-teardown")),
    ],
)
async def test_a_message_id_is_its_senders_and_its_agents_own(
    house: House, principal: Principal, key: RequestKey
) -> None:
    await keep(house, a_request())

    second = await keep(house, replace(a_request("task-2"), principal=principal, key=key))

    assert await house.registry.request(principal, key) == second


async def test_another_tenants_task_is_not_seen(house: House) -> None:
    await keep(house, a_request())

    found = await house.registry.request_of_task("globex", "task-1")

    assert found is None


async def test_unsettled_requests_come_oldest_first(house: House) -> None:
    first = await keep(house, a_request())
    house.hands.move(seconds=1)
    second = await keep(house, replace(a_request("task-2"), principal=OTHERS))
    house.hands.move(seconds=1)
    third = await keep(house, replace(a_request("task-3"), key=replace(KEY, message_id="3")))

    await house.registry.settle_request(OTHERS.tenant, second.task_id)

    assert await house.registry.unsettled_requests(10) == [first, third]
    assert await house.registry.unsettled_requests(1) == [first]


async def test_a_settled_request_stays_settled(house: House) -> None:
    await keep(house, a_request())
    await house.registry.settle_request(TENANT, "task-1")

    await house.registry.settle_request(TENANT, "task-1")

    settled = await house.registry.request_of_task(TENANT, "task-1")
    assert settled is not None
    assert settled.is_settled


async def test_a_request_of_a_failed_transaction_was_never_made(house: House) -> None:
    async def stumble() -> None:
        async with house.registry.transaction(ME) as transaction:
            await transaction.keep_request(a_request())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await stumble()

    assert await house.registry.request(ME, KEY) is None


async def test_a_request_that_was_called_off_is_not_closed_by_its_end(house: House) -> None:
    request = await keep(house, a_request())
    async with house.registry.transaction(ME) as transaction:
        assert await transaction.call_off(request.task_id)

    is_its_own = await house.registry.close_request(TENANT, request.task_id)

    assert not is_its_own
    found = await house.registry.request_of_task(TENANT, request.task_id)
    assert found == replace(request, is_cancelled=True)


async def test_a_request_that_is_closed_cannot_be_called_off(house: House) -> None:
    request = await keep(house, a_request())
    assert await house.registry.close_request(TENANT, request.task_id)

    async with house.registry.transaction(ME) as transaction:
        is_called_off = await transaction.call_off(request.task_id)

    assert not is_called_off
    assert await house.registry.request_of_task(TENANT, request.task_id) == request


async def test_a_request_is_closed_as_often_as_it_is_carried_on(house: House) -> None:
    request = await keep(house, a_request())
    await house.registry.close_request(TENANT, request.task_id)

    is_its_own = await house.registry.close_request(TENANT, request.task_id)

    assert is_its_own


async def test_a_request_whose_task_has_ended_cannot_be_called_off(house: House) -> None:
    request = await keep(house, a_request())
    await house.registry.settle_request(TENANT, request.task_id)

    async with house.registry.transaction(ME) as transaction:
        is_called_off = await transaction.call_off(request.task_id)

    assert not is_called_off


async def test_a_request_is_closed_inside_its_tenant_alone(house: House) -> None:
    request = await keep(house, a_request())

    is_closed = await house.registry.close_request(OTHERS.tenant, request.task_id)

    assert not is_closed
