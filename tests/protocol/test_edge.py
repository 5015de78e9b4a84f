"""The edge lets through what is meant for us, is JSON and is bounded; the rest it names and refuses."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from protocol.edge import LARGEST_BODY, LARGEST_PAGE, Edge
from protocol.strict_json import MOST_CONTAINERS, MOST_DEPTH
from tests.running import BASE, JIRA, RunningService, running

JSON_RPC = "/agents/data-teardown"
HTTP_JSON = "/agents/data-teardown/message:send"
VERSION = {"A2A-Version": "1.0"}
TEARDOWN = {"skill": "teardown-dataset", "dataset_id": JIRA, "force": True}
OTHER_MEDIA = [
    "text/plain",
    "text/plain;charset=UTF-8",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/xml",
]

MALFORMED = [
    (b"{broken", "line 1, column 2"),
    (b'{"jsonrpc": "2.0", "id": 1, "method": "\xff"}', "UTF-8"),
    (b"[" * 5000 + b"]" * 5000, f"more than {MOST_DEPTH} levels"),
    (b"[" * 200_000, f"more than {MOST_DEPTH} levels"),
    (b'{"n": NaN}', "NaN"),
    (b'{"id": 1, "id": 2}', "'id' stands twice"),
    (json.dumps([[]] * MOST_CONTAINERS).encode(), f"more than {MOST_CONTAINERS} objects"),
]


def _message(given: dict[str, Any] | None = None) -> dict[str, Any]:
    part = {"data": given} if given else {"text": "hello"}
    return {"message": {"messageId": "m", "role": "ROLE_USER", "parts": [part]}}


def _call(given: dict[str, Any] | None = None) -> bytes:
    body = {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": _message(given)}
    return json.dumps(body).encode()


def _of_a_foreign_page() -> bytes:
    """What a page of another site can post without being asked first, in the older protocol."""
    part = {"kind": "data", "data": TEARDOWN}
    message = {"kind": "message", "messageId": "evil", "role": "user", "parts": [part]}
    body = {"jsonrpc": "2.0", "id": 1, "method": "message/send", "params": {"message": message}}
    return json.dumps(body).encode()


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("media_type", OTHER_MEDIA)
async def test_a_call_that_is_not_declared_json_is_not_carried_out(
    shared: RunningService, media_type: str
) -> None:
    headers = {"Content-Type": media_type, "Origin": "https://elsewhere.example"}

    answer = await shared.http.post(JSON_RPC, content=_of_a_foreign_page(), headers=headers)

    assert answer.json()["error"]["code"] == -32005
    assert media_type.partition(";")[0] in answer.json()["error"]["message"]
    assert await shared.status_of(JIRA) == "ready"


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("media_type", [*OTHER_MEDIA, ""])
async def test_below_an_agent_another_media_type_is_a_problem(
    shared: RunningService, media_type: str
) -> None:
    headers = {**VERSION, **({"Content-Type": media_type} if media_type else {})}

    answer = await shared.http.post(HTTP_JSON, content=json.dumps(_message()), headers=headers)

    assert answer.status_code == 415
    assert answer.headers["content-type"] == "application/problem+json"
    assert "application/json" in answer.json()["detail"]
    (told,) = answer.json()["error"]["details"]
    assert told["reason"] == "CONTENT_TYPE_NOT_SUPPORTED"


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    "media_type", ["application/json", "Application/JSON; charset=utf-8", "application/a2a+json"]
)
async def test_json_is_taken_under_its_names(shared: RunningService, media_type: str) -> None:
    headers = {**VERSION, "Content-Type": media_type}

    answer = await shared.http.post(JSON_RPC, content=_call(), headers=headers)

    assert answer.json()["result"]["task"]["status"]["state"] == "TASK_STATE_COMPLETED"


@pytest.mark.asyncio(loop_scope="module")
async def test_a_call_without_a_body_needs_no_media_type(shared: RunningService) -> None:
    answer = await shared.http.post("/agents/data-teardown/tasks/none:cancel", headers=VERSION)

    assert answer.json()["error"]["details"][0]["reason"] == "TASK_NOT_FOUND"


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("body", "told"), MALFORMED)
async def test_a_malformed_body_is_a_parse_error_that_says_why(
    shared: RunningService, body: bytes, told: str
) -> None:
    headers = {**VERSION, "Content-Type": "application/json"}

    by_rpc = await shared.http.post(JSON_RPC, content=body, headers=headers)
    by_path = await shared.http.post(HTTP_JSON, content=body, headers=headers)

    assert by_rpc.json()["error"]["code"] == -32700
    assert told in by_rpc.json()["error"]["message"]
    assert (by_path.status_code, by_path.json()["status"]) == (400, 400)
    assert told in by_path.json()["detail"]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("body", [b"[]", b"5", b"null"])
async def test_a_body_that_is_no_object_is_refused_in_words(
    shared: RunningService, body: bytes
) -> None:
    headers = {**VERSION, "Content-Type": "application/json"}

    answer = await shared.http.post(HTTP_JSON, content=body, headers=headers)

    assert answer.status_code == 400
    assert "one JSON object" in answer.json()["detail"]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("url", [JSON_RPC, HTTP_JSON, "/journeys/journeys"])
async def test_a_body_beyond_the_limit_is_refused_naming_it(
    shared: RunningService, url: str
) -> None:
    headers = {**VERSION, "Content-Type": "application/json"}

    answer = await shared.http.post(url, content=b" " * (LARGEST_BODY + 1), headers=headers)

    assert answer.status_code == 413
    assert str(LARGEST_BODY) in answer.text


@pytest.mark.asyncio(loop_scope="module")
async def test_pages_for_the_local_glean_pass_unread_to_a_limit_of_their_own(
    shared: RunningService,
) -> None:
    url = "/glean/api/index/v1/bulkindexdocuments"

    page = await shared.http.post(url, content=b"x" * (LARGEST_BODY + 1))
    larger = await shared.http.post(url, content=b"x" * (LARGEST_PAGE + 1))

    assert page.status_code == 401
    assert larger.status_code == 413


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    "host",
    ["elsewhere.example", "service.test.elsewhere.example", "service.test@evil", "a/../b", ""],
)
async def test_a_request_for_another_host_is_misdirected(shared: RunningService, host: str) -> None:
    read = await shared.http.get("/agents", headers={"Host": host})
    told = await shared.http.get("/healthz", headers={"Host": host})

    assert (read.status_code, told.status_code) == (421, 421)
    assert BASE in read.json()["detail"]
    assert "DATAOPS_ALLOWED_HOSTS" in read.json()["detail"]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    "host",
    ["service.test", "SERVICE.test.:8080", "localhost:9000", "127.0.0.1", "[::1]:8080", "10.1.2.3"],
)
async def test_a_request_for_us_passes_by_name_and_by_address(
    shared: RunningService, host: str
) -> None:
    answer = await shared.http.get("/agents", headers={"Host": host})

    assert answer.status_code == 200


async def test_a_host_that_is_allowed_passes(tmp_path: Path) -> None:
    async with running(tmp_path, allowed_hosts="dataops.internal, other.internal") as service:
        answers = [
            await service.http.get("/healthz", headers={"Host": host})
            for host in ("dataops.internal:80", "other.internal", "third.internal")
        ]

        assert [each.status_code for each in answers] == [200, 200, 421]


@pytest.mark.parametrize(
    ("hosts", "status"), [([], 200), ([b"service.test"], 200), ([b"service.test"] * 2, 421)]
)
async def test_a_request_names_one_host_or_none(hosts: list[bytes], status: int) -> None:
    scope = _scope("GET", [(b"host", each) for each in hosts])

    sent = await _sent(scope, [])

    assert sent[0]["status"] == status


async def test_a_body_in_pieces_arrives_whole_and_then_the_callers_leaving() -> None:
    scope = _scope("POST", [(b"content-type", b"application/json")])
    heard: list[Message] = []

    async def app(_: Scope, receive: Receive, __: Send) -> None:
        heard.extend([await receive(), await receive()])

    await _sent(scope, [_piece(b'{"a"', more=True), _piece(b": 1}"), _LEFT], app)

    assert heard == [_piece(b'{"a": 1}'), _LEFT]


async def test_a_caller_who_leaves_inside_the_body_is_not_heard() -> None:
    scope = _scope("POST", [(b"content-type", b"application/json")])

    sent = await _sent(scope, [_piece(b"{", more=True), _LEFT])

    assert sent == []


async def test_what_is_no_request_passes_untouched() -> None:
    sent = await _sent({"type": "lifespan"}, [])

    assert sent[0]["type"] == "http.response.start"


_LEFT: Message = {"type": "http.disconnect"}


def _piece(body: bytes, *, more: bool = False) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


def _scope(method: str, headers: list[tuple[bytes, bytes]]) -> Scope:
    return {"type": "http", "method": method, "path": "/", "headers": headers}


async def _greet(scope: Scope, receive: Receive, send: Send) -> None:
    del scope, receive
    await send({"type": "http.response.start", "status": 200, "headers": []})


async def _sent(
    scope: Scope,
    received: list[Message],
    app: Callable[[Scope, Receive, Send], Awaitable[None]] = _greet,
) -> list[Message]:
    """Send a request through the edge, and give what comes back."""
    coming, sent = iter(received), list[Message]()

    async def receive() -> Message:
        return next(coming)

    async def send(message: Message) -> None:
        sent.append(message)

    await Edge(app, BASE)(scope, receive, send)
    return sent
