"""Approvals in the registry: one pending a dataset, decided once, and nobody else's to see."""

from __future__ import annotations

from asyncio import to_thread
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from domain.approvals import Approval, ApprovalStatus, asked_for
from domain.errors import Conflict, NotAllowed, NotFound
from domain.journey import JourneyStage, JourneyStatus
from domain.lifecycle import DatasetStatus, TeardownReason
from registry.history import approvals, audit
from registry.migrations import downgrade, upgrade
from registry.tables import journeys
from tests.builders import NOW, TENANT, a_dataset, a_dataset_in, a_journey, tear_down
from tests.registry.databases import ME, OTHERS, House
from tests.registry.past_the_domain import run

if TYPE_CHECKING:
    from domain.commands import Principal
    from domain.dataset import Dataset

OF_STATUS = ApprovalStatus

TYPES = ("jira", "slack")


def an_approval(dataset: Dataset, number: int = 1) -> Approval:
    return asked_for(
        dataset,
        TeardownReason.JOURNEY_COMPLETED,
        approval_id=UUID(int=number),
        because="It is protected.",
        by=ME.subject,
        at=NOW,
        task_id=f"task-{number}",
    )


async def ready(house: House) -> Dataset:
    return await house.keep(a_dataset_in(DatasetStatus.READY))


async def ask(house: House, approval: Approval, dataset: Dataset) -> Approval:
    async with house.registry.transaction(ME) as transaction:
        return await transaction.ask(approval, dataset)


async def decide(
    house: House, approval: Approval, dataset: Dataset, *, approve: bool, by: Principal = ME
) -> Approval:
    decided = approval.decided(approve=approve, by=by.subject, at=NOW, comment="So be it.")
    async with house.registry.transaction(by) as transaction:
        await transaction.decide(decided, dataset)
    return decided


async def test_an_approval_comes_back_as_it_was_asked_for(house: House) -> None:
    dataset = await ready(house)

    kept = await ask(house, an_approval(dataset), dataset)

    async with house.registry.transaction(ME) as transaction:
        found = await transaction.approval(kept.approval_id)
    assert found == kept == an_approval(dataset)
    assert await house.registry.approvals_by_id(TENANT, [kept.approval_id, uuid4()]) == [kept]
    assert await house.registry.open_approvals(TENANT, 10) == [kept]


async def test_asking_is_told_in_the_same_commit_and_changes_no_dataset(house: House) -> None:
    dataset = await ready(house)
    before = await house.registry.last_sequence(TENANT)

    await ask(house, an_approval(dataset), dataset)

    (told,) = await house.registry.events(TENANT, before, 10)
    entries = await run(house, select(audit.c.action, audit.c.principal, audit.c.version))
    assert told.name == "TeardownApprovalAsked"
    assert told.fields["approval_id"] == str(UUID(int=1))
    assert entries[-1] == ("TeardownApprovalAsked", ME.subject, dataset.version)
    stored = await house.registry.dataset(TENANT, dataset.place.dataset_id)
    assert (stored.version, stored.status) == (dataset.version, DatasetStatus.READY)


async def test_what_fails_after_it_was_asked_leaves_nothing_behind(house: House) -> None:
    dataset = await ready(house)

    with suppress(InterruptedError):
        async with house.registry.transaction(ME) as transaction:
            await transaction.ask(an_approval(dataset), dataset)
            raise InterruptedError

    assert await house.registry.open_approvals(TENANT, 10) == []


async def test_asking_twice_gives_the_approval_that_is_pending(house: House) -> None:
    dataset = await ready(house)
    first = await ask(house, an_approval(dataset), dataset)
    told = await house.registry.last_sequence(TENANT)

    second = await ask(house, an_approval(dataset, 2), dataset)

    assert second == first
    assert await house.registry.last_sequence(TENANT) == told


async def test_what_was_refused_may_be_asked_for_anew(house: House) -> None:
    dataset = await ready(house)
    first = await ask(house, an_approval(dataset), dataset)
    refused = await decide(house, first, dataset, approve=False)

    second = await ask(house, an_approval(dataset, 2), dataset)

    assert second.approval_id == UUID(int=2)
    assert await house.registry.open_approvals(TENANT, 10) == [second]
    assert await house.registry.approvals(TENANT, OF_STATUS.REFUSED, 10) == [refused]
    assert len(await house.registry.approvals(TENANT, None, 10)) == 2


async def test_a_decision_is_kept_and_told(house: House) -> None:
    dataset = await ready(house)
    asked = await ask(house, an_approval(dataset), dataset)
    before = await house.registry.last_sequence(TENANT)

    decided = await decide(house, asked, dataset, approve=True)

    (told,) = await house.registry.events(TENANT, before, 10)
    assert await house.registry.approvals(TENANT, OF_STATUS.APPROVED, 10) == [decided]
    assert (told.name, told.fields["is_approved"]) == ("TeardownApprovalDecided", True)
    assert await house.registry.open_approvals(TENANT, 10) == []


async def test_only_one_of_two_decides(house: House) -> None:
    dataset = await ready(house)
    asked = await ask(house, an_approval(dataset), dataset)
    decided = await decide(house, asked, dataset, approve=True)

    with pytest.raises(Conflict, match="decided by somebody else"):
        await decide(house, asked, dataset, approve=False)

    assert await house.registry.approvals(TENANT, None, 10) == [decided]


async def test_another_tenants_approval_does_not_exist(house: House) -> None:
    dataset = await ready(house)
    asked = await ask(house, an_approval(dataset), dataset)

    with pytest.raises(NotFound, match=str(asked.approval_id)):
        async with house.registry.transaction(OTHERS) as transaction:
            await transaction.approval(asked.approval_id)
    with pytest.raises(NotAllowed):
        async with house.registry.transaction(OTHERS) as transaction:
            await transaction.ask(replace(asked, approval_id=uuid4()), dataset)
    with pytest.raises(NotAllowed):
        await decide(house, asked, dataset, approve=True, by=OTHERS)
    assert await house.registry.open_approvals(OTHERS.tenant, 10) == []
    assert await house.registry.approvals_by_id(OTHERS.tenant, [asked.approval_id]) == []


async def test_an_approval_whose_dataset_has_ended_waits_for_nobody(house: House) -> None:
    dataset = await ready(house)
    asked = await ask(house, an_approval(dataset), dataset)
    tear_down(dataset)

    await house.save(dataset)

    assert await house.registry.open_approvals(TENANT, 10) == []
    assert await house.registry.approvals(TENANT, OF_STATUS.PENDING, 10) == [asked]


async def test_an_approval_is_named_by_its_id_or_by_its_datasets_connector(house: House) -> None:
    dataset = await ready(house)
    first = await ask(house, an_approval(dataset), dataset)
    await decide(house, first, dataset, approve=False)
    second = await ask(house, an_approval(dataset, 2), dataset)

    by_name = await house.registry.approval_id_of(TENANT, "acme-SANDBOX-confluence")
    by_id = await house.registry.approval_id_of(TENANT, str(first.approval_id))

    assert (by_name, by_id) == (second.approval_id, first.approval_id)
    others = (OTHERS.tenant, "ACME-sandbox-confluence")
    for tenant, name in ((TENANT, "ACME-sandbox-jira"), others):
        with pytest.raises(NotFound, match=name):
            await house.registry.approval_id_of(tenant, name)


async def test_the_database_itself_takes_no_decision_without_a_name(house: House) -> None:
    dataset = await ready(house)
    await ask(house, an_approval(dataset), dataset)

    with pytest.raises(IntegrityError):
        await run(house, update(approvals).values(status="approved"))


async def test_a_journeys_active_datasets_are_found_by_its_reference_and_its_id(
    house: House,
) -> None:
    first, second = await ready(house), a_dataset_in(DatasetStatus.FAILED, a_dataset("github"))
    ended = a_dataset_in(DatasetStatus.TEARDOWN, a_dataset("jira"))
    for each in (second, ended):
        await house.keep(each)
    journey = first.place

    async with house.registry.transaction(ME) as transaction:
        by_ref = await transaction.active_of(journey.journey_ref)
        by_id = await transaction.active_of(str(journey.journey_id))
        nobodys = await transaction.active_of("journey-of-nobody")
        tear_down(by_ref[0])
        await transaction.save(by_ref[0], NOW)

    names = {each.place.dataset_type for each in by_ref}
    assert names == {each.place.dataset_type for each in by_id} == {"confluence", "github"}
    assert nobodys == []


async def test_a_dataset_is_woken_outside_its_version(house: House) -> None:
    dataset = await ready(house)
    await house.save(dataset, None)

    async with house.registry.transaction(ME) as transaction:
        await transaction.wake(dataset.place.dataset_id)

    stored = await house.registry.dataset(TENANT, dataset.place.dataset_id)
    assert await house.leases.next_due() == house.hands.now
    assert stored.version == dataset.version


async def test_what_has_ended_is_not_woken(house: House) -> None:
    dataset = await house.keep(a_dataset_in(DatasetStatus.ARCHIVED))
    await house.save(dataset, None)

    async with house.registry.transaction(ME) as transaction:
        await transaction.wake(dataset.place.dataset_id)

    assert await house.leases.next_due() is None


@pytest.mark.requirement("R19")
@pytest.mark.parametrize("named", ["journey-acme-2026", str(a_journey().journey_id)])
async def test_a_journeys_completion_is_written_down(house: House, named: str) -> None:
    await ready(house)

    async with house.registry.transaction(ME) as transaction:
        await transaction.note_completion(named)
        await transaction.note_completion("journey-of-nobody")

    ((status,),) = await run(house, select(journeys.c.status))
    assert status is JourneyStatus.COMPLETED


async def test_whom_a_dataset_gives_way_to_is_kept(house: House) -> None:
    dataset = await ready(house)
    dataset.give_way(UUID(int=3), NOW)

    await house.save(dataset)

    stored = await house.registry.dataset(TENANT, dataset.place.dataset_id)
    assert stored.gives_way == dataset.gives_way
    assert stored.place.stage is JourneyStage.SANDBOX


async def test_what_was_withdrawn_is_kept_and_reads_as_refused_before_the_word_was_there(
    house: House, url: str
) -> None:
    dataset = await ready(house)
    asked = await ask(house, an_approval(dataset), dataset)
    withdrawn = asked.withdrawn(by=ME.subject, at=NOW)
    async with house.registry.transaction(ME) as transaction:
        await transaction.decide(withdrawn, dataset)
    kept = await house.registry.approvals(TENANT, OF_STATUS.WITHDRAWN, 10)

    await to_thread(downgrade, url, "0013")
    before = await house.registry.approvals(TENANT, None, 10)
    await to_thread(upgrade, url)

    again = await ask(house, an_approval(dataset, 2), dataset)
    assert kept == [withdrawn]
    assert before == [replace(withdrawn, status=OF_STATUS.REFUSED)]
    assert await house.registry.open_approvals(TENANT, 10) == [again]


async def test_a_withdrawal_is_audited_as_one_and_told_to_nobody(house: House) -> None:
    dataset = await ready(house)
    asked = await ask(house, an_approval(dataset), dataset)
    before = await house.registry.last_sequence(TENANT)

    async with house.registry.transaction(ME) as transaction:
        await transaction.decide(asked.withdrawn(by=ME.subject, at=NOW), dataset)

    told = audit.c
    columns = (told.action, told.principal, told.dataset_id, told.correlation, told.detail)
    entries = await run(house, select(*columns))
    named = {"approval_id": str(asked.approval_id)}
    assert await house.registry.events(TENANT, before, 10) == []
    assert entries[-1] == ("withdrawal", ME.subject, dataset.place.dataset_id, asked.task_id, named)


async def test_what_was_called_off_before_the_word_was_there_is_withdrawn_and_a_refusal_stays(
    house: House, url: str
) -> None:
    kept = [await house.keep(a_dataset_in(DatasetStatus.READY, a_dataset(each))) for each in TYPES]
    called_off, refused = [
        await ask(house, an_approval(each, number), each) for number, each in enumerate(kept, 1)
    ]
    withdrawn = called_off.withdrawn(by=ME.subject, at=NOW)
    await to_thread(downgrade, url, "0013")
    async with house.registry.transaction(ME) as transaction:
        await transaction.decide(replace(withdrawn, status=OF_STATUS.REFUSED), kept[0])
    stays = await decide(house, refused, kept[1], approve=False)

    await to_thread(upgrade, url)

    assert await house.registry.approvals(TENANT, OF_STATUS.WITHDRAWN, 10) == [withdrawn]
    assert await house.registry.approvals(TENANT, OF_STATUS.REFUSED, 10) == [stays]
