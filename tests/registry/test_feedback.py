"""The queue of feedback: written with each validation, emptied as the supplier hears of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.commands import Principal
from domain.journey import JourneyStage
from domain.lifecycle import DatasetStatus
from domain.quality import CheckType
from registry.feedback import SqlFeedback
from tests.builders import NOW, a_dataset, a_dataset_in, validate
from tests.registry.databases import House
from tests.registry.overhearing import overheard


@pytest.mark.requirement("R4")
async def test_a_validation_is_due_to_be_told_as_soon_as_it_is_written_down(house: House) -> None:
    await house.keep(a_dataset_in(DatasetStatus.READY))

    (due,) = await SqlFeedback(house.database).due(house.hands.now, 10)

    assert due.template_key == "healthcare_developer_productivity_confluence"
    assert (due.run, due.tries, due.is_ready, due.overall_score) == (1, 0, True, 0.995)
    assert (due.records_generated, due.documents_indexed) == (500, 500)
    assert {each.check_type for each in due.checks} == set(CheckType)


async def test_of_a_registered_template_the_supplier_hears_by_its_own_key(house: House) -> None:
    dataset = a_dataset_in(DatasetStatus.READY)
    assert dataset.template is not None
    dataset.template = replace(dataset.template, key="ours", generate_from="theirs")
    await house.keep(dataset)

    (due,) = await SqlFeedback(house.database).due(house.hands.now, 10)

    assert due.template_key == "theirs"


async def test_of_records_that_are_a_clients_own_the_supplier_hears_nothing(house: House) -> None:
    dataset = a_dataset_in(DatasetStatus.READY)
    dataset.place = replace(dataset.place, stage=JourneyStage.PILOT)
    await house.keep(dataset)

    assert await SqlFeedback(house.database).due(house.hands.now, 10) == []


async def test_what_was_never_validated_is_not_told(house: House) -> None:
    await house.keep(a_dataset_in(DatasetStatus.VALIDATING))

    assert await SqlFeedback(house.database).due(house.hands.now, 10) == []


async def test_each_validation_of_a_dataset_is_told_by_itself(house: House) -> None:
    dataset = await house.keep(a_dataset_in(DatasetStatus.FAILED))
    dataset.revalidate("asked for by ada", NOW)
    await house.save(dataset)
    validate(dataset)
    await house.save(dataset)

    due = await SqlFeedback(house.database).due(house.hands.now, 10)

    assert [(each.run, each.is_ready) for each in due] == [(1, False), (2, True)]
    assert len({each.feedback_id for each in due}) == 2
    assert [all(each.passed for each in one.checks) for one in due] == [False, True]


async def test_what_is_due_is_read_in_two_steps_however_much_it_is(house: House) -> None:
    for kind in ("confluence", "github", "slack"):
        await house.keep(a_dataset_in(DatasetStatus.READY, a_dataset(kind)))

    with overheard(house) as statements:
        due = await SqlFeedback(house.database).due(house.hands.now, 10)

    assert [len(each.checks) for each in due] == [4, 4, 4]
    assert len(statements) == 2


async def test_what_was_told_is_told_no_more(house: House) -> None:
    await house.keep(a_dataset_in(DatasetStatus.READY))
    queue = SqlFeedback(house.database)
    (due,) = await queue.due(house.hands.now, 10)

    await queue.done(due)
    await queue.done(due)

    assert await queue.due(house.hands.now, 10) == []


async def test_what_is_postponed_is_due_when_its_time_has_come(house: House) -> None:
    await house.keep(a_dataset_in(DatasetStatus.READY))
    queue = SqlFeedback(house.database)
    (due,) = await queue.due(house.hands.now, 10)

    await queue.postpone(due, house.hands.now + timedelta(minutes=1))

    assert await queue.due(house.hands.now, 10) == []
    (later,) = await queue.due(house.hands.now + timedelta(minutes=1), 10)
    assert (later.feedback_id, later.tries) == (due.feedback_id, 1)


async def test_the_queue_is_that_of_all_tenants_and_read_a_few_at_a_time(house: House) -> None:
    await house.keep(a_dataset_in(DatasetStatus.READY))
    other = a_dataset_in(DatasetStatus.READY, a_dataset(tenant="globex"))
    await house.keep(other, Principal("globex", "bob"))

    all_due = await SqlFeedback(house.database).due(house.hands.now, 10)
    few = await SqlFeedback(house.database).due(house.hands.now, 1)

    assert {each.tenant for each in all_due} == {"default", "globex"}
    assert len(few) == 1
