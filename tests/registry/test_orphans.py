"""The book of the orphan scans: who is under suspicion, since when, and what became of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from domain.approvals import asked_for
from domain.errors import NotAllowed
from domain.journey import DEFAULT_TENANT, JourneyStatus
from domain.lifecycle import DatasetStatus, TeardownReason
from domain.orphan_book import OrphanBook, Owner
from domain.orphans import Holding, Stray
from registry.orphans import SqlOrphanBook, read_orphan_figures
from tests.builders import NOW, TENANT, a_client, a_dataset, a_dataset_in, a_journey
from tests.registry.databases import ME, OTHERS, House

if TYPE_CHECKING:
    from domain.commands import Principal
    from domain.dataset import Dataset

LATER = NOW + timedelta(hours=1)
ENDED = (DatasetStatus.TEARDOWN, DatasetStatus.ARCHIVED)


@pytest.fixture
def book(house: House) -> OrphanBook:
    return SqlOrphanBook(house.database)


def id_of(dataset: Dataset) -> UUID:
    return dataset.place.dataset_id


def a_stray(name: str = "acmesandboxjira0a1b2c3d", **changes: Any) -> Stray:
    holding = Holding(name, f"http://127.0.0.1:8080/datasets/{UUID(int=5)}", UUID(int=5), 3)
    return replace(Stray(DEFAULT_TENANT, holding), **changes)


async def suspect_all(house: House, book: OrphanBook) -> None:
    fleet = await book.fleet(None, only_doubtful=False)
    ids = {each.dataset_id for each in fleet.candidates}
    await book.suspect(fleet.candidates, ids, house.hands.now)


async def suspected_at(book: OrphanBook) -> dict[UUID, Any]:
    fleet = await book.fleet(None, only_doubtful=False)
    return {each.dataset_id: each.suspected_at for each in fleet.candidates}


async def test_the_fleet_is_every_active_dataset_of_every_tenant(
    house: House, book: OrphanBook
) -> None:
    kept = [
        await house.keep(a_dataset_in(status, a_dataset(f"type{number}")))
        for number, status in enumerate(DatasetStatus)
    ]
    other = await house.keep(a_dataset(tenant="globex"), OTHERS)
    active = {id_of(each) for each in kept if each.status not in ENDED}

    fleet = await book.fleet(None, only_doubtful=False)
    ours = await book.fleet(TENANT, only_doubtful=False)

    assert {each.dataset_id for each in fleet.candidates} == active | {id_of(other)}
    assert (fleet.size, ours.size) == (len(active) + 1, len(active))
    assert {each.dataset_id for each in ours.candidates} == active


async def test_a_candidate_tells_whose_it_is(house: House, book: OrphanBook) -> None:
    dataset = await house.keep(a_dataset())

    ((candidate,), _) = _parts(await book.fleet(None, only_doubtful=False))

    assert candidate.journey_ref == dataset.place.journey_ref
    assert candidate.client_ref == dataset.place.client.ref
    assert (candidate.tenant, candidate.stage) == (TENANT, dataset.place.stage)
    assert candidate.connector_name == dataset.place.connector_name
    assert (candidate.suspected_at, candidate.refused_at, candidate.is_asked) == (None, None, False)


def _parts(fleet: Any) -> tuple[Any, int]:
    return fleet.candidates, fleet.size


async def test_a_suspicion_keeps_the_time_of_the_first_scan(house: House, book: OrphanBook) -> None:
    dataset = await house.keep(a_dataset())

    await suspect_all(house, book)
    house.hands.move(hours=1)
    await suspect_all(house, book)

    assert await suspected_at(book) == {id_of(dataset): NOW}


async def test_whom_a_scan_clears_is_under_suspicion_no_more(
    house: House, book: OrphanBook
) -> None:
    dataset = await house.keep(a_dataset())
    await suspect_all(house, book)

    fleet = await book.fleet(None, only_doubtful=True)
    await book.suspect(fleet.candidates, set(), LATER)

    assert await suspected_at(book) == {id_of(dataset): None}


async def test_a_scan_of_a_few_leaves_the_others_as_they_are(
    house: House, book: OrphanBook
) -> None:
    for each in ("jira", "slack"):
        await house.keep(a_dataset(each))
    await suspect_all(house, book)
    (first, second), _ = _parts(await book.fleet(None, only_doubtful=True))

    await book.suspect([first], set(), LATER)

    assert await suspected_at(book) == {first.dataset_id: None, second.dataset_id: NOW}


async def test_what_has_ended_is_forgotten_by_the_next_scan(house: House, book: OrphanBook) -> None:
    dataset = await house.keep(a_dataset())
    await suspect_all(house, book)
    dataset.start_teardown(TeardownReason.MANUAL_REQUEST, NOW)
    await house.save(dataset)

    before = await _figures(house)
    await suspect_all(house, book)

    assert before.suspects == 0
    assert await book.fleet(None, only_doubtful=True) == await book.fleet(None, only_doubtful=False)


async def test_a_light_scan_looks_at_suspects_and_at_journeys_told_to_be_completed(
    house: House, book: OrphanBook
) -> None:
    told = a_journey("journey-told", client=a_client("globex", code="GLX"))
    suspect = await house.keep(a_dataset("jira"))
    await suspect_all(house, book)
    completed = await house.keep(a_dataset("slack", journey=told))
    await house.keep(a_dataset("gdrive"))
    async with house.registry.transaction(ME) as transaction:
        await transaction.keep_journey(replace(told, status=JourneyStatus.COMPLETED))

    fleet = await book.fleet(None, only_doubtful=True)

    assert {each.dataset_id for each in fleet.candidates} == {id_of(suspect), id_of(completed)}
    assert fleet.size == 3


@pytest.mark.requirement("R75")
async def test_a_candidate_tells_whether_somebody_is_asked_or_has_refused(
    house: House, book: OrphanBook
) -> None:
    dataset = await house.keep(a_dataset())
    approval = asked_for(
        dataset,
        TeardownReason.ORPHAN_CLEANUP,
        approval_id=uuid4(),
        because="too many",
        by="dataops",
        at=NOW,
    )
    async with house.registry.transaction(ME) as transaction:
        await transaction.ask(approval, dataset)
    (asked,), _ = _parts(await book.fleet(None, only_doubtful=False))
    async with house.registry.transaction(ME) as transaction:
        refused = approval.decided(approve=False, by="alice", at=LATER)
        await transaction.decide(refused, dataset)
    (spared,), _ = _parts(await book.fleet(None, only_doubtful=False))

    assert (asked.is_asked, asked.refused_at) == (True, None)
    assert (spared.is_asked, spared.refused_at) == (False, LATER)


async def test_datasources_are_accounted_for_until_a_while_after_their_archiving(
    house: House, book: OrphanBook
) -> None:
    await house.keep(a_dataset("gdrive"))
    ready = await house.keep(a_dataset_in(DatasetStatus.READY, a_dataset("jira")))
    archived = await house.keep(a_dataset_in(DatasetStatus.ARCHIVED, a_dataset("slack")))
    assert ready.connector is not None
    assert archived.connector is not None
    assert archived.archived_at is not None

    lately = await book.accounted_for(archived.archived_at)
    long_ago = await book.accounted_for(archived.archived_at + timedelta(seconds=1))

    assert lately == {ready.connector.datasource}
    assert long_ago == {ready.connector.datasource, archived.connector.datasource}


async def test_owners_are_told_of_every_tenant(house: House, book: OrphanBook) -> None:
    ours = await house.keep(a_dataset())
    theirs = await house.keep(a_dataset(tenant="globex"), OTHERS)

    owners = await book.owners([id_of(ours), id_of(theirs), uuid4()])

    assert owners == {
        id_of(ours): Owner(TENANT, DatasetStatus.DISCOVERING),
        id_of(theirs): Owner("globex", DatasetStatus.DISCOVERING),
    }


async def test_a_stray_keeps_the_time_of_the_first_scan(house: House, book: OrphanBook) -> None:
    del house
    await book.keep_strays([a_stray()], NOW)
    (known,) = await book.strays()

    await book.keep_strays([replace(known, holding=replace(known.holding, documents=7))], LATER)

    (again,) = await book.strays()
    assert (again.suspected_at, again.holding.documents) == (NOW, 7)
    assert again.tenant == DEFAULT_TENANT


async def test_a_stray_that_is_none_any_more_is_forgotten(house: House, book: OrphanBook) -> None:
    del house
    await book.keep_strays([a_stray("a00000000"), a_stray("b00000000")], NOW)
    known = await book.strays()

    await book.keep_strays(known[1:], LATER)

    assert [each.holding.datasource for each in await book.strays()] == ["b00000000"]


async def condemn(house: House, stray: Stray, by: Principal = ME) -> None:
    async with house.registry.transaction(by) as transaction:
        await transaction.condemn([stray])


async def test_nobody_condemns_another_tenants_strays(house: House, book: OrphanBook) -> None:
    await book.keep_strays([a_stray()], NOW)
    (known,) = await book.strays()

    with pytest.raises(NotAllowed, match="bob writes for its own tenant only"):
        await condemn(house, known, by=OTHERS)

    assert await book.strays() == [known]


async def test_what_was_emptied_stays_written_down_with_whose_word_it_was(
    house: House, book: OrphanBook
) -> None:
    await book.keep_strays([a_stray()], NOW)
    (known,) = await book.strays()
    await condemn(house, known)
    await book.note_emptied(known, LATER)

    await book.keep_strays([], LATER)

    (emptied,) = await book.strays()
    assert (emptied.condemned_by, emptied.emptied_at) == ("alice", LATER)
    assert emptied.holding.documents == 0
    assert (await _figures(house)).strays == 0


async def test_a_stray_that_holds_documents_again_begins_anew(
    house: House, book: OrphanBook
) -> None:
    await book.keep_strays([a_stray()], NOW)
    (known,) = await book.strays()
    await condemn(house, known)
    await book.note_emptied(known, NOW)

    await book.keep_strays([a_stray()], LATER)

    (again,) = await book.strays()
    assert (again.suspected_at, again.condemned_by, again.emptied_at) == (LATER, None, None)


async def test_the_last_whole_scan_is_remembered(house: House, book: OrphanBook) -> None:
    del house
    before = await book.last_whole_scan()
    for moment in (NOW, LATER):
        await book.note_whole_scan(moment)

    assert (before, await book.last_whole_scan()) == (None, LATER)


@pytest.mark.requirement("R97")
async def test_the_figures_tell_how_many_there_are_and_since_when(
    house: House, book: OrphanBook
) -> None:
    nothing = await _figures(house)
    for each in ("jira", "slack"):
        await house.keep(a_dataset(each))
        await suspect_all(house, book)
        house.hands.move(hours=1)
    await book.keep_strays([a_stray()], LATER)
    await book.note_whole_scan(LATER)

    figures = await _figures(house)

    assert (nothing.suspects, nothing.oldest_suspect_at, nothing.last_scan_at) == (0, None, None)
    assert (figures.suspects, figures.oldest_suspect_at) == (2, NOW)
    assert (figures.strays, figures.oldest_stray_at) == (1, LATER)
    assert figures.last_scan_at == LATER


async def _figures(house: House) -> Any:
    async with house.database.reads.connect() as connection:
        return await read_orphan_figures(connection)
