"""Commands: who asks for what, and what a call becomes."""

from __future__ import annotations

from uuid import UUID

from domain.commands import (
    Call,
    Principal,
    ProvisionDatasets,
    Request,
    RequestKey,
    TeardownDataset,
)
from domain.journey import JourneyStage
from domain.lifecycle import TeardownReason
from domain.state import Wish
from tests.domain.making import (
    DATASET_ID,
)

ADA = Principal("default", "ada")
KEY = RequestKey("lifecycle-coordinator", "message-1", "ab" * 32)


def test_a_call_becomes_a_request_about_its_datasets() -> None:
    call = Call(ADA, KEY, "provision-datasets", "task-1", "context-1", b"{}")

    request = call.request((DATASET_ID, UUID(int=2)), since=41)

    assert request == Request(
        task_id="task-1",
        context_id="context-1",
        key=KEY,
        principal=ADA,
        skill="provision-datasets",
        dataset_ids=(DATASET_ID, UUID(int=2)),
        since=41,
        message=b"{}",
        is_settled=False,
        is_cancelled=False,
    )


def test_datasets_are_asked_for_as_the_seed_does() -> None:
    command = ProvisionDatasets(
        "journey-acme-2026", "acme-healthcare", JourneyStage.SANDBOX, ("confluence", "github")
    )

    assert command.requested_by is None
    assert command.wish == Wish()


def test_a_teardown_is_asked_for_by_hand_and_with_grace_unless_it_says_otherwise() -> None:
    command = TeardownDataset(DATASET_ID)

    assert (command.reason, command.force) == (TeardownReason.MANUAL_REQUEST, False)
