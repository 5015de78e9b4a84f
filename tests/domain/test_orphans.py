"""Orphans: proven by two scans in a row, never by a doubt, and never many at once."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.journey import JourneyStatus
from domain.orphans import OrphanJudgement, Ownership, judge_orphans, ownership_of

Owners = st.dictionaries(st.uuids(), st.sampled_from(Ownership), max_size=60)


def fleet(inactive: int, active: int = 0) -> dict[UUID, Ownership]:
    """So many datasets without an active journey, and so many with one."""
    owners = [Ownership.INACTIVE] * inactive + [Ownership.ACTIVE] * active
    return {UUID(int=place): owner for place, owner in enumerate(owners, start=1)}


@pytest.mark.parametrize(
    ("status", "owner"),
    [
        (JourneyStatus.ACTIVE, Ownership.ACTIVE),
        (JourneyStatus.COMPLETED, Ownership.INACTIVE),
        (None, Ownership.INACTIVE),
    ],
)
def test_a_journey_that_is_over_or_does_not_exist_owns_nothing(
    status: JourneyStatus | None, owner: Ownership
) -> None:
    assert ownership_of(status) is owner


def test_a_first_scan_only_suspects() -> None:
    seen = fleet(inactive=2, active=3)

    judgement = judge_orphans(seen)

    assert judgement == OrphanJudgement(frozenset({UUID(int=1), UUID(int=2)}))


def test_a_second_scan_proves_what_the_first_suspected() -> None:
    seen = fleet(inactive=2, active=3)

    judgement = judge_orphans(seen, {UUID(int=2), UUID(int=4)})

    assert judgement.orphans == (UUID(int=2),)
    assert judgement.suspects == {UUID(int=1), UUID(int=2)}


def test_a_suspect_whose_journey_is_active_again_is_cleared() -> None:
    seen = fleet(inactive=0, active=3)

    judgement = judge_orphans(seen, {UUID(int=1)})

    assert judgement == OrphanJudgement(frozenset())


def test_one_failed_lookup_calls_the_whole_sweep_off() -> None:
    seen = fleet(inactive=2) | {UUID(int=9): Ownership.UNKNOWN}

    judgement = judge_orphans(seen, {UUID(int=1)})

    assert judgement == OrphanJudgement(frozenset({UUID(int=1)}), is_called_off=True)


@pytest.mark.parametrize(
    ("inactive", "active", "torn_down"),
    [(5, 0, True), (6, 0, False), (6, 53, False), (6, 54, True), (10, 90, True), (11, 90, False)],
)
def test_more_than_five_and_a_tenth_at_once_wait_for_an_approval(
    inactive: int, active: int, torn_down: bool
) -> None:
    seen = fleet(inactive, active)

    judgement = judge_orphans(seen, set(seen))

    assert len(judgement.orphans) == (inactive if torn_down else 0)
    assert len(judgement.to_approve) == (0 if torn_down else inactive)


@given(Owners, st.sets(st.uuids(), max_size=5), st.data())
def test_nothing_is_torn_down_that_two_scans_did_not_see_without_a_journey(
    seen: dict[UUID, Ownership], strangers: set[UUID], data: st.DataObject
) -> None:
    known = data.draw(st.sets(st.sampled_from(sorted(seen)))) if seen else set[UUID]()

    judgement = judge_orphans(seen, known | strangers)

    for each in (*judgement.orphans, *judgement.to_approve):
        assert seen[each] is Ownership.INACTIVE
        assert each in known | strangers
    assert len(judgement.orphans) <= max(5, len(seen) // 10)
    assert not (judgement.orphans and judgement.to_approve)
