"""Orphans: what has no active journey ends, what no dataset accounts for is emptied, in two scans."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from domain.lifecycle import DatasetStatus, TeardownReason
from domain.orphans import Fate
from gateways.local.journeys import create_app as create_journeys
from protocol.schemas import schemas
from registry.history import ticks
from tests.journeys.scenes import (
    COORDINATOR,
    TEARDOWN,
    at_a_socket,
    complete_journey,
    dataset_of,
    documents_in,
    events_of,
    indexing,
    names_of,
    pass_to,
    suspected,
    teardown,
    until_status,
)
from tests.published import strictly
from tests.running import ACME, BASE, JIRA, SMALL, Heard, RunningService, running, tokens_file

CLEANUP = {"skill": "cleanup-orphans", "dry_run": False}
DRY = {"skill": "cleanup-orphans", "dry_run": True}
STRAY = "acmesandboxjira0a1b2c3d"
SEVEN = ["jira", "slack", "gdrive", "salesforce", "servicenow", "sharepoint", "stackoverflow"]


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[RunningService]:
    """The service with one dataset that is READY."""
    async with running(tmp_path) as opened:
        await opened.call(COORDINATOR, SMALL)
        yield opened


async def clean(office: RunningService, times: int = 1) -> Heard:
    """Have orphans cleaned up so many times; gives the last answer."""
    for _ in range(times - 1):
        await office.call(TEARDOWN, CLEANUP)
    return await office.call(TEARDOWN, CLEANUP)


async def lay_stray(office: RunningService, mark: str | None = None, name: str = STRAY) -> None:
    """Leave a datasource with one document in it, under our mark or another."""
    home = mark or f"{BASE}/datasets/{uuid4()}"
    config = {
        "name": name,
        "displayName": "ACME-sandbox-jira",
        "datasourceCategory": "TICKETS",
        "homeUrl": home,
        "urlRegex": ".*",
        "objectDefinitions": [{"name": "Page", "docCategory": "KNOWLEDGE_HUB"}],
    }
    await indexing(office, "/adddatasource", config)
    emails = [office.service.settings.glean_act_as]
    await indexing(office, "/betausers", {"datasource": name, "emails": emails})
    await fill_stray(office, name)


async def fill_stray(
    office: RunningService, name: str = STRAY, kind: str = "Page", home: str = BASE
) -> None:
    """Put a document into a datasource, past our agents."""
    document = {
        "datasource": name,
        "objectType": kind,
        "id": "left",
        "title": "What was left behind",
        "viewURL": f"{home}/records/left",
        "permissions": {"allowAnonymousAccess": True},
    }
    await indexing(office, "/indexdocument", {"document": document})


# --- datasets without a journey ------------------------------------------------------------------


async def test_a_dry_run_tells_what_would_end_and_why_and_changes_nothing(
    office: RunningService,
) -> None:
    await complete_journey(office)

    told = await office.call(TEARDOWN, DRY)
    again = await office.call(TEARDOWN, DRY)

    (orphan,) = told.data["orphans"]
    assert (told.state, orphan["connector_name"], orphan["fate"]) == (
        "COMPLETED",
        JIRA,
        "suspected",
    )
    assert "journey-acme-2026 is completed" in orphan["why"]
    assert (orphan["suspected_since"], orphan["age_seconds"]) == (None, None)
    assert again.data["orphans"] == told.data["orphans"]


async def test_a_dataset_of_an_active_journey_is_no_orphan(office: RunningService) -> None:
    heard = await clean(office, times=2)

    assert (heard.state, heard.data["datasets"]) == ("COMPLETED", [])
    assert (await dataset_of(office, JIRA)).status is DatasetStatus.READY


@pytest.mark.requirement("R19", "R75", "R82")
async def test_the_second_cleanup_tears_down_what_the_first_suspected(
    office: RunningService,
) -> None:
    await complete_journey(office)

    first = await clean(office)
    between = (await office.call(TEARDOWN, DRY)).data["orphans"][0]
    second = await clean(office)

    torn_down = await dataset_of(office, JIRA)
    assert (first.state, first.data["datasets"]) == ("COMPLETED", [])
    assert between["fate"] == Fate.ENDS
    assert between["suspected_since"]
    assert (second.state, second.dataset["status"]) == ("COMPLETED", "teardown")
    assert torn_down.teardown is not None
    assert torn_down.teardown.reason is TeardownReason.ORPHAN_CLEANUP
    started = [
        each for each in await events_of(office, JIRA) if each.name == "DatasetTeardownStarted"
    ]
    assert started[0].fields["reason"] == "orphan_cleanup"


async def test_the_same_message_is_one_scan_however_often_it_comes(office: RunningService) -> None:
    await complete_journey(office)

    for _ in range(3):
        await office.call(TEARDOWN, CLEANUP, "message-1")

    assert (await dataset_of(office, JIRA)).status is DatasetStatus.READY


async def test_a_journey_that_is_active_again_clears_its_datasets(tmp_path: Path) -> None:
    journeys = create_journeys(tmp_path / "theirs.db", clock=lambda: datetime.now(UTC))
    async with at_a_socket(journeys) as url, running(tmp_path, journeys_url=url) as office:
        await office.call(COORDINATOR, SMALL)
        await office.http.post(f"{url}/journeys/{ACME['journey_id']}/complete")
        await clean(office)
        _reopen(tmp_path / "theirs.db")
        await clean(office)
        await office.http.post(f"{url}/journeys/{ACME['journey_id']}/complete")

        heard = await clean(office)

        assert heard.data["datasets"] == []
        assert (await dataset_of(office, JIRA)).status is DatasetStatus.READY


def _reopen(file: Path) -> None:
    import sqlite3  # noqa: PLC0415 - what no door of the stand-in offers
    from contextlib import closing  # noqa: PLC0415 - as above

    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE journey SET completed_at = NULL")


@pytest.mark.requirement("R75", "R82")
async def test_a_journey_that_cannot_be_looked_up_calls_the_cleanup_off(tmp_path: Path) -> None:
    journeys = create_journeys(tmp_path / "theirs.db", clock=lambda: datetime.now(UTC))
    async with at_a_socket(journeys) as url, running(tmp_path, journeys_url=url) as office:
        await office.call(COORDINATOR, SMALL)
        await office.http.post(f"{url}/journeys/{ACME['journey_id']}/complete")
        await clean(office)
    async with running(tmp_path, journeys_url=url) as office:
        heard = await clean(office)

        assert heard.state == "FAILED"
        assert "Journey journey-acme-2026 could not be looked up" in heard.sentence
        assert "Unknown is not inactive" in heard.sentence
        assert (await dataset_of(office, JIRA)).status is DatasetStatus.READY


@pytest.mark.requirement("R75")
async def test_more_orphans_than_the_cap_wait_for_an_approval(tmp_path: Path) -> None:
    async with running(tmp_path) as office:
        await office.call(COORDINATOR, {**SMALL, "dataset_types": SEVEN})
        await complete_journey(office)
        await clean(office)

        heard = await clean(office)
        refused = {"skill": "resolve-approval", "approval_id": JIRA, "approve": False}
        await office.call(COORDINATOR, refused)
        approved = {**refused, "approval_id": "ACME-sandbox-slack", "approve": True}
        await office.call(COORDINATOR, approved)
        report = (await office.call(TEARDOWN, DRY)).data["orphans"]

        fates = {each["connector_name"]: each["fate"] for each in report}
        assert heard.state == "INPUT_REQUIRED"
        assert len(heard.data["approvals"]) == len(SEVEN)
        assert (await dataset_of(office, "ACME-sandbox-slack")).has_ended
        assert fates.pop(JIRA) == Fate.SPARED
        assert fates == {f"ACME-sandbox-{each}": Fate.ASKED for each in SEVEN[2:]}


@pytest.mark.requirement("R75")
async def test_a_dataset_that_somebody_spared_is_not_asked_about_again(tmp_path: Path) -> None:
    async with running(tmp_path) as office:
        await office.call(COORDINATOR, {**SMALL, "dataset_types": SEVEN})
        await complete_journey(office)
        await clean(office, times=2)
        for each in SEVEN:
            decided = {"approval_id": f"ACME-sandbox-{each}", "approve": each != "jira"}
            await office.call(COORDINATOR, {"skill": "resolve-approval", **decided})

        heard = await clean(office)

        assert (heard.state, heard.data["datasets"]) == ("COMPLETED", [])
        assert (await dataset_of(office, JIRA)).status is DatasetStatus.READY


@pytest.mark.requirement("R75")
async def test_a_cleanup_that_is_called_off_spares_nothing(tmp_path: Path) -> None:
    async with running(tmp_path, protect_stages=("sandbox",)) as office:
        await office.call(COORDINATOR, SMALL)
        await complete_journey(office)
        asked = await clean(office, times=2)

        await office.line.cancel(TEARDOWN, asked.task_id)
        report = await office.call(TEARDOWN, DRY)
        again = await clean(office)

        assert (asked.state, again.state) == ("INPUT_REQUIRED", "INPUT_REQUIRED")
        assert report.data["orphans"][0]["fate"] == Fate.ASKED
        (first,), (second,) = asked.data["approvals"], again.data["approvals"]
        assert second["approval_id"] != first["approval_id"]


# --- datasources without a dataset ---------------------------------------------------------------


@pytest.mark.requirement("R82", "R84")
async def test_a_stray_datasource_is_told_of_and_emptied_only_by_the_second_cleanup(
    office: RunningService,
) -> None:
    await lay_stray(office)

    dry = await office.call(TEARDOWN, DRY)
    first = await clean(office)
    left = await documents_in(office, STRAY)
    second = await clean(office)

    (stray,) = dry.data["strays"]
    assert (stray["datasource"], stray["documents"], stray["fate"]) == (STRAY, 1, "suspected")
    assert (first.state, "datasources" in first.data, left) == ("COMPLETED", False, 1)
    assert (second.state, second.data["datasources"]) == ("COMPLETED", [STRAY])
    assert "1 stray datasources are being emptied." in second.sentence
    assert await documents_in(office, STRAY) == 0
    assert (await office.call(TEARDOWN, DRY)).data["strays"] == []


@pytest.mark.parametrize(
    ("mark", "name"),
    [
        ("https://wiki.example.org", STRAY),
        ("http://another.service/datasets/019c0000-0000-7000-8000-000000000001", STRAY),
        (None, "wiki"),
    ],
)
async def test_what_does_not_carry_our_mark_and_name_is_nobodys_stray(
    office: RunningService, mark: str | None, name: str
) -> None:
    await lay_stray(office, mark, name)

    await clean(office, times=2)

    assert (await office.call(TEARDOWN, DRY)).data["strays"] == []
    assert await documents_in(office, name) == 1


async def test_what_a_late_agent_put_into_an_archived_dataset_is_a_stray(
    office: RunningService,
) -> None:
    await teardown(office, JIRA, force=True)
    archived = await until_status(office, JIRA, DatasetStatus.ARCHIVED)
    assert archived.connector is not None
    name, kind = archived.connector.datasource, archived.connector.object_types[0].name
    await fill_stray(office, name, kind, archived.connector.home_url)

    heard = await clean(office, times=2)

    assert heard.data["datasources"] == [name]
    assert await documents_in(office, name) == 0


async def test_a_stray_that_holds_documents_again_is_a_new_one(office: RunningService) -> None:
    await lay_stray(office)
    await clean(office, times=2)
    await fill_stray(office)

    heard = await clean(office)

    assert "datasources" not in heard.data
    assert await documents_in(office, STRAY) == 1


async def test_an_outage_of_the_search_engine_leaves_everything_as_it_was(
    office: RunningService,
) -> None:
    await complete_journey(office)
    await clean(office)
    office.glean_faults.fail_next("/search/filters", status=401)

    heard = await clean(office)

    assert heard.state == "FAILED"
    assert (await dataset_of(office, JIRA)).status is DatasetStatus.READY


async def test_a_cleanup_and_its_dry_run_answer_as_published(office: RunningService) -> None:
    published = strictly(schemas(BASE)["cleanup-orphans.output"])
    await lay_stray(office)
    await complete_journey(office)
    await clean(office)

    dry, ended = await office.call(TEARDOWN, DRY), await clean(office)

    assert dry.data["orphans"]
    assert dry.data["strays"]
    assert (len(ended.data["datasets"]), ended.data["datasources"]) == (1, [STRAY])
    published.validate(dry.data)
    published.validate(ended.data)


@pytest.mark.parametrize("wrong", [{"dry_run": "no"}, {"dry_run": False, "force": True}])
async def test_a_cleanup_that_is_asked_for_wrongly_is_asked_for_again(
    office: RunningService, wrong: dict[str, object]
) -> None:
    await complete_journey(office)

    heard = await office.call(TEARDOWN, {"skill": "cleanup-orphans", **wrong})

    assert heard.state == "INPUT_REQUIRED"
    assert (await office.call(TEARDOWN, DRY)).data["orphans"][0]["suspected_since"] is None


async def test_a_tenant_sees_and_ends_no_orphans_but_its_own(tmp_path: Path) -> None:
    tokens = tokens_file(tmp_path, alice="default alice", bob="globex bob")
    async with running(tmp_path, auth_tokens=tokens) as office:
        alice, bob = await office.line_of("alice"), await office.line_of("bob")
        await alice.call(COORDINATOR, SMALL)
        await lay_stray(office)
        await alice.http.post(f"/journeys/journeys/{ACME['journey_id']}/complete")
        await alice.call(TEARDOWN, CLEANUP)

        seen = await bob.call(TEARDOWN, DRY)
        ended = await bob.call(TEARDOWN, CLEANUP)

        assert (seen.data["looked_at"], seen.data["orphans"], seen.data["strays"]) == (0, [], [])
        assert ended.data["datasets"] == []
        assert (await dataset_of(office, JIRA)).status is DatasetStatus.READY
        assert await documents_in(office, STRAY) == 1


# --- by the clock --------------------------------------------------------------------------------


async def last_tick(office: RunningService, job: str) -> datetime | None:
    """Tell for which moment a job was done last."""
    newest = select(func.max(ticks.c.tick)).where(ticks.c.name == job)
    async with office.service.database.engine.connect() as connection:
        last: datetime | None = await connection.scalar(newest)
        return last


@pytest.mark.usefixtures("_quick_looks")
@pytest.mark.requirement("R75", "R82", "R97")
async def test_the_nightly_scan_suspects_and_the_next_light_one_tears_down(tmp_path: Path) -> None:
    async with running(tmp_path) as office:
        await office.call(COORDINATOR, SMALL)
        await complete_journey(office)
        dataset = await dataset_of(office, JIRA)

        at_two = pass_to(office, 2, 0)
        doubted = await suspected(office)
        after_one = (await dataset_of(office, JIRA)).has_ended
        at_half_past = pass_to(office, 2, 30)
        await until_status(office, JIRA, DatasetStatus.TEARDOWN)

        assert await last_tick(office, "orphan scan") == at_two
        assert await last_tick(office, "orphan recheck") == at_half_past
        assert doubted == {dataset.place.dataset_id}
        assert not after_one
        assert "DatasetTeardownStarted" in await names_of(office, JIRA)


@pytest.mark.usefixtures("_quick_looks")
async def test_the_metrics_page_tells_how_old_the_oldest_orphan_is(tmp_path: Path) -> None:
    async with running(tmp_path) as office:
        await office.call(COORDINATOR, SMALL)
        await complete_journey(office)
        await clean(office)
        office.clock.advance(timedelta(minutes=5))

        page = (await office.http.get("/metrics")).text

        (told,) = [each for each in page.splitlines() if each.startswith("dataops_orphan_age")]
        assert 300 <= float(told.split()[1]) < 330
        assert "dataops_orphans 1.0" in page
