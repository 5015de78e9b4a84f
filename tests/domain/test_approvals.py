"""Approvals: asked for once, decided once, and a protected stage ends only with one."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import pytest

from domain.approvals import Approval, ApprovalStatus, asked_for, is_protected, why_protected
from domain.dataset import Dataset
from domain.errors import IllegalTransition, InvalidInput
from domain.journey import JourneyStage
from domain.lifecycle import TeardownReason
from domain.rules import LifecycleRules
from domain.view import describe_approval
from tests.domain.driving import archived, ready, torn_down
from tests.domain.making import NOW, after

APPROVAL_ID = UUID(int=7)
PROTECTED = LifecycleRules(protect_stages=frozenset({JourneyStage.SANDBOX}))
COMPLETED = TeardownReason.JOURNEY_COMPLETED


def an_approval(dataset: Dataset | None = None, *, force: bool = False) -> Approval:
    return asked_for(
        dataset or ready(),
        COMPLETED,
        approval_id=APPROVAL_ID,
        because=why_protected(JourneyStage.SANDBOX),
        by="alice",
        at=NOW,
        task_id="task-1",
        force=force,
    )


def test_an_approval_asks_of_one_dataset_what_would_happen_and_why_it_waits() -> None:
    dataset = ready()

    approval = an_approval(dataset, force=True)

    assert approval.is_pending
    assert (approval.dataset_id, approval.connector_name) == (
        dataset.place.dataset_id,
        dataset.place.connector_name,
    )
    assert approval.question.startswith(f"Tear down {dataset.name}, which is ready, for journey")
    assert approval.question.endswith("only when somebody approves.")
    assert (approval.asked_by, approval.task_id, approval.force) == ("alice", "task-1", True)


@pytest.mark.parametrize(
    ("approve", "status"), [(True, ApprovalStatus.APPROVED), (False, ApprovalStatus.REFUSED)]
)
def test_somebody_decides_an_approval(approve: bool, status: ApprovalStatus) -> None:
    decided = an_approval().decided(approve=approve, by="bob", at=after(hours=1), comment="Yes.")

    assert decided.status is status
    assert not decided.is_pending
    assert (decided.resolved_by, decided.resolved_at) == ("bob", after(hours=1))
    assert decided.comment == "Yes."


@pytest.mark.parametrize("approve", [True, False])
def test_the_same_decision_again_changes_nothing(approve: bool) -> None:
    decided = an_approval().decided(approve=approve, by="bob", at=NOW)

    again = decided.decided(approve=approve, by="carol", at=after(hours=1))

    assert again is decided


def test_another_decision_is_refused_and_told_whose_stands() -> None:
    decided = an_approval().decided(approve=False, by="bob", at=NOW)

    with pytest.raises(IllegalTransition, match="was refused by bob at 2026-"):
        decided.decided(approve=True, by="carol", at=after(hours=1))


def test_what_is_withdrawn_was_decided_by_nobody_and_stays_so() -> None:
    withdrawn = an_approval().withdrawn(by="alice", at=after(hours=1))

    assert withdrawn.status is ApprovalStatus.WITHDRAWN
    assert (withdrawn.resolved_by, withdrawn.resolved_at) == ("alice", after(hours=1))
    assert withdrawn.comment == "The request that asked for it was called off."
    with pytest.raises(IllegalTransition, match="was withdrawn by alice at 2026-"):
        withdrawn.decided(approve=False, by="bob", at=after(hours=2))


def test_what_is_decided_is_withdrawn_no_more() -> None:
    decided = an_approval().decided(approve=True, by="bob", at=NOW)

    with pytest.raises(IllegalTransition, match="was approved by bob"):
        decided.withdrawn(by="alice", at=after(hours=1))


def test_a_time_without_its_zone_is_refused() -> None:
    with pytest.raises(InvalidInput):
        an_approval().decided(approve=True, by="bob", at=datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point


@pytest.mark.requirement("R19")
@pytest.mark.parametrize(
    ("reason", "is_asked"),
    [
        (TeardownReason.JOURNEY_COMPLETED, True),
        (TeardownReason.ORPHAN_CLEANUP, True),
        (TeardownReason.STAGE_TRANSITION, False),
        (TeardownReason.MANUAL_REQUEST, False),
    ],
)
def test_a_protected_stage_is_asked_about_where_nobody_named_the_dataset(
    reason: TeardownReason, is_asked: bool
) -> None:
    assert is_protected(ready(rules=PROTECTED), reason) is is_asked
    assert not is_protected(ready(), reason)


@pytest.mark.parametrize("dataset", [torn_down(rules=PROTECTED), archived(rules=PROTECTED)])
def test_what_has_ended_needs_no_approval(dataset: Dataset) -> None:
    assert not is_protected(dataset, COMPLETED)


def test_an_approval_is_shown_with_its_decision() -> None:
    decided = an_approval().decided(approve=True, by="bob", at=after(hours=1))

    pending, shown = describe_approval(an_approval()), describe_approval(decided)

    assert (pending["status"], pending["resolved_at"]) == ("pending", None)
    assert (shown["status"], shown["resolved_by"]) == ("approved", "bob")
    assert shown["resolved_at"] == after(hours=1).isoformat()
