"""The local Glean shared: mounted, restarted, behind a socket, by several processes, and fast."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from gateways.local.glean import FaultKind, Faults, create_app
from tests.gateways.local.glean_client import (
    CLIENT_TOKEN,
    INDEXING,
    INDEXING_TOKEN,
    Clock,
    GleanCaller,
    calling,
    document,
)

WRITER = """
import asyncio, sys
from pathlib import Path
from gateways.local.glean import create_app
from tests.gateways.local.glean_client import Clock, calling, document

async def main(database, writer):
    app = create_app(
        Path(database), clock=Clock(), indexing_token="indexing-token", client_token="client-token"
    )
    async with calling(app) as caller:
        await caller.declare()
        for number in range(20):
            page = [document(f"{writer}x{number}x{each}") for each in range(5)]
            answer = await caller.index("indexdocuments", {"datasource": "acme", "documents": page})
            assert answer.status_code == 200, answer.text

asyncio.run(main(*sys.argv[1:]))
"""


def _app(database: Path | None, faults: Faults | None = None) -> Starlette:
    return create_app(
        database,
        clock=Clock(),
        indexing_token=INDEXING_TOKEN,
        client_token=CLIENT_TOKEN,
        faults=faults,
    )


async def test_it_answers_the_same_under_a_mount() -> None:
    app = _app(None)
    outer = Starlette(routes=[Mount("/glean", app)])

    async with httpx.AsyncClient(transport=httpx.ASGITransport(outer), base_url="http://x") as http:
        answer = await http.post(
            "/glean/api/index/v1/adddatasource",
            json={"name": "acme", "urlRegex": ".*"},
            headers=INDEXING,
        )
    await app.state.aclose()

    assert (answer.status_code, answer.content) == (200, b"")


async def test_what_was_written_is_there_after_a_restart(tmp_path: Path) -> None:
    database = tmp_path / "new folder" / "glean.db"
    async with calling(_app(database)) as caller:
        await caller.declare()
        await caller.bulk([document("one")])

    async with calling(_app(database)) as caller:
        counts = await caller.counts()
        found = await caller.found("title")

    assert (counts, found) == ((1, 1), ["one"])


def test_several_processes_write_to_one_file_and_lose_nothing(tmp_path: Path) -> None:
    database = tmp_path / "glean.db"

    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(database), f"w{number}"])
        for number in range(3)
    ]
    codes = [writer.wait(timeout=60) for writer in writers]

    assert codes == [0, 0, 0]
    assert asyncio.run(_counts(database)) == (300, 300)


async def _counts(database: Path) -> tuple[int, int]:
    async with calling(_app(database)) as caller:
        return await caller.counts()


async def test_a_lost_answer_breaks_the_connection_of_a_real_client() -> None:
    faults = Faults()
    faults.fail_next("/adddatasource", kind=FaultKind.LOST)

    async with _serving(_app(None, faults)) as caller:
        with pytest.raises(httpx.RemoteProtocolError):
            await caller.declare()
        read_back = await caller.index("getdatasourceconfig", {"datasource": "acme"})

    assert read_back.status_code == 200


async def test_each_of_twenty_searches_finds_its_own_among_six_hundred_documents(
    tmp_path: Path,
) -> None:
    words = [f"word{number}" for number in range(900)]
    documents = [
        document(
            f"doc{number}",
            title=" ".join(words[number : number + 8]),
            body={
                "mimeType": "text/plain",
                "textContent": " ".join(words[(number * 7 + each) % 900] for each in range(200)),
            },
        )
        for number in range(600)
    ]
    async with calling(_app(tmp_path / "glean.db")) as caller:
        await caller.declare()
        for start in range(0, 600, 100):
            await caller.bulk(
                documents[start : start + 100], isFirstPage=start == 0, isLastPage=start == 500
            )

        found = [await caller.found(documents[number]["title"]) for number in range(20)]

    assert [each[0] for each in found] == [f"doc{number}" for number in range(20)]


class _Server(uvicorn.Server):
    """A server that says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


@asynccontextmanager
async def _serving(app: Starlette) -> AsyncIterator[GleanCaller]:
    server = _Server(uvicorn.Config(app, port=0, log_level="critical"))
    task = asyncio.create_task(server.serve())
    await server.listening.wait()
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            yield GleanCaller(http, app)
    finally:
        server.should_exit = True
        await task
