"""Feedback: what the supplier hears of a validation, and what it never hears."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from domain.feedback import CheckOutcome, Feedback
from domain.journey import JourneyStage
from domain.quality import CheckType
from domain.record import canonical_json

FEEDBACK = Feedback(
    tenant="acme-tenant",
    dataset_id=UUID(int=7),
    run=2,
    template_key="healthcare_developer_productivity_confluence",
    template_version="1.0.0",
    stage=JourneyStage.SANDBOX,
    dataset_type="confluence",
    records_generated=500,
    documents_indexed=499,
    overall_score=0.995,
    is_ready=True,
    checks=(
        CheckOutcome(CheckType.COMPLETENESS, passed=True, score=0.98),
        CheckOutcome(CheckType.SCHEMA, passed=True, score=1.0),
    ),
    executed_at=datetime(2026, 3, 2, 9, 37, tzinfo=UTC),
)


def test_the_supplier_hears_of_use_and_quality() -> None:
    said = FEEDBACK.document()

    assert said["usage"] == {
        "stage": "sandbox",
        "dataset_type": "confluence",
        "records_generated": 500,
        "documents_indexed": 499,
        "validations": 2,
    }
    assert said["quality"] == {
        "executed_at": "2026-03-02T09:37:00+00:00",
        "overall_score": 0.995,
        "is_ready": True,
        "checks": [
            {"check_type": "completeness", "passed": True, "score": 0.98},
            {"check_type": "schema", "passed": True, "score": 1.0},
        ],
    }


def test_a_validation_has_one_id_however_often_it_is_told() -> None:
    assert FEEDBACK.feedback_id == replace(FEEDBACK, tries=5).feedback_id
    assert FEEDBACK.feedback_id != replace(FEEDBACK, run=3).feedback_id
    assert FEEDBACK.feedback_id != replace(FEEDBACK, dataset_id=UUID(int=8)).feedback_id


def test_the_supplier_never_hears_whose_dataset_it_is() -> None:
    said = canonical_json(FEEDBACK.document()).decode()

    assert "acme-tenant" not in said
    assert not {"client", "journey", "tenant"} & set(FEEDBACK.document())
