"""Pilot and production: a client's own records, masked for the one, with their readers for the other."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.lifecycle import DatasetStatus
from tests.journeys.scenes import (
    COORDINATOR,
    TEARDOWN,
    VALIDATION,
    dataset_of,
    documents_in,
    events_of,
    teardown,
    until,
    until_status,
)
from tests.running import RunningService, running
from tests.sources import CANARIES, MASKING_SECRET, TRACES, client_records, write_source

PILOT = {
    "skill": "provision-datasets",
    "journey_id": "journey-acme-2026",
    "client_id": "acme-healthcare",
    "stage": "pilot",
    "dataset_types": ["confluence"],
}
PRODUCTION = {**PILOT, "stage": "production"}

IN_PILOT = "ACME-pilot-confluence"
IN_PRODUCTION = "ACME-production-confluence"

READER = "dataops@example.com"
"""The test user, in whose name it is searched."""


@pytest.fixture
async def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RunningService]:
    """The service with a source of its own beside its data."""
    monkeypatch.setenv("MASKING_KEY", MASKING_SECRET)
    source = tmp_path / "source"
    write_source(source, client_records())
    settings = {"source": f"folder:{source}", "masking_key": "secret://env/MASKING_KEY"}
    async with running(tmp_path / "data", **settings) as opened:
        yield opened


def with_readers(count: int = 40) -> list[dict[str, Any]]:
    """The client's records, each with the people who may read it."""
    return [
        {**each, "allowed_users": [READER, f"reader{number}@acme-hospital.test"]}
        for number, each in enumerate(client_records(count=count))
    ]


async def found_by(office: RunningService, query: str, datasource: str) -> str:
    """What the test user is shown for a query, as text."""
    body = {
        "query": query,
        "pageSize": 20,
        "requestOptions": {"facetBucketSize": 1, "datasourcesFilter": [datasource]},
    }
    headers = {
        "Authorization": f"Bearer {office.service.stand_ins.client_token}",
        "X-Glean-ActAs": READER,
    }
    answer = await office.http.post("/glean/rest/api/v1/search", json=body, headers=headers)
    assert answer.is_success, answer.text
    return answer.text


# --- pilot ---------------------------------------------------------------------------------------


@pytest.mark.requirement("R13", "R50", "R51", "R52", "R53")
async def test_a_pilot_is_ready_with_its_clients_records(office: RunningService) -> None:
    heard = await office.call(COORDINATOR, PILOT)

    dataset = await dataset_of(office, IN_PILOT)
    assert (heard.state, heard.dataset["status"]) == ("COMPLETED", "ready")
    assert heard.dataset["record_count"] == heard.dataset["documents"] == 40
    assert dataset.connector is not None
    assert dataset.connector.authentication.type == "oauth2"
    assert dataset.connector.authentication.credentials == "pilot_creds"
    assert dataset.connector.datasource_config.sync_schedule == "hourly"
    assert dataset.connector.permissions == "listed"
    assert await documents_in(office, dataset.connector.datasource) == 40


@pytest.mark.requirement("R13")
async def test_a_pilot_shows_nobody_of_whom_its_records_told(office: RunningService) -> None:
    heard = await office.call(COORDINATOR, PILOT)

    shown = [
        await found_by(office, each, heard.dataset["datasource"])
        for each in ("", *CANARIES.values())
    ]

    assert '"results":[{' in shown[0].replace(" ", "")
    assert not [trace for trace in TRACES if trace in "".join(shown).lower()]


@pytest.mark.requirement("R13")
async def test_a_pilots_records_can_be_searched_by_the_same_pseudonym_everywhere(
    office: RunningService,
) -> None:
    heard = await office.call(COORDINATOR, PILOT)
    (schema,) = [each for each in heard.dataset["checks"] if each["check_type"] == "schema"]

    masked = schema["details"]["masked"]

    assert schema["score"] == 1
    assert set(masked) == set(CANARIES)
    assert masked["name"] >= 10


@pytest.mark.requirement("R13")
async def test_no_canary_is_left_anywhere_after_a_pilots_whole_life(
    office: RunningService,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    told = [(await office.call(COORDINATOR, PILOT)).data]
    again = {"skill": "validate-dataset", "dataset_id": IN_PILOT}
    told.append((await office.call(VALIDATION, again)).data)
    told.append((await office.call(VALIDATION, {**again, "skill": "quality-report"})).data)
    spoilt = client_records()
    spoilt[3]["people"] = {CANARIES["email"]: 1}
    write_source(tmp_path / "source", spoilt)
    told.append((await office.call(VALIDATION, again)).data)
    pages = [
        (await office.http.get(f"/datasets/{told[0]['datasets'][0]['dataset_id']}")).text,
        (await office.http.get("/api/v1/datasets")).text,
    ]
    await teardown(office, IN_PILOT, force=True)
    events = [each.fields for each in await events_of(office)]

    said = "".join([str(told), *pages, str(events), caplog.text, *capfd.readouterr()])
    kept = b"".join(
        each.read_bytes() for each in sorted((tmp_path / "data").rglob("*")) if each.is_file()
    )
    everything = said.lower() + kept.decode("latin-1").lower()
    assert "still tells of somebody" in str(told[-1])
    assert (await dataset_of(office, IN_PILOT)).status is DatasetStatus.ARCHIVED
    assert not [trace for trace in TRACES if trace in everything]


@pytest.mark.requirement("R13")
async def test_a_pilot_is_torn_down_without_a_trace(office: RunningService) -> None:
    heard = await office.call(COORDINATOR, PILOT)
    await teardown(office, IN_PILOT)

    office.clock.advance(timedelta(hours=24, seconds=1))
    archived = await until_status(office, IN_PILOT, DatasetStatus.ARCHIVED)

    given = {"skill": "verify-archive", "dataset_id": str(archived.place.dataset_id)}
    assert (await office.call(TEARDOWN, given)).data["verified"] is True
    assert await documents_in(office, heard.dataset["datasource"]) == 0
    assert "acme" not in await found_by(office, "", heard.dataset["datasource"])


# --- a source that moves on ----------------------------------------------------------------------


async def test_a_source_that_changed_is_read_again_and_called_no_damage(
    office: RunningService, tmp_path: Path
) -> None:
    await office.call(COORDINATOR, PILOT)
    write_source(tmp_path / "source", client_records(count=55))

    heard = await office.call(VALIDATION, {"skill": "validate-dataset", "dataset_id": IN_PILOT})
    office.clock.advance(timedelta(seconds=6))
    dataset = await until(office, IN_PILOT, lambda each: each.status is DatasetStatus.READY)

    (schema,) = [each for each in heard.dataset["checks"] if each["check_type"] == "schema"]
    assert heard.dataset["status"] == "failed"
    assert "its source has changed since" in heard.dataset["error"]
    assert schema["details"]["source_changed"] is True
    assert dataset.content is not None
    assert (dataset.content.documents, dataset.content.is_outdated) == (55, False)


async def test_a_broken_line_fails_the_order_with_its_file_and_line(
    office: RunningService, tmp_path: Path
) -> None:
    path = write_source(tmp_path / "source", client_records(count=15))
    path.write_text(path.read_text() + '{"id": "zelda"\n')

    heard = await office.call(COORDINATOR, PILOT)

    assert heard.state == "FAILED"
    assert "acme-healthcare/confluence.jsonl, line 16" in heard.dataset["error"]
    assert "zelda" not in heard.dataset["error"]


# --- production ----------------------------------------------------------------------------------


@pytest.mark.requirement("R50", "R51", "R52", "R53")
async def test_production_is_ready_with_its_records_as_they_are(
    office: RunningService, tmp_path: Path
) -> None:
    write_source(tmp_path / "source", with_readers())

    heard = await office.call(COORDINATOR, PRODUCTION)

    dataset = await dataset_of(office, IN_PRODUCTION)
    assert (heard.state, heard.dataset["status"]) == ("COMPLETED", "ready")
    assert dataset.connector is not None
    assert dataset.connector.authentication.type == "oauth2"
    assert dataset.connector.authentication.credentials == "prod_creds"
    assert dataset.connector.datasource_config.sync_schedule == "every_15_min"
    assert dataset.connector.permissions == "source_acls"
    assert CANARIES["name"] in await found_by(
        office, CANARIES["name"], dataset.connector.datasource
    )


@pytest.mark.requirement("R50")
async def test_who_is_no_reader_at_the_source_finds_nothing_in_production(
    office: RunningService, tmp_path: Path
) -> None:
    strangers = [{**each, "allowed_users": ["ada@acme-hospital.test"]} for each in with_readers()]
    write_source(tmp_path / "source", strangers)

    heard = await office.call(COORDINATOR, PRODUCTION)

    shown = await found_by(office, CANARIES["name"], heard.dataset["datasource"])
    assert heard.dataset["failed_checks"] == ["sample_queries"]
    assert CANARIES["name"] not in shown


# --- before anything is made ---------------------------------------------------------------------


async def test_a_client_without_records_is_rejected_before_any_row(
    office: RunningService,
) -> None:
    heard = await office.call(COORDINATOR, {**PILOT, "dataset_types": ["github"]})

    listed = await office.call(COORDINATOR, {"skill": "list-datasets"})
    assert heard.state == "REJECTED"
    assert "neither github.jsonl nor github.csv is in acme-healthcare" in heard.sentence
    assert listed.data["datasets"] == []


async def test_a_plan_names_the_source_and_its_policies(office: RunningService) -> None:
    heard = await office.call(COORDINATOR, {**PILOT, "skill": "plan-datasets"})

    (planned,) = heard.data["datasets"]
    assert planned["source"] == "sanitized data: acme-healthcare/confluence.jsonl"
    assert planned["record_count"] is None
    assert planned["authentication"] == "oauth2"
    assert planned["sync_schedule"] == "hourly"
    assert planned["permissions"] == "listed"


async def test_a_seed_means_nothing_where_records_are_read(office: RunningService) -> None:
    heard = await office.call(COORDINATOR, {**PILOT, "seed": "2026"})

    assert "makes none up; leave seed out" in str(heard.sentences) + str(heard.data)


async def test_a_pilot_of_fewer_records_reads_the_first_of_them(office: RunningService) -> None:
    heard = await office.call(COORDINATOR, {**PILOT, "record_count": 12})

    assert (heard.state, heard.dataset["record_count"]) == ("COMPLETED", 12)


@pytest.mark.requirement("R13")
async def test_without_a_source_a_pilot_is_rejected_and_told_why(tmp_path: Path) -> None:
    async with running(tmp_path) as office:
        heard = await office.call(COORDINATOR, PILOT)

    assert heard.state == "REJECTED"
    assert "needs a configured source of sanitized data" in heard.sentence


@pytest.mark.requirement("R13")
async def test_without_a_masking_key_a_pilot_is_rejected_and_production_is_not(
    tmp_path: Path,
) -> None:
    write_source(tmp_path / "source", with_readers())
    async with running(tmp_path / "data", source=f"folder:{tmp_path / 'source'}") as office:
        pilot = await office.call(COORDINATOR, PILOT)
        production = await office.call(COORDINATOR, PRODUCTION)

    assert pilot.state == "REJECTED"
    assert "needs a masking key" in pilot.sentence
    assert production.state == "COMPLETED"
