"""The events: the seed's seven with exactly its fields, and the additive ones apart."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import get_args

import pytest

from domain import events
from domain.custody_events import (
    DatasetLegalHoldPlaced,
    DatasetLegalHoldReleased,
    DatasetRetentionExpired,
    DatasetRetentionExtended,
)
from domain.events import (
    AdditiveEvent,
    DatasetArchived,
    DatasetProvisionCompleted,
    DatasetProvisioningStarted,
    DatasetProvisionRequested,
    DatasetReady,
    DatasetTeardownStarted,
    DatasetValidationFailed,
    DomainEvent,
    Happening,
    SeedEvent,
)
from tests.domain.making import (
    DATASET_ID,
)

SEED = {
    DatasetProvisionRequested: [
        "journey_id",
        "client_id",
        "stage",
        "dataset_types",
        "requested_by",
    ],
    DatasetProvisioningStarted: ["dataset_id", "journey_id", "template_id", "stage"],
    DatasetProvisionCompleted: [
        "dataset_id",
        "journey_id",
        "quality_score",
        "record_count",
        "connector_id",
        "duration_minutes",
    ],
    DatasetValidationFailed: ["dataset_id", "journey_id", "failed_checks", "error_message"],
    DatasetReady: ["dataset_id", "journey_id", "quality_score"],
    DatasetTeardownStarted: ["dataset_id", "journey_id", "reason"],
    DatasetArchived: ["dataset_id", "archive_location", "original_size_bytes"],
}


@pytest.mark.requirement("R54", "R55", "R56", "R57", "R58", "R59", "R60")
@pytest.mark.parametrize("event", SEED, ids=lambda each: each.__name__)
def test_a_seed_event_has_exactly_the_seeds_fields_in_its_order(event: type) -> None:
    assert [each.name for each in fields(event)] == SEED[event]


def test_there_are_exactly_seven_seed_events() -> None:
    assert set(get_args(SeedEvent)) == set(SEED)
    assert len(SEED) == 7


def test_additive_events_are_separate_types() -> None:
    assert not set(get_args(AdditiveEvent)) & set(SEED)
    assert set(get_args(DomainEvent)) == set(SEED) | set(get_args(AdditiveEvent))


def test_every_event_that_is_defined_is_of_one_kind() -> None:
    defined = {
        each
        for each in vars(events).values()
        if is_dataclass(each) and "dataset_id" in {field.name for field in fields(each)}
    }

    assert defined - {events.EventContext} == set(get_args(DomainEvent)) - {
        DatasetProvisionRequested
    }


def test_a_happening_carries_its_events_name_as_the_seed_writes_it() -> None:
    event = DatasetArchived(DATASET_ID, "folder:archive.json", 1)

    assert Happening(event).name == "DatasetArchived"


def test_stage_association_all_events_before_the_archive_name_their_journey() -> None:
    nameless = {
        each
        for each in get_args(DomainEvent)
        if "journey_id" not in {field.name for field in fields(each)}
    }

    assert nameless == {
        DatasetArchived,
        DatasetRetentionExpired,
        DatasetRetentionExtended,
        DatasetLegalHoldPlaced,
        DatasetLegalHoldReleased,
    }
