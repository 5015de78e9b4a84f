"""Moves at their edges: somebody else writes first, or holds the place that comes next."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from agents.moves import Moves
from agents.persistence import MOST_TRIES
from domain.commands import Call, CompleteJourney, RequestKey, TransitionStage
from domain.errors import CameBefore, Conflict
from domain.journey import JourneyStage
from domain.lifecycle import DatasetStatus
from protocol.auth import ANONYMOUS
from tests.agents.registries import Overtaken
from tests.builders import a_dataset, a_dataset_in, a_journey
from tests.running import ACME, JIRA, SMALL, RunningService, running

if TYPE_CHECKING:
    from pathlib import Path

    from domain.dataset import Dataset
    from domain.journey import Journey

COORDINATOR = "lifecycle-coordinator"
TO_PILOT = TransitionStage(ACME["journey_id"], JourneyStage.PILOT)


def a_call(skill: str = "complete-journey") -> Call:
    """A command's way in, past the protocol."""
    key = RequestKey(COORDINATOR, "message-1", "ab" * 32)
    return Call(ANONYMOUS, key, skill, "task-1", "context-1", b"")


def moves_of(service: RunningService, registry: Any = None) -> Moves:
    front: Any = service.service.desks.front
    return Moves(
        front._registration,  # noqa: SLF001 - the same parts over another registry
        front.endings,
        registry=registry or service.service.registry,
        clock=service.clock,
    )


@pytest.mark.requirement("R19")
@pytest.mark.parametrize("times", [1, MOST_TRIES - 1, MOST_TRIES])
async def test_a_journey_is_completed_anew_where_somebody_else_wrote_first(
    tmp_path: Path, times: int
) -> None:
    async with running(tmp_path) as service:
        await service.call(COORDINATOR, SMALL)
        moves = moves_of(service, Overtaken(service.service.registry, times))
        completing = moves.complete(CompleteJourney(ACME["journey_id"]), a_call())

        if times < MOST_TRIES:
            await completing
        else:
            with pytest.raises(Conflict):
                await completing

        is_ended = await service.status_of(JIRA) == "teardown"
        assert is_ended is (times < MOST_TRIES)


@pytest.mark.requirement("R19")
async def test_a_message_that_came_before_is_not_tried_anew(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await service.call(COORDINATOR, SMALL)
        registry = Overtaken(service.service.registry, 0)
        moves, command = moves_of(service, registry), CompleteJourney(ACME["journey_id"])
        await moves.complete(command, a_call())
        registry.opened = 0

        with pytest.raises(CameBefore, match="'message-1'"):
            await moves.complete(command, a_call())

        assert registry.opened == 1


@pytest.mark.requirement("R67", "R72")
async def test_a_place_that_another_journey_holds_is_told_and_left_alone(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await service.call(COORDINATOR, SMALL)
        (sandbox,) = await _active(service)
        held = await _kept(service, a_journey("journey-acme-2025", client=sandbox.place.client))

        heard = await service.call(
            COORDINATOR,
            {"skill": "transition-stage", "journey_id": ACME["journey_id"], "to_stage": "pilot"},
        )

        (move,) = heard.data["moves"]
        stored = await service.service.registry.dataset("default", held.place.dataset_id)
        assert (heard.state, move["outcome"]) == ("FAILED", "refused")
        assert "belongs to journey journey-acme-2025" in move["refusal"]
        assert stored.teardown is None


@pytest.mark.requirement("R72")
async def test_a_successor_that_is_there_and_ready_is_not_waited_for(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await service.call(COORDINATOR, SMALL)
        (sandbox,) = await _active(service)
        place = sandbox.place
        journey = a_journey(place.journey_ref, client=place.client)
        held = await _kept(service, replace(journey, journey_id=place.journey_id))

        heard = await service.call(
            COORDINATOR,
            {
                "skill": "transition-stage",
                "journey_id": ACME["journey_id"],
                "to_stage": "pilot",
                "mode": "make_before_break",
            },
        )

        (move,) = heard.data["moves"]
        assert move["successor"] == str(held.place.dataset_id)
        assert await service.status_of(JIRA) == "teardown"


async def test_a_type_that_came_up_meanwhile_has_the_journey_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path) as service:
        await service.call(COORDINATOR, SMALL)
        before, looks = Moves._before, []  # noqa: SLF001 - what is seen before is what is judged

        async def seen(self: Moves, *given: Any) -> Any:
            found = await before(self, *given)
            looks.append(found)
            return [] if len(looks) == 1 else found

        monkeypatch.setattr(Moves, "_before", seen)
        request = await moves_of(service).transition(TO_PILOT, a_call("transition-stage"))

        assert len(looks) == 2
        assert [each.dataset_type for each in request.undertaking.moves] == ["jira"]


async def _active(service: RunningService) -> list[Dataset]:
    async with service.service.registry.transaction(ANONYMOUS) as transaction:
        return list(await transaction.active_of(ACME["journey_id"]))


async def _kept(service: RunningService, journey: Journey) -> Dataset:
    """Keep a READY pilot of a journey, in the place that a sandbox's successor would have."""
    dataset = a_dataset("jira", journey=journey, stage=JourneyStage.PILOT)
    a_dataset_in(DatasetStatus.READY, dataset)
    async with service.service.registry.transaction(ANONYMOUS) as transaction:
        await transaction.keep_journey(journey)
        await transaction.add(dataset)
    return dataset
