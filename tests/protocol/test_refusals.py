"""What cannot work is refused: named, explained, and with nothing half-made left behind."""

from __future__ import annotations

from typing import Any

import pytest

from protocol.codec import data_part, text_part
from tests.running import ACME, BASE, JIRA, SMALL, RunningService

pytestmark = pytest.mark.asyncio(loop_scope="module")

COORDINATOR = "lifecycle-coordinator"
NOBODY = "7b0d5a7e-0000-4000-8000-00000000dead"

REJECTED: list[tuple[str, dict[str, Any], str]] = [
    (COORDINATOR, {**SMALL, "journey_id": "journey-nobody"}, "journey-nobody"),
    (COORDINATOR, {**SMALL, "client_id": "globex"}, "globex"),
    (COORDINATOR, {**SMALL, "dataset_types": ["parchment"]}, "parchment"),
    (COORDINATOR, {**SMALL, "dataset_types": ["slack", "parchment"]}, "parchment"),
    (COORDINATOR, {**SMALL, "stage": "pilot"}, "pilot"),
    (COORDINATOR, {**SMALL, "stage": "PRODUCTION"}, "production"),
    (COORDINATOR, SMALL, JIRA),
    (COORDINATOR, {**SMALL, "skill": "plan-datasets", "client_id": "globex"}, "globex"),
    (COORDINATOR, {"skill": "dance"}, "dance"),
    (COORDINATOR, {"skill": "teardown-dataset", "dataset_id": JIRA}, "data-teardown"),
    (COORDINATOR, {"skill": "dataset-status", "dataset_id": NOBODY}, NOBODY),
    (COORDINATOR, {"skill": "dataset-status", "dataset_id": "ACME-sandbox-wiki"}, "wiki"),
    ("dataset-discovery", {"skill": "describe-template", "template_id": "papyrus"}, "papyrus"),
    ("dataset-discovery", {"skill": "preview-template", "template_id": "papyrus"}, "papyrus"),
    (
        "dataset-discovery",
        {
            "skill": "select-template",
            "industry": "healthcare",
            "use_case": "sales",
            "dataset_type": "parchment",
        },
        "parchment",
    ),
    (
        "dataset-provisioning",
        {
            "skill": "configure-connector",
            "client_id": "globex",
            "stage": "sandbox",
            "dataset_type": "jira",
        },
        "globex",
    ),
    ("data-validation", {"skill": "validate-dataset", "dataset_id": NOBODY}, NOBODY),
    ("data-validation", {"skill": "quality-report", "dataset_id": JIRA, "run": 9}, "no run 9"),
    ("data-teardown", {"skill": "restore-dataset", "dataset_id": JIRA}, "ready"),
    ("data-teardown", {"skill": "verify-archive", "dataset_id": JIRA}, "no archive"),
]

WRONG: list[tuple[dict[str, Any], str]] = [
    ({**SMALL, "stage": "moon"}, "stage"),
    ({**SMALL, "dataset_types": "jira"}, "dataset_types"),
    ({**SMALL, "dataset_types": []}, "dataset_types"),
    ({**SMALL, "dataset_types": ["slack", "slack"]}, "dataset_types"),
    ({**SMALL, "dataset_types": ["../x"]}, "dataset_types.0"),
    ({**SMALL, "dataset_types": ["slack"], "record_count": 9}, "record_count"),
    ({**SMALL, "dataset_types": ["slack"], "record_count": 5001}, "record_count"),
    ({**SMALL, "dataset_types": ["slack"], "record_count": 0}, "record_count"),
    ({**SMALL, "dataset_types": ["slack"], "record_count": 10.5}, "record_count"),
    ({**SMALL, "seed": True}, "seed"),
    ({**SMALL, "ephemeral": {"ttl": "-1s"}}, "ephemeral.ttl"),
    ({**SMALL, "ephemeral": {"ttl": "31d"}}, "ephemeral.ttl"),
    ({**SMALL, "colour": "blue"}, "colour"),
    ({**SMALL, "journey_id": None}, "journey_id"),
    ({"skill": "provision-datasets"}, "stage"),
    ({"skill": "list-datasets", "page_token": "stolen"}, "page_token"),
    ({"skill": "list-datasets", "page_size": 101}, "page_size"),
    ({"skill": "plan-datasets", **ACME, "dataset_types": ["jira"] * 2}, "dataset_types"),
]


@pytest.mark.parametrize(("agent", "given", "named"), REJECTED)
async def test_what_can_never_work_is_rejected_and_named(
    shared: RunningService, agent: str, given: dict[str, Any], named: str
) -> None:
    heard = await shared.call(agent, given)

    assert heard.state == "REJECTED"
    assert named in heard.sentence
    assert heard.data["message"] == heard.sentence


@pytest.mark.parametrize(("given", "field"), WRONG)
async def test_a_wrong_field_is_asked_for_again_by_name(
    shared: RunningService, given: dict[str, Any], field: str
) -> None:
    heard = await shared.call(COORDINATOR, given)

    assert heard.state == "INPUT_REQUIRED"
    assert field in {each["field"] for each in heard.data["errors"]}
    assert heard.data["example"]["skill"] == given["skill"]
    assert heard.data["schema"] == f"{BASE}/schemas/{given['skill']}.input.v1.json"


async def test_refused_requests_leave_nothing_half_made(shared: RunningService) -> None:
    before = await shared.call(COORDINATOR, {"skill": "list-datasets"})

    await shared.call(COORDINATOR, {**SMALL, "dataset_types": ["slack", "parchment"]})
    await shared.call(COORDINATOR, {**SMALL, "dataset_types": ["slack", "jira"]})

    assert (await shared.call(COORDINATOR, {"skill": "list-datasets"})).data == before.data


async def test_a_duplicate_names_the_dataset_that_is_already_there(
    shared: RunningService,
) -> None:
    heard = await shared.call(COORDINATOR, SMALL)

    assert heard.data["error"] == "DuplicateDataset"
    assert JIRA in heard.sentence
    assert "already holds" in heard.sentence


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('{"skill": 5}', "skill"),
        ('{"stage": "sandbox", "dataset_types": ["jira"]}', "skill"),
        ('{"event": "JourneyCompleted", "journey_id": "journey-acme-2026"}', "event"),
        ('{"skill": "list-datasets", "page_size": NaN}', "(all)"),
        ('{"skill": "list-datasets", "client_id": "\\ud800"}', "(all)"),
        ('{"skill": "list-datasets", "stage": "pilot", "stage": "sandbox"}', "(all)"),
        ('{"a": ' * 900 + "1" + "}" * 900, "(all)"),
    ],
)
async def test_json_that_is_no_call_is_asked_for_again_by_field(
    shared: RunningService, text: str, field: str
) -> None:
    heard = await shared.line.say(COORDINATOR, [text_part(text)])

    assert heard.state == "INPUT_REQUIRED"
    assert [each["field"] for each in heard.data["errors"]] == [field]


@pytest.mark.parametrize(
    "given", [{}, {"journey_id": "x"}, {"event": "JourneyCompleted", "journey_id": "x"}]
)
async def test_data_that_is_no_call_is_asked_for_again(
    shared: RunningService, given: dict[str, Any]
) -> None:
    heard = await shared.call("data-teardown", given)

    assert heard.state == "INPUT_REQUIRED"
    assert heard.data["example"]["skill"] == "teardown-dataset"
    assert heard.data["errors"][0]["field"] in {"skill", "event"}


async def test_two_calls_in_one_message_are_refused_together(shared: RunningService) -> None:
    status = {"skill": "dataset-status", "dataset_id": JIRA}

    heard = await shared.line.say(
        COORDINATOR, [data_part({"skill": "list-datasets"}), data_part(status)]
    )

    assert heard.state == "INPUT_REQUIRED"
    assert "one call" in heard.sentence


@pytest.mark.parametrize("text", ["hello", "{broken", "[1, 2]", '"skill"', "[" * 100_000])
async def test_text_that_is_no_call_is_answered_with_an_introduction(
    shared: RunningService, text: str
) -> None:
    heard = await shared.line.say(COORDINATOR, [text_part(text)])

    assert heard.state == "COMPLETED"
    assert "provision-datasets" in heard.sentence
    assert heard.data["example"]["skill"] == "provision-datasets"


async def test_a_body_that_is_not_json_is_a_parse_error(shared: RunningService) -> None:
    answer = await shared.http.post(
        f"/agents/{COORDINATOR}",
        content=b"{broken",
        headers={"A2A-Version": "1.0", "Content-Type": "application/json"},
    )

    assert answer.json()["error"]["code"] == -32700


@pytest.mark.parametrize("body", [b"[]", b"5", b'"x"', b"null"])
async def test_a_body_that_is_no_object_is_an_invalid_request(
    shared: RunningService, body: bytes
) -> None:
    answer = await shared.http.post(
        f"/agents/{COORDINATOR}",
        content=body,
        headers={"A2A-Version": "1.0", "Content-Type": "application/json"},
    )

    assert answer.json()["error"]["code"] in {-32600, -32700}


async def test_an_unknown_method_is_an_error(shared: RunningService) -> None:
    answer = await shared.line.rpc(COORDINATOR, {"jsonrpc": "2.0", "id": 1, "method": "Dance"})

    assert answer["error"]["code"] == -32601


async def test_a_body_beyond_the_limit_is_refused(shared: RunningService) -> None:
    answer = await shared.http.post(f"/agents/{COORDINATOR}", content=b" " * (9 << 20))

    assert answer.status_code == 413


async def test_a_message_without_an_id_is_an_error(shared: RunningService) -> None:
    message = {"role": "ROLE_USER", "parts": [{"text": "hello"}]}

    answer = await shared.line.rpc(
        COORDINATOR,
        {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": message}},
    )

    assert answer["error"]["code"] == -32602
