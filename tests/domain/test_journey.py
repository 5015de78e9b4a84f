"""Journeys, stages, clients, and the ids that references stand for."""

from __future__ import annotations

from uuid import UUID

import pytest

from domain.errors import IllegalTransition, InvalidInput
from domain.journey import (
    Journey,
    JourneyId,
    JourneyStage,
    JourneyStatus,
    furthest,
    next_stage,
    previous_stage,
    require_move,
    stages_before,
    uuid_of,
)
from tests.domain.making import (
    a_client,
)

SANDBOX, PILOT, PRODUCTION = JourneyStage


def test_the_stages_carry_the_seeds_values() -> None:
    assert [each.value for each in JourneyStage] == ["sandbox", "pilot", "production"]


@pytest.mark.parametrize(
    ("stage", "following"), [(SANDBOX, PILOT), (PILOT, PRODUCTION), (PRODUCTION, None)]
)
def test_each_stage_is_followed_by_the_next_one(
    stage: JourneyStage, following: JourneyStage | None
) -> None:
    assert next_stage(stage) is following


@pytest.mark.parametrize(
    ("stage", "before"), [(SANDBOX, None), (PILOT, SANDBOX), (PRODUCTION, PILOT)]
)
def test_each_stage_comes_after_the_one_before(
    stage: JourneyStage, before: JourneyStage | None
) -> None:
    assert previous_stage(stage) is before


@pytest.mark.parametrize(
    ("status", "active"), [(JourneyStatus.ACTIVE, True), (JourneyStatus.COMPLETED, False)]
)
def test_only_an_active_journey_needs_its_datasets(status: JourneyStatus, active: bool) -> None:
    journey = Journey(JourneyId(UUID(int=9)), "journey-1", status, SANDBOX, a_client())

    assert journey.is_active is active


@pytest.mark.parametrize("code", ["ACME", "A", "a1", "ACME-Health-2", "x" * 63])
def test_a_code_of_letters_digits_and_inner_hyphens_opens_a_name(code: str) -> None:
    assert a_client(code=code).code == code


@pytest.mark.parametrize("code", ["", "-ACME", "ACME-", "AC ME", "AC_ME", "x" * 64, "ACMÉ", "A\n"])
def test_any_other_code_is_refused(code: str) -> None:
    with pytest.raises(InvalidInput, match="cannot open a connector name"):
        a_client(code=code)


def test_a_uuid_stands_for_itself() -> None:
    known = UUID("01950000-0000-7000-8000-00000000000a")

    assert uuid_of("default", "journey", str(known)) == known


def test_a_slug_has_the_same_uuid_everywhere() -> None:
    one = uuid_of("default", "journey", "journey-acme-2026")

    assert one == uuid_of("default", "journey", "journey-acme-2026")
    assert one.version == 5


@pytest.mark.parametrize(
    ("tenant", "kind", "ref"),
    [
        ("another", "journey", "journey-acme-2026"),
        ("default", "client", "journey-acme-2026"),
        ("default", "journey", "journey-acme-2027"),
    ],
)
def test_another_tenant_kind_or_slug_has_another_uuid(tenant: str, kind: str, ref: str) -> None:
    assert uuid_of(tenant, kind, ref) != uuid_of("default", "journey", "journey-acme-2026")


@pytest.mark.parametrize("stage", ["staging", "SANDBOX", ""])
def test_stage_association_there_is_no_other_stage(stage: str) -> None:
    with pytest.raises(ValueError, match="is not a valid JourneyStage"):
        JourneyStage(stage)


@pytest.mark.requirement("R53", "R72")
@pytest.mark.parametrize(
    ("reached", "to_stage"),
    [
        (SANDBOX, PILOT),
        (PILOT, PRODUCTION),
        (PILOT, PILOT),
        (PRODUCTION, PRODUCTION),
    ],
)
def test_a_journey_moves_to_its_next_stage_and_to_the_one_it_was_told_to_be_at(
    reached: JourneyStage, to_stage: JourneyStage
) -> None:
    require_move("journey-1", reached, to_stage)


@pytest.mark.requirement("R72")
@pytest.mark.parametrize(
    ("reached", "to_stage", "why"),
    [
        (SANDBOX, PRODUCTION, "past a stage"),
        (SANDBOX, SANDBOX, "back"),
        (PILOT, SANDBOX, "back"),
        (PRODUCTION, PILOT, "back"),
        (PRODUCTION, SANDBOX, "back"),
    ],
)
def test_a_journey_moves_neither_back_nor_past_a_stage(
    reached: JourneyStage, to_stage: JourneyStage, why: str
) -> None:
    with pytest.raises(IllegalTransition, match=why) as refused:
        require_move("journey-1", reached, to_stage)

    assert "journey-1" in str(refused.value)


def test_a_journey_at_its_last_stage_is_told_so() -> None:
    with pytest.raises(IllegalTransition, match="It is at its last stage"):
        require_move("journey-1", PRODUCTION, SANDBOX)


def test_the_furthest_of_no_stages_is_where_every_journey_begins() -> None:
    assert furthest([]) is SANDBOX
    assert furthest([PILOT, SANDBOX]) is PILOT


def test_the_stages_before_one_are_told_in_order() -> None:
    assert stages_before(SANDBOX) == ()
    assert stages_before(PRODUCTION) == (SANDBOX, PILOT)
