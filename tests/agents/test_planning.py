"""Plans: what a digest binds, and what is refused before any row is written."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agents.planning import MOST_TYPES, Plan, require_plannable
from domain.commands import ProvisionDatasets
from domain.errors import InvalidInput, RequestRejected
from domain.journey import JourneyStage
from tests.builders import a_journey

WANTED = ProvisionDatasets(
    "journey-acme-2026", "acme-healthcare", JourneyStage.SANDBOX, ("confluence",)
)


@pytest.mark.parametrize(
    "types",
    [(), ("Jira",), ("a b",), ("jira", "jira"), tuple(f"t{n}" for n in range(MOST_TYPES + 1))],
)
def test_types_that_cannot_be_made_are_named_as_a_field(types: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput) as refused:
        require_plannable(replace(WANTED, dataset_types=types))

    assert [each.field for each in refused.value.errors] == ["dataset_types"]


@pytest.mark.parametrize(
    ("stage", "source"), [("pilot", "sanitized data"), ("production", "production data")]
)
def test_a_stage_without_a_source_is_refused(stage: str, source: str) -> None:
    with pytest.raises(RequestRejected, match=source):
        require_plannable(replace(WANTED, stage=JourneyStage(stage)))


def test_a_sandbox_request_is_plannable() -> None:
    require_plannable(WANTED)


def test_a_plan_with_another_entry_has_another_digest() -> None:
    plan = Plan(a_journey(), ({"record_count": 10},))

    other = Plan(a_journey(), ({"record_count": 11},))

    assert plan.digest != other.digest
    assert plan.digest == Plan(a_journey(), ({"record_count": 10},)).digest
