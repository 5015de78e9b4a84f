"""ACME Healthcare, as the seed tells it: two datasets from one request to two archives."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from pathlib import Path

import pytest

from domain import events
from domain.lifecycle import DatasetStatus
from tests.journeys.scenes import (
    COORDINATOR,
    SEED_EVENTS,
    TEARDOWN,
    dataset_of,
    documents_in,
    events_of,
    glean_faults,
    is_probed,
    names_of,
    teardown,
    until,
    until_status,
)
from tests.running import CONFLUENCE, GITHUB, Heard, RunningService

REQUEST = {
    "event": "DatasetProvisionRequested",
    "journey_id": "journey-acme-2026",
    "client_id": "acme-healthcare",
    "stage": "sandbox",
    "dataset_types": ["confluence", "github"],
}

SEED_FIELDS = {
    "DatasetProvisionRequested": [
        "journey_id", "client_id", "stage", "dataset_types", "requested_by",
    ],
    "DatasetProvisioningStarted": ["dataset_id", "journey_id", "template_id", "stage"],
    "DatasetProvisionCompleted": [
        "dataset_id", "journey_id", "quality_score", "record_count", "connector_id",
        "duration_minutes",
    ],
    "DatasetValidationFailed": ["dataset_id", "journey_id", "failed_checks", "error_message"],
    "DatasetReady": ["dataset_id", "journey_id", "quality_score"],
    "DatasetTeardownStarted": ["dataset_id", "journey_id", "reason"],
    "DatasetArchived": ["dataset_id", "archive_location", "original_size_bytes"],
}  # fmt: skip


@pytest.fixture
async def asked(office: RunningService) -> Heard:
    return await office.call(COORDINATOR, REQUEST)


@pytest.mark.requirement("R46", "R100")
async def test_one_request_ends_with_two_datasets_ready(asked: Heard) -> None:
    found = {each["connector_name"]: each for each in asked.data["datasets"]}

    assert asked.state == "COMPLETED"
    assert {name: each["status"] for name, each in found.items()} == {
        CONFLUENCE: "ready",
        GITHUB: "ready",
    }


@pytest.mark.requirement("R41", "R100")
async def test_the_templates_are_those_of_the_seed(asked: Heard) -> None:
    found = {each["template_id"]: each["record_count"] for each in asked.data["datasets"]}

    assert found == {
        "healthcare_developer_productivity_confluence": 500,
        "healthcare_developer_productivity_github": 100,
    }


@pytest.mark.requirement("R14", "R100")
async def test_six_hundred_records_are_indexed(office: RunningService, asked: Heard) -> None:
    counts = [await documents_in(office, each["datasource"]) for each in asked.data["datasets"]]

    assert sum(counts) == 600


@pytest.mark.requirement("R81", "R86", "R100")
async def test_the_four_checks_score_as_in_the_seed(asked: Heard) -> None:
    verdicts = [
        {each["check_type"]: (each["score"], each["passed"]) for each in dataset["checks"]}
        for dataset in asked.data["datasets"]
    ]

    assert verdicts == 2 * [
        {
            "schema": (1.0, True),
            "completeness": (0.98, True),
            "connector_health": (1.0, True),
            "sample_queries": (1.0, True),
        }
    ]
    assert [each["quality_score"] for each in asked.data["datasets"]] == [0.995, 0.995]


@pytest.mark.requirement("R32", "R100")
async def test_journey_orchestration_hears_of_each_step_in_order(
    office: RunningService, asked: Heard
) -> None:
    for_each = [
        [name for name in await names_of(office, each["dataset_id"]) if name in SEED_EVENTS]
        for each in asked.data["datasets"]
    ]

    assert (await names_of(office))[0] == "DatasetProvisionRequested"
    assert for_each == 2 * [
        ["DatasetProvisioningStarted", "DatasetProvisionCompleted", "DatasetReady"]
    ]


@pytest.mark.requirement("R56")
async def test_the_completion_names_score_records_and_connector(
    office: RunningService, asked: Heard
) -> None:
    dataset = next(each for each in asked.data["datasets"] if each["connector_name"] == CONFLUENCE)

    told = await events_of(office, CONFLUENCE)

    completed = next(each for each in told if each.name == "DatasetProvisionCompleted")
    assert completed.fields == {
        "dataset_id": dataset["dataset_id"],
        "journey_id": dataset["journey_id"],
        "quality_score": 0.995,
        "record_count": 500,
        "connector_id": dataset["connector_id"],
        "duration_minutes": 1,
    }
    assert type(completed.fields["duration_minutes"]) is int


@pytest.mark.requirement("R54")
async def test_the_request_is_told_with_its_types_and_with_who_asked(
    office: RunningService, asked: Heard
) -> None:
    told = await events_of(office)

    (requested,) = [each for each in told if each.name == "DatasetProvisionRequested"]
    assert requested.fields == {
        "journey_id": asked.data["datasets"][0]["journey_id"],
        "client_id": asked.data["datasets"][0]["client_id"],
        "stage": "sandbox",
        "dataset_types": ["confluence", "github"],
        "requested_by": "anonymous",
    }


async def test_the_seven_events_carry_exactly_the_fields_of_the_seed() -> None:
    ours = {name: [each.name for each in fields(getattr(events, name))] for name in SEED_EVENTS}

    assert ours == SEED_FIELDS


@pytest.mark.requirement("R1", "R54", "R55", "R56", "R57", "R58", "R59", "R60")
async def test_a_whole_life_publishes_all_seven_events_with_exactly_their_fields(
    office: RunningService, asked: Heard
) -> None:
    del asked
    glean_faults(office).fail_next("/rest/api/v1/search", status=401, times=100)
    await office.call("data-validation", {"skill": "validate-dataset", "dataset_id": CONFLUENCE})
    glean_faults(office).clear()

    await teardown(office, CONFLUENCE, force=True)

    told = {each.name: sorted(each.fields) for each in await events_of(office)}
    assert {name: told.get(name) for name in SEED_EVENTS} == {
        name: sorted(wanted) for name, wanted in SEED_FIELDS.items()
    }


@pytest.mark.requirement("R100")
async def test_each_event_says_whose_it_is(office: RunningService, asked: Heard) -> None:
    told = await events_of(office)

    assert {each.context.journey_ref for each in told} == {"journey-acme-2026"}
    assert {each.context.client_ref for each in told} == {"acme-healthcare"}
    assert {each.context.correlation for each in told} == {asked.task_id}
    assert [each.sequence for each in told] == sorted({each.sequence for each in told})


@pytest.mark.requirement("R20")
async def test_a_torn_down_dataset_waits_twenty_four_hours_before_it_is_emptied(
    office: RunningService, asked: Heard
) -> None:
    del asked
    await teardown(office, CONFLUENCE)
    dataset = await dataset_of(office, CONFLUENCE)
    assert dataset.connector is not None
    assert dataset.teardown is not None
    assert dataset.teardown.grace_until is not None
    grace = dataset.teardown.grace_until - dataset.teardown.started_at
    kept = await documents_in(office, dataset.connector.datasource)

    office.clock.advance(timedelta(hours=24, seconds=1))
    archived = await until_status(office, CONFLUENCE, DatasetStatus.ARCHIVED)

    assert timedelta(hours=24) <= grace < timedelta(hours=24, minutes=1)
    assert kept == 500
    assert await documents_in(office, dataset.connector.datasource) == 0
    assert archived.archived_at is not None
    assert archived.archived_at >= dataset.teardown.grace_until


async def test_a_minute_before_its_grace_period_ends_a_dataset_is_whole(
    office: RunningService, asked: Heard
) -> None:
    del asked
    await teardown(office, GITHUB)

    office.clock.advance(timedelta(hours=23, minutes=59))
    await until(office, CONFLUENCE, lambda each: is_probed(each, office))

    dataset = await dataset_of(office, GITHUB)
    assert dataset.status is DatasetStatus.TEARDOWN
    assert dataset.connector is not None
    assert await documents_in(office, dataset.connector.datasource) == 100


@pytest.mark.requirement("R21")
async def test_the_archive_of_an_archived_dataset_is_verified(
    office: RunningService, asked: Heard, tmp_path: Path
) -> None:
    del asked
    await teardown(office, CONFLUENCE)
    office.clock.advance(timedelta(hours=24, seconds=1))
    archived = await until_status(office, CONFLUENCE, DatasetStatus.ARCHIVED)

    heard = await office.call(
        TEARDOWN, {"skill": "verify-archive", "dataset_id": str(archived.place.dataset_id)}
    )

    assert archived.archive is not None
    assert heard.data["verified"] is True
    assert heard.data["actual_sha256"] == archived.archive.sha256
    place = tmp_path / "archive" / str(archived.place.dataset_id)
    assert len([each for each in place.rglob("*.json") if each.is_file()]) == 1


@pytest.mark.requirement("R60")
async def test_the_archive_event_tells_where_and_how_much(
    office: RunningService, asked: Heard
) -> None:
    del asked
    await teardown(office, GITHUB, force=True)
    archived = await dataset_of(office, GITHUB)

    told = await events_of(office, GITHUB)

    assert archived.archive is not None
    assert archived.content is not None
    assert [each.name for each in told if each.name in SEED_EVENTS][-2:] == [
        "DatasetTeardownStarted",
        "DatasetArchived",
    ]
    assert told[-1].fields == {
        "dataset_id": str(archived.place.dataset_id),
        "archive_location": archived.archive.location,
        "original_size_bytes": archived.content.size_bytes,
    }
    assert type(told[-1].fields["original_size_bytes"]) is int


@pytest.mark.requirement("R67")
async def test_the_same_client_and_stage_has_only_one_active_dataset_of_a_type(
    office: RunningService, asked: Heard
) -> None:
    holder = asked.data["datasets"][0]

    again = await office.call(COORDINATOR, REQUEST)

    assert again.state == "REJECTED"
    assert holder["dataset_id"] in str(again.sentences) + str(again.data)


async def test_the_same_message_sent_again_is_the_same_request(office: RunningService) -> None:
    first = await office.call(COORDINATOR, REQUEST, "message-1")

    second = await office.call(COORDINATOR, REQUEST, "message-1")

    assert second.task_id == first.task_id
    assert second.state == "COMPLETED"
    assert (await names_of(office)).count("DatasetProvisionRequested") == 1
