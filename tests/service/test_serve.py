"""Serving: who may reach it, what it prints first, and how it ends."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.errors import NotAllowed
from service.cli.serve import serve, serving
from service.cli.talk import Talk
from service.settings import Settings
from tests.processes import cluster
from tests.registry.databases import a_fresh_file
from tests.running import TWO_TYPES, tokens_file

COORDINATOR = "lifecycle-coordinator"


def _others() -> set[str]:
    """Name what still runs beside the test."""
    mine = asyncio.current_task()
    return {str(each.get_coro()).split()[2] for each in asyncio.all_tasks() if each is not mine}


class _Heard(StringIO):
    """Stands in for a stream of this process and tells when a line was written to it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        super().__init__()
        self._is_written = asyncio.Event()
        monkeypatch.setattr(sys, name, self)

    def write(self, text: str) -> int:
        """Keep the text; a line is there with its end."""
        written = super().write(text)
        if "\n" in text:
            self._is_written.set()
        return written

    async def line(self) -> str:
        """Give the first line, once there is one."""
        async with asyncio.timeout(20):
            await self._is_written.wait()
        return self.getvalue().splitlines()[0]


async def _hear(data: dict[str, Any]) -> None:
    del data


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::"])  # noqa: S104 - the very address that is refused
async def test_without_tokens_nobody_elsewhere_may_reach_it(host: str, tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, host=host, port=0)

    with pytest.raises(NotAllowed, match="DATAOPS_AUTH_TOKENS"):
        async with serving(settings):
            pass

    assert not (tmp_path / "dataops.db").exists()


async def test_with_tokens_everybody_may_reach_it(tmp_path: Path) -> None:
    tokens = tokens_file(tmp_path, alices="default alice")
    settings = Settings(data=tmp_path, host="0.0.0.0", port=0, auth_tokens=tokens)  # noqa: S104 - guarded by tokens

    async with serving(settings) as served:
        url = served.url

    assert url.startswith("http://0.0.0.0:")


@pytest.mark.parametrize(
    ("host", "shown"),
    [("127.0.0.1", "127.0.0.1"), ("localhost", "127.0.0.1"), ("::1", "[::1]")],
)
async def test_it_tells_its_address(host: str, shown: str, tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, host=host, port=0)

    async with serving(settings) as served, httpx.AsyncClient() as http:
        answer = await http.get(f"{served.url}/healthz")

    assert answer.is_success
    assert served.url.rpartition(":")[0] == f"http://{shown}"


async def test_a_host_that_is_no_address_is_told(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, host="nobody.invalid", port=0)

    with pytest.raises(OSError, match=r"'nobody\.invalid' is no address of this machine"):
        async with serving(settings):
            pass


@pytest.mark.usefixtures("logs")
async def test_behind_an_address_that_is_set_it_tells_where_it_listens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, err = _Heard(monkeypatch, "stdout"), _Heard(monkeypatch, "stderr")
    settings = Settings(data=tmp_path, port=0, base_url="https://dataops.example")
    running = asyncio.create_task(serve(settings))
    told = await err.line()

    async with httpx.AsyncClient() as http:
        answer = await http.get(f"{told.removeprefix('Listening on ')}/healthz")

    assert out.getvalue() == "https://dataops.example\n"
    assert answer.is_success
    running.cancel()
    await asyncio.wait({running})


async def test_a_browser_gives_its_token_as_a_password(tmp_path: Path) -> None:
    tokens = tokens_file(tmp_path, alices="default alice")
    settings = Settings(data=tmp_path, port=0, auth_tokens=tokens)
    async with serving(settings) as served, httpx.AsyncClient(base_url=served.url) as http:
        asked = await http.get("/", headers={"Accept": "text/html"})

        shown = await http.get("/", headers={"Accept": "text/html"}, auth=("anybody", "alices"))

    assert asked.status_code == 401
    assert asked.headers["www-authenticate"].startswith("Basic ")
    assert "Fleet" in shown.text


async def test_an_address_that_is_set_is_told(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, port=0, base_url="https://dataops.example/")

    async with serving(settings) as served:
        assert served.service.base_url == "https://dataops.example"


async def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = Settings(data=tmp_path, port=taken.getsockname()[1])

        with pytest.raises(OSError, match="in use"):
            async with serving(settings):
                pass


@pytest.mark.usefixtures("logs")
async def test_the_address_is_the_first_line_and_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = _Heard(monkeypatch, "stdout")
    running = asyncio.create_task(serve(Settings(data=tmp_path, port=0)))

    async with httpx.AsyncClient() as http:
        answer = await http.get(f"{await out.line()}/readyz")

    assert answer.json()["ready"] is True
    running.cancel()
    await asyncio.wait({running})
    assert not _others()


@pytest.mark.usefixtures("logs")
async def test_what_a_start_leaves_behind_is_not_looked_at_by_any_collection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gc.unfreeze()
    out = _Heard(monkeypatch, "stdout")
    running = asyncio.create_task(serve(Settings(data=tmp_path, port=0)))

    await out.line()

    assert gc.get_freeze_count() > len(gc.get_objects())
    running.cancel()
    await asyncio.wait({running})


async def test_a_service_that_ends_in_the_middle_of_its_work_closes_all_it_opened(
    tmp_path: Path,
) -> None:
    async with serving(Settings(data=tmp_path, port=0)) as served:
        talk = Talk(served.url)
        asking = asyncio.create_task(talk.call(COORDINATOR, TWO_TYPES, _hear))
        while not served.service.engine.turns:
            await served.service.bell.handle()(1.0)

    ended = await asyncio.wait({asking}, timeout=30)
    await talk.close()

    assert ended == ({asking}, set())
    assert _others() <= {"_shutdown_watcher"}  # of the library of streams, one for each loop


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_when_what_is_in_flight_has_its_answer(
    ending: signal.Signals, tmp_path: Path
) -> None:
    async with asyncio.timeout(60), cluster(tmp_path, a_fresh_file(tmp_path)) as town:
        service = await town.start()
        reader, writer = await _half_asked(service.url)
        async with _listening(service.url) as told:
            service.process.send_signal(ending)
            last_words = [each async for each in told.aiter_lines() if each][-1]

        ready = await service.get("/readyz")
        writer.write(_CALL[1:])
        answer = await reader.read()
        writer.close()

        status = await service.process.wait()

    assert "the service ends here" in last_words
    assert (ready.status_code, ready.json()["draining"]) == (503, True)
    assert answer.startswith(b"HTTP/1.1 200")
    assert status == 0
    assert "Traceback" not in _said_in(tmp_path)


_CALL = b'{"jsonrpc": "2.0", "id": 1, "method": "ListTasks", "params": {}}'


async def _half_asked(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Ask the coordinator, and hold back all but the first byte, which it waits for by then."""
    place = httpx.URL(url)
    head = (
        f"POST /agents/{COORDINATOR} HTTP/1.1\r\nHost: {place.host}\r\nA2A-Version: 1.0\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(_CALL)}\r\n"
        "Connection: close\r\nExpect: 100-continue\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection(place.host, place.port)
    writer.write(head.encode())
    await reader.readuntil(b"100 Continue\r\n\r\n")
    writer.write(_CALL[:1])
    return reader, writer


def _said_in(folder: Path) -> str:
    """Read what the processes over a folder have said."""
    return "".join(each.read_text() for each in folder.glob("*.log"))


@asynccontextmanager
async def _listening(url: str) -> AsyncIterator[httpx.Response]:
    """Listen to the events, from when the stream has begun."""
    async with httpx.AsyncClient() as http, http.stream("GET", f"{url}/events") as told:
        yield told
