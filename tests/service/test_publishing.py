"""Events reach their readers as CloudEvents: in order, from where they left off, and at once."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any, get_args, get_type_hints
from uuid import UUID

import httpx
import pytest

from domain.commands import Principal
from domain.events import AdditiveEvent, SeedEvent
from domain.journey import JourneyStage
from domain.lifecycle import DatasetStatus, TeardownReason, TeardownStep
from protocol.schemas import schemas
from protocol.transport import StreamingTransport
from registry.outbox import plain_fields
from service.app import build_app
from service.pages import pages
from tests.builders import ADDRESS, NOW
from tests.published import strictly
from tests.registry.databases import ME
from tests.running import BASE, JIRA, SMALL, RunningService, running
from tests.service.consoles import Console, a_dataset_of, same_database, serving


async def read(answer: httpx.Response, count: int, *, seconds: float = 5) -> list[dict[str, str]]:
    """Read so many events of a stream; comments are passed over."""
    found: list[dict[str, str]] = []
    frame: dict[str, str] = {}
    async with asyncio.timeout(seconds):
        async for line in answer.aiter_lines():
            if line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                frame[name] = value
            elif frame:
                found.append(frame)
                frame = {}
            if len(found) == count:
                return found
    raise AssertionError("The stream ended.")


async def replay(console: Console, **query: str | int) -> list[dict[str, Any]]:
    answer = await console.http.get("/events/replay", params=query)
    return list(answer.json())


async def test_an_event_is_a_cloudevent_with_the_seeds_fields_as_data(console: Console) -> None:
    dataset = await console.keep(DatasetStatus.READY)

    event = (await replay(console))[-2]

    assert event == {
        "specversion": "1.0",
        "id": event["id"],
        "source": f"{ADDRESS}/agents/lifecycle-coordinator",
        "type": "io.dataops.lifecycle.DatasetProvisionCompleted.v1",
        "subject": str(dataset.place.dataset_id),
        "time": "2026-03-02T10:30:00.123456+00:00",
        "datacontenttype": "application/json",
        "dataschema": f"{ADDRESS}/schemas/DatasetProvisionCompleted.v1.json",
        "sequence": f"{int(event['sequence']):020d}",
        "tenant": "default",
        "journeyref": "journey-acme-2026",
        "clientref": "acme-healthcare",
        "correlationid": "task-1",
        "causationid": f"{dataset.place.dataset_id}/0",
        "durationseconds": event["durationseconds"],
        "data": event["data"],
    }
    assert event["data"]["record_count"] == 500


async def test_every_attribute_has_a_name_cloudevents_allows(console: Console) -> None:
    await console.keep(DatasetStatus.ARCHIVED)

    names = {name for event in await replay(console) for name in event}

    assert all(name.isalnum() and name == name.lower() for name in names)


async def test_the_data_of_every_event_of_a_life_is_as_its_dataschema_says(tmp_path: Path) -> None:
    async with running(tmp_path, retry_delays=()) as service:
        await _live_and_die(service)
        transport = StreamingTransport(build_app(service.service, pages(service.service)))
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as http:
            events = (await http.get("/events/replay")).json()
            for event in events:
                schema = (await http.get(event["dataschema"])).json()
                strictly(schema).validate(event["data"])

    assert {event["type"].split(".")[-2] for event in events} >= SEED_EVENTS


@pytest.mark.parametrize("event", [*get_args(SeedEvent), *get_args(AdditiveEvent)])
def test_every_event_is_written_as_its_schema_says(event: type[Any]) -> None:
    hints = get_type_hints(event)
    made = event(**{name: SAMPLES[_plain(kind)] for name, kind in hints.items()})

    written = plain_fields(made)

    strictly(schemas(ADDRESS)[event.__name__]).validate(written)


async def test_a_stream_gives_what_came_after_a_sequence_in_order(console: Console) -> None:
    await console.keep(DatasetStatus.READY)
    everything = await replay(console)

    async with console.http.stream("GET", "/events?after=1") as answer:
        frames = await read(answer, len(everything) - 1)

    assert [json.loads(each["data"]) for each in frames] == everything[1:]
    assert [int(each["id"]) for each in frames] == [int(e["sequence"]) for e in everything[1:]]
    assert frames[-1]["event"] == everything[-1]["type"].split(".")[-2]


async def test_a_client_that_comes_back_goes_on_where_it_left_off(console: Console) -> None:
    await console.keep(DatasetStatus.READY)

    async with console.http.stream(
        "GET", "/events?after=0", headers={"Last-Event-ID": "2"}
    ) as answer:
        (frame,) = await read(answer, 1)

    assert frame["id"] == "3"


async def test_a_stream_without_a_position_begins_now_and_hears_the_next_commit_at_once(
    console: Console,
) -> None:
    await console.keep(DatasetStatus.READY)
    past = await replay(console)

    async with console.http.stream("GET", "/events") as answer:
        await console.keep(DatasetStatus.PROVISIONING, a_dataset_of(1))
        (frame,) = await read(answer, 1, seconds=0.9)

    assert int(frame["id"]) > int(past[-1]["sequence"])
    assert frame["event"] == "DatasetProvisioningStarted"


async def test_events_of_another_process_arrive_without_the_bell(
    console: Console, tmp_path: Path
) -> None:
    async with console.http.stream("GET", "/events") as answer:
        async with serving(tmp_path, same_database(tmp_path)) as elsewhere:
            await elsewhere.keep(DatasetStatus.PROVISIONING)
        (frame,) = await read(answer, 1)

    assert frame["event"] == "DatasetProvisioningStarted"


async def test_a_stream_can_be_narrowed_to_a_journey_and_a_type(console: Console) -> None:
    await console.keep(DatasetStatus.READY, a_dataset_of(1))
    await console.keep(DatasetStatus.READY, a_dataset_of(2))

    wanted = {"after": "0", "journey": "journey-2", "type": "DatasetReady"}
    async with console.http.stream("GET", "/events", params=wanted) as answer:
        (frame,) = await read(answer, 1)

    event = json.loads(frame["data"])
    assert (event["journeyref"], frame["event"]) == ("journey-2", "DatasetReady")


async def test_a_replay_takes_the_full_type_as_well(console: Console) -> None:
    await console.keep(DatasetStatus.READY)

    found = await replay(console, type="io.dataops.lifecycle.DatasetReady.v1")

    assert len(found) == 1


async def test_a_replay_links_to_its_next_batch_until_there_is_none(console: Console) -> None:
    await console.keep(DatasetStatus.ARCHIVED)
    everything = await replay(console)

    answer = await console.http.get("/events/replay?limit=2")
    found: list[dict[str, Any]] = answer.json()
    while answer.links:
        answer = await console.http.get(answer.links["next"]["url"])
        found += answer.json()

    assert found == everything
    assert answer.headers["content-type"] == "application/cloudevents-batch+json"


async def test_a_stream_is_an_event_stream_that_nobody_keeps(console: Console) -> None:
    async with console.http.stream("GET", "/events") as answer:
        headers = answer.headers

    assert headers["content-type"].startswith("text/event-stream")
    assert headers["cache-control"] == "no-store"


async def test_nobody_hears_another_tenants_events(console: Console) -> None:
    await console.keep(DatasetStatus.READY)

    async with console.seen_by(Principal("globex", "bob")) as stranger:
        heard = (await stranger.get("/events/replay")).json()
    async with console.seen_by(ME) as owner:
        own = (await owner.get("/events/replay")).json()

    assert heard == []
    assert own != []


@pytest.mark.parametrize("query", ["after=soon", "after=-1", "after=1.5", "type=<b>"])
async def test_a_position_that_is_none_is_told_by_field(console: Console, query: str) -> None:
    answer = await console.http.get(f"/events?{query}")

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == query.split("=", maxsplit=1)[0]


SEED_EVENTS = {each.__name__ for each in get_args(SeedEvent)}

SAMPLES: dict[Any, Any] = {
    bool: True,
    UUID: UUID(int=1),
    UUID | None: None,
    str: "x",
    int: 1,
    Fraction: Fraction(199, 200),
    datetime: NOW,
    tuple[str, ...]: ("jira",),
    JourneyStage: JourneyStage.SANDBOX,
    TeardownReason: TeardownReason.ORPHAN_CLEANUP,
    TeardownStep: TeardownStep.GRACE,
}
"""A value of each type that fields of events have."""


def _plain(kind: Any) -> Any:
    """Give the type that a name for ids of one kind stands for."""
    return getattr(kind, "__supertype__", kind)


async def _live_and_die(service: RunningService) -> None:
    """Let a dataset become READY, fail its gate, and be archived."""
    of_jira = {"dataset_id": JIRA}
    await service.call("lifecycle-coordinator", SMALL)
    service.glean_faults.fail_next("/status", status=500)
    await service.call("data-validation", {"skill": "validate-dataset", **of_jira})
    await service.call("data-teardown", {"skill": "teardown-dataset", **of_jira, "force": True})
