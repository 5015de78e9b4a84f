"""Who may call, what stays open, and that tenants do not see each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from a2a.server.context import ServerCallContext
from a2a.utils.errors import TaskNotFoundError

from domain.audit import SYSTEM
from domain.commands import Principal
from protocol.auth import ANONYMOUS, Authentication, Caller, CallerContextBuilder, Tokens, caller_of
from tests.running import JIRA, SMALL, running, tokens_file

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.types import Message, Receive, Scope, Send

COORDINATOR = "lifecycle-coordinator"
WHO = {"ann-token": "default ann", "bob-token": "default bob", "eve-token": "elsewhere eve"}
OPEN = (
    "/healthz",
    "/readyz",
    "/llms.txt",
    "/.well-known/agent-card.json",
    "/.well-known/api-catalog",
    "/agents/data-teardown/.well-known/agent-card.json",
    "/schemas/list-datasets.input.v1.json",
)
SHUT = ("/agents", "/metrics", "/agents/data-teardown/tasks", "/journeys/journeys")


async def test_what_is_open_stays_open_and_the_rest_needs_a_known_token(tmp_path: Path) -> None:
    async with running(tmp_path, auth_tokens=tokens_file(tmp_path, **WHO)) as service:
        stranger = await service.line_of("unknown")

        opened = [(await service.http.get(path)).status_code for path in OPEN]
        missing = [await service.http.get(path) for path in SHUT]
        unknown = [(await stranger.http.get(path)).status_code for path in SHUT]

        assert opened == [200] * len(OPEN)
        assert [each.status_code for each in missing] == unknown == [401] * len(SHUT)
        assert missing[0].headers["www-authenticate"] == "Bearer"
        assert missing[0].headers["content-type"] == "application/problem+json"


async def test_a_known_token_is_let_in_however_bearer_is_written(tmp_path: Path) -> None:
    async with running(tmp_path, auth_tokens=tokens_file(tmp_path, **WHO)) as service:
        answer = await service.http.get("/agents", headers={"Authorization": "BEARER ann-token"})

        assert answer.status_code == 200


async def test_tenants_and_subjects_are_kept_apart(tmp_path: Path) -> None:
    async with running(tmp_path, auth_tokens=tokens_file(tmp_path, **WHO)) as service:
        ann, bob, eve = [await service.line_of(each) for each in WHO]
        made = await ann.call(COORDINATOR, SMALL, "same-id")

        of_bob = await bob.call(COORDINATOR, {"skill": "dataset-status", "dataset_id": JIRA})
        of_eve = await eve.call(COORDINATOR, {"skill": "dataset-status", "dataset_id": JIRA})
        again = await bob.call(COORDINATOR, SMALL, "same-id")

        assert (made.state, of_bob.state, of_eve.state) == ("COMPLETED", "COMPLETED", "REJECTED")
        assert again.task_id != made.task_id
        assert again.data["error"] == "DuplicateDataset"


async def test_another_principal_does_not_see_a_task(tmp_path: Path) -> None:
    async with running(tmp_path, auth_tokens=tokens_file(tmp_path, **WHO)) as service:
        ann, bob, _ = [await service.line_of(each) for each in WHO]
        made = await ann.call(COORDINATOR, {"skill": "list-datasets"})

        with pytest.raises(TaskNotFoundError):
            await bob.task(COORDINATOR, made.task_id)
        with pytest.raises(TaskNotFoundError):
            await bob.cancel(COORDINATOR, made.task_id)
        assert [each.id for each in await ann.tasks(COORDINATOR)] == [made.task_id]
        assert await bob.tasks(COORDINATOR) == []


async def test_a_slash_in_a_name_leads_to_nobody_elses_tasks(tmp_path: Path) -> None:
    who = {"one": "a/b c", "two": "a b/c", "three": "a%2Fb c"}
    async with running(tmp_path, auth_tokens=tokens_file(tmp_path, **who)) as service:
        owner, *others = [await service.line_of(each) for each in who]
        made = await owner.call(COORDINATOR, {"skill": "list-datasets"})

        for stranger in others:
            with pytest.raises(TaskNotFoundError):
                await stranger.task(COORDINATOR, made.task_id)
        assert (await owner.task(COORDINATOR, made.task_id)).id == made.task_id


async def test_a_task_of_one_agent_is_not_seen_at_another(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        made = await service.call(COORDINATOR, {"skill": "list-datasets"})

        with pytest.raises(TaskNotFoundError):
            await service.line.task("data-teardown", made.task_id)


async def test_what_is_no_http_passes_the_guard_untouched() -> None:
    seen: list[str] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope["type"])

    async def receive() -> Message:
        raise AssertionError

    async def send(message: Message) -> None:
        raise AssertionError(message)

    await Authentication(app, Tokens("key"), ())({"type": "lifespan"}, receive, send)

    assert seen == ["lifespan"]


def test_the_order_key_stands_for_the_coordinator() -> None:
    caller = Tokens("key").caller("key")

    assert caller is not None
    assert caller.is_coordinator
    assert caller.principal == Principal("default", SYSTEM)
    assert caller.user_name == "default/dataops"


def test_without_tokens_everybody_is_anonymous() -> None:
    caller = Tokens("key").caller(None)

    assert caller is not None
    assert caller.principal == ANONYMOUS
    assert not caller.is_authenticated


def test_a_call_without_a_caller_is_anonymous() -> None:
    assert caller_of(None).principal == ANONYMOUS
    assert caller_of(ServerCallContext()).principal == ANONYMOUS


def test_without_a_guard_the_caller_is_nobody_in_particular() -> None:
    from starlette.requests import Request  # noqa: PLC0415 - only this test makes one

    user = CallerContextBuilder().build_user(Request({"type": "http", "headers": []}))

    assert isinstance(user, Caller)
    assert user.principal == ANONYMOUS
