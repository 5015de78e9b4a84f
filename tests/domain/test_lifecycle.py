"""The transition table, edge by edge."""

from __future__ import annotations

from itertools import product

import pytest

from domain.errors import IllegalTransition
from domain.lifecycle import (
    ENDED,
    DatasetStatus,
    LifecycleStage,
    TeardownReason,
    TeardownStep,
    next_step,
    require_transition,
    stage_of,
)

EDGES = {
    ("discovering", "provisioning"),
    ("discovering", "failed"),
    ("discovering", "teardown"),
    ("provisioning", "validating"),
    ("provisioning", "failed"),
    ("provisioning", "teardown"),
    ("validating", "ready"),
    ("validating", "failed"),
    ("validating", "teardown"),
    ("ready", "validating"),
    ("ready", "teardown"),
    ("failed", "provisioning"),
    ("failed", "validating"),
    ("failed", "teardown"),
    ("teardown", "validating"),
    ("teardown", "archived"),
}
PAIRS = list(product(DatasetStatus, DatasetStatus))


@pytest.mark.requirement("R66")
@pytest.mark.parametrize(("current", "target"), [each for each in PAIRS if each in EDGES])
def test_an_edge_of_the_table_is_allowed(current: DatasetStatus, target: DatasetStatus) -> None:
    require_transition("Dataset X", current, target)


@pytest.mark.requirement("R66")
@pytest.mark.parametrize(("current", "target"), [each for each in PAIRS if each not in EDGES])
def test_every_other_edge_is_refused(current: DatasetStatus, target: DatasetStatus) -> None:
    with pytest.raises(IllegalTransition) as refused:
        require_transition("Dataset X", current, target)

    assert f"Dataset X is {current} and cannot become {target}" in str(refused.value)


@pytest.mark.requirement("R66")
def test_all_pairs_of_the_seven_statuses_are_decided() -> None:
    assert len(PAIRS) == 49
    assert len(EDGES) == 16


def test_a_refusal_names_what_is_allowed_instead() -> None:
    with pytest.raises(IllegalTransition, match="From ready it may become teardown, validating"):
        require_transition("Dataset X", DatasetStatus.READY, DatasetStatus.ARCHIVED)


@pytest.mark.requirement("R22")
def test_a_refusal_at_the_end_says_that_it_is_the_end() -> None:
    with pytest.raises(IllegalTransition, match="nothing: it is the end"):
        require_transition("Dataset X", DatasetStatus.ARCHIVED, DatasetStatus.READY)


@pytest.mark.requirement("R63")
def test_there_are_the_seeds_seven_statuses() -> None:
    assert [each.value for each in DatasetStatus] == [
        "discovering",
        "provisioning",
        "validating",
        "ready",
        "failed",
        "teardown",
        "archived",
    ]


@pytest.mark.requirement("R9")
def test_there_are_the_seeds_six_stages() -> None:
    assert [each.value for each in LifecycleStage] == [
        "discovery",
        "provisioning",
        "validation",
        "ready",
        "teardown",
        "archived",
    ]


@pytest.mark.requirement("R19", "R59")
def test_there_is_a_reason_for_each_of_the_seeds_four_triggers() -> None:
    assert [each.value for each in TeardownReason] == [
        "stage_transition",
        "journey_completed",
        "orphan_cleanup",
        "manual_request",
    ]


@pytest.mark.requirement("R9")
@pytest.mark.parametrize(
    ("status", "stage"),
    [
        (DatasetStatus.DISCOVERING, LifecycleStage.DISCOVERY),
        (DatasetStatus.PROVISIONING, LifecycleStage.PROVISIONING),
        (DatasetStatus.VALIDATING, LifecycleStage.VALIDATION),
        (DatasetStatus.READY, LifecycleStage.READY),
        (DatasetStatus.TEARDOWN, LifecycleStage.TEARDOWN),
        (DatasetStatus.ARCHIVED, LifecycleStage.ARCHIVED),
    ],
)
def test_a_status_belongs_to_a_stage(status: DatasetStatus, stage: LifecycleStage) -> None:
    assert stage_of(status) is stage


@pytest.mark.parametrize(
    ("failed_in", "stage"),
    [
        (DatasetStatus.DISCOVERING, LifecycleStage.DISCOVERY),
        (DatasetStatus.VALIDATING, LifecycleStage.VALIDATION),
        (None, LifecycleStage.PROVISIONING),
    ],
)
def test_failed_belongs_to_the_stage_in_which_it_failed(
    failed_in: DatasetStatus | None, stage: LifecycleStage
) -> None:
    assert stage_of(DatasetStatus.FAILED, failed_in) is stage


def test_only_what_is_torn_down_or_archived_gives_its_place_up() -> None:
    assert {DatasetStatus.TEARDOWN, DatasetStatus.ARCHIVED} == ENDED


@pytest.mark.requirement("R20")
def test_the_teardown_steps_follow_each_other_in_the_seeds_order() -> None:
    steps = [TeardownStep.PAUSE_SYNC]

    while following := next_step(steps[-1]):
        steps.append(following)

    assert [each.value for each in steps] == [
        "pause_sync",
        "archive_metadata",
        "disconnect",
        "grace",
        "empty_connector",
        "verify_emptied",
    ]
