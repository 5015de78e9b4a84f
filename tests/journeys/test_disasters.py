"""When others fail us: Glean away, the supplier lying, a name that is taken, a full disk."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from domain.connector import ConnectorPlace, datasource_name
from domain.journey import ClientId, JourneyStage
from domain.lifecycle import DatasetStatus, TeardownStep
from gateways.local import mock_data
from tests.journeys.scenes import (
    COORDINATOR,
    ONE,
    at_a_socket,
    dataset_of,
    documents_in,
    glean_faults,
    indexing,
    names_of,
    teardown,
    until,
    until_status,
)
from tests.running import GITHUB, RunningService, running

ANY_PATH = ""


def a_supplier_that_sends(records: list[dict[str, Any]]) -> Starlette:
    """A supplier with the true templates and, whatever is asked for, these records."""

    async def generate(request: Request) -> JSONResponse:
        await request.body()
        return JSONResponse({"records": records})

    return Starlette(
        routes=[
            Route("/generate-mock-data", generate, methods=["POST"]),
            Mount("/", mock_data.create_app()),
        ]
    )


@pytest.mark.requirement("R66")
async def test_glean_away_for_a_while_costs_a_retry_and_no_dataset(
    office: RunningService,
) -> None:
    glean_faults(office).fail_next("/adddatasource", times=4)
    task = await office.line.begin(COORDINATOR, ONE)
    waiting = await until(office, GITHUB, lambda each: each.trouble)
    assert waiting.trouble is not None
    assert waiting.status is DatasetStatus.PROVISIONING

    office.clock.advance(timedelta(seconds=6))
    office.service.engine.ring(waiting.place.dataset_id)
    heard = await office.line.follow(COORDINATOR, task.id)

    assert "Glean" in waiting.trouble.message
    assert waiting.trouble.retries == 1
    assert (await names_of(office, GITHUB)).count("DatasetProvisionCompleted") == 1
    assert heard.state == "COMPLETED"


async def test_glean_away_for_good_fails_the_dataset_and_names_glean(tmp_path: Path) -> None:
    async with running(tmp_path, retry_delays=()) as office:
        glean_faults(office).fail_next(ANY_PATH, times=1000)

        heard = await office.call(COORDINATOR, ONE)

        assert heard.state == "FAILED"
        assert heard.dataset["status"] == "failed"
        assert "Glean" in heard.dataset["error"]
        assert "DatasetProvisioningFailed" in await names_of(office, GITHUB)


@pytest.mark.requirement("R66")
async def test_what_failed_is_provisioned_again_when_somebody_has_mended_it(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, retry_delays=()) as office:
        glean_faults(office).fail_next(ANY_PATH, times=1000)
        await office.call(COORDINATOR, ONE)
        glean_faults(office).clear()

        heard = await office.call(
            "data-validation", {"skill": "validate-dataset", "dataset_id": GITHUB}
        )

        assert heard.state == "COMPLETED"
        assert heard.dataset["record_count"] == 100


async def test_a_glean_that_lets_us_in_no_more_is_not_asked_again_and_again(
    office: RunningService,
) -> None:
    glean_faults(office).fail_next("/bulkindexdocuments", status=401, times=1000)

    heard = await office.call(COORDINATOR, ONE)

    assert heard.state == "FAILED"
    assert "token" in heard.dataset["error"]


async def test_documents_that_are_never_indexed_never_make_a_dataset_ready(
    office: RunningService,
) -> None:
    glean_faults(office).never_index(20)
    await office.line.begin(COORDINATOR, ONE)
    await until_status(office, GITHUB, DatasetStatus.PROVISIONING)

    office.clock.advance(timedelta(hours=2))
    failed = await until_status(office, GITHUB, DatasetStatus.FAILED)

    assert failed.trouble is not None
    assert "DatasetReady" not in await names_of(office, GITHUB)


async def test_a_supplier_that_sends_too_few_records_fails_the_dataset(tmp_path: Path) -> None:
    lying = a_supplier_that_sends([{"id": "only1", "title": "the only one"}])
    async with at_a_socket(lying) as url, running(tmp_path, mock_data_url=url) as office:
        heard = await office.call(COORDINATOR, ONE)

        assert heard.state == "FAILED"
        assert "sent 1 records" in heard.dataset["error"]
        assert "100" in heard.dataset["error"]


async def test_a_supplier_that_sends_one_record_twice_fails_the_dataset(tmp_path: Path) -> None:
    lying = a_supplier_that_sends(100 * [{"id": "same1", "title": "the same"}])
    async with at_a_socket(lying) as url, running(tmp_path, mock_data_url=url) as office:
        heard = await office.call(COORDINATOR, ONE)

        assert heard.state == "FAILED"
        assert "two records with the id same1" in heard.dataset["error"]


@pytest.mark.requirement("R73", "R81")
async def test_a_supplier_whose_records_break_the_schema_is_stopped_at_the_gate(
    tmp_path: Path,
) -> None:
    lying = a_supplier_that_sends([{"id": f"doc{each}"} for each in range(100)])
    async with at_a_socket(lying) as url, running(tmp_path, mock_data_url=url) as office:
        heard = await office.call(COORDINATOR, ONE)

        assert heard.state == "FAILED"
        assert "schema" in heard.dataset["failed_checks"]
        assert "DatasetValidationFailed" in await names_of(office, GITHUB)


async def test_a_datasource_of_our_name_that_is_not_ours_is_never_touched(
    office: RunningService,
) -> None:
    name = await the_datasource_to_be(office)
    theirs = another_datasource(name)
    await indexing(office, "/adddatasource", theirs)
    before = await indexing(office, "/getdatasourceconfig", {"datasource": name})

    heard = await office.call(COORDINATOR, ONE)

    assert heard.state == "FAILED"
    assert name in heard.dataset["error"]
    assert "theirs.example" in heard.dataset["error"]
    assert await indexing(office, "/getdatasourceconfig", {"datasource": name}) == before
    assert await documents_in(office, name) == 0


async def test_tearing_down_beside_a_foreign_datasource_leaves_it_alone(
    office: RunningService,
) -> None:
    name = await the_datasource_to_be(office)
    theirs = another_datasource(name)
    await indexing(office, "/adddatasource", theirs)
    await office.call(COORDINATOR, ONE)
    before = await indexing(office, "/getdatasourceconfig", {"datasource": name})

    await teardown(office, GITHUB, force=True)

    assert (await dataset_of(office, GITHUB)).status is DatasetStatus.ARCHIVED
    assert await indexing(office, "/getdatasourceconfig", {"datasource": name}) == before


async def test_a_teardown_waits_for_room_in_the_archive_and_says_so(
    office: RunningService,
) -> None:
    await office.call(COORDINATOR, ONE)
    folder = no_room(office)
    given = {"skill": "teardown-dataset", "dataset_id": GITHUB, "force": True}
    await office.line.begin("data-teardown", given)

    waiting = await until(office, GITHUB, lambda each: each.teardown and each.teardown.retries)

    assert waiting.teardown is not None
    assert waiting.teardown.step is TeardownStep.ARCHIVE_METADATA
    assert "Check that the archive folder is mounted" in waiting.teardown.message
    assert waiting.connector is not None
    assert await documents_in(office, waiting.connector.datasource) == 100
    folder.unlink()
    office.clock.advance(timedelta(seconds=61))
    archived = await until_status(office, GITHUB, DatasetStatus.ARCHIVED)
    assert archived.archive is not None


def no_room(office: RunningService) -> Path:
    """Let the archive have no place to write to: a file stands where its folder would be."""
    folder = office.service.settings.archive_folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("no folder")
    return folder


async def the_datasource_to_be(office: RunningService) -> str:
    """Tell the name the next dataset's connector will have at Glean."""
    journey = (await office.http.get("/journeys/journeys/journey-acme-2026")).json()
    return datasource_name(
        ConnectorPlace(
            client_id=ClientId(journey["client"]["client_id"]),
            client_code="ACME",
            stage=JourneyStage.SANDBOX,
            dataset_type="github",
            generation=1,
            dataset_id=ClientId(journey["client"]["client_id"]),
            origin="",
        )
    )


def another_datasource(name: str) -> dict[str, Any]:
    """Somebody else's datasource under a name."""
    return {
        "name": name,
        "displayName": "Theirs",
        "homeUrl": "https://theirs.example",
        "urlRegex": "^https://theirs.example/.*",
    }
