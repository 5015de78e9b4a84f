"""Farewell: who follows a task hears its last event, or that the service ends before it comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest
from a2a.server.events import Event
from a2a.types import Message, Role, Task, TaskState, TaskStatus, TaskStatusUpdateEvent

from domain.errors import RegistryUnavailable
from protocol.farewell import GOODBYE, Farewell
from service.changes import Bell

WORKING, COMPLETED = TaskState.TASK_STATE_WORKING, TaskState.TASK_STATE_COMPLETED


def a_task(state: TaskState = WORKING) -> Task:
    return Task(id="task-1", context_id="context-1", status=TaskStatus(state=state))


async def silent_after(*events: Event) -> AsyncGenerator[Event, None]:
    for each in events:
        yield each
    await asyncio.Event().wait()


async def heard(bell: Bell, events: AsyncGenerator[Event, None]) -> list[Event]:
    return [each async for each in Farewell(bell.parting).stream(events)]


async def test_a_stream_that_ends_by_itself_has_no_farewell() -> None:
    async def events() -> AsyncGenerator[Event, None]:
        yield a_task()
        yield a_task(COMPLETED)

    assert await heard(Bell(), events()) == [a_task(), a_task(COMPLETED)]


async def test_the_farewell_says_of_which_task_it_is_and_that_it_goes_on() -> None:
    bell = Bell()
    listening = asyncio.create_task(heard(bell, silent_after(a_task())))
    await asyncio.sleep(0)

    bell.ring_out()

    first, last = await listening
    assert first == a_task()
    assert isinstance(last, TaskStatusUpdateEvent)
    assert (last.task_id, last.context_id, last.status.state) == ("task-1", "context-1", WORKING)
    assert last.status.message.parts[0].text == GOODBYE


async def test_whoever_comes_while_the_service_ends_sees_the_task_before_the_farewell() -> None:
    bell = Bell()
    bell.ring_out()

    events = await heard(bell, silent_after(a_task()))

    assert [type(each) for each in events] == [Task, TaskStatusUpdateEvent]


@pytest.mark.parametrize(
    "last",
    [
        a_task(COMPLETED),
        Message(message_id="1", role=Role.ROLE_AGENT),
    ],
    ids=["ended", "a message"],
)
async def test_nothing_follows_the_last_event(last: Event) -> None:
    bell = Bell()
    bell.ring_out()

    assert await heard(bell, silent_after(last)) == [last]


async def test_of_a_task_that_waits_for_somebody_the_farewell_says_that_it_still_does() -> None:
    bell = Bell()
    bell.ring_out()
    waiting = a_task(TaskState.TASK_STATE_INPUT_REQUIRED)

    *_, last = await heard(bell, silent_after(waiting))

    assert isinstance(last, TaskStatusUpdateEvent)
    assert last.status.state == TaskState.TASK_STATE_INPUT_REQUIRED


async def test_whoever_hangs_up_leaves_nothing_running() -> None:
    before = asyncio.all_tasks()
    stream = Farewell(Bell().parting).stream(silent_after(a_task()))
    await anext(stream)
    listening = asyncio.create_task(anext(stream))
    await asyncio.sleep(0)

    listening.cancel()
    await asyncio.wait({listening})
    await stream.aclose()
    await asyncio.sleep(0)

    assert asyncio.all_tasks() == before


async def test_an_error_is_no_farewell() -> None:
    async def broken() -> AsyncGenerator[Event, None]:
        yield a_task()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await heard(Bell(), broken())


async def test_whoever_waits_gets_what_there_is_when_the_service_ends() -> None:
    bell = Bell()

    async def found() -> str | None:
        return "a task"

    answering = asyncio.create_task(Farewell(bell.parting).answer(never(), found))
    await asyncio.sleep(0)
    bell.ring_out()

    assert await answering == "a task"


async def never() -> str:
    await asyncio.Event().wait()
    return ""


async def test_a_look_that_takes_long_holds_no_answer_up() -> None:
    bell, answered = Bell(), asyncio.Event()

    async def answer() -> str:
        await answered.wait()
        return "answer"

    async def look() -> str | None:
        answered.set()
        return await never()

    bell.ring_out()

    assert await Farewell(bell.parting).answer(answer(), look) == "answer"


async def test_a_registry_that_is_away_is_asked_again() -> None:
    bell = Bell()
    bell.ring_out()
    looks: list[None] = []

    async def look() -> str | None:
        looks.append(None)
        if len(looks) == 1:
            raise RegistryUnavailable
        return "a task"

    assert await Farewell(bell.parting).answer(never(), look) == "a task"


async def test_an_error_of_the_answer_is_heard_though_the_service_ends() -> None:
    bell = Bell()
    bell.ring_out()

    async def broken() -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await Farewell(bell.parting).answer(broken(), never)


async def test_an_answer_that_is_no_task_yet_is_waited_for() -> None:
    bell, answered = Bell(), asyncio.Event()
    looks: list[None] = []

    async def answer() -> str:
        await answered.wait()
        return "answer"

    async def no_task() -> str | None:
        looks.append(None)
        answered.set()
        return None

    bell.ring_out()

    assert await Farewell(bell.parting).answer(answer(), no_task) == "answer"
    assert looks == [None]
