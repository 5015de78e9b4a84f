"""The first call a stranger makes: as the README and llms.txt show it, and what is not there yet."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from protocol.transport import StreamingTransport
from service.app import build_app
from service.pages import pages
from tests.running import BASE, running

ROOT = Path(__file__).resolve().parents[2]
CONTEXT = ROOT / "docs/ddd/dataops-lifecycle-bounded-context.md"
COMPLETED = "TASK_STATE_COMPLETED"


@pytest.fixture
async def stranger(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client that sends what it is told to and no header besides, as the A2A library's would."""
    async with running(tmp_path) as office:
        app = build_app(office.service, pages(office.service))
        async with httpx.AsyncClient(transport=StreamingTransport(app), base_url=BASE) as http:
            yield http


async def test_the_call_in_the_readme_works_as_it_stands(stranger: httpx.AsyncClient) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^(curl .*?)^```", readme, re.MULTILINE | re.DOTALL)
    url, headers, body = _read(command)

    answer = await stranger.post(httpx.URL(url).path, content=body, headers=headers)

    assert answer.json()["result"]["task"]["status"]["state"] == COMPLETED


async def test_the_call_in_llms_txt_works_as_it_stands(stranger: httpx.AsyncClient) -> None:
    text = (await stranger.get("/llms.txt")).text
    body = json.loads(text.partition("    {")[1] + text.partition("    {")[2])
    headers = dict(re.findall(r"^ +([\w-]+): (\S+)$", text, re.MULTILINE))

    answer = await stranger.post("/agents/lifecycle-coordinator", json=body, headers=headers)

    assert answer.json()["result"]["task"]["status"]["state"] == COMPLETED
    assert f"{BASE}/agents/NAME" in text


async def test_a_call_without_a_version_is_the_error_that_the_pages_name(
    stranger: httpx.AsyncClient,
) -> None:
    message = {"messageId": "m", "role": "ROLE_USER", "parts": [{"text": "hello"}]}
    body = {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": message}}

    answer = await stranger.post("/agents/lifecycle-coordinator", json=body)

    assert answer.json()["error"]["code"] == -32009
    assert "-32009" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert "-32009" in (await stranger.get("/llms.txt")).text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/.well-known/jwks.json", 404),
        ("GET", "/.well-known/ai-catalog.json", 404),
    ],
)
async def test_what_is_not_there_yet_is_said_to_be_so(
    stranger: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await stranger.request(method, path)

    assert answer.status_code == status
    assert path in CONTEXT.read_text(encoding="utf-8").partition("## Not built yet")[2]


def _read(command: str) -> tuple[str, dict[str, str], str]:
    """Take a curl command apart: address, headers, body."""
    _, _, url, *options = shlex.split(command)
    given = list(zip(options[::2], options[1::2], strict=True))
    pairs = (value.partition(": ") for name, value in given if name == "-H")
    return url, {name: value for name, _, value in pairs}, dict(given)["-d"]
