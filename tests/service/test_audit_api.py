"""The audit trail over HTTP: listed, shown and looked through, each tenant's by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from domain.commands import Principal
from domain.lifecycle import DatasetStatus
from registry.metrics import read_figures
from service.observability import metrics_page
from tests.builders import NOW, tear_down
from tests.published import strictly
from tests.registry.trails import disarm, edit, grow
from tests.service.consoles import Console, a_dataset_of


async def test_entries_are_listed_page_by_page(console: Console) -> None:
    await grow(console.house, 5)

    page = (await console.http.get("/api/v1/audit?limit=3")).json()
    rest = (await console.http.get(f"/api/v1/audit?limit=3&after={page['next_after']}")).json()

    assert [each["sequence"] for each in page["entries"]] == [1, 2, 3]
    assert [each["sequence"] for each in rest["entries"]] == [4, 5]
    assert rest["next_after"] is None


async def test_entries_are_listed_of_one_dataset(console: Console) -> None:
    dataset = await console.keep(DatasetStatus.READY, a_dataset_of(1))
    await console.keep(DatasetStatus.READY, a_dataset_of(2))
    tear_down(dataset)
    await console.house.save(dataset)
    name = dataset.place.connector_name

    found = (await console.http.get(f"/api/v1/audit?dataset={name}")).json()["entries"]

    assert [each["to_status"] for each in found] == ["ready", "teardown"]
    assert {each["principal"] for each in found} == {"alice"}
    assert {each["dataset_id"] for each in found} == {str(dataset.place.dataset_id)}


async def test_an_entry_is_shown_with_its_place_in_the_chain(console: Console) -> None:
    await grow(console.house, 2)

    first, second = [(await console.http.get(f"/api/v1/audit/{each}")).json() for each in (1, 2)]

    assert first["prev_hash"] == "0" * 64
    assert second["prev_hash"] == first["hash"]
    assert second["detail"] == {"number": 1}


async def test_a_trail_that_nobody_harmed_is_intact(console: Console) -> None:
    await grow(console.house, 5)

    found = (await console.http.get("/api/v1/audit/verify")).json()

    assert (found["intact"], found["entries"], found["findings"]) == (True, 5, [])
    assert found["entries_per_second"] > 0


async def test_a_trail_that_was_harmed_says_where(console: Console) -> None:
    await grow(console.house, 5)
    await disarm(console.house)
    await edit(console.house, 3, principal="nobody")

    found = (await console.http.get("/api/v1/audit/verify")).json()

    assert not found["intact"]
    assert [(each["kind"], each["first"]) for each in found["findings"]] == [("edited", 3)]


async def test_another_tenants_trail_is_not_seen(console: Console) -> None:
    await grow(console.house, 5)

    async with console.seen_by(Principal("globex", "bob")) as stranger:
        listed = (await stranger.get("/api/v1/audit")).json()
        shown = await stranger.get("/api/v1/audit/1")
        verified = (await stranger.get("/api/v1/audit/verify")).json()

    assert listed["entries"] == []
    assert shown.status_code == 404
    assert (verified["tenant"], verified["entries"]) == ("globex", 0)


async def test_a_tenants_trail_is_looked_through_for_one_at_a_time(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    await grow(console.house, 5)
    reached, go_on = asyncio.Event(), asyncio.Event()
    locations = console.archive.locations

    seen: set[str] = set()

    async def wait(key: str) -> Sequence[str]:
        if key not in seen:
            seen.add(key)
            reached.set()
            await go_on.wait()
        return await locations(key)

    monkeypatch.setattr(console.archive, "locations", wait)
    first = asyncio.create_task(console.http.get("/api/v1/audit/verify"))
    await reached.wait()
    second = await console.http.get("/api/v1/audit/verify")
    async with console.seen_by(Principal("globex", "bob")) as stranger:
        reached.clear()
        other = asyncio.create_task(stranger.get("/api/v1/audit/verify"))
        await reached.wait()
        go_on.set()
        answers = [await first, await other, await console.http.get("/api/v1/audit/verify")]

    assert [each.status_code for each in answers] == [200, 200, 200]
    assert (second.status_code, second.headers["retry-after"]) == (429, "5")
    assert "Ask again when that is over" in second.json()["detail"]
    document = (await console.http.get("/openapi.json")).json()
    described = document["paths"]["/api/v1/audit/verify"]["get"]["responses"]["429"]
    assert list(described["content"]) == [second.headers["content-type"]]


@pytest.mark.parametrize("number", ["0", "6", "-1", "first", "1.5", "²", "9" * 30, "9" * 18])
async def test_an_entry_that_is_not_there_is_a_problem(console: Console, number: str) -> None:
    await grow(console.house, 5)

    answer = await console.http.get(f"/api/v1/audit/{number}")

    assert answer.status_code == 404
    assert answer.json()["detail"].startswith("The audit trail has no entry")


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        ("audit", "/audit"),
        ("audit/1", "/audit/{sequence}"),
        ("audit/2", "/audit/{sequence}"),
        ("audit/99", "/audit/{sequence}"),
        ("audit/verify", "/audit/verify"),
        ("audit?limit=0", "/audit"),
    ],
)
async def test_every_answer_is_as_the_openapi_document_says(
    console: Console, path: str, operation: str
) -> None:
    await console.keep(DatasetStatus.READY)
    await grow(console.house, 1)
    await disarm(console.house)
    await edit(console.house, 2, principal="nobody")
    document = (await console.http.get("/openapi.json")).json()

    answer = await console.http.get(f"/api/v1/{path}")

    responses = document["paths"][f"/api/v1{operation}"]["get"]["responses"]
    (content,) = responses[str(answer.status_code)]["content"].items()
    assert answer.headers["content-type"] == content[0]
    strictly({**content[1]["schema"], "components": document["components"]}).validate(answer.json())


async def test_the_trail_is_written_by_nobody_over_http(console: Console) -> None:
    await grow(console.house, 1)

    answers = [
        await console.http.request(method, "/api/v1/audit/1", json={})
        for method in ("POST", "PUT", "PATCH", "DELETE")
    ]

    assert {each.status_code for each in answers} == {405}


async def test_the_metrics_count_the_entries_of_every_trail(console: Console) -> None:
    await grow(console.house, 3)
    await grow(console.house, 2, tenant="globex")

    page = metrics_page(await read_figures(console.house.database), 0, NOW)

    assert b"dataops_audit_head_size 5.0" in page
