"""Orphans: proven by two scans in a row, never by a doubt, and never many at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.journey import JourneyStage, JourneyStatus
from domain.lifecycle import DatasetStatus
from domain.orphans import (
    Candidate,
    Fleet,
    Holding,
    OrphanJudgement,
    Ownership,
    Stray,
    is_stray,
    judge_orphans,
    ownership_of,
)
from tests.domain.making import NOW

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


@pytest.mark.requirement("R75", "R82")
def test_a_second_scan_proves_what_the_first_suspected() -> None:
    seen = fleet(inactive=2, active=3)

    judgement = judge_orphans(seen, {UUID(int=2), UUID(int=4)})

    assert judgement.orphans == (UUID(int=2),)
    assert judgement.suspects == {UUID(int=1), UUID(int=2)}


def test_a_suspect_whose_journey_is_active_again_is_cleared() -> None:
    seen = fleet(inactive=0, active=3)

    judgement = judge_orphans(seen, {UUID(int=1)})

    assert judgement == OrphanJudgement(frozenset())


@pytest.mark.requirement("R75")
def test_one_failed_lookup_calls_a_tenants_whole_scan_off() -> None:
    seen = fleet(inactive=2) | {UUID(int=9): Ownership.UNKNOWN}

    judgement = judge_orphans(seen, {UUID(int=1)})

    assert judgement == OrphanJudgement(frozenset({UUID(int=1)}), is_called_off=True)


@pytest.mark.requirement("R75")
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


def test_the_cap_of_a_scan_of_a_few_is_that_of_the_whole_fleet() -> None:
    seen = fleet(inactive=8)

    few, many = (judge_orphans(seen, set(seen), fleet_size=size) for size in (79, 80))

    assert (len(few.orphans), len(few.to_approve)) == (0, 8)
    assert (len(many.orphans), len(many.to_approve)) == (8, 0)


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


def a_candidate(**changes: Any) -> Candidate:
    fields: dict[str, Any] = {
        "tenant": "default",
        "dataset_id": UUID(int=1),
        "connector_name": "ACME-sandbox-confluence",
        "journey_ref": "journey-acme-2026",
        "client_ref": "acme-healthcare",
        "stage": JourneyStage.SANDBOX,
        "status": DatasetStatus.READY,
    }
    return Candidate(**(fields | changes))


def test_a_suspicion_proves_something_only_once_it_is_old_enough() -> None:
    suspect = a_candidate(suspected_at=NOW)

    assert suspect.is_suspected_by(NOW)
    assert not suspect.is_suspected_by(NOW - timedelta(seconds=1))
    assert not a_candidate().is_suspected_by(NOW)


@pytest.mark.parametrize(
    ("suspected_at", "refused_at", "is_spared"),
    [
        (None, None, False),
        (NOW, None, False),
        (None, NOW, False),
        (NOW, NOW, True),
        (NOW, NOW - timedelta(days=1), False),
    ],
)
def test_whom_somebody_spared_is_spared_until_it_comes_under_suspicion_anew(
    suspected_at: Any, refused_at: Any, *, is_spared: bool
) -> None:
    assert a_candidate(suspected_at=suspected_at, refused_at=refused_at).is_spared is is_spared


def test_a_fleet_of_several_tenants_is_parted_with_the_size_of_each() -> None:
    ours, theirs = a_candidate(), a_candidate(tenant="globex", dataset_id=UUID(int=2))
    whole = Fleet((ours, theirs), {"default": 7, "globex": 1, "initech": 3})

    parts = whole.of_each_tenant()

    assert parts == [Fleet((ours,), {"default": 7}), Fleet((theirs,), {"globex": 1})]
    assert [whole.size, *(each.size for each in parts)] == [11, 7, 1]


@pytest.mark.parametrize("status", [None, *DatasetStatus])
def test_documents_are_strays_where_their_dataset_is_archived_or_unknown(
    status: DatasetStatus | None,
) -> None:
    held = Holding("acmesandboxjira0a1b2c3d", "http://here/datasets/1", UUID(int=1), 1)

    assert is_stray(held, status) is (status in {None, DatasetStatus.ARCHIVED})


def test_a_stray_is_proven_once_an_earlier_scan_knew_it() -> None:
    new = Stray("default", Holding("a", "http://here/datasets/1", UUID(int=1), 1))

    assert not new.is_proven
    assert replace(new, suspected_at=NOW).is_proven


def test_an_empty_datasource_is_no_stray() -> None:
    assert not is_stray(Holding("a", "http://here/datasets/1", UUID(int=1), 0), None)
