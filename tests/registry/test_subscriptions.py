"""Subscriptions in the database: whose they are, who delivers, how far each has come."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, text

from domain.deliveries import MOST_PUSHES, MOST_SUBSCRIPTIONS, Left
from domain.errors import NotFound, RequestRejected
from domain.lifecycle import DatasetStatus
from domain.subscription import (
    DeadLetter,
    PushedTask,
    Subscription,
    SubscriptionState,
    Wanted,
)
from registry.deliveries import SqlDeliveries
from registry.housekeeping import KEPT, prune_pushes
from registry.subscriptions import SqlSubscriptions
from registry.trail import SqlAuditTrail
from tests.builders import NOW, TENANT, a_dataset_in
from tests.registry.databases import ME, OTHERS, House

TTL = timedelta(seconds=30)
NONE_LEFT = timedelta(seconds=-1)
"""A lease that is over as it begins."""


@pytest.fixture
def kept(house: House) -> SqlSubscriptions:
    return SqlSubscriptions(house.database)


@pytest.fixture
def deliveries(house: House) -> SqlDeliveries:
    return SqlDeliveries(house.database)


def a_webhook(**changed: Any) -> Subscription:
    plain = Subscription(
        tenant=TENANT,
        subscription_id=uuid4(),
        url="https://hooks.example.com/",
        wanted=Wanted(("DatasetReady",), "journey-1"),
        secrets=("secret://env/WEBHOOK_DEFAULT__HOOK",),
        created_by="alice",
        created_at=NOW,
        position=0,
    )
    return replace(plain, **changed)


def a_push(config_id: str = "c-1", **changed: Any) -> Subscription:
    task = PushedTask("lifecycle-coordinator", "task-1", config_id, b"sealed")
    return a_webhook(task=task, wanted=Wanted(), secrets=(), **changed)


def a_letter(sequence: int = 1) -> DeadLetter:
    return DeadLetter(sequence, UUID(int=sequence), "DatasetReady", 30, "it answered 500", NOW)


async def with_events(house: House) -> None:
    await house.keep(a_dataset_in(DatasetStatus.READY))


async def test_a_subscription_comes_back_as_it_was_kept(kept: SqlSubscriptions) -> None:
    webhook = a_webhook(position=7, failures=2, refusals=1, failing_since=NOW, due_at=NOW, why="x")

    await kept.add(webhook)

    assert await kept.one(TENANT, webhook.subscription_id) == webhook
    assert await kept.all(TENANT) == [webhook]


async def test_another_tenants_subscription_does_not_exist(kept: SqlSubscriptions) -> None:
    webhook = a_webhook()
    await kept.add(webhook)
    theirs = ("globex", webhook.subscription_id)

    with pytest.raises(NotFound, match="There is no subscription"):
        await kept.one(*theirs)
    for act in (kept.remove, kept.enable):
        with pytest.raises(NotFound, match="There is no subscription"):
            await act(OTHERS, webhook.subscription_id)
    with pytest.raises(NotFound):
        await kept.change_secrets(
            OTHERS, webhook.subscription_id, ("secret://env/WEBHOOK_GLOBEX__X",)
        )
    with pytest.raises(NotFound):
        await kept.dead_letters(*theirs, 0, 10)
    with pytest.raises(NotFound):
        await kept.ask_again(*theirs, None)

    assert await kept.all("globex") == []
    assert await kept.all(TENANT) == [webhook]


async def test_a_tenant_has_so_many_webhooks_and_no_more(kept: SqlSubscriptions) -> None:
    for _ in range(MOST_SUBSCRIPTIONS):
        await kept.add(a_webhook())

    with pytest.raises(RequestRejected, match="100 are the most"):
        await kept.add(a_webhook())

    await kept.add(a_webhook(tenant="globex"))


async def test_what_is_forgotten_takes_its_dead_letters_with_it(
    house: House, kept: SqlSubscriptions, deliveries: SqlDeliveries
) -> None:
    webhook = await claimed(house, kept, deliveries)
    await deliveries.release("me", [Left(webhook, [a_letter()])])

    await kept.remove(ME, webhook.subscription_id)

    async with house.database.reads.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM dead_letters")) == 0
    with pytest.raises(NotFound):
        await kept.one(TENANT, webhook.subscription_id)


async def test_who_is_enabled_goes_on_at_once_from_where_he_stands(kept: SqlSubscriptions) -> None:
    failing = a_webhook(position=7, failures=9, failing_since=NOW, due_at=NOW, refusals=1)
    await kept.add(failing.disabled("it answered 410"))

    enabled = await kept.enable(ME, failing.subscription_id)

    assert enabled == a_webhook(subscription_id=failing.subscription_id, position=7)


async def test_secrets_are_replaced(kept: SqlSubscriptions) -> None:
    webhook = a_webhook()
    await kept.add(webhook)
    both = ("secret://env/WEBHOOK_DEFAULT__NEW", *webhook.secrets)

    changed = await kept.change_secrets(ME, webhook.subscription_id, both)

    assert changed.secrets == both


async def test_who_decided_what_of_a_webhook_is_in_the_audit_trail(
    house: House, kept: SqlSubscriptions
) -> None:
    webhook, bob = a_webhook(url="https://hooks.example.com/key-7"), replace(ME, subject="bob")
    secrets = ("secret://env/WEBHOOK_DEFAULT__NEW",)
    await kept.add(webhook)
    await kept.change_secrets(bob, webhook.subscription_id, secrets)
    await kept.enable(ME, webhook.subscription_id)
    await kept.remove(bob, webhook.subscription_id)

    with pytest.raises(NotFound):
        await kept.remove(bob, webhook.subscription_id)

    entries = [each.entry for each in await SqlAuditTrail(house.database).entries(TENANT, 0, 10)]
    assert {each.correlation for each in entries} == {str(webhook.subscription_id)}
    assert [(each.principal, each.action, each.detail) for each in entries] == [
        ("alice", "webhook made", {"host": "hooks.example.com"}),
        ("bob", "webhook secrets changed", {"secrets": list(secrets)}),
        ("alice", "webhook enabled", None),
        ("bob", "webhook removed", None),
    ]


async def test_who_is_behind_is_claimed_by_one_alone(
    house: House, kept: SqlSubscriptions, deliveries: SqlDeliveries
) -> None:
    webhook = a_webhook()
    await kept.add(webhook)
    assert not await deliveries.is_due(NOW)
    await with_events(house)
    assert await deliveries.is_due(NOW)

    mine = await deliveries.claim("me", TTL, 10, NOW)
    theirs = await deliveries.claim("they", TTL, 10, NOW)

    assert (mine, theirs) == ([webhook], [])
    assert not await deliveries.is_due(NOW)


async def test_who_has_heard_everything_is_not_claimed(
    house: House, kept: SqlSubscriptions, deliveries: SqlDeliveries
) -> None:
    await with_events(house)
    newest = await house.registry.last_sequence(TENANT)
    await kept.add(a_webhook(position=newest))
    await kept.add(a_webhook(tenant="globex"))

    found = await deliveries.claim("me", TTL, 10, NOW)

    assert found == []


@pytest.mark.parametrize("state", [SubscriptionState.DISABLED, SubscriptionState.DONE])
async def test_who_wants_no_more_is_not_claimed(
    house: House, kept: SqlSubscriptions, deliveries: SqlDeliveries, state: SubscriptionState
) -> None:
    await with_events(house)
    await kept.add(a_webhook(state=state))

    found = await deliveries.claim("me", TTL, 10, NOW)

    assert found == []


async def test_who_failed_is_claimed_when_his_time_has_come(
    house: House, kept: SqlSubscriptions, deliveries: SqlDeliveries
) -> None:
    await with_events(house)
    await kept.add(a_webhook(due_at=NOW + timedelta(hours=1)))

    early = await deliveries.claim("me", TTL, 10, NOW + timedelta(minutes=59))
    then = await deliveries.claim("me", TTL, 10, NOW + timedelta(hours=1))

    assert (len(early), len(then)) == (0, 1)


async def test_no_more_are_claimed_than_there_is_room_for(
    house: House, kept: SqlSubscriptions, deliveries: SqlDeliveries
) -> None:
    await with_events(house)
    for _ in range(3):
        await kept.add(a_webhook())

    first = await deliveries.claim("me", TTL, 2, NOW)
    rest = await deliveries.claim("me", TTL, 2, NOW)

    assert (len(first), len(rest)) == (2, 1)


async def test_whose_lease_is_over_is_taken_over_and_the_late_one_changes_nothing(
    house: House, kept: SqlSubscriptions, deliveries: SqlDeliveries
) -> None:
    webhook = await claimed(house, kept, deliveries, NONE_LEFT)
    (taken,) = await deliveries.claim("they", TTL, 10, NOW)
    late = webhook.acknowledged(2)

    held = await deliveries.keep("me", [late], TTL)
    await deliveries.release("me", [Left(late, [a_letter()])])

    assert held == set()
    assert taken.position == 0
    assert await kept.one(TENANT, webhook.subscription_id) == webhook
    assert await kept.dead_letters(TENANT, webhook.subscription_id, 0, 10) == []
    assert await deliveries.claim("me", TTL, 10, NOW) == []


async def test_how_far_somebody_has_come_is_written_as_his_lease_is_renewed(
    house: House, kept: SqlSubscriptions, deliveries: SqlDeliveries
) -> None:
    webhook = await claimed(house, kept, deliveries)

    held = await deliveries.keep("me", [webhook.acknowledged(2)], TTL)

    assert held == {webhook.subscription_id}
    assert (await kept.one(TENANT, webhook.subscription_id)).position == 2


async def test_leases_of_however_many_are_renewed_by_one_statement(
    house: House, kept: SqlSubscriptions, deliveries: SqlDeliveries
) -> None:
    webhooks = [a_webhook(tenant=each) for each in (TENANT, 'an "odd" name, é')]
    for each in webhooks:
        await kept.add(each)
    async with house.database.engine.begin() as connection:
        await connection.execute(text("UPDATE subscriptions SET lease_owner = 'me'"))
    await deliveries.keep("me", webhooks[:1], TTL)

    with known_statements(house) as known:
        held = await deliveries.keep("me", webhooks, TTL)

    assert held == {each.subscription_id for each in webhooks}
    assert known == [True]


async def test_who_is_given_back_stands_where_he_was_left_with_what_was_given_up(
    house: House, kept: SqlSubscriptions, deliveries: SqlDeliveries
) -> None:
    webhook = await claimed(house, kept, deliveries)
    standing = replace(webhook, position=1, failures=3, failing_since=NOW, due_at=NOW, why="500")

    await deliveries.release("me", [Left(standing, [a_letter()])])

    assert await kept.one(TENANT, webhook.subscription_id) == standing
    assert await kept.dead_letters(TENANT, webhook.subscription_id, 0, 10) == [a_letter()]
    assert len(await deliveries.claim("they", TTL, 10, NOW)) == 1


async def test_who_was_enabled_meanwhile_stays_so(
    house: House, kept: SqlSubscriptions, deliveries: SqlDeliveries
) -> None:
    webhook = await claimed(house, kept, deliveries)
    await deliveries.release("me", [Left(webhook.disabled("it answered 410"))])
    assert (await kept.one(TENANT, webhook.subscription_id)).state is SubscriptionState.DISABLED
    await kept.enable(ME, webhook.subscription_id)

    (again,) = await deliveries.claim("me", TTL, 10, NOW)
    await deliveries.release("me", [Left(again)])

    assert (await kept.one(TENANT, webhook.subscription_id)).state is SubscriptionState.ACTIVE


async def test_a_dead_letter_that_is_asked_for_again_makes_its_subscriber_due(
    house: House, kept: SqlSubscriptions, deliveries: SqlDeliveries
) -> None:
    webhook = await claimed(house, kept, deliveries)
    through = webhook.acknowledged(await house.registry.last_sequence(TENANT))
    await deliveries.release("me", [Left(through, [a_letter(1), a_letter(2)])])
    assert not await deliveries.is_due(NOW)

    asked = await kept.ask_again(TENANT, webhook.subscription_id, [2, 99])

    assert asked == 1
    assert await deliveries.claim("me", TTL, 10, NOW) == [through]
    (letter,) = await deliveries.wanted_again(through)
    assert letter == replace(a_letter(2), is_wanted=True)


async def test_dead_letters_are_sent_at_once_to_who_was_to_be_tried_later(
    house: House, kept: SqlSubscriptions, deliveries: SqlDeliveries
) -> None:
    webhook = await claimed(house, kept, deliveries)
    later = replace(webhook, failures=3, failing_since=NOW, due_at=NOW + timedelta(hours=1))
    await deliveries.release("me", [Left(later, [a_letter()])])

    none = await kept.ask_again(TENANT, webhook.subscription_id, [99])
    waiting = await kept.one(TENANT, webhook.subscription_id)
    one = await kept.ask_again(TENANT, webhook.subscription_id, [1])

    assert (none, waiting, one) == (0, later, 1)
    assert await deliveries.claim("me", TTL, 10, NOW) == [replace(later, due_at=None)]


@pytest.mark.parametrize(("tried_to", "waits"), [(0, True), (1, True), (2, False)])
async def test_a_dead_letter_that_is_asked_for_during_a_round_waits_for_nothing_that_failed_in_it(
    house: House,
    kept: SqlSubscriptions,
    deliveries: SqlDeliveries,
    tried_to: int,
    waits: bool,
) -> None:
    webhook = await claimed(house, kept, deliveries)
    await deliveries.release("me", [Left(webhook, [a_letter(2)])])
    (again,) = await deliveries.claim("me", TTL, 10, NOW)
    await kept.ask_again(TENANT, webhook.subscription_id, [2])
    later = replace(again, failures=1, failing_since=NOW, due_at=NOW + timedelta(hours=1))

    await deliveries.release("me", [Left(later, tried_to=tried_to)])

    due_at = (await kept.one(TENANT, webhook.subscription_id)).due_at
    assert due_at == (later.due_at if waits else None)


async def test_nothing_is_sent_again_to_who_is_disabled(
    house: House, kept: SqlSubscriptions, deliveries: SqlDeliveries
) -> None:
    webhook = await claimed(house, kept, deliveries)
    await deliveries.release("me", [Left(webhook.disabled("it answered 410"), [a_letter()])])

    with pytest.raises(RequestRejected, match="Enable it first"):
        await kept.ask_again(TENANT, webhook.subscription_id, None)

    assert await kept.dead_letters(TENANT, webhook.subscription_id, 0, 10) == [a_letter()]


async def test_who_can_be_told_at_once_is_claimed_before_who_was_to_be_tried_again(
    house: House, kept: SqlSubscriptions, deliveries: SqlDeliveries
) -> None:
    await with_events(house)
    again = a_webhook(due_at=NOW - timedelta(hours=1), subscription_id=UUID(int=1))
    at_once = a_webhook(subscription_id=UUID(int=2))
    await kept.add(again)
    await kept.add(at_once)

    first = await deliveries.claim("me", TTL, 1, NOW)

    assert first == [at_once]


async def test_a_dead_letter_goes_once_it_is_acknowledged_and_else_waits_to_be_asked_for(
    house: House, kept: SqlSubscriptions, deliveries: SqlDeliveries
) -> None:
    webhook = await claimed(house, kept, deliveries)
    await deliveries.release("me", [Left(webhook, [a_letter(1), a_letter(2)])])
    assert await kept.ask_again(TENANT, webhook.subscription_id, None) == 2

    await deliveries.revive(webhook, 1, None)
    await deliveries.revive(webhook, 2, "it answered 503")

    (left,) = await kept.dead_letters(TENANT, webhook.subscription_id, 0, 10)
    assert left == replace(a_letter(2), tries=31, why="it answered 503")
    assert await kept.dead_letters(TENANT, webhook.subscription_id, 2, 10) == []


async def test_a_push_is_kept_in_place_of_the_one_with_its_id(kept: SqlSubscriptions) -> None:
    await kept.keep_push(a_push())
    second = a_push(url="https://other.example.com/")

    await kept.keep_push(second)

    assert await kept.pushes(TENANT, "alice", "task-1") == [second]
    assert await kept.pushes(TENANT, "bob", "task-1") == []
    assert await kept.all(TENANT) == []


async def test_a_push_is_no_webhook(kept: SqlSubscriptions) -> None:
    push = a_push()
    await kept.keep_push(push)

    with pytest.raises(NotFound):
        await kept.one(TENANT, push.subscription_id)


async def test_a_task_has_so_many_pushes_and_no_more(kept: SqlSubscriptions) -> None:
    for number in range(MOST_PUSHES):
        await kept.keep_push(a_push(f"c-{number}"))

    with pytest.raises(RequestRejected, match="10 are the most"):
        await kept.keep_push(a_push("one-more"))

    await kept.keep_push(a_push("c-3"))


async def test_pushes_are_forgotten_one_by_one_or_all_at_once(kept: SqlSubscriptions) -> None:
    for number in range(3):
        await kept.keep_push(a_push(f"c-{number}"))

    await kept.remove_push(TENANT, "alice", "task-1", "c-1")
    left = [
        each.task.config_id for each in await kept.pushes(TENANT, "alice", "task-1") if each.task
    ]
    await kept.remove_push(TENANT, "alice", "task-1", None)

    assert left == ["c-0", "c-2"]
    assert await kept.pushes(TENANT, "alice", "task-1") == []


async def test_a_push_is_due_when_its_task_has_moved_on(
    house: House, kept: SqlSubscriptions, deliveries: SqlDeliveries
) -> None:
    push = a_push(position=2)
    await kept.keep_push(push)
    await a_version(house, 2)
    assert not await deliveries.is_due(NOW)

    await a_version(house, 3)

    assert await deliveries.claim("me", TTL, 10, NOW) == [push]
    assert await deliveries.version_of(push) == 3
    assert await deliveries.version_of(a_webhook()) == 0


async def test_who_is_told_no_more_of_a_task_is_forgotten_after_a_while(
    house: House, kept: SqlSubscriptions
) -> None:
    done, active = a_push("c-1", state=SubscriptionState.DONE), a_push("c-2")
    await kept.keep_push(done)
    await kept.keep_push(active)
    webhook = a_webhook(state=SubscriptionState.DISABLED)
    await kept.add(webhook)
    await kept.keep_push(a_push("c-3", state=SubscriptionState.DISABLED))

    early = await prune_pushes(house.database, NOW + KEPT)
    late = await prune_pushes(house.database, NOW + KEPT + timedelta(seconds=1))

    assert (early, late) == (0, 2)
    assert await kept.pushes(TENANT, "alice", "task-1") == [active]
    assert await kept.all(TENANT) == [webhook]


async def test_a_push_without_a_task_is_a_mistake_of_ours(kept: SqlSubscriptions) -> None:
    with pytest.raises(ValueError, match="is to no task"):
        await kept.keep_push(a_webhook())


async def claimed(
    house: House, kept: SqlSubscriptions, deliveries: SqlDeliveries, ttl: timedelta = TTL
) -> Subscription:
    await with_events(house)
    await kept.add(a_webhook())
    (webhook,) = await deliveries.claim("me", ttl, 10, NOW)
    return webhook


async def a_version(house: House, version: int) -> None:
    async with house.database.engine.begin() as connection:
        await connection.execute(text("DELETE FROM task_versions"))
        await connection.execute(
            text("INSERT INTO task_versions (task_id, owner, version) VALUES ('task-1', 'x', :v)"),
            {"v": version},
        )


@contextmanager
def known_statements(house: House) -> Iterator[list[bool]]:
    """Note of each statement that is sent whether it was compiled before."""
    known, engine = list[bool](), house.database.at_hand.sync_engine

    def hear(*said: Any) -> None:
        *_, context, _ = said
        known.append(context.cache_hit.name == "CACHE_HIT")

    event.listen(engine, "before_cursor_execute", hear)
    yield known
    event.remove(engine, "before_cursor_execute", hear)
