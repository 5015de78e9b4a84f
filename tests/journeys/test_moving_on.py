"""A journey moves on: its datasets end for those of the next stage, at once or one by one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from domain.lifecycle import DatasetStatus, TeardownReason
from tests.journeys.scenes import (
    COORDINATOR,
    ONE,
    TEARDOWN,
    dataset_of,
    events_of,
    is_probed,
    names_of,
    until,
    until_status,
)
from tests.journeys.stages import later_stages
from tests.running import RunningService, running

if TYPE_CHECKING:
    from domain.dataset import Dataset

JOURNEY = "journey-acme-2026"
SANDBOX, PILOT, PRODUCTION = (
    f"ACME-{stage}-github" for stage in ("sandbox", "pilot", "production")
)
TO_PILOT = {"skill": "transition-stage", "journey_id": JOURNEY, "to_stage": "pilot"}
ONE_BY_ONE = {**TO_PILOT, "mode": "make_before_break"}
DAY = timedelta(hours=24)

pytestmark = pytest.mark.requirement("R72")


@pytest.fixture
async def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RunningService]:
    """The service, with what pilots are made of, and one sandbox dataset that is READY."""
    settings = later_stages(tmp_path, monkeypatch)
    async with running(tmp_path / "data", **settings) as opened:
        await opened.call(COORDINATOR, ONE)
        yield opened


@pytest.fixture
async def bare(tmp_path: Path) -> AsyncIterator[RunningService]:
    """The service without any source for a pilot, and one sandbox dataset that is READY."""
    async with running(tmp_path) as opened:
        await opened.call(COORDINATOR, ONE)
        yield opened


def moves_of(data: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each["dataset_type"], each["outcome"]) for each in data["moves"]]


def torn_down_for(dataset: Dataset) -> TeardownReason | None:
    return dataset.teardown.reason if dataset.teardown else None


@pytest.mark.requirement("R7", "R19", "R59")
async def test_a_transition_ends_what_was_before_and_provisions_the_same_types(
    office: RunningService,
) -> None:
    heard = await office.call(COORDINATOR, TO_PILOT)

    sandbox, pilot = await dataset_of(office, SANDBOX), await dataset_of(office, PILOT)
    assert (heard.state, moves_of(heard.data)) == ("COMPLETED", [("github", "moved")])
    assert pilot.status is DatasetStatus.READY
    assert torn_down_for(sandbox) is TeardownReason.STAGE_TRANSITION
    (started,) = [
        each for each in await events_of(office, SANDBOX) if each.name == "DatasetTeardownStarted"
    ]
    assert started.fields["reason"] == "stage_transition"


async def test_a_transition_tells_that_datasets_are_asked_for(office: RunningService) -> None:
    heard = await office.call(COORDINATOR, TO_PILOT)

    requested = [
        each for each in await events_of(office) if each.name == "DatasetProvisionRequested"
    ]
    assert heard.state == "COMPLETED"
    assert requested[-1].fields["stage"] == "pilot"
    assert requested[-1].fields["dataset_types"] == ["github"]


async def test_an_immediate_transition_does_not_wait_for_its_successor(
    office: RunningService,
) -> None:
    await office.line.begin(COORDINATOR, TO_PILOT)

    sandbox = await dataset_of(office, SANDBOX)
    assert sandbox.status is DatasetStatus.TEARDOWN
    assert sandbox.gives_way is None


async def test_a_type_that_cannot_be_made_is_told_and_what_was_before_ends_all_the_same(
    bare: RunningService,
) -> None:
    heard = await bare.call(COORDINATOR, TO_PILOT)

    (move,) = heard.data["moves"]
    sandbox = await dataset_of(bare, SANDBOX)
    assert heard.state == "FAILED"
    assert (move["outcome"], move["successor"]) == ("refused", None)
    assert "needs a configured source" in move["refusal"]
    assert move["refusal"] in heard.sentence
    assert sandbox.status is DatasetStatus.TEARDOWN
    assert "DatasetProvisionRequested" not in (await names_of(bare))[1:]


@pytest.mark.parametrize(
    ("to_stage", "why"), [("sandbox", "cannot move back"), ("production", "past a stage")]
)
async def test_no_journey_moves_back_or_past_a_stage(
    bare: RunningService, to_stage: str, why: str
) -> None:
    heard = await bare.call(COORDINATOR, {**TO_PILOT, "to_stage": to_stage})

    assert heard.state == "REJECTED"
    assert why in heard.sentence
    assert (await dataset_of(bare, SANDBOX)).status is DatasetStatus.READY


async def test_what_a_journey_has_moved_past_it_does_not_move_back_to(
    office: RunningService,
) -> None:
    moved = await office.http.put(
        f"/journeys/journeys/{JOURNEY}/stage", json={"stage": "production"}
    )
    assert moved.is_success

    heard = await office.call(COORDINATOR, TO_PILOT)

    assert heard.state == "REJECTED"
    assert "is at production and cannot move back" in heard.sentence


async def test_a_completed_or_unknown_journey_does_not_move(bare: RunningService) -> None:
    unknown = await bare.call(COORDINATOR, {**TO_PILOT, "journey_id": "journey-of-nobody"})
    done = await bare.http.post(f"/journeys/journeys/{JOURNEY}/complete")
    assert done.is_success

    completed = await bare.call(COORDINATOR, TO_PILOT)

    assert (unknown.state, completed.state) == ("REJECTED", "REJECTED")
    assert "journey-of-nobody" in unknown.sentence
    assert "is completed" in completed.sentence


async def test_a_transition_of_a_journey_that_moved_already_changes_nothing(
    office: RunningService,
) -> None:
    first = await office.call(COORDINATOR, TO_PILOT)
    before = await office.service.registry.last_sequence("default")

    again = await office.call(COORDINATOR, TO_PILOT)

    assert (first.state, again.state) == ("COMPLETED", "COMPLETED")
    assert (again.data["datasets"], again.data["moves"]) == ([], [])
    assert again.sentence == "There is no dataset to change."
    assert await office.service.registry.last_sequence("default") == before


@pytest.mark.requirement("R19")
async def test_a_journey_moves_from_pilot_to_production(office: RunningService) -> None:
    await office.call(COORDINATOR, TO_PILOT)

    heard = await office.call(COORDINATOR, {**TO_PILOT, "to_stage": "production"})

    (move,) = heard.data["moves"]
    pilot, production = await dataset_of(office, PILOT), await dataset_of(office, PRODUCTION)
    assert torn_down_for(pilot) is TeardownReason.STAGE_TRANSITION
    assert move["before"] == str(pilot.place.dataset_id)
    assert move["successor"] == str(production.place.dataset_id)


async def test_a_transition_called_off_leaves_what_has_ended_to_be_restored(
    office: RunningService,
) -> None:
    office.glean_faults.fail_next("/bulkindexdocuments", status=503, times=1000)
    task = await office.line.begin(COORDINATOR, TO_PILOT)

    await office.line.cancel(COORDINATOR, task.id)

    pilot = await dataset_of(office, PILOT)
    restored = await office.call(TEARDOWN, {"skill": "restore-dataset", "dataset_id": SANDBOX})
    assert pilot.status is DatasetStatus.TEARDOWN
    assert restored.dataset["status"] == "ready"


# --- make before break -------------------------------------------------------------------------


async def test_make_before_break_keeps_what_was_before_until_its_successor_is_ready(
    office: RunningService,
) -> None:
    heard = await office.call(COORDINATOR, ONE_BY_ONE)

    told = [(each.name, str(each.context.dataset_id)) for each in await events_of(office)]
    sandbox, pilot = await dataset_of(office, SANDBOX), await dataset_of(office, PILOT)
    ready = told.index(("DatasetReady", str(pilot.place.dataset_id)))
    ended = told.index(("DatasetTeardownStarted", str(sandbox.place.dataset_id)))
    assert (heard.state, moves_of(heard.data)) == ("COMPLETED", [("github", "moved")])
    assert ready < ended
    assert torn_down_for(sandbox) is TeardownReason.STAGE_TRANSITION
    assert sandbox.gives_way is None


async def test_what_gives_way_stays_while_its_successor_cannot_be_made(
    office: RunningService,
) -> None:
    office.glean_faults.fail_next("/bulkindexdocuments", status=503, times=1000)
    await office.line.begin(COORDINATOR, ONE_BY_ONE)

    office.clock.advance(timedelta(minutes=2))
    sandbox = await until(office, SANDBOX, lambda each: is_probed(each, office))

    pilot = await dataset_of(office, PILOT)
    assert sandbox.status is DatasetStatus.READY
    assert sandbox.gives_way is not None
    assert sandbox.gives_way.successor == pilot.place.dataset_id


async def test_what_gives_way_ends_after_a_day_though_its_successor_failed(
    office: RunningService,
) -> None:
    office.glean_faults.fail_next("/bulkindexdocuments", status=400, times=1000)
    heard = await office.call(COORDINATOR, ONE_BY_ONE)
    failed = await dataset_of(office, PILOT)

    office.clock.advance(DAY + timedelta(minutes=1))

    sandbox = await until_status(office, SANDBOX, DatasetStatus.TEARDOWN)
    assert (heard.state, moves_of(heard.data)) == ("FAILED", [("github", "failed")])
    assert failed.status is DatasetStatus.FAILED
    assert torn_down_for(sandbox) is TeardownReason.STAGE_TRANSITION


async def test_a_successor_that_is_mended_within_the_day_ends_what_gave_way(
    office: RunningService,
) -> None:
    office.glean_faults.fail_next("/bulkindexdocuments", status=400)
    await office.call(COORDINATOR, ONE_BY_ONE)
    assert (await dataset_of(office, SANDBOX)).status is DatasetStatus.READY

    mended = await office.call(
        "data-validation", {"skill": "validate-dataset", "dataset_id": PILOT}
    )

    assert mended.dataset["status"] == "ready"
    sandbox = await until_status(office, SANDBOX, DatasetStatus.TEARDOWN)
    assert torn_down_for(sandbox) is TeardownReason.STAGE_TRANSITION


async def test_what_has_no_successor_stays_for_a_day_and_then_ends(bare: RunningService) -> None:
    heard = await bare.call(COORDINATOR, ONE_BY_ONE)
    stays = await dataset_of(bare, SANDBOX)

    bare.clock.advance(DAY + timedelta(minutes=1))

    assert (heard.state, moves_of(heard.data)) == ("FAILED", [("github", "refused")])
    assert stays.status is DatasetStatus.READY
    assert stays.gives_way is not None
    assert stays.gives_way.successor is None
    await until_status(bare, SANDBOX, DatasetStatus.TEARDOWN)


async def test_a_make_before_break_called_off_lets_what_gave_way_stay(
    office: RunningService,
) -> None:
    office.glean_faults.fail_next("/bulkindexdocuments", status=503, times=1000)
    task = await office.line.begin(COORDINATOR, ONE_BY_ONE)
    await office.line.cancel(COORDINATOR, task.id)

    office.clock.advance(DAY + timedelta(minutes=1))
    sandbox = await until(office, SANDBOX, lambda each: is_probed(each, office))

    assert sandbox.status is DatasetStatus.READY
    assert sandbox.gives_way is None
    assert (await dataset_of(office, PILOT)).teardown is not None


async def test_a_restart_in_the_middle_of_make_before_break_changes_nothing_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = later_stages(tmp_path, monkeypatch)
    async with running(tmp_path / "data", **settings) as first:
        await first.call(COORDINATOR, ONE)
        first.glean_faults.fail_next("/bulkindexdocuments", status=503, times=1000)
        task = await first.line.begin(COORDINATOR, ONE_BY_ONE)
        await until(first, PILOT, lambda each: each.retries > 0)

    async with running(tmp_path / "data", **settings) as second:
        second.clock.advance(timedelta(minutes=1))
        sandbox = await until_status(second, SANDBOX, DatasetStatus.TEARDOWN)
        heard = await second.line.follow(COORDINATOR, task.id)

        assert torn_down_for(sandbox) is TeardownReason.STAGE_TRANSITION
        assert (await dataset_of(second, PILOT)).status is DatasetStatus.READY
        assert heard.state == "COMPLETED"
        assert (await names_of(second, SANDBOX)).count("DatasetTeardownStarted") == 1
