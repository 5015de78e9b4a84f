"""Each subscriber is told in order, at least once, and none waits for another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest

from domain.deliveries import Left
from domain.lifecycle import DatasetStatus
from domain.subscription import SubscriptionState, Wanted
from gateways import webhooks
from service.batches import Batches
from tests.builders import TENANT, a_dataset_in
from tests.registry.databases import DATABASES, ME, a_fresh
from tests.service.consoles import a_dataset_of, same_database
from tests.service.couriers import Scene, scene
from tests.subscribers import OTHER_KEY, Subscriber, is_signed, keep_secret, subscriber

DAY = timedelta(days=1)


@pytest.fixture(params=DATABASES)
async def it(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene(tmp_path, a_fresh(request.param, tmp_path)) as set_up:
        yield set_up


@pytest.fixture
async def hook() -> AsyncIterator[Subscriber]:
    async with subscriber() as listening:
        yield listening


def sequences(hook: Subscriber) -> list[int]:
    return [int(each.event["sequence"]) for each in hook.calls]


@pytest.mark.requirement("R61", "R88")
async def test_whoever_subscribed_hears_of_all_that_happens_after_in_order(
    it: Scene, hook: Subscriber
) -> None:
    await it.happens(2)
    name = await it.subscribed(hook)
    await it.happens(120)

    await it.round()

    newest = await it.house.registry.last_sequence(TENANT)
    assert len(hook.calls) == 120
    assert sequences(hook) == list(range(newest - 119, newest + 1))
    assert (await it.standing(name)).position == newest


async def test_only_what_is_wanted_is_told_and_the_rest_is_behind_him(
    it: Scene, hook: Subscriber
) -> None:
    wanted = Wanted(("DatasetReady", "DatasetArchived"), "journey-7")
    name = await it.subscribed(hook, wanted=wanted)
    for number in (6, 7, 8):
        await it.house.keep(a_dataset_in(DatasetStatus.READY, a_dataset_of(number)))

    await it.round()

    assert [(each.event["journeyref"]) for each in hook.calls] == ["journey-7"]
    assert hook.events == ["DatasetReady"]
    newest = await it.house.registry.last_sequence(TENANT)
    assert (await it.standing(name)).position == newest


async def test_what_was_not_acknowledged_is_sent_again_the_same_but_for_its_time(
    it: Scene, hook: Subscriber
) -> None:
    await it.subscribed(hook)
    await it.happens()
    hook.status = 503
    await it.round()
    hook.status = 200
    it.house.hands.move(seconds=5)

    await it.round()

    first, second = hook.calls
    assert (first.body, first.headers["webhook-id"]) == (second.body, second.headers["webhook-id"])
    assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]
    assert first.headers["webhook-id"] == first.event["id"]


async def test_nothing_is_sent_before_its_time(it: Scene, hook: Subscriber) -> None:
    await it.subscribed(hook)
    await it.happens()
    hook.status = 503
    await it.round()
    it.house.hands.move(seconds=4)
    await it.happens()

    await it.round()

    assert len(hook.calls) == 1


async def test_what_comes_after_a_failed_event_waits_behind_it(it: Scene, hook: Subscriber) -> None:
    await it.subscribed(hook)
    await it.happens(3)
    hook.status = 500
    await it.lives(timedelta(minutes=10))
    assert len(set(sequences(hook))) == 1
    hook.status = 200

    await it.lives(timedelta(hours=1))

    told = list(dict.fromkeys(sequences(hook)))
    assert told == sorted(told)
    assert len(told) == 3


async def test_who_answers_500_for_a_day_has_dead_letters_which_are_sent_when_he_is_well(
    it: Scene, hook: Subscriber
) -> None:
    name = await it.subscribed(hook)
    await it.happens(3)
    hook.status = 500

    tries = await it.lives(DAY + timedelta(hours=2))

    dead = await it.dead(name)
    assert [each.sequence for each in dead] == sorted(set(range(1, 4)))
    assert {each.why for each in dead} == {"it answered 500"}
    assert 25 < tries < 45

    hook.status, hook.calls = 200, []
    await it.happens()
    await it.lives(timedelta(hours=1))
    assert len(hook.calls) == 1, "what is new is told without being asked for"
    assert await it.kept.ask_again(TENANT, name, None) == 3

    await it.round()

    assert sequences(hook) == [4, 1, 2, 3]
    assert await it.dead(name) == []


async def test_an_event_that_happens_while_somebody_is_ill_has_a_day_of_its_own(
    it: Scene, hook: Subscriber
) -> None:
    name = await it.subscribed(hook)
    await it.happens()
    hook.status = 500
    await it.lives(timedelta(hours=20))
    await it.house.keep(a_dataset_in(DatasetStatus.PROVISIONING, a_dataset_of(99)))
    hook.calls.clear()

    await it.lives(timedelta(hours=6))
    hook.status = 200
    await it.lives(timedelta(hours=2))

    assert [each.sequence for each in await it.dead(name)] == [1]
    assert sequences(hook)[-1] == 2


async def test_an_event_that_is_refused_is_soon_given_up_and_the_next_one_told(
    it: Scene, hook: Subscriber
) -> None:
    name = await it.subscribed(hook)
    await it.happens(2)

    hook.answer = lambda _: NO if sequences(hook)[-1] == 1 else OK

    await it.lives(timedelta(minutes=5))

    assert sequences(hook) == [1, 1, 1, 1, 1, 2]
    (dead,) = await it.dead(name)
    assert (dead.sequence, dead.tries, dead.why) == (1, 5, "it answered 400")
    assert (await it.standing(name)).failures == 0


async def test_a_dead_letter_that_fails_again_waits_to_be_asked_for(
    it: Scene, hook: Subscriber
) -> None:
    name = await it.given_up(hook, 1)
    hook.calls.clear()
    await it.kept.ask_again(TENANT, name, [1])

    await it.round()

    (dead,) = await it.dead(name)
    assert (len(hook.calls), dead.tries, dead.is_wanted) == (1, 6, False)


@pytest.mark.parametrize("status", [503, 410])
async def test_who_fails_at_one_dead_letter_is_not_tried_with_the_others(
    it: Scene, hook: Subscriber, status: int
) -> None:
    name = await it.given_up(hook, 3)
    hook.status, hook.calls = status, []
    await it.kept.ask_again(TENANT, name, None)

    await it.round()

    standing, dead = await it.standing(name), await it.dead(name)
    assert sequences(hook) == [1]
    assert [each.is_wanted for each in dead] == [False, True, True]
    assert (standing.state is SubscriptionState.DISABLED) == (status == 410)
    assert standing.why == dead[0].why != ""
    assert standing.failures == (status == 503)


async def test_what_is_new_is_told_though_a_dead_letter_fails_and_its_subscriber_is_well(
    it: Scene, hook: Subscriber
) -> None:
    name = await it.given_up(hook, 3)
    await it.happens()
    hook.calls.clear()
    hook.answer = lambda _: OK if sequences(hook)[-1] == 4 else ILL
    await it.kept.ask_again(TENANT, name, [1])

    await it.round()

    standing, dead = await it.standing(name), await it.dead(name)
    assert sequences(hook) == [1, 4]
    assert (standing.position, standing.failures, standing.failing_since) == (4, 0, None)
    assert (dead[0].sequence, dead[0].why) == (1, "it answered 500")


async def test_a_dead_subscriber_is_tried_with_one_dead_letter_and_one_new_event(
    it: Scene, hook: Subscriber
) -> None:
    name = await it.given_up(hook, 2)
    await it.happens(2)
    hook.status, hook.calls = 500, []
    await it.kept.ask_again(TENANT, name, None)

    await it.round()

    standing = await it.standing(name)
    assert sequences(hook) == [1, 3]
    assert (standing.position, standing.failures) == (2, 1)


async def test_a_dead_letter_that_fails_counts_where_nothing_new_is_wanted(
    it: Scene, hook: Subscriber
) -> None:
    name = await it.given_up(hook, 1, wanted=Wanted(journey="journey-1"))
    await it.happens()
    hook.status, hook.calls = 500, []
    await it.kept.ask_again(TENANT, name, None)

    await it.round()

    standing = await it.standing(name)
    assert sequences(hook) == [1]
    assert (standing.position, standing.failures) == (2, 1)


async def test_who_takes_a_dead_letter_after_he_failed_at_one_is_well(
    it: Scene, hook: Subscriber
) -> None:
    name = await it.given_up(hook, 2)
    hook.status, hook.calls = 503, []
    await it.kept.ask_again(TENANT, name, None)
    await it.round()
    hook.status = 200

    await it.lives(timedelta(minutes=1))

    standing = await it.standing(name)
    assert sequences(hook) == [1, 2]
    assert (standing.failures, standing.why, standing.due_at) == (0, "", None)


async def test_who_fails_while_a_dead_letter_is_asked_for_is_sent_it_at_once(
    it: Scene, hook: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = await it.given_up(hook, 1)
    await it.happens()
    hook.calls.clear()
    hook.answer = lambda _: OK if sequences(hook)[-1] == 1 else ILL
    release = it.deliveries.release

    async def release_after_it_is_asked(owner: str, left: Collection[Left]) -> None:
        if sequences(hook) == [2]:
            await it.kept.ask_again(TENANT, name, [1])
        await release(owner, left)

    monkeypatch.setattr(it.deliveries, "release", release_after_it_is_asked)

    await it.round()

    assert sequences(hook) == [2, 1, 2]
    assert await it.dead(name) == []
    assert (await it.standing(name)).due_at is not None


async def test_a_dead_letter_that_is_refused_keeps_no_other_waiting(
    it: Scene, hook: Subscriber
) -> None:
    name = await it.given_up(hook, 2)
    await it.happens()
    hook.calls.clear()
    hook.answer = lambda _: NO if sequences(hook)[-1] == 1 else OK
    await it.kept.ask_again(TENANT, name, None)

    await it.round()

    assert sequences(hook) == [1, 2, 3]
    assert [each.sequence for each in await it.dead(name)] == [1]


async def test_who_answers_410_is_told_nothing_any_more_until_he_is_enabled(
    it: Scene, hook: Subscriber
) -> None:
    name = await it.subscribed(hook)
    await it.happens(2)
    hook.status = 410
    await it.lives(timedelta(days=2))
    disabled = await it.standing(name)
    assert (disabled.state, disabled.position) == (SubscriptionState.DISABLED, 0)
    assert len(hook.calls) == 1
    hook.status = 200

    await it.kept.enable(ME, name)
    await it.round()

    assert sequences(hook) == [1, 1, 2]


async def test_who_does_not_answer_harms_no_other(
    it: Scene, hook: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with AsyncExitStack() as stack:
        silent = [await stack.enter_async_context(subscriber()) for _ in range(20)]
        for each in silent:
            each.answer = lambda _: None
            await it.subscribed(each)
        await it.subscribed(hook)
        await it.happens(10)
        monkeypatch.setattr(webhooks, "SECONDS", 3600.0)
        going = asyncio.create_task(it.courier.once())

        await asyncio.wait_for(hook.until(lambda: len(hook.calls) == 10), 10)
        for each in silent:  # nobody promises that their one call comes before the other's tenth
            await each.until(partial(bool, each.calls))

        assert [len(each.calls) for each in silent] == [1] * 20
        assert not going.done()
        going.cancel()
        await asyncio.wait({going})


async def test_both_secrets_sign_while_one_is_replaced(it: Scene, hook: Subscriber) -> None:
    new = keep_secret(it.folder, key=OTHER_KEY, name="new")
    old = keep_secret(it.folder)
    name = await it.subscribed(hook, secrets=(new, old))
    await it.happens()
    await it.round()
    await it.kept.change_secrets(ME, name, (new,))
    await it.happens()

    await it.round()

    first, second = hook.calls
    assert is_signed(first)
    assert is_signed(first, OTHER_KEY)
    assert is_signed(second, OTHER_KEY)
    assert not is_signed(second)


async def test_without_its_secret_nothing_is_sent_and_the_event_waits(
    it: Scene, hook: Subscriber
) -> None:
    reference = keep_secret(it.folder, name="lost")
    secret = Path(reference.removeprefix("secret://file/"))
    name = await it.subscribed(hook, secrets=(reference,))
    await it.happens()
    await asyncio.to_thread(secret.unlink)
    await it.round()
    waiting = await it.standing(name)
    assert (hook.calls, waiting.failures) == ([], 1)
    assert "cannot be read" in waiting.why

    keep_secret(it.folder, name="lost")
    await it.lives(timedelta(minutes=1))

    assert len(hook.calls) == 1


async def test_another_tenants_events_are_not_told(it: Scene, hook: Subscriber) -> None:
    secret = keep_secret(it.folder, "globex")
    await it.subscribed(hook, tenant="globex", secrets=(secret,), position=0)
    await it.happens(2)

    await it.round()

    assert hook.calls == []


async def test_two_processes_tell_each_event_once(tmp_path: Path, hook: Subscriber) -> None:
    async with scene(tmp_path) as one, scene(tmp_path, same_database(tmp_path)) as other:
        await one.subscribed(hook)
        await one.happens(50)

        await asyncio.gather(one.round(), other.round())
        await one.round()

    assert sequences(hook) == list(range(1, 51))


async def test_what_a_process_that_died_was_at_is_told_by_another_from_where_it_was(
    it: Scene, hook: Subscriber
) -> None:
    await it.subscribed(hook)
    await it.happens(2)
    gone = await it.deliveries.claim("gone", timedelta(seconds=-1), 10, it.house.hands.now)
    assert len(gone) == 1

    await it.round()

    assert sequences(hook) == [1, 2]


async def test_a_courier_that_is_stopped_hands_back_where_everybody_stands(
    tmp_path: Path, hook: Subscriber
) -> None:
    async with scene(tmp_path) as it:
        name = await it.subscribed(hook)
        await it.happens(3)
        hook.answer = lambda _: None if len(hook.calls) == 3 else OK
        running = asyncio.create_task(it.courier.run())
        await hook.until(lambda: len(hook.calls) == 3)

        running.cancel()
        await asyncio.wait({running})

        assert (await it.standing(name)).position == 2
        hook.answer = lambda _: OK
        await it.round()

    assert sequences(hook) == [1, 2, 3, 3]


async def test_a_courier_finds_what_is_new_by_itself(tmp_path: Path, hook: Subscriber) -> None:
    async with scene(tmp_path) as it:
        await it.subscribed(hook)
        running = asyncio.create_task(it.courier.run())
        for number in range(1, 4):
            await it.happens()
            await hook.until(lambda number=number: len(hook.calls) == number)  # type: ignore[misc]
        running.cancel()
        await asyncio.wait({running})

    assert sequences(hook) == [1, 2, 3]


async def test_who_is_forgotten_is_told_nothing_more(tmp_path: Path, hook: Subscriber) -> None:
    async with scene(tmp_path) as it:
        name = await it.subscribed(hook)
        await it.happens(3)
        hook.answer = lambda _: None
        going = asyncio.create_task(it.courier.once())
        await hook.until(lambda: len(hook.calls) == 1)
        await it.kept.remove(ME, name)

        await it.courier.beat()
        await going

        assert len(hook.calls) == 1
        assert not await it.deliveries.is_due(it.house.hands.now)


async def test_a_round_that_breaks_is_tried_later_and_leaves_a_trace(
    it: Scene, hook: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = await it.subscribed(hook)
    await it.happens()
    with monkeypatch.context() as broken:
        broken.setattr(Batches, "behind", None)
        await it.round()
    failed = await it.standing(name)

    it.house.hands.move(seconds=5)
    await it.round()

    assert (failed.failures, failed.why) == (1, "our own fault; see the log")
    assert failed.due_at == it.house.hands.now
    assert sequences(hook) == [1]


async def test_a_beat_that_takes_long_drops_nobody_who_was_claimed_meanwhile(
    it: Scene, hook: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = await it.subscribed(hook)
    await it.happens()
    monkeypatch.setattr(webhooks, "SECONDS", 3600.0)
    hook.answer = lambda _: OK if len(hook.calls) == 1 else None
    is_through, may_write = asyncio.Event(), asyncio.Event()
    release, later = it.deliveries.release, list[asyncio.Task[bool]]()

    async def release_late(owner: str, left: Collection[Left]) -> None:
        is_through.set()
        await may_write.wait()
        await release(owner, left)

    async def keep_late(*_: object) -> set[UUID]:
        may_write.set()
        await first
        await it.happens()
        later.append(asyncio.create_task(it.courier.once()))
        await hook.until(lambda: len(hook.calls) == 2)
        return set()

    monkeypatch.setattr(it.deliveries, "release", release_late)
    monkeypatch.setattr(it.deliveries, "keep", keep_late)
    first = asyncio.create_task(it.courier.once())
    await is_through.wait()

    await it.courier.beat()

    await it.courier.stop()
    later[0].cancel()
    await asyncio.wait(later)
    (handed_back,) = await it.deliveries.claim("other", DAY, 1, it.house.hands.now)
    assert (handed_back.subscription_id, handed_back.position) == (name, 1)


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
NO = b"HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n"
ILL = b"HTTP/1.1 500 Ill\r\nContent-Length: 0\r\n\r\n"
