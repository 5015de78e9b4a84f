"""Views: a dataset as callers see it, in plain JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from domain.dataset import Dataset
from domain.lifecycle import TeardownReason
from domain.state import Wish
from domain.view import describe, describe_quality
from domain.work import ProvisionDataset
from tests.domain.driving import (
    a_dataset,
    archived,
    demoted,
    emptying,
    failed,
    in_grace,
    order_of,
    provisioning,
    ready,
    take,
    torn_down,
)
from tests.domain.making import (
    DIGEST,
    NEAR_MISS,
    NOW,
    a_connector,
    after,
    provisioned,
)


def shown(dataset: Dataset) -> dict[str, Any]:
    """What comes out at the other end of the wire."""
    plain: dict[str, Any] = json.loads(json.dumps(describe(dataset)))
    return plain


@pytest.mark.requirement("R62")
def test_a_new_dataset_is_shown_with_what_is_known() -> None:
    view = shown(a_dataset())

    assert view == {
        "dataset_id": "01950000-0000-7000-8000-000000000001",
        "connector_name": "ACME-sandbox-confluence",
        "client_id": "00000000-0000-0000-0000-000000000007",
        "client_ref": "acme-healthcare",
        "journey_id": "00000000-0000-0000-0000-000000000009",
        "journey_ref": "journey-acme-2026",
        "stage": "sandbox",
        "dataset_type": "confluence",
        "generation": 1,
        "status": "discovering",
        "lifecycle_stage": "discovery",
        "template_id": None,
        "connector_id": None,
        "datasource": None,
        "record_count": None,
        "documents": None,
        "content_digest": None,
        "seed": None,
        "requested_by": "ada",
        "created_at": "2026-01-20T12:00:00+00:00",
        "ready_at": None,
        "archived_at": None,
        "archive_location": None,
        "quality_score": None,
        "checks": [],
    }


@pytest.mark.requirement("R62")
def test_a_ready_dataset_is_shown_with_its_score_and_its_four_checks() -> None:
    view = shown(ready())

    assert (view["status"], view["quality_score"], view["severity"]) == ("ready", 0.995, "none")
    assert (view["decided_by"], view["would_pass_if"]) == ("overall 99.5 % ≥ 95 %", [])
    assert view["failed_checks"] == []
    assert {each["check_type"]: each["score"] for each in view["checks"]} == {
        "schema": 1.0,
        "completeness": 0.98,
        "connector_health": 1.0,
        "sample_queries": 1.0,
    }
    assert view["checks"][0]["executed_at"] == "2026-01-20T12:00:00+00:00"
    assert view["ready_at"] == NOW.isoformat()


@pytest.mark.requirement("R62")
def test_a_filled_dataset_is_shown_with_what_it_is_made_from_and_what_it_holds() -> None:
    dataset = provisioning()
    take(dataset, provisioned(dataset, documents=480))

    view = shown(dataset)

    assert view["template_id"] == "healthcare_developer_productivity_confluence"
    assert (view["record_count"], view["documents"]) == (500, 480)
    assert view["content_digest"] == DIGEST
    assert view["connector_id"] == str(a_connector().connector_id)


def test_a_seed_is_a_string_for_json_numbers_are_doubles() -> None:
    seed = order_of(provisioning(), ProvisionDataset).recipe.seed

    assert shown(ready())["seed"] == str(seed)


def test_a_failed_dataset_is_shown_with_its_trouble() -> None:
    view = shown(failed(NEAR_MISS))

    assert (view["status"], view["lifecycle_stage"]) == ("failed", "validation")
    assert "did not pass its gate" in view["error"]
    assert view["next_retry_at"] == after(seconds=5).isoformat()
    assert view["failed_checks"] == ["connector_health"]


def test_a_dataset_in_its_grace_period_is_shown_with_the_way_back() -> None:
    view = shown(in_grace(wish=Wish()))

    assert view["teardown_reason"] == "manual_request"
    assert view["teardown_step"] == "grace"
    assert view["restorable_until"] == after(hours=24).isoformat()


def test_what_was_never_filled_is_not_shown_with_a_way_back() -> None:
    dataset = provisioning()
    dataset.start_teardown(TeardownReason.MANUAL_REQUEST, NOW)

    assert shown(dataset)["restorable_until"] is None


def test_a_dataset_still_connected_is_not_shown_with_a_time_for_the_way_back() -> None:
    assert shown(torn_down())["restorable_until"] is None


def test_a_dataset_being_emptied_is_not_shown_with_a_way_back() -> None:
    assert shown(emptying())["restorable_until"] is None


def test_an_ill_dataset_is_shown_with_its_incident() -> None:
    dataset = demoted()

    assert shown(dataset)["incident_id"] == str(dataset.health.incident_id)


@pytest.mark.requirement("R62")
def test_an_archived_dataset_is_shown_with_its_archive() -> None:
    view = shown(archived())

    assert view["status"] == "archived"
    assert view["archive_location"] == "folder:archive.json"
    assert view["archived_at"] == after(hours=24).isoformat()


def test_no_verdict_is_shown_as_none() -> None:
    assert describe_quality(None) == {"quality_score": None, "checks": []}
