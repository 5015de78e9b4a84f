"""One call, many spellings: URLs, bindings, parts, and the seed's own event."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from protocol.codec import data_part, text_part
from protocol.inputs import ProvisionDatasetsInput
from tests.running import ACME, BASE, JIRA, SMALL, RunningService, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

COORDINATOR = "lifecycle-coordinator"
VERSION = {"A2A-Version": "1.0"}
STATUS = {"skill": "dataset-status", "dataset_id": JIRA}


def _sent(message_id: str = "one") -> dict[str, Any]:
    return {"message": {"messageId": message_id, "role": "ROLE_USER", "parts": [{"data": STATUS}]}}


@pytest.mark.parametrize("url", [f"/agents/{COORDINATOR}", f"/agents/{COORDINATOR}/"])
async def test_json_rpc_is_taken_under_both_spellings(shared: RunningService, url: str) -> None:
    body = {"jsonrpc": "2.0", "id": 7, "method": "SendMessage", "params": _sent()}

    answer = await shared.http.post(url, json=body, headers=VERSION)

    assert answer.json()["result"]["task"]["status"]["state"] == "TASK_STATE_COMPLETED"


async def test_http_and_json_are_taken_below_the_agent(shared: RunningService) -> None:
    url = f"/agents/{COORDINATOR}/message:send"

    answer = await shared.http.post(url, json=_sent(), headers=VERSION)

    assert answer.status_code == 200
    assert answer.json()["task"]["status"]["state"] == "TASK_STATE_COMPLETED"


async def test_a_task_of_http_and_json_is_read_back_by_its_id(shared: RunningService) -> None:
    base = f"/agents/{COORDINATOR}"
    sent = await shared.http.post(f"{base}/message:send", json=_sent(), headers=VERSION)
    task = sent.json()["task"]["id"]

    answer = await shared.http.get(f"{base}/tasks/{task}", headers=VERSION)

    assert answer.json()["id"] == task


async def test_a_message_of_the_older_protocol_is_taken(shared: RunningService) -> None:
    part = {"kind": "data", "data": STATUS}
    message = {"kind": "message", "messageId": "old", "role": "user", "parts": [part]}
    body = {"jsonrpc": "2.0", "id": 1, "method": "message/send", "params": {"message": message}}

    answer = await shared.http.post(
        f"/agents/{COORDINATOR}", json=body, headers={"A2A-Version": "0.3"}
    )

    assert answer.json()["result"]["status"]["state"] == "completed"


async def test_json_in_a_text_part_is_the_same_call(shared: RunningService) -> None:
    as_text = await shared.line.say(COORDINATOR, [text_part(json.dumps(STATUS))])

    as_data = await shared.line.say(COORDINATOR, [data_part(STATUS)])

    assert as_text.state == "COMPLETED"
    assert as_text.data == as_data.data


async def test_the_first_part_that_is_a_call_counts(shared: RunningService) -> None:
    heard = await shared.line.say(COORDINATOR, [text_part("please:"), data_part(STATUS)])

    assert heard.dataset["connector_name"] == JIRA


async def test_the_seeds_own_event_is_a_request_to_provision(shared: RunningService) -> None:
    event = {"event": "DatasetProvisionRequested", **ACME, "dataset_types": ["jira"]}

    heard = await shared.call(COORDINATOR, event)

    assert heard.state == "REJECTED"
    assert heard.data["error"] == "DuplicateDataset"


@pytest.mark.parametrize("seed", [42, 42.0, "42"], ids=["number", "double", "text"])
async def test_a_seed_is_digits_however_it_is_written(shared: RunningService, seed: object) -> None:
    given = {"skill": "plan-datasets", **ACME, "dataset_types": ["slack"], "seed": seed}

    heard = await shared.line.say(COORDINATOR, [text_part(json.dumps(given))])

    assert heard.state == "COMPLETED"
    assert (
        ProvisionDatasetsInput.model_validate(
            {key: value for key, value in given.items() if key != "skill"}
        ).seed
        == "42"
    )


async def test_an_upper_case_status_is_taken(shared: RunningService) -> None:
    heard = await shared.call(COORDINATOR, {"skill": "list-datasets", "status": "READY"})

    assert heard.dataset["status"] == "ready"


async def test_a_long_list_comes_in_pages(tmp_path: Path) -> None:
    asked = {"skill": "list-datasets", "page_size": 1}
    async with running(tmp_path) as service:
        await service.call(COORDINATOR, {**SMALL, "dataset_types": ["jira", "slack"]})

        first = await service.call(COORDINATOR, asked)
        token = first.data["next_page_token"]
        last = await service.call(COORDINATOR, {**asked, "page_token": token})

        assert first.sentence == "1 datasets, and there are more."
        assert {first.dataset["dataset_type"], last.dataset["dataset_type"]} == {"jira", "slack"}
        assert last.data["next_page_token"] is None


async def test_a_card_is_served_with_an_entity_tag(shared: RunningService) -> None:
    url = f"/agents/{COORDINATOR}/.well-known/agent-card.json"
    card = await shared.http.get(url)

    again = await shared.http.get(url, headers={"If-None-Match": card.headers["etag"]})

    assert card.json()["name"] == "Lifecycle Coordinator"
    assert (again.status_code, again.content) == (304, b"")


async def test_the_root_serves_the_coordinators_card(shared: RunningService) -> None:
    card = await shared.http.get("/.well-known/agent-card.json")

    assert card.json()["name"] == "Lifecycle Coordinator"


@pytest.mark.parametrize(
    ("query", "count"), [("", 5), ("?skill=verify-archive", 1), ("?tag=archive", 1), ("?tag=x", 0)]
)
async def test_agents_are_listed_by_skill_and_tag(
    shared: RunningService, query: str, count: int
) -> None:
    answer = await shared.http.get(f"/agents{query}")

    assert len(answer.json()["agents"]) == count


async def test_the_catalogue_links_every_agent(shared: RunningService) -> None:
    answer = await shared.http.get("/.well-known/api-catalog")

    (linkset,) = answer.json()["linkset"]
    assert answer.headers["content-type"] == "application/linkset+json"
    assert {"href": f"{BASE}/agents/data-teardown"} in linkset["item"]


async def test_a_schema_is_served_where_it_says_it_is(shared: RunningService) -> None:
    answer = await shared.http.get("/schemas/provision-datasets.input.v1.json")

    assert answer.json()["$id"] == str(answer.url)


async def test_an_unknown_schema_is_a_problem(shared: RunningService) -> None:
    answer = await shared.http.get("/schemas/dance.v1.json")

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "about:blank"
    assert "dance" in answer.json()["detail"]
    assert "list-datasets.output" in answer.json()["detail"]
