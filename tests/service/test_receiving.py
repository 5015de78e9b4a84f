"""The door for events: each is taken in once, whoever sends it and however often."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from domain.repository import DatasetFilter
from protocol.inbound import CLOUD_EVENT
from protocol.recovery import Recovery
from tests.protocol.test_inbound import an_event
from tests.running import ACME, BASE, JIRA, SMALL, RunningService, running, tokens_file

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

COORDINATOR = "lifecycle-coordinator"
ASKED = {
    **ACME,
    "dataset_types": ["jira"],
    "record_count": 10,
    "requested_by": "journey-orchestration",
}
BINARY = {
    "ce-specversion": "1.0",
    "ce-id": "event-1",
    "ce-source": "/journey-orchestration",
    "ce-type": "JourneyCompleted",
}


async def send(
    service: RunningService, event: dict[str, Any], http: httpx.AsyncClient | None = None
) -> httpx.Response:
    headers = {"content-type": CLOUD_EVENT}
    return await (http or service.http).post("/events", json=event, headers=headers)


async def count_of(service: RunningService) -> int:
    page = await service.service.registry.datasets("default", DatasetFilter(), 100, None)
    return len(page.datasets)


@pytest.mark.requirement("R7", "R54")
async def test_an_event_that_asks_for_datasets_becomes_a_request_and_a_task(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as service:
        answer = await send(service, an_event("DatasetProvisionRequested", data=ASKED))

        taken = answer.json()
        ready = await service.settled(JIRA, "ready")
        shown = await service.http.get(taken["task_url"].removeprefix(BASE))
        assert answer.status_code == 202
        assert taken["skill"] == "provision-datasets"
        assert taken["dataset_ids"] == [ready["dataset_id"]]
        assert shown.json()["id"] == taken["task_id"]
        assert (await service.line.task(COORDINATOR, taken["task_id"])).id == taken["task_id"]


@pytest.mark.requirement("R7", "R19")
async def test_a_completed_journey_ends_its_datasets_at_once(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await service.call(COORDINATOR, SMALL)

        answer = await service.http.post(
            "/events", json={"journey_id": ACME["journey_id"]}, headers=BINARY
        )

        ended = await service.settled(JIRA, "teardown")
        assert answer.status_code == 202
        assert ended["teardown_reason"] == "journey_completed"


@pytest.mark.requirement("R7", "R19", "R72")
async def test_a_stage_transition_moves_its_datasets_on(tmp_path: Path) -> None:
    moved = {"journey_id": ACME["journey_id"], "to_stage": "pilot", "from_stage": "sandbox"}
    async with running(tmp_path) as service:
        await service.call(COORDINATOR, SMALL)

        answer = await send(service, an_event("StageTransitioned", data=moved))

        ended = await service.settled(JIRA, "teardown")
        assert (answer.status_code, answer.json()["skill"]) == (202, "transition-stage")
        assert ended["teardown_reason"] == "stage_transition"


@pytest.mark.requirement("R54")
async def test_an_event_sent_again_gets_the_same_answer_and_does_nothing_more(
    tmp_path: Path,
) -> None:
    event = an_event("DatasetProvisionRequested", data=ASKED)
    async with running(tmp_path) as service:
        first = await send(service, event)
        await service.settled(JIRA, "ready")

        again = await send(service, event)

        assert (again.status_code, again.json()) == (202, first.json())
        assert await count_of(service) == 1


async def test_an_event_sent_twice_at_once_is_one_request(tmp_path: Path) -> None:
    event = an_event("DatasetProvisionRequested", data=ASKED)
    async with running(tmp_path) as service:
        answers = await asyncio.gather(*(send(service, event) for _ in range(4)))

        assert {each.status_code for each in answers} == {202}
        assert len({each.json()["task_id"] for each in answers}) == 1
        assert await count_of(service) == 1


async def test_another_event_under_the_same_id_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await send(service, an_event("DatasetProvisionRequested", data=ASKED))

        other = await send(
            service, an_event("DatasetProvisionRequested", data={**ASKED, "record_count": 11})
        )

        assert other.status_code == 409
        assert "under this source and id" in other.json()["detail"]
        assert await count_of(service) == 1


async def test_an_event_is_its_senders_and_stays_in_its_tenant(tmp_path: Path) -> None:
    tokens = tokens_file(tmp_path, one="default alice", two="globex bob")
    event = an_event("DatasetProvisionRequested", data=ASKED)
    async with running(tmp_path, auth_tokens=tokens) as service:
        alice, bob = await service.line_of("one"), await service.line_of("two")
        nobody = await send(service, event)

        taken = await send(service, event, alice.http)
        hers = await alice.call(COORDINATOR, {"skill": "list-datasets"})
        his = await bob.call(COORDINATOR, {"skill": "list-datasets"})

        assert (nobody.status_code, taken.status_code) == (401, 202)
        assert hers.dataset["requested_by"] == "journey-orchestration"
        assert his.data["datasets"] == []
        assert (await alice.task(COORDINATOR, taken.json()["task_id"])).id


async def test_an_event_is_taken_though_its_task_cannot_be_begun_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(self: Recovery, request: object) -> None:
        del self, request
        raise OSError("the database is away")

    async with running(tmp_path) as service:
        with monkeypatch.context() as patched:
            patched.setattr(Recovery, "take_up", broken)
            answer = await send(service, an_event("DatasetProvisionRequested", data=ASKED))

        await service.settled(JIRA, "ready")
        await service.service.server.recovery.sweep()

        task = await service.line.task(COORDINATOR, answer.json()["task_id"])
        assert answer.status_code == 202
        assert task.id == answer.json()["task_id"]
