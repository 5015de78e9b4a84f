"""The doorway: a browser reads with a token as its password, and writes nothing with it."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from domain.commands import Principal
from protocol.auth import Authentication, Tokens
from service.console.doorway import Doorway
from tests.service.consoles import serving

ALICES = ("alice", "alices-token")
PAGE = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    digest = hashlib.sha256(ALICES[1].encode()).hexdigest()
    tokens = Tokens("order-key", {digest: Principal("default", "alice")})
    async with serving(tmp_path) as console:
        console.app.routes.append(Route("/written", _written, methods=["POST"]))
        guarded = Doorway(Authentication(console.app, tokens, ("/static/",)))
        transport = httpx.ASGITransport(guarded)
        async with httpx.AsyncClient(transport=transport, base_url="http://console") as client:
            yield client


async def _written(request: Request) -> Response:
    del request
    return PlainTextResponse("written")


async def test_who_comes_for_a_page_without_a_token_is_asked_and_told_how(
    http: httpx.AsyncClient,
) -> None:
    answer = await http.get("/", headers=PAGE)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic realm=")
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "give your token as the password" in answer.text


async def test_a_token_is_taken_as_the_password_with_any_name(http: httpx.AsyncClient) -> None:
    page = await http.get("/", headers=PAGE, auth=ALICES)
    data = await http.get("/.json", auth=("", ALICES[1]))

    assert (page.status_code, data.status_code) == (200, 200)
    assert "Fleet" in page.text


@pytest.mark.parametrize(
    "given", ["Basic", "Basic ?", "Basic YWxpY2U=", "Basic YWxpY2U6d3Jvbmc=", "Bearer wrong"]
)
async def test_a_wrong_password_is_asked_for_again(http: httpx.AsyncClient, given: str) -> None:
    answer = await http.get("/", headers=PAGE | {"Authorization": given})

    assert answer.status_code == 401


async def test_a_password_writes_nothing(http: httpx.AsyncClient) -> None:
    by_password = await http.post("/written", auth=ALICES)
    by_token = await http.post("/written", headers={"Authorization": f"Bearer {ALICES[1]}"})

    assert (by_password.status_code, by_token.status_code) == (401, 200)


async def test_machines_are_refused_as_ever(http: httpx.AsyncClient) -> None:
    answer = await http.get("/.json")

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"


async def test_an_unknown_page_is_no_question_of_tokens(http: httpx.AsyncClient) -> None:
    answer = await http.get("/datasets/nothing", headers=PAGE, auth=ALICES)

    assert answer.status_code == 404
