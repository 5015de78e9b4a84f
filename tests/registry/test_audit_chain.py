"""The audit trail's chain: every commit adds to it, nobody waits for it, and no number is left out."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import insert, select

from domain.audit import GENESIS, ChainedEntry, link_hash
from domain.commands import Request, RequestKey
from domain.errors import Conflict, NotFound
from domain.lifecycle import DatasetStatus
from registry.audit import write_word
from registry.history import audit
from registry.migrations import downgrade, upgrade
from registry.trail import SqlAuditTrail
from tests.builders import NOW, TENANT, a_dataset, a_dataset_in, tear_down
from tests.postgres_databases import a_fresh_database
from tests.registry.databases import ME, OTHERS, House, open_house
from tests.registry.past_the_domain import run
from tests.registry.trails import an_auditor, grow

WRITERS = 12


def a_request(task_id: str, **changes: Any) -> Request:
    key = RequestKey("lifecycle-coordinator", f"message-{task_id}", "ab" * 32)
    made = Request(task_id, "context", key, ME, "provision-datasets", (uuid4(),), 0, b"words")
    return replace(made, **changes)


async def trail_of(house: House, tenant: str = TENANT) -> list[ChainedEntry]:
    return list(await SqlAuditTrail(house.database).entries(tenant, 0, 100_000))


def is_whole(trail: list[ChainedEntry]) -> bool:
    """Whether a trail is numbered from 1 without a gap, each entry after the one before it."""
    numbers = [each.sequence for each in trail]
    befores = [GENESIS, *[each.hash for each in trail]]
    return numbers == list(range(1, len(trail) + 1)) and all(
        each.prev_hash == before
        and each.digest == each.entry.digest
        and each.hash == link_hash(each.sequence, each.digest, before)
        for each, before in zip(trail, befores, strict=False)
    )


async def test_every_commit_adds_to_the_chain(house: House) -> None:
    dataset = await house.keep(a_dataset_in(DatasetStatus.READY))
    tear_down(dataset)
    await house.save(dataset)
    async with house.registry.transaction(ME) as transaction:
        await transaction.keep_request(a_request("task-7"))

    trail = await trail_of(house)

    assert [each.entry.action for each in trail][1:] == ["DatasetTeardownStarted", "request"]
    assert is_whole(trail)


async def test_a_request_is_written_down_with_who_asked_for_what_and_how(house: House) -> None:
    request = a_request("task-7")

    async with house.registry.transaction(ME) as transaction:
        await transaction.keep_request(request)

    (link,) = await trail_of(house)
    assert (link.entry.principal, link.entry.correlation) == ("alice", "task-7")
    assert (link.entry.dataset_id, link.entry.version, link.entry.to_status) == (None, None, None)
    assert link.entry.detail == {
        "skill": "provision-datasets",
        "agent": "lifecycle-coordinator",
        "message_id": "message-task-7",
        "message_digest": "ab" * 32,
        "dataset_ids": [str(each) for each in request.dataset_ids],
    }


async def test_a_request_called_off_is_written_down_once(house: House) -> None:
    async with house.registry.transaction(ME) as transaction:
        await transaction.keep_request(a_request("task-7"))
    async with house.registry.transaction(ME) as transaction:
        await transaction.call_off("task-7")
    await house.registry.close_request(TENANT, "task-7")
    async with house.registry.transaction(ME) as transaction:
        was_open = await transaction.call_off("task-8")

    trail = await trail_of(house)

    assert not was_open
    assert [each.entry.action for each in trail] == ["request", "cancellation"]


async def test_a_message_that_came_before_leaves_nothing(house: House) -> None:
    async with house.registry.transaction(ME) as transaction:
        await transaction.keep_request(a_request("task-7"))

    async def again() -> None:
        async with house.registry.transaction(ME) as transaction:
            await transaction.keep_request(a_request("task-8", key=a_request("task-7").key))

    with pytest.raises(Conflict):
        await again()

    assert len(await trail_of(house)) == 1


async def test_what_is_rolled_back_leaves_no_gap(house: House) -> None:
    async def broken() -> None:
        async with house.registry.transaction(ME) as transaction:
            await transaction.keep_request(a_request("task-1"))
            await transaction.dataset(uuid4())

    for number in (2, 3):
        with pytest.raises(NotFound):
            await broken()
        async with house.registry.transaction(ME) as transaction:
            await transaction.keep_request(a_request(f"task-{number}"))

    trail = await trail_of(house)
    assert [each.entry.correlation for each in trail] == ["task-2", "task-3"]
    assert is_whole(trail)


async def test_each_tenant_has_a_chain_of_its_own(house: House) -> None:
    await grow(house, 3)
    await grow(house, 2, tenant=OTHERS.tenant)
    await grow(house, 1)

    mine, theirs = await trail_of(house), await trail_of(house, OTHERS.tenant)

    assert is_whole(mine)
    assert is_whole(theirs)
    assert (len(mine), len(theirs)) == (4, 2)
    assert {each.entry.tenant for each in mine} == {TENANT}


async def test_many_writers_at_once_leave_a_chain_without_a_gap(
    house: House, tmp_path: Path
) -> None:
    async def write(writer: int) -> None:
        dataset = await house.keep(a_dataset(f"type-{writer}"))
        for _ in range(5):
            await house.save(dataset)
        async with house.registry.transaction(ME) as transaction:
            await transaction.keep_request(a_request(f"task-{writer}"))

    await asyncio.gather(*(write(each) for each in range(WRITERS)))

    trail = await trail_of(house)
    assert len(trail) == WRITERS * 7
    assert is_whole(trail)
    assert (await an_auditor(house, tmp_path).verify(TENANT)).is_intact


async def test_processes_that_write_at_once_leave_a_chain_without_a_gap() -> None:
    url = a_fresh_database()
    async with open_house(url) as one, open_house(url) as other:

        async def write(house: House, number: int) -> None:
            async with house.registry.transaction(ME) as transaction:
                await transaction.keep_request(a_request(f"task-{number}"))

        both = (one, other)
        await asyncio.gather(*(write(both[each % 2], each) for each in range(60)))

        trail = await trail_of(one)

    assert len(trail) == 60
    assert is_whole(trail)


async def test_nobody_waits_for_one_who_has_written_and_does_not_commit() -> None:
    async with open_house(a_fresh_database()) as house:
        async with house.database.writing(TENANT) as stopped:
            await write_word(stopped, ME, "request", "task-1")
            async with asyncio.timeout(5):
                await grow(house, 3)
            meanwhile = await trail_of(house)

        trail = await trail_of(house)

    assert len(meanwhile) == 3
    assert trail[-1].entry.correlation == "task-1"
    assert is_whole(trail)


async def test_commits_that_write_events_and_entries_in_any_order_wait_for_nobody_twice(
    house: House,
) -> None:
    """A silent change first numbers its entry, then an event; others do it the other way round."""
    pairs = [
        (
            await house.keep(a_dataset_in(DatasetStatus.FAILED, a_dataset(f"silent{each}"))),
            await house.keep(a_dataset_in(DatasetStatus.READY, a_dataset(f"loud{each}"))),
        )
        for each in range(WRITERS)
    ]
    for silent, loud in pairs:
        silent.become(DatasetStatus.VALIDATING)
        tear_down(loud)

    async def write(number: int) -> None:
        silent, loud = pairs[number]
        order = (silent, loud) if number % 2 else (loud, silent)
        async with house.registry.transaction(ME) as transaction:
            for each in order:
                await transaction.save(each, None)

    await asyncio.gather(*(write(each) for each in range(WRITERS)))

    assert is_whole(await trail_of(house))


async def test_entries_come_page_by_page_and_of_one_dataset(house: House) -> None:
    first = await house.keep(a_dataset("confluence"))
    await house.keep(a_dataset("github"))
    await house.save(first)
    trail = SqlAuditTrail(house.database)

    page = await trail.entries(TENANT, 1, 1)
    own = await trail.entries(TENANT, 0, 10, dataset_id=first.place.dataset_id)

    assert [each.sequence for each in page] == [2]
    assert [each.sequence for each in own] == [1, 3]
    assert await trail.tenants() == [TENANT]
    assert await trail.head("nobody") is None


async def older(house: House, *, at: Any = NOW) -> None:
    """Write an entry as a version did that knew nothing of the chain."""
    (dataset,) = await run(house, select(audit.c.dataset_id).limit(1))
    row = {
        "tenant": TENANT,
        "entry_id": uuid4(),
        "at": at,
        "principal": "alice",
        "action": "change",
        "dataset_id": dataset.dataset_id,
        "version": 1,
        "from_status": DatasetStatus.READY,
        "to_status": DatasetStatus.READY,
        "correlation": "task-1",
    }
    await run(house, insert(audit).values(**row))


async def test_what_an_older_version_writes_stands_outside_until_it_is_taken_in_and_told(
    house: House, tmp_path: Path
) -> None:
    await house.keep(a_dataset())
    await older(house)
    await older(house)
    trail, auditor = SqlAuditTrail(house.database), an_auditor(house, tmp_path)
    before = await auditor.verify(TENANT)

    taken = await trail.chain()

    assert [each.kind.value for each in before.findings] == ["unchained"]
    assert "2 entries stand outside" in before.findings[0].message
    assert [(each.tenant, each.first, each.last) for each in taken] == [(TENANT, 2, 3)]
    assert await trail.chain() == []
    assert is_whole(await trail_of(house))
    after = await auditor.verify(TENANT)
    assert [(each.kind.value, each.first, each.last) for each in after.findings] == [
        ("adopted", 2, 3)
    ]


async def test_entries_that_were_there_are_chained_when_the_database_is_brought_up(
    url: str, tmp_path: Path
) -> None:
    async with open_house(url) as house:
        for each in range(5):
            await house.keep(a_dataset(f"type-{each}"))
            house.hands.move(minutes=1)
        await house.keep(a_dataset(tenant=OTHERS.tenant), OTHERS)
    await asyncio.to_thread(downgrade, url, "0005")

    await asyncio.to_thread(upgrade, url)

    async with open_house(url) as house:
        await grow(house, 2)
        mine, theirs = await trail_of(house), await trail_of(house, OTHERS.tenant)
        verdict = await an_auditor(house, tmp_path).verify(TENANT)
    times = [each.entry.at for each in mine[:5]]
    assert all(one < other for one, other in pairwise(times))
    assert (is_whole(mine), is_whole(theirs)) == (True, True)
    assert (len(mine), len(theirs)) == (7, 1)
    assert verdict.is_intact
