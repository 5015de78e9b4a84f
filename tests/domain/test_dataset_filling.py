"""From the request to READY: what is ordered, what becomes of it, and which events tell of it."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import get_args

import pytest

from domain import outcomes
from domain.checks import CompletenessEvidence, Evidence, SchemaEvidence
from domain.dataset import Dataset
from domain.errors import IllegalTransition, StaleOutcome
from domain.events import (
    DatasetPopulated,
    DatasetProvisionCompleted,
    DatasetProvisioningFailed,
    DatasetProvisioningStarted,
    DatasetReady,
    DatasetValidationFailed,
)
from domain.journey import JourneyStage
from domain.lifecycle import DatasetStatus, LifecycleStage
from domain.ordering import Rest
from domain.quality import Severity
from domain.recipe import SeedSource, derive_seed
from domain.state import Wish
from domain.template import TemplateRequest
from domain.work import (
    AGENT_OF,
    AgentName,
    FindTemplate,
    OrderKey,
    Outcome,
    Probed,
    ProvisionDataset,
    ValidateDataset,
)
from tests.domain.driving import (
    IN_STATUS,
    a_dataset,
    commit,
    failed,
    only,
    order_of,
    provisioning,
    ready,
    rest_of,
    snapshot,
    take,
    unfilled,
    validating,
)
from tests.domain.making import (
    BAD,
    DATASET_ID,
    DIGEST,
    HEALTHY,
    NEAR_MISS,
    NOW,
    QUERIES,
    RULES,
    a_template,
    after,
    evidence,
    examined,
    found,
    key_of,
    provisioned,
)

HELD = CompletenessEvidence(indexed=480, filled=4900, fields=5000)

# --- discovering ---------------------------------------------------------------------------------


@pytest.mark.requirement("R40")
def test_a_new_dataset_has_its_template_looked_for() -> None:
    dataset = a_dataset(wish=Wish(strict=True))

    order = order_of(dataset, FindTemplate)

    assert order.wanted == TemplateRequest(
        "healthcare", "developer_productivity", "confluence", strict=True
    )
    assert order.deadline == NOW + RULES.order_limit


def test_an_order_is_known_by_its_dataset_its_version_and_its_try() -> None:
    dataset = a_dataset()
    dataset.version = 4

    key = order_of(dataset, FindTemplate).key

    assert key == OrderKey("default", DATASET_ID, version=4, attempt=0)
    assert str(key) == f"{DATASET_ID}/4/0"


@pytest.mark.requirement("R55")
def test_a_found_template_starts_provisioning() -> None:
    dataset = a_dataset()

    events = take(dataset, found(dataset))

    assert dataset.status is DatasetStatus.PROVISIONING
    assert dataset.template == a_template()
    assert [each.reason for each in dataset.hops] == ["it fits"]
    assert events == [
        DatasetProvisioningStarted(*dataset.ids, a_template().template_id, JourneyStage.SANDBOX)
    ]


def test_the_event_of_a_found_template_carries_its_key_beside_the_seeds_fields() -> None:
    dataset = a_dataset()

    dataset.apply(found(dataset), NOW)

    (happening,) = dataset.drain()
    assert happening.extensions == {"templatekey": a_template().key}


def test_a_template_that_no_longer_holds_the_wanted_count_fails_the_dataset() -> None:
    dataset = a_dataset(wish=Wish(record_count=250))

    events = take(dataset, found(dataset))

    assert dataset.status is DatasetStatus.FAILED
    assert dataset.lifecycle_stage is LifecycleStage.DISCOVERY
    assert "250 is outside 300 to 2000" in only(DatasetProvisioningFailed, events).error_message


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        ({"dataset_type": "github"}, "is for github, not for confluence"),
        ({"quality_expectations": {"bogus": 1}}, "quality_expectations.bogus is no check"),
    ],
)
def test_a_template_that_cannot_serve_fails_the_dataset_whoever_chose_it(
    chosen: dict[str, object], told: str
) -> None:
    dataset = a_dataset()

    events = take(dataset, found(dataset, a_template(**chosen)))

    assert told in only(DatasetProvisioningFailed, events).error_message
    assert (dataset.status, dataset.template) == (DatasetStatus.FAILED, None)


# --- provisioning --------------------------------------------------------------------------------


def test_a_dataset_with_a_template_is_provisioned_from_it() -> None:
    dataset = provisioning()

    order = order_of(dataset, ProvisionDataset)

    assert order.recipe.template == a_template()
    assert order.recipe.record_count == 500
    assert order.connector == dataset.connector
    assert order.query_count == 10


def test_the_wanted_count_is_provisioned() -> None:
    dataset = provisioning(wish=Wish(record_count=321))

    assert order_of(dataset, ProvisionDataset).recipe.record_count == 321


def test_a_filled_connector_is_validated_next() -> None:
    dataset = provisioning()
    seed = order_of(dataset, ProvisionDataset).recipe.seed

    events = take(dataset, provisioned(dataset, documents=480))

    assert dataset.status is DatasetStatus.VALIDATING
    assert events == [DatasetPopulated(*dataset.ids, 480)]
    assert dataset.content is not None
    assert (dataset.content.seed, dataset.content.record_count) == (seed, 500)
    assert (dataset.content.documents, dataset.content.size_bytes) == (480, 123_456)


@pytest.mark.parametrize(
    "made",
    [
        {"record_count": 300, "documents": 300},
        {"record_count": 501, "documents": 500},
        {"documents": 501},
        {"documents": -1},
    ],
)
def test_another_number_of_records_than_was_ordered_fails_the_dataset(
    made: dict[str, int],
) -> None:
    dataset = provisioning()

    events = take(dataset, provisioned(dataset, **made))

    assert "was to hold 500 records" in only(DatasetProvisioningFailed, events).error_message
    assert (dataset.status, dataset.content) == (DatasetStatus.FAILED, None)


# --- validating ----------------------------------------------------------------------------------


def test_the_gate_compares_with_what_was_provisioned() -> None:
    dataset = provisioning()
    recipe = order_of(dataset, ProvisionDataset).recipe
    take(dataset, provisioned(dataset, documents=480))

    order = order_of(dataset, ValidateDataset)

    assert order.recipe == recipe
    assert order.queries == QUERIES


def test_a_stricter_template_makes_a_stricter_gate() -> None:
    dataset = validating(a_template(quality_expectations={"completeness": 0.99}))

    take(dataset, examined(dataset))

    assert dataset.status is DatasetStatus.FAILED


@pytest.mark.requirement("R32", "R56", "R58", "R100")
def test_the_first_pass_completes_the_provisioning_and_makes_it_ready_at_once() -> None:
    dataset = validating()

    events = take(dataset, examined(dataset), after(minutes=47))

    assert dataset.status is DatasetStatus.READY
    assert dataset.connector is not None
    assert events == [
        DatasetProvisionCompleted(
            *dataset.ids,
            quality_score=Fraction(995, 1000),
            record_count=500,
            connector_id=dataset.connector.connector_id,
            duration_minutes=47,
        ),
        DatasetReady(*dataset.ids, Fraction(995, 1000)),
    ]


@pytest.mark.requirement("R32", "R33")
@pytest.mark.parametrize(
    ("valid", "status", "told"),
    [
        (400, DatasetStatus.READY, DatasetReady),
        (399, DatasetStatus.FAILED, DatasetValidationFailed),
    ],
)
def test_where_no_check_blocks_ninety_five_percent_overall_is_the_edge(
    valid: int, status: DatasetStatus, told: type
) -> None:
    dataset = validating(a_template(quality_expectations={"schema": {"critical": False}}))
    seen = evidence(
        schema=SchemaEvidence(total=500, valid=valid, content_digest=DIGEST),
        completeness=CompletenessEvidence(indexed=500, filled=5000, fields=5000),
    )

    events = take(dataset, examined(dataset, seen))

    assert dataset.status is status
    assert type(events[-1]) is told


def test_a_later_pass_is_only_ready_again() -> None:
    dataset = ready()
    dataset.revalidate("asked for by ada", NOW)
    commit(dataset)

    events = take(dataset, examined(dataset), after(hours=3))

    assert events == [DatasetReady(*dataset.ids, Fraction(995, 1000))]
    assert dataset.ready_at == NOW


@pytest.mark.requirement("R92")
def test_a_first_pass_after_a_failure_completes_the_provisioning() -> None:
    dataset = failed()
    dataset.revalidate("asked for by ada", NOW)
    commit(dataset)

    events = take(dataset, examined(dataset), after(minutes=5))

    assert [type(each) for each in events] == [DatasetProvisionCompleted, DatasetReady]
    assert dataset.first_passed is False


@pytest.mark.requirement("R92")
def test_ready_in_spite_of_a_failed_check_is_no_pass_of_all_four() -> None:
    dataset = validating(a_template(quality_expectations={"schema": {"critical": False}}))
    seen = evidence(schema=SchemaEvidence(total=500, valid=499, content_digest=DIGEST))

    take(dataset, examined(dataset, seen))

    assert (dataset.status, dataset.first_passed) == (DatasetStatus.READY, False)


@pytest.mark.requirement("R92")
def test_passing_at_the_first_attempt_is_remembered() -> None:
    dataset = ready()

    assert dataset.first_passed is True
    assert dataset.quality_score == Fraction(995, 1000)


@pytest.mark.requirement("R56")
@pytest.mark.parametrize(
    ("seconds", "minutes"), [(0, 1), (1, 1), (60, 1), (60.001, 2), (61, 2), (2820, 47)]
)
def test_the_duration_is_rounded_up_to_minutes_and_at_least_one(
    seconds: float, minutes: int
) -> None:
    dataset = validating()

    events = take(dataset, examined(dataset), after(seconds=seconds))

    assert only(DatasetProvisionCompleted, events).duration_minutes == minutes


def test_the_exact_seconds_and_the_severity_ride_beside_the_seeds_fields() -> None:
    dataset = validating()

    dataset.apply(examined(dataset), after(seconds=61.5))

    completed, became_ready = dataset.drain()
    assert completed.extensions == {"durationseconds": "61.500"}
    assert became_ready.extensions == {"severity": "none"}


@pytest.mark.parametrize(
    ("seen", "severity"), [(BAD, "error"), (NEAR_MISS, "warning")], ids=["error", "warning"]
)
def test_a_failed_gate_says_how_badly_beside_the_seeds_fields(
    seen: Evidence, severity: str
) -> None:
    dataset = validating()

    dataset.apply(examined(dataset, seen), NOW)

    (happening,) = dataset.drain()
    assert happening.extensions == {"severity": severity}


def test_a_completed_provisioning_tells_what_the_connector_holds() -> None:
    dataset = provisioning()
    take(dataset, provisioned(dataset, documents=480))

    events = take(dataset, examined(dataset, evidence(completeness=HELD)))

    assert only(DatasetProvisionCompleted, events).record_count == 480


@pytest.mark.requirement("R42")
def test_content_is_made_for_its_client_by_the_clients_id_and_not_by_its_name() -> None:
    template, place = a_template(), provisioning().place
    source = SeedSource(str(place.client.client_id), place.stage, place.dataset_type, 1)

    order = order_of(provisioning(), ProvisionDataset)

    assert order.recipe.seed == derive_seed(source, template)


def test_a_callers_seed_takes_the_place_of_the_clients_id() -> None:
    dataset = provisioning(wish=Wish(seed="acme-healthcare"))
    source = SeedSource("acme-healthcare", dataset.place.stage, "confluence", 1)

    assert order_of(dataset, ProvisionDataset).recipe.seed == derive_seed(source, a_template())


def test_every_outcome_means_something() -> None:
    assert set(outcomes._MEANING) == set(get_args(Outcome))  # noqa: SLF001 - the table is whole


@pytest.mark.requirement("R33", "R57")
def test_a_failed_gate_names_the_checks_that_failed() -> None:
    dataset = validating()

    events = take(dataset, examined(dataset, BAD))

    assert dataset.status is DatasetStatus.FAILED
    assert dataset.lifecycle_stage is LifecycleStage.VALIDATION
    event = only(DatasetValidationFailed, events)
    assert event.failed_checks == ("schema",)
    assert "did not pass its gate: critical check failed: schema" in event.error_message


def test_a_dataset_that_failed_its_gate_waits_for_somebody() -> None:
    dataset = failed()

    assert dataset.trouble is not None
    assert dataset.trouble.severity is Severity.ERROR
    assert rest_of(dataset) == Rest(None, "failed; somebody has to mend and revalidate it")


# --- which outcome counts ------------------------------------------------------------------------


@pytest.mark.parametrize("version", [0, 2])
def test_an_outcome_of_another_version_changes_nothing(version: int) -> None:
    dataset = provisioning()
    before = snapshot(dataset)

    with pytest.raises(StaleOutcome, match=f"is at version 1; .* version {version} and changes"):
        dataset.apply(Probed(key_of(dataset, version=version), HEALTHY), NOW)

    assert dataset == before


@pytest.mark.parametrize(
    ("status", "strange"),
    [
        (DatasetStatus.DISCOVERING, examined),
        (DatasetStatus.PROVISIONING, examined),
        (DatasetStatus.VALIDATING, found),
        (DatasetStatus.READY, examined),
        (DatasetStatus.FAILED, provisioned),
        (DatasetStatus.TEARDOWN, provisioned),
        (DatasetStatus.ARCHIVED, examined),
    ],
)
def test_an_outcome_that_answers_nothing_the_status_asks_changes_nothing(
    status: DatasetStatus, strange: Callable[[Dataset], Outcome]
) -> None:
    dataset = IN_STATUS[status]()
    before = snapshot(dataset)

    with pytest.raises(IllegalTransition, match="given the outcome"):
        dataset.apply(strange(dataset), NOW)

    assert dataset == before


def test_a_dataset_never_filled_is_provisioned_again_when_revalidated() -> None:
    dataset = unfilled()

    dataset.revalidate("asked for by ada", NOW)

    assert dataset.status is DatasetStatus.PROVISIONING
    assert commit(dataset) == []
    assert order_of(dataset, ProvisionDataset).key.attempt == 0


def test_a_dataset_that_failed_without_a_template_is_given_one_again() -> None:
    dataset = a_dataset(wish=Wish(record_count=250))
    take(dataset, found(dataset))
    dataset.revalidate("asked for by ada", NOW)
    commit(dataset)

    take(dataset, found(dataset, a_template(record_count_range=(200, 900))))

    assert dataset.status is DatasetStatus.PROVISIONING
    assert order_of(dataset, ProvisionDataset).recipe.record_count == 250


def test_a_damaged_row_is_named_rather_than_guessed_at() -> None:
    dataset = provisioning()
    dataset.template = None
    dataset.status = DatasetStatus.VALIDATING

    with pytest.raises(ValueError, match="is validating but has no content; its row is damaged"):
        dataset.next_order(NOW)


def test_each_kind_of_order_is_meant_for_the_agent_of_its_stage() -> None:
    assert AGENT_OF == {
        "find_template": AgentName.DISCOVERY,
        "provision_dataset": AgentName.PROVISIONING,
        "validate_dataset": AgentName.VALIDATION,
        "probe_connector": AgentName.VALIDATION,
        "take_step": AgentName.TEARDOWN,
        "restore_connector": AgentName.TEARDOWN,
        "lock_archive": AgentName.TEARDOWN,
        "purge_archive": AgentName.TEARDOWN,
    }
