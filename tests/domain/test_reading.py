"""Datasets that are read from a source: how much, which records, and what a change there means."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from domain.checks import Evidence, Expected, SchemaEvidence, check_schema, has_moved_on
from domain.dataset import Dataset
from domain.errors import InvalidInput
from domain.events import DatasetReady, DatasetValidationFailed
from domain.journey import JourneyStage
from domain.lifecycle import DatasetStatus, TeardownReason
from domain.quality import QualityPolicy
from domain.recipe import MOST_READ, Extract, count_for, is_masked, is_read
from domain.state import Wish
from domain.work import ProvisionDataset, ValidateDataset
from tests.domain.driving import (
    a_dataset,
    commit,
    only,
    order_of,
    orders_of,
    provisioning,
    rest_of,
    take,
)
from tests.domain.making import (
    DIGEST,
    NOW,
    QUERIES,
    RULES,
    a_template,
    after,
    evidence,
    examined,
    found,
    provisioned,
    queries,
    step_taken,
)

PILOT = JourneyStage.PILOT
FIRST, SECOND = "1a" * 32, "2b" * 32
"""Two versions of a source."""


def schema(version: str | None = FIRST, **changes: Any) -> SchemaEvidence:
    fields: dict[str, Any] = {
        "total": 500,
        "valid": 500,
        "content_digest": DIGEST,
        "source_version": version,
    }
    return SchemaEvidence(**(fields | changes))


def seen(version: str = FIRST, **changes: Any) -> Evidence:
    """What validation saw of the source at a version."""
    digest = DIGEST if version == FIRST else "cd" * 32
    return evidence(schema=schema(version, content_digest=digest), **changes)


def validating(version: str = FIRST) -> Dataset:
    """A pilot dataset filled from the source at a version."""
    dataset = provisioning(stage=PILOT)
    take(dataset, provisioned(dataset, source_version=version))
    return dataset


def outdated() -> Dataset:
    """A pilot dataset that was READY, and whose source has another version now."""
    dataset = validating()
    take(dataset, examined(dataset, seen()))
    dataset.revalidate("asked", NOW)
    commit(dataset)
    take(dataset, examined(dataset, seen(SECOND)))
    return dataset


def renew(dataset: Dataset, version: str, now: datetime) -> None:
    """Let the retry that is due fill a dataset anew."""
    assert dataset.lapse(now)
    commit(dataset)
    take(dataset, provisioned(dataset, source_version=version), now)


# --- what is read --------------------------------------------------------------------------------


@pytest.mark.requirement("R13")
@pytest.mark.parametrize(
    ("stage", "read", "masked"),
    [("sandbox", False, False), ("pilot", True, True), ("production", True, False)],
)
def test_pilot_and_production_are_read_and_the_pilot_alone_is_masked(
    stage: str, read: bool, masked: bool
) -> None:
    assert is_read(JourneyStage(stage)) is read
    assert is_masked(JourneyStage(stage)) is masked


@pytest.mark.parametrize(("wanted", "count"), [(None, MOST_READ), (1, 1), (MOST_READ, MOST_READ)])
def test_all_of_a_source_is_read_unless_less_is_wanted(wanted: int | None, count: int) -> None:
    assert count_for(a_template(), wanted, PILOT) == count


@pytest.mark.parametrize("wanted", [0, MOST_READ + 1])
def test_no_more_than_a_million_and_no_less_than_one_record_is_read(wanted: int) -> None:
    with pytest.raises(InvalidInput, match="outside 1 to 1000000"):
        count_for(a_template(), wanted, PILOT)


def test_a_sandbox_holds_to_its_templates_range() -> None:
    with pytest.raises(InvalidInput, match="outside 300 to 2000"):
        count_for(a_template(), 20, JourneyStage.SANDBOX)


def test_an_order_says_whose_records_are_read_and_for_which_stage() -> None:
    dataset = provisioning(stage=PILOT, wish=Wish(record_count=20))

    recipe = order_of(dataset, ProvisionDataset).recipe

    place = dataset.place
    assert recipe.record_count == 20
    wanted = Extract(place.client.client_id, place.client.ref, PILOT, "confluence", place.tenant)
    assert recipe.extract == wanted
    assert wanted.is_masked


def test_a_sandbox_order_reads_nothing() -> None:
    assert order_of(provisioning(), ProvisionDataset).recipe.extract is None


def test_the_same_source_is_read_again_for_the_gate_however_much_it_has_now() -> None:
    recipe = order_of(validating(), ValidateDataset).recipe

    assert recipe.record_count == MOST_READ
    assert recipe.extract is not None


def test_a_template_of_larger_sets_may_serve_a_small_source() -> None:
    dataset = a_dataset(stage=PILOT, wish=Wish(record_count=20))

    take(dataset, found(dataset))

    assert dataset.status is DatasetStatus.PROVISIONING


def test_what_a_source_has_is_what_the_dataset_holds() -> None:
    dataset = provisioning(stage=PILOT)

    take(dataset, provisioned(dataset, record_count=42, documents=40, source_version=FIRST))

    assert dataset.content is not None
    assert (dataset.content.record_count, dataset.content.source_version) == (42, FIRST)


@pytest.mark.parametrize(("made", "documents"), [(0, 0), (21, 21), (10, 11)])
def test_nothing_at_all_and_more_than_was_wanted_are_refused(made: int, documents: int) -> None:
    dataset = provisioning(stage=PILOT, wish=Wish(record_count=20))

    take(dataset, provisioned(dataset, record_count=made, documents=documents))

    assert dataset.status is DatasetStatus.FAILED
    assert dataset.trouble is not None
    assert "was to hold at most 20 records" in dataset.trouble.message


# --- a source that has moved on ------------------------------------------------------------------


def expected(version: str | None) -> Expected:
    return Expected(500, 500, DIGEST, QUERIES, version)


@pytest.mark.parametrize(
    ("uploaded", "now", "moved"),
    [(FIRST, FIRST, False), (FIRST, SECOND, True), (FIRST, None, True), (None, None, False)],
)
def test_a_source_has_moved_on_when_its_version_is_another(
    uploaded: str | None, now: str | None, moved: bool
) -> None:
    assert has_moved_on(schema(now), expected(uploaded)) is moved


def test_a_changed_source_is_told_from_damage_in_the_evidence() -> None:
    changed = schema(SECOND, content_digest="cd" * 32, masked=(("email", 3),))
    damaged = schema(FIRST, content_digest="cd" * 32)

    told = [
        check_schema(each, expected(FIRST), QualityPolicy(), NOW).details
        for each in (changed, damaged)
    ]

    assert [each["digest_matches"] for each in told] == [False, False]
    assert [each["source_changed"] for each in told] == [True, False]
    assert told[0]["source_version"] == SECOND
    assert told[0]["masked"] == {"email": 3}


def test_the_evidence_of_made_up_records_says_nothing_of_a_source() -> None:
    details = check_schema(schema(FIRST), expected(None), QualityPolicy(), NOW).details

    assert "source_changed" not in details


def test_a_dataset_whose_source_changed_fails_its_gate_and_is_filled_anew_by_itself() -> None:
    dataset = outdated()

    due = rest_of(dataset).until
    assert due is not None
    renew(dataset, SECOND, due)
    events = take(dataset, examined(dataset, evidence(schema=schema(SECOND))), due)

    assert dataset.status is DatasetStatus.READY
    assert [type(each) for each in events] == [DatasetReady]
    assert dataset.content is not None
    assert dataset.content.source_version == SECOND
    assert not dataset.is_outdated
    assert dataset.content.renewals == 0


def test_the_failure_says_that_nothing_is_damaged() -> None:
    dataset = validating()
    dataset.apply(examined(dataset, seen(SECOND)), NOW)

    told = only(DatasetValidationFailed, (each.event for each in dataset.drain()))

    assert told.failed_checks == ("schema",)
    assert told.error_message.endswith(
        "Nothing is damaged: its source has changed since, and has to be read again."
    )


def test_other_records_from_the_same_version_are_damage_and_wait_for_people() -> None:
    dataset = validating()

    damaged = schema(FIRST, content_digest="cd" * 32)
    take(dataset, examined(dataset, evidence(schema=damaged)))

    assert rest_of(dataset).until is None
    assert dataset.trouble is not None
    assert "Nothing is damaged" not in dataset.trouble.message


def test_a_source_that_never_stands_still_is_left_to_people_after_the_usual_tries() -> None:
    dataset, now = outdated(), NOW
    for number in range(len(RULES.retry_delays)):
        now += RULES.retry_delays[number]
        assert rest_of(dataset, now - RULES.retry_delays[number]).until == now
        renew(dataset, f"{number}" * 64, now)
        take(dataset, examined(dataset, seen(SECOND)), now)

    assert dataset.status is DatasetStatus.FAILED
    assert rest_of(dataset, now).until is None


def test_by_hand_an_outdated_dataset_is_filled_anew_at_once() -> None:
    dataset = outdated()

    assert dataset.revalidate("asked", NOW)

    assert dataset.status is DatasetStatus.PROVISIONING
    assert orders_of(dataset) is ProvisionDataset


def test_by_hand_a_dataset_whose_source_stands_still_is_only_looked_at_again() -> None:
    dataset = validating()
    take(dataset, examined(dataset, seen(queries=queries(2))))

    dataset.revalidate("asked", NOW)

    assert dataset.status is DatasetStatus.VALIDATING


def test_an_outdated_dataset_can_be_torn_down_and_its_queries_are_still_known() -> None:
    dataset = outdated()

    dataset.start_teardown(TeardownReason.MANUAL_REQUEST, after(hours=1))
    commit(dataset)
    take(dataset, step_taken(dataset), after(hours=1))

    assert dataset.content is not None
    assert dataset.content.queries == QUERIES
