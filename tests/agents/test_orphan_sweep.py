"""The orphan sweep: one question a journey, two scans a teardown, and no doubt that ends anything."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import select
from starlette.responses import JSONResponse, Response
from structlog.testing import capture_logs

from agents.doubts import MOST_IN_A_ROW
from agents.endings import Endings
from agents.orphan_sweep import OrphanSweep
from agents.ownership import AT_ONCE, Inquiry
from agents.persistence import MOST_TRIES
from agents.strays import Strays
from domain.commands import Call, Principal, RequestKey, ResolveApproval
from domain.errors import Conflict, SupplierRefused
from domain.journey import JourneyStage
from domain.lifecycle import DatasetStatus, TeardownReason
from domain.orphans import FULL_SCAN_EVERY, LEAST_APART, LEAST_CAP, Ownership
from domain.rules import LifecycleRules
from gateways.journeys import JourneysClient
from gateways.local.journeys import create_app
from registry.history import orphan_suspects
from registry.orphans import SqlOrphanBook
from tests.agents.registries import Dying, Overtaken
from tests.builders import NOW, TENANT, a_client, a_dataset, a_dataset_in, a_journey
from tests.gateways.foreign import Glean, Time, a_connector, calling
from tests.registry.databases import ME, OTHERS, House, a_fresh_file, open_house
from tests.registry.past_the_domain import run

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Mapping
    from pathlib import Path
    from uuid import UUID

    from starlette.types import ASGIApp, Receive, Scope, Send

    from domain.dataset import Dataset
    from domain.orphan_book import Owner
    from domain.orphans import Stray

ACME = "journey-acme-2026"
PROTECTED = frozenset({JourneyStage.SANDBOX})


class Answering:
    """The local Journey Orchestration, which counts who asks, and breaks for those it is told to."""

    def __init__(self) -> None:
        self.app: ASGIApp = create_app(None, clock=Time().clock)
        self.asked: Counter[str] = Counter()
        self.listed = 0
        self.at_once = 0
        self.most_at_once = 0
        self.broken: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or be broken."""
        ref = scope["path"].removeprefix("/journeys").removeprefix("/")
        self.listed += not ref
        self.asked.update([ref] if ref else [])
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        app: ASGIApp = Response("out of order", 500) if ref in self.broken else self.app
        try:
            await app(scope, receive, send)
        finally:
            self.at_once -= 1

    async def complete(self, ref: str = ACME) -> None:
        """End a journey."""
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app), base_url="http://journeys.test"
        ) as client:
            assert (await client.post(f"/journeys/{ref}/complete")).is_success


@dataclass
class Around:
    """A coordinator and an engine that only take note."""

    interrupted: list[UUID] = field(default_factory=list)
    rung: list[UUID] = field(default_factory=list)

    def interrupt(self, dataset_id: UUID) -> None:
        """Take note."""
        self.interrupted.append(dataset_id)

    def ring(self, dataset_id: UUID) -> None:
        """Take note."""
        self.rung.append(dataset_id)


@dataclass
class Sweeping:
    """A sweep over a registry, with all that it asks."""

    house: House
    journeys: Answering = field(default_factory=Answering)
    around: Around = field(default_factory=Around)
    glean: Glean = field(default_factory=Glean)

    def sweep(
        self, registry: Any = None, protect: frozenset[JourneyStage] = frozenset()
    ) -> OrphanSweep:
        """Put the sweep together."""
        quiet: Any = self.around
        book, clock = SqlOrphanBook(self.house.database), self.house.hands.tell
        kept = registry or self.house.registry
        return OrphanSweep(
            registry=kept,
            book=book,
            journeys=JourneysClient(calling(self.journeys), Time().timing),
            strays=Strays(book, self.glean.connectors, clock, "https://dataops.example"),
            endings=self.endings(kept),
            engine=quiet,
            clock=clock,
            rules=LifecycleRules(protect_stages=protect),
        )

    def endings(self, registry: Any = None) -> Endings:
        """Put the endings together."""
        quiet: Any = self.around
        return Endings(
            registry=registry or self.house.registry,
            coordinator=quiet,
            engine=quiet,
            clock=self.house.hands.tell,
            ids=uuid4,
        )

    async def scan(self, hours: float = 0, **made: Any) -> None:
        """Let hours pass, then sweep everything."""
        self.house.hands.move(hours=hours)
        await self.sweep(**made).sweep_all(self.house.hands.now)

    async def status_of(self, dataset: Dataset) -> DatasetStatus:
        """Tell where a dataset stands."""
        found = await self.house.registry.dataset(dataset.place.tenant, dataset.place.dataset_id)
        return found.status


@pytest.fixture
async def sweeping(tmp_path: Path) -> AsyncIterator[Sweeping]:
    async with open_house(a_fresh_file(tmp_path)) as house:
        yield Sweeping(house)


async def of_journeys(
    sweeping: Sweeping, count: int, each: int = 1, whose: Principal = ME
) -> list[Dataset]:
    """Keep READY datasets, so many of each of so many journeys that nobody knows."""
    return [
        await sweeping.house.keep(
            a_dataset_in(
                DatasetStatus.READY,
                a_dataset(
                    f"type{part}",
                    tenant=whose.tenant,
                    journey=a_journey(
                        f"journey-{number}",
                        client=a_client(f"client-{number}", code=f"C{number}"),
                        tenant=whose.tenant,
                    ),
                ),
            ),
            whose,
        )
        for number in range(count)
        for part in range(each)
    ]


# --- questions -----------------------------------------------------------------------------------


@pytest.mark.requirement("R75")
async def test_each_journey_is_asked_after_once_however_many_datasets_it_has(
    sweeping: Sweeping,
) -> None:
    await of_journeys(sweeping, count=3, each=4)

    await sweeping.scan()

    assert sweeping.journeys.asked == {f"journey-{number}": 1 for number in range(3)}


async def test_a_few_journeys_are_asked_after_at_once(sweeping: Sweeping) -> None:
    await of_journeys(sweeping, count=3 * AT_ONCE)

    await sweeping.scan()

    assert sweeping.journeys.asked.total() == 3 * AT_ONCE
    assert 1 < sweeping.journeys.most_at_once <= AT_ONCE


async def test_one_question_without_an_answer_ends_the_round(sweeping: Sweeping) -> None:
    await of_journeys(sweeping, count=3 * AT_ONCE)
    sweeping.journeys.broken = {f"journey-{number}" for number in range(3 * AT_ONCE)}
    fleet = await SqlOrphanBook(sweeping.house.database).fleet(None, only_doubtful=False)
    inquiry = Inquiry(JourneysClient(calling(sweeping.journeys), Time().timing))

    owners = await inquiry.owners_of(fleet.candidates)

    assert set(owners.values()) == {Ownership.UNKNOWN}
    assert "could not be looked up" in inquiry.doubt
    assert len(sweeping.journeys.asked) <= AT_ONCE


async def test_of_no_datasets_nobody_is_asked(sweeping: Sweeping) -> None:
    await sweeping.scan()

    assert sweeping.journeys.asked == {}


# --- scans ---------------------------------------------------------------------------------------


@pytest.mark.requirement("R75", "R82")
async def test_two_scans_in_a_row_tear_an_orphan_down(sweeping: Sweeping) -> None:
    (orphan,) = await of_journeys(sweeping, count=1)

    await sweeping.scan()
    after_one = await sweeping.status_of(orphan)
    await sweeping.scan(hours=1)

    torn_down = await sweeping.house.registry.dataset(TENANT, orphan.place.dataset_id)
    assert (after_one, torn_down.status) == (DatasetStatus.READY, DatasetStatus.TEARDOWN)
    assert torn_down.teardown is not None
    assert torn_down.teardown.reason is TeardownReason.ORPHAN_CLEANUP
    assert sweeping.around.interrupted == sweeping.around.rung == [orphan.place.dataset_id]


async def test_two_scans_at_one_moment_are_one(sweeping: Sweeping) -> None:
    (orphan,) = await of_journeys(sweeping, count=1)

    await sweeping.scan()
    await sweeping.scan()
    at_once = await sweeping.status_of(orphan)
    await sweeping.scan(hours=LEAST_APART / timedelta(hours=1))

    assert at_once is DatasetStatus.READY
    assert await sweeping.status_of(orphan) is DatasetStatus.TEARDOWN


async def test_what_is_on_its_way_in_can_be_an_orphan_as_well(sweeping: Sweeping) -> None:
    kept = [
        await sweeping.house.keep(
            a_dataset_in(status, a_dataset(f"type{number}", journey=a_journey("journey-gone")))
        )
        for number, status in enumerate(DatasetStatus)
    ]

    await sweeping.scan()
    await sweeping.scan(hours=1)

    now = [await sweeping.status_of(each) for each in kept]
    assert set(now) == {DatasetStatus.TEARDOWN, DatasetStatus.ARCHIVED}


@pytest.mark.requirement("R75")
async def test_a_failed_lookup_calls_a_scan_off_and_leaves_every_suspicion(
    sweeping: Sweeping,
) -> None:
    orphans = await of_journeys(sweeping, count=2)
    await sweeping.scan()
    sweeping.journeys.broken = {"journey-1"}

    with capture_logs() as lines:
        await sweeping.scan(hours=1)
    during = [await sweeping.status_of(each) for each in orphans]
    sweeping.journeys.broken = set()
    await sweeping.scan(hours=1)

    (told,) = [each for each in lines if each["event"] == "orphans.called_off"]
    assert "Journey journey-1 could not be looked up" in told["why"]
    assert during == [DatasetStatus.READY] * 2
    assert [await sweeping.status_of(each) for each in orphans] == [DatasetStatus.TEARDOWN] * 2


@pytest.mark.requirement("R75")
@pytest.mark.parametrize(
    "elsewhere",
    [Response("no such page", 404), JSONResponse({"detail": "Not Found"}, 404)],
    ids=["a proxy", "another service"],
)
async def test_whoever_knows_no_journey_and_lists_none_is_not_believed(
    sweeping: Sweeping, elsewhere: Response
) -> None:
    (orphan,) = await of_journeys(sweeping, count=1)
    await sweeping.scan()
    there, sweeping.journeys.app = sweeping.journeys.app, elsewhere

    with capture_logs() as lines:
        await sweeping.scan(hours=1)
    during = await sweeping.status_of(orphan)
    sweeping.journeys.app = there
    await sweeping.scan(hours=1)

    (told,) = [each for each in lines if each["event"] == "orphans.called_off"]
    assert "Whoever answers does not know Journey journey-0" in told["why"]
    assert during is DatasetStatus.READY
    assert await sweeping.status_of(orphan) is DatasetStatus.TEARDOWN


async def test_whether_journeys_are_listed_is_asked_once_and_only_where_one_is_unknown(
    sweeping: Sweeping,
) -> None:
    await sweeping.house.keep(a_dataset_in(DatasetStatus.READY))
    await sweeping.scan()
    known = sweeping.journeys.listed
    await of_journeys(sweeping, count=3)

    await sweeping.scan(hours=1)

    assert (known, sweeping.journeys.listed) == (0, 1)


@pytest.mark.requirement("R75")
async def test_a_doubt_about_one_tenants_journey_hinders_no_other(sweeping: Sweeping) -> None:
    (theirs,) = await of_journeys(sweeping, count=1, whose=OTHERS)
    ours = await sweeping.house.keep(
        a_dataset_in(DatasetStatus.READY, a_dataset(journey=a_journey("journey-gone")))
    )
    sweeping.journeys.broken = {"journey-0"}

    with capture_logs() as lines:
        await sweeping.scan()
        await sweeping.scan(hours=1)

    told = [each["tenants"] for each in lines if each["event"] == "orphans.called_off"]
    assert told == [[OTHERS.tenant]] * 2
    assert await sweeping.status_of(ours) is DatasetStatus.TEARDOWN
    assert await sweeping.status_of(theirs) is DatasetStatus.READY


async def of_tenants(sweeping: Sweeping, count: int) -> list[Dataset]:
    """Keep a READY dataset each of so many tenants, of a journey of its own that nobody knows."""
    return [
        await sweeping.house.keep(
            a_dataset_in(
                DatasetStatus.READY,
                a_dataset(
                    tenant=f"tenant-{number}",
                    journey=a_journey(f"journey-{number}", tenant=f"tenant-{number}"),
                ),
            ),
            Principal(f"tenant-{number}", "bob"),
        )
        for number in range(count)
    ]


@pytest.mark.requirement("R75")
async def test_an_outage_is_found_out_with_a_few_tenants_and_the_others_are_not_asked_after(
    sweeping: Sweeping,
) -> None:
    await of_tenants(sweeping, MOST_IN_A_ROW + 2)
    sweeping.journeys.broken = {f"journey-{number}" for number in range(MOST_IN_A_ROW + 2)}

    with capture_logs() as lines:
        await sweeping.scan()

    (told,) = [each for each in lines if each["event"] == "orphans.given_up"]
    assert told["tenants_left"] == 2
    assert len(sweeping.journeys.asked) == MOST_IN_A_ROW
    assert await SqlOrphanBook(sweeping.house.database).last_whole_scan() is None


@pytest.mark.requirement("R75")
async def test_tenants_in_doubt_for_good_keep_no_other_waiting(sweeping: Sweeping) -> None:
    kept = await of_tenants(sweeping, MOST_IN_A_ROW + 1)
    sweeping.journeys.broken = {f"journey-{number}" for number in range(MOST_IN_A_ROW)}
    sweep = sweeping.sweep()

    for _ in range(3):
        sweeping.house.hands.move(hours=1)
        await sweep.sweep_all(sweeping.house.hands.now)

    assert await sweeping.status_of(kept[-1]) is DatasetStatus.TEARDOWN


async def test_a_suspicion_ends_with_its_dataset_where_nobody_else_is_under_one(
    sweeping: Sweeping,
) -> None:
    (orphan,) = await of_journeys(sweeping, count=1)
    await sweeping.scan()
    orphan.start_teardown(TeardownReason.MANUAL_REQUEST, NOW)
    await sweeping.house.save(orphan)

    await lightly(sweeping, hours=1)

    assert await run(sweeping.house, select(orphan_suspects)) == []


@pytest.mark.requirement("R75")
async def test_one_tenants_many_orphans_keep_no_other_tenants_few(sweeping: Sweeping) -> None:
    many = await of_journeys(sweeping, count=LEAST_CAP + 1, whose=OTHERS)
    few = await of_journeys(sweeping, count=1)

    await sweeping.scan()
    await sweeping.scan(hours=1)

    asked = await sweeping.house.registry.open_approvals(OTHERS.tenant, 100)
    assert {each.dataset_id for each in asked} == {each.place.dataset_id for each in many}
    assert await sweeping.status_of(few[0]) is DatasetStatus.TEARDOWN


@pytest.mark.requirement("R75")
async def test_one_tenants_size_raises_no_other_tenants_cap(sweeping: Sweeping) -> None:
    many = await of_journeys(sweeping, count=LEAST_CAP + 1)
    for number in range(10 * LEAST_CAP + 10):
        theirs = a_dataset(f"type{number}", tenant=OTHERS.tenant)
        await sweeping.house.keep(a_dataset_in(DatasetStatus.READY, theirs), OTHERS)

    await sweeping.scan()
    await sweeping.scan(hours=1)

    statuses = [await sweeping.status_of(each) for each in many]
    assert statuses == [DatasetStatus.READY] * len(many)


@pytest.mark.requirement("R75")
async def test_more_than_the_cap_of_all_tenants_together_are_asked_about_and_stay(
    sweeping: Sweeping,
) -> None:
    orphans = await of_tenants(sweeping, LEAST_CAP + 1)

    await sweeping.scan()
    with capture_logs() as lines:
        await sweeping.scan(hours=1)

    registry = sweeping.house.registry
    asked = [await registry.open_approvals(each.place.tenant, 100) for each in orphans]
    assert [await sweeping.status_of(each) for each in orphans] == [
        DatasetStatus.READY for _ in orphans
    ]
    assert [each.dataset_id for some in asked for each in some] == [
        each.place.dataset_id for each in orphans
    ]
    told = [(each["ended"], each["asked"]) for each in lines if each["event"] == "orphans.scanned"]
    assert told == [(0, 1)] * len(orphans)


@pytest.mark.requirement("R75")
async def test_as_many_as_the_cap_of_all_tenants_together_end(sweeping: Sweeping) -> None:
    orphans = await of_tenants(sweeping, LEAST_CAP)

    await sweeping.scan()
    await sweeping.scan(hours=1)

    statuses = [await sweeping.status_of(each) for each in orphans]
    assert statuses == [DatasetStatus.TEARDOWN] * LEAST_CAP


@pytest.mark.requirement("R75")
async def test_more_than_the_cap_are_asked_about_once_and_stay(sweeping: Sweeping) -> None:
    orphans = await of_journeys(sweeping, count=6)

    for _ in range(4):
        await sweeping.scan(hours=1)

    asked = await sweeping.house.registry.open_approvals(TENANT, 100)
    assert [await sweeping.status_of(each) for each in orphans] == [DatasetStatus.READY] * 6
    assert {each.dataset_id for each in asked} == {each.place.dataset_id for each in orphans}
    assert {each.reason for each in asked} == {TeardownReason.ORPHAN_CLEANUP}
    assert "more orphans than it may end by itself" in asked[0].question


async def test_who_is_being_asked_about_is_not_torn_down_when_the_others_have_gone(
    sweeping: Sweeping,
) -> None:
    orphans = await of_journeys(sweeping, count=6)
    await sweeping.scan()
    await sweeping.scan(hours=1)
    first = await sweeping.house.registry.dataset(TENANT, orphans[0].place.dataset_id)
    first.start_teardown(TeardownReason.MANUAL_REQUEST, NOW)
    await sweeping.house.save(first)

    await sweeping.scan(hours=1)

    rest = [await sweeping.status_of(each) for each in orphans[1:]]
    assert rest == [DatasetStatus.READY] * 5


async def decide(sweeping: Sweeping, dataset: Dataset, *, approve: bool) -> None:
    """Decide the approval that is asked for of a dataset."""
    asked = await sweeping.house.registry.open_approvals(TENANT, 100)
    (one,) = [each for each in asked if each.dataset_id == dataset.place.dataset_id]
    command = ResolveApproval(approval_id=one.approval_id, approve=approve)
    await sweeping.endings().decide(command, ME)


@pytest.mark.requirement("R75")
async def test_who_was_spared_counts_for_no_cap(sweeping: Sweeping) -> None:
    orphans = await of_journeys(sweeping, count=LEAST_CAP + 1)
    await sweeping.scan()
    await sweeping.scan(hours=1)
    for each in orphans:
        await decide(sweeping, each, approve=each is orphans[0])
    new = await sweeping.house.keep(
        a_dataset_in(DatasetStatus.READY, a_dataset("new", journey=a_journey("journey-new")))
    )

    for _ in range(2):
        await sweeping.scan(hours=1)

    spared = [await sweeping.status_of(each) for each in orphans[1:]]
    assert spared == [DatasetStatus.READY] * LEAST_CAP
    assert await sweeping.status_of(new) is DatasetStatus.TEARDOWN


async def test_a_protected_stage_has_somebody_asked_first(tmp_path: Path) -> None:
    async with open_house(a_fresh_file(tmp_path)) as house:
        sweeping = Sweeping(house)
        orphan = await house.keep(
            a_dataset_in(
                DatasetStatus.READY,
                a_dataset(rules=LifecycleRules(protect_stages=PROTECTED)),
            )
        )
        object.__setattr__(house.database, "rules", LifecycleRules(protect_stages=PROTECTED))
        await sweeping.journeys.complete()

        await sweeping.scan(protect=PROTECTED)
        report = await sweeping.sweep(protect=PROTECTED).report(ME)
        await sweeping.scan(hours=1, protect=PROTECTED)

        (asked,) = await house.registry.open_approvals(TENANT, 10)
        assert report["orphans"][0]["fate"] == "asked"
        assert asked.dataset_id == orphan.place.dataset_id
        assert await sweeping.status_of(orphan) is DatasetStatus.READY


async def test_a_dataset_that_ends_while_it_is_judged_is_left_alone(sweeping: Sweeping) -> None:
    (orphan,) = await of_journeys(sweeping, count=1)
    await sweeping.scan()
    sweep: Any = sweeping.sweep()
    sweeping.house.hands.move(hours=1)
    scan = await sweep._certain(TENANT)  # noqa: SLF001 - between look and deed
    orphan.start_teardown(TeardownReason.MANUAL_REQUEST, NOW)
    await sweeping.house.save(orphan)

    await sweep._end_one(scan.orphans[0], because="")  # noqa: SLF001 - as above

    found = await sweeping.house.registry.dataset(TENANT, orphan.place.dataset_id)
    assert found.teardown is not None
    assert found.teardown.reason is TeardownReason.MANUAL_REQUEST
    assert sweeping.around.rung == []


@pytest.mark.parametrize(("conflicts", "ends"), [(MOST_TRIES - 1, True), (MOST_TRIES, False)])
async def test_an_orphan_that_others_write_to_is_ended_in_the_end(
    sweeping: Sweeping, conflicts: int, *, ends: bool
) -> None:
    (orphan,) = await of_journeys(sweeping, count=1)
    await sweeping.scan()

    with capture_logs() as lines:
        await sweeping.scan(hours=1, registry=Overtaken(sweeping.house.registry, conflicts))

    assert (await sweeping.status_of(orphan) is DatasetStatus.TEARDOWN) is ends
    assert ("orphan.contended" in {each["event"] for each in lines}) is not ends


# --- light scans ---------------------------------------------------------------------------------


async def lightly(sweeping: Sweeping, **by: float) -> None:
    """Let time pass, then look again at what is doubtful."""
    sweeping.house.hands.move(**by)
    await sweeping.sweep().sweep_doubtful(sweeping.house.hands.now)


@pytest.mark.requirement("R75", "R97")
async def test_a_light_scan_asks_after_suspects_alone(sweeping: Sweeping) -> None:
    (orphan,) = await of_journeys(sweeping, count=1)
    await sweeping.house.keep(a_dataset())
    await sweeping.scan()
    sweeping.journeys.asked.clear()

    await lightly(sweeping, hours=1)

    assert sweeping.journeys.asked == {"journey-0": 1}
    assert await sweeping.status_of(orphan) is DatasetStatus.TEARDOWN


@pytest.mark.requirement("R97")
async def test_a_scan_that_was_called_off_is_made_up_for_within_the_hour(
    sweeping: Sweeping,
) -> None:
    await sweeping.scan()
    (orphan,) = await of_journeys(sweeping, count=1)
    sweeping.journeys.broken = {"journey-0"}
    await sweeping.scan(hours=24)
    sweeping.journeys.broken = set()

    await lightly(sweeping, minutes=30)
    await lightly(sweeping, hours=1)

    assert await sweeping.status_of(orphan) is DatasetStatus.TEARDOWN


async def test_a_light_scan_within_a_day_of_a_whole_one_is_light(sweeping: Sweeping) -> None:
    await sweeping.scan()
    await of_journeys(sweeping, count=1)

    await lightly(sweeping, seconds=FULL_SCAN_EVERY.total_seconds() - 1)
    before = dict(sweeping.journeys.asked)
    await lightly(sweeping, seconds=1)

    assert (before, dict(sweeping.journeys.asked)) == ({}, {"journey-0": 1})


# --- strays --------------------------------------------------------------------------------------


async def condemn(sweeping: Sweeping, strays: Collection[Stray]) -> None:
    """Have strays emptied."""
    async with sweeping.house.registry.transaction(ME) as transaction:
        await transaction.condemn(strays)


async def test_operations_are_told_once_of_a_stray(sweeping: Sweeping) -> None:
    await sweeping.glean.provision(a_connector(), 3)

    with capture_logs() as lines:
        for _ in range(3):
            await sweeping.scan(hours=1)

    (told,) = [each for each in lines if each["event"] == "datasource.stray"]
    assert (told["datasource"], told["documents"]) == (a_connector().datasource, 3)
    assert await sweeping.glean.connectors.indexed(a_connector()) == 3


async def test_a_doubt_about_a_journey_hides_no_stray(sweeping: Sweeping) -> None:
    await sweeping.glean.provision(a_connector(), 3)
    await of_journeys(sweeping, count=1)
    sweeping.journeys.broken = {"journey-0"}

    with capture_logs() as lines:
        await sweeping.scan()

    book = SqlOrphanBook(sweeping.house.database)
    told = {each["event"] for each in lines}
    assert {"orphans.called_off", "datasource.stray"} <= told
    assert await book.last_whole_scan() is None


async def test_strays_are_looked_for_again_within_the_hour_after_an_outage_and_then_no_more(
    sweeping: Sweeping,
) -> None:
    await sweeping.glean.provision(a_connector(), 3)
    sweep, now = sweeping.sweep(), sweeping.house.hands.tell
    sweeping.glean.faults.fail_next("/search/filters", status=400, times=1)
    with pytest.raises(SupplierRefused):
        await sweep.sweep_all(now())

    with capture_logs() as lines:
        await sweep.sweep_doubtful(now())
    sweeping.glean.faults.fail_next("/search/filters", status=400, times=1)
    await sweep.sweep_doubtful(now())

    assert "datasource.stray" in {each["event"] for each in lines}


async def test_a_condemned_stray_that_could_not_be_emptied_is_emptied_by_a_later_scan(
    sweeping: Sweeping,
) -> None:
    await sweeping.glean.provision(a_connector(), 3)
    await sweeping.scan()
    book = SqlOrphanBook(sweeping.house.database)
    await condemn(sweeping, await book.strays())
    sweeping.glean.faults.fail_next("/bulkindexdocuments", status=400)

    with capture_logs() as lines:
        await lightly(sweeping, hours=1)
    left = await sweeping.glean.connectors.indexed(a_connector())
    await lightly(sweeping, hours=1)

    told = {each["event"]: each for each in lines}
    assert "injected fault" in told["datasource.not_emptied"]["why"]
    assert (left, await sweeping.glean.connectors.indexed(a_connector())) == (3, 0)


async def test_a_condemned_stray_that_a_dataset_accounts_for_after_all_is_left(
    sweeping: Sweeping,
) -> None:
    await sweeping.glean.provision(a_connector(), 3)
    await sweeping.scan()
    book = SqlOrphanBook(sweeping.house.database)
    await condemn(sweeping, await book.strays())
    await sweeping.house.keep(a_dataset(dataset_id=a_connector().dataset_id))

    await sweeping.sweep()._strays.empty_condemned()  # noqa: SLF001 - without a scan before it

    assert await sweeping.glean.connectors.indexed(a_connector()) == 3


async def test_a_condemned_stray_that_carries_another_mark_by_now_is_not_noted_as_emptied(
    sweeping: Sweeping,
) -> None:
    await sweeping.glean.provision(a_connector(), 3)
    await sweeping.scan()
    book = SqlOrphanBook(sweeping.house.database)
    await condemn(sweeping, await book.strays())
    await sweeping.glean.declare(a_connector())

    with capture_logs() as lines:
        await sweeping.sweep()._strays.empty_condemned()  # noqa: SLF001 - without a scan before it

    (stray,) = await book.strays()
    told = {each["event"]: each for each in lines}
    assert (stray.emptied_at, stray.holding.documents) == (None, 3)
    assert "does not carry our mark" in told["datasource.left_alone"]["why"]
    assert "datasource.emptied" not in told


class Asked(SqlOrphanBook):
    """A book that takes note of whose owners it was asked for at once."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.asked: list[int] = []

    async def owners(self, ids: Collection[UUID], /) -> Mapping[UUID, Owner]:
        """Take note, and tell."""
        self.asked.append(len(ids))
        return await super().owners(ids)


async def test_whose_the_condemned_strays_are_is_asked_once_for_all(sweeping: Sweeping) -> None:
    connectors = [a_connector(stage) for stage in JourneyStage]
    for each in connectors:
        await sweeping.glean.provision(each, 3)
    await sweeping.scan()
    book = Asked(sweeping.house.database)
    await condemn(sweeping, await book.strays())
    strays = replace(sweeping.sweep()._strays, book=book)  # noqa: SLF001 - without a scan before it

    await strays.empty_condemned()

    left = [await sweeping.glean.connectors.indexed(each) for each in connectors]
    assert (book.asked, left) == ([3], [0, 0, 0])


def a_cleanup() -> Call:
    """A message that asks for a cleanup."""
    key = RequestKey("data-teardown", "message-1", "digest-1")
    return Call(ME, key, "cleanup-orphans", "task-1", "context-1", b"")


async def test_a_cleanup_that_could_not_be_written_down_condemns_nothing(
    sweeping: Sweeping,
) -> None:
    await sweeping.glean.provision(a_connector(), 3)
    await sweeping.scan()
    book = SqlOrphanBook(sweeping.house.database)

    with pytest.raises(Conflict):
        await sweeping.sweep(Overtaken(sweeping.house.registry, MOST_TRIES)).clean(a_cleanup())
    (after_failure,) = await book.strays()
    request = await sweeping.sweep().clean(a_cleanup())

    (emptied,) = await book.strays()
    assert after_failure.condemned_by is None
    assert request.undertaking.datasources == (a_connector().datasource,)
    assert (emptied.condemned_by, emptied.emptied_at) == (ME.subject, sweeping.house.hands.now)


async def test_what_a_cleanup_names_is_condemned_in_its_commit_and_emptied_by_whoever_is_next(
    sweeping: Sweeping,
) -> None:
    await sweeping.glean.provision(a_connector(), 3)
    await sweeping.scan()
    with pytest.raises(SystemError):
        await sweeping.sweep(Dying(sweeping.house.registry)).clean(a_cleanup())

    await lightly(sweeping, hours=1)

    assert await sweeping.glean.connectors.indexed(a_connector()) == 0


async def test_an_outage_of_the_search_engine_hinders_no_scan_of_datasets(
    sweeping: Sweeping,
) -> None:
    (orphan,) = await of_journeys(sweeping, count=1)
    sweeping.glean.faults.fail_next("/search/filters", status=400, times=9)

    for _ in range(2):
        with pytest.raises(Exception, match="search/filters"):
            await sweeping.scan(hours=1)

    scanned = await SqlOrphanBook(sweeping.house.database).last_whole_scan()
    assert await sweeping.status_of(orphan) is DatasetStatus.TEARDOWN
    assert scanned == sweeping.house.hands.now
