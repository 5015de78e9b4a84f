"""The application: probes, metrics, limits and tokens under one address."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text
from starlette.types import Message, Scope
from structlog.testing import capture_logs

from protocol.transport import StreamingTransport
from service.app import build_app
from service.assembly import assembled
from service.clocks import wall_clock
from service.engine import TurnEngine
from service.pages import pages
from service.probes import ProbesOnly
from service.settings import Settings
from service.whole import InProcess
from tests.running import BASE, RunningService, running, tokens_file

OPEN = ("/healthz", "/readyz", "/llms.txt", "/.well-known/agent-card.json")


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[RunningService]:
    async with running(tmp_path) as opened:
        yield opened


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[RunningService]:
    tokens = tokens_file(tmp_path, alices="default alice")
    async with running(tmp_path / "data", auth_tokens=tokens) as opened:
        yield opened


async def test_a_running_service_is_alive_and_ready(office: RunningService) -> None:
    alive = await office.http.get("/healthz")

    ready = await office.http.get("/readyz")

    assert (alive.status_code, alive.json()) == (200, {"status": "alive"})
    assert ready.json() == {
        "ready": True,
        "database": True,
        "migrations": True,
        "engine": True,
        "draining": False,
    }


async def test_a_service_that_is_not_up_yet_is_alive_but_not_ready(tmp_path: Path) -> None:
    async with assembled(Settings(data=tmp_path), BASE, wall_clock) as service:
        transport = StreamingTransport(build_app(service, []))
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as http:
            alive, ready = await http.get("/healthz"), await http.get("/readyz")

    assert alive.status_code == 200
    assert (ready.status_code, ready.json()["ready"]) == (503, False)


async def test_a_service_whose_engine_has_died_is_not_ready_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(_: TurnEngine) -> None:
        raise OSError("no more turns")

    monkeypatch.setattr(TurnEngine, "run", die)
    with capture_logs() as lines:
        async with running(tmp_path) as service:
            ready = await service.http.get("/readyz")

    assert (ready.status_code, ready.json()["engine"]) == (503, False)
    told = [(each["event"], each["work"]) for each in lines if each["log_level"] == "error"]
    assert told == [("background.ended", "engine")]


async def test_a_service_on_its_way_out_is_not_ready(tmp_path: Path) -> None:
    async with assembled(Settings(data=tmp_path), BASE, wall_clock) as service:
        app = build_app(service, [])
        async with app.router.lifespan_context(app):
            pass
        transport = StreamingTransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as http:
            ready = await http.get("/readyz")

    assert ready.status_code == 503
    assert ready.json()["draining"] is True


async def test_a_service_without_its_tables_is_alive_but_not_ready(office: RunningService) -> None:
    async with office.service.database.engine.begin() as connection:
        await connection.exec_driver_sql("DROP TABLE datasets")

    ready = await office.http.get("/readyz")

    assert (ready.status_code, ready.json()["database"]) == (503, False)
    assert (await office.http.get("/healthz")).status_code == 200


@pytest.mark.parametrize(
    ("revision", "told"),
    [("0000", (503, False)), ("9999", (200, True))],
    ids=["an older one", "a newer one, which only added to them"],
)
async def test_a_service_is_ready_on_tables_of_its_own_version_or_a_newer_one(
    office: RunningService, revision: str, told: tuple[int, bool]
) -> None:
    async with office.service.database.engine.begin() as connection:
        await connection.execute(
            text("UPDATE registry_version SET version_num = :it"), {"it": revision}
        )

    ready = await office.http.get("/readyz")

    assert (ready.status_code, ready.json()["migrations"]) == told


async def test_the_metrics_are_there_for_prometheus(office: RunningService) -> None:
    page = await office.http.get("/metrics")

    assert page.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'dataops_datasets{status="ready"} 0.0' in page.text


async def test_machine_readers_are_told_where_to_begin(office: RunningService) -> None:
    text = (await office.http.get("/llms.txt")).text

    assert f"{BASE}/.well-known/agent-card.json" in text


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/v1/", "/nowhere", "/agents/nobody"])
async def test_an_unknown_path_is_a_problem(office: RunningService, path: str) -> None:
    answer = await office.http.get(path)

    assert (answer.status_code, answer.json()["status"]) == (404, 404)
    assert answer.headers["content-type"] == "application/problem+json"
    assert path in answer.json()["detail"]


async def test_a_method_that_is_not_taken_is_a_problem(tmp_path: Path) -> None:
    async with assembled(Settings(data=tmp_path), BASE, wall_clock) as service:
        transport = StreamingTransport(build_app(service, pages(service)))
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as http:
            answer = await http.post("/api/v1/datasets", json={})

    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]
    assert answer.json()["title"] == "Method Not Allowed"


async def test_without_a_token_only_the_open_paths_answer(guarded: RunningService) -> None:
    closed = await guarded.http.get("/metrics")

    opened = [(await guarded.http.get(path)).status_code for path in OPEN]

    assert closed.status_code == 401
    assert opened == [200] * len(OPEN)


@pytest.mark.parametrize(
    "path",
    [
        "/healthzz/agents",
        "/healthz/",
        "/readyzz",
        "/llms.txt.json",
        "/datasets/x/.well-known/agent-card.json",
        "/agents/x/y/.well-known/agent-card.json",
        "/gleanings",
    ],
)
async def test_a_path_that_only_looks_like_an_open_one_is_closed(
    guarded: RunningService, path: str
) -> None:
    assert (await guarded.http.get(path)).status_code == 401


@pytest.mark.parametrize("path", ["/journeys/journeys", "/mock-data/templates", "/nowhere"])
async def test_stand_ins_without_tokens_of_their_own_need_one_of_ours(
    guarded: RunningService, path: str
) -> None:
    read = await guarded.http.get(path)
    written = await guarded.http.post(path, json={})

    assert (read.status_code, written.status_code) == (401, 401)


async def test_a_known_token_opens_the_stand_ins(guarded: RunningService) -> None:
    line = await guarded.line_of("alices")

    answer = await line.http.get("/journeys/journeys")

    assert [each["ref"] for each in answer.json()["journeys"]] == ["journey-acme-2026"]


async def test_a_known_token_opens_the_rest(guarded: RunningService) -> None:
    line = await guarded.line_of("alices")

    assert (await line.http.get("/metrics")).status_code == 200


async def test_the_local_glean_has_tokens_of_its_own(guarded: RunningService) -> None:
    answer = await guarded.http.post("/glean/rest/api/v1/search", json={"query": "x"})

    assert answer.status_code == 401
    assert "application/problem+json" not in answer.headers.get("content-type", "")


async def test_an_order_key_that_is_set_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THE_ORDER_KEY", "shared by all processes")
    settings = Settings(data=tmp_path, auth_order_key="secret://env/THE_ORDER_KEY")

    async with assembled(settings, BASE, wall_clock) as service:
        key = service.tokens.order_key

    assert key == "shared by all processes"


@pytest.mark.parametrize(
    ("path", "status"),
    [("/healthz", 200), ("/readyz", 200), ("/metrics", 200), ("/agents", 404), ("/", 404)],
)
async def test_of_a_worker_only_probes_are_answered(
    office: RunningService, path: str, status: int
) -> None:
    assert office.service.inside.app is not None
    guarded = StreamingTransport(ProbesOnly(office.service.inside.app))
    async with httpx.AsyncClient(transport=guarded, base_url=BASE) as http:
        answer = await http.get(path)

    assert answer.status_code == status


async def test_nothing_is_called_before_it_is_built() -> None:
    scope: Scope = {"type": "http"}

    async def receive() -> Message:
        raise AssertionError

    async def send(message: Message) -> None:
        raise AssertionError(message)

    with pytest.raises(RuntimeError, match="called before it is built"):
        await InProcess()(scope, receive, send)


async def test_a_real_glean_is_asked_with_the_secrets_that_are_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLEAN_INDEXING_TOKEN", "indexing")
    monkeypatch.setenv("GLEAN_CLIENT_TOKEN", "client")

    async with running(tmp_path, glean_url="http://127.0.0.1:9", retry_delays=()) as office:
        heard = await office.call("dataset-discovery", {"skill": "list-templates"})

    assert heard.state == "COMPLETED"
    assert office.service.stand_ins.glean is None
