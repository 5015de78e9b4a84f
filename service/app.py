"""The application: agents, API, events, console, health and stand-ins under one address."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from domain.repository import DatasetFilter
from protocol.auth import Authentication
from protocol.edge import Edge
from registry.metrics import read_figures
from registry.migrations import is_served_by_us
from service.observability import metrics_page
from service.problems import answer_http

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

    from starlette.requests import Request

    from service.whole import Service

log = structlog.get_logger("service")

OPEN_PATHS = (
    "/.well-known/",
    "/schemas/",
    "/healthz",
    "/readyz",
    "/static/",
    "/llms.txt",
    "/glean/",
)
"""What needs no token of ours: cards, schemas, probes, and the local Glean, which has its own.

A path that ends in a slash stands for all below it.
"""

PAGE_PATHS = ("/glean/",)
"""Where whole pages of documents are taken, and looked at by whoever takes them."""


class Running:
    """The service while it runs: whether it is up, and whether it is on its way out."""

    def __init__(self, service: Service) -> None:
        """Begin not ready."""
        self._service = service
        self._engine: asyncio.Task[None] | None = None
        self.is_up = False

    @property
    def is_draining(self) -> bool:
        """Whether the service is on its way out."""
        return self._service.bell.is_over

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        """Bring everything up: engine, unfinished tasks; and down again, however far it came."""
        service = self._service
        service.inside.app = app
        try:
            async with (
                _in_background("engine", service.drive()) as self._engine,
                _in_background("listener", service.listen()),
                _in_background("schedules", service.schedules.run()),
            ):
                try:
                    await service.server.recovery.sweep()
                    async with _in_background("recovery", service.server.recovery.run()):
                        self.is_up = True
                        yield
                finally:
                    service.bell.ring_out()
        finally:  # the engine is at rest by now, else it would take a hop cut off for a lost agent
            await service.server.close()
            await service.server.recovery.leave()

    async def health(self, request: Request) -> Response:
        """Tell that the loop is alive, and nothing else."""
        del request
        return JSONResponse({"status": "alive"})

    async def ready(self, request: Request) -> Response:
        """Tell whether requests are taken, and what is amiss where they are not."""
        del request
        report = {
            "database": await self._database_answers(),
            "migrations": await self._is_up_to_date(),
            "engine": self._engine is not None and not self._engine.done(),
            "draining": self.is_draining,
        }
        well = report["database"] and report["migrations"] and report["engine"]
        is_ready = self.is_up and not self.is_draining and well
        return JSONResponse({"ready": is_ready, **report}, status_code=200 if is_ready else 503)

    async def metrics(self, request: Request) -> Response:
        """Give the metrics page."""
        del request
        figures = await read_figures(self._service.database)
        return Response(
            metrics_page(figures, self._service.engine.turns, self._service.clock()),
            media_type="text/plain; version=0.0.4",
        )

    async def llms(self, request: Request) -> Response:
        """Tell a machine reader where to begin."""
        del request
        return PlainTextResponse(_LLMS.format(base=self._service.base_url))

    async def _database_answers(self) -> bool:
        try:
            await self._service.registry.datasets("default", DatasetFilter(), 1, None)
        except Exception:  # noqa: BLE001 - whatever it is, the service is not ready
            return False
        return True

    async def _is_up_to_date(self) -> bool:
        try:
            return await asyncio.to_thread(is_served_by_us, self._service.settings.database)
        except Exception:  # noqa: BLE001 - as above
            return False


@asynccontextmanager
async def _in_background(
    name: str, work: Coroutine[None, None, None]
) -> AsyncIterator[asyncio.Task[None]]:
    """Let something run for as long as the block lasts; if it ends before, that is told at once."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_tell_of_a_death)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task})


def _tell_of_a_death(task: asyncio.Task[None]) -> None:
    if not task.cancelled():
        log.error("background.ended", work=task.get_name(), exc_info=task.exception())


def build_app(service: Service, pages: list[BaseRoute]) -> Starlette:
    """Build the application around an assembled service; `pages` come after the agents."""
    running = Running(service)
    app = Starlette(
        routes=[
            *service.server.routes(),
            Route("/healthz", running.health),
            Route("/readyz", running.ready),
            Route("/metrics", running.metrics),
            Route("/llms.txt", running.llms),
            *service.stand_ins.routes(),
            *pages,
        ],
        middleware=[
            Middleware(Authentication, tokens=service.tokens, open_paths=OPEN_PATHS),
            Middleware(
                Edge,
                base_url=service.base_url,
                allowed_hosts=service.settings.allowed_hosts,
                page_paths=PAGE_PATHS,
            ),
        ],
        exception_handlers={HTTPException: answer_http},
        lifespan=running.lifespan,
    )
    app.state.service = service
    return app


_LLMS = """# DataOps Lifecycle

> Datasets for enterprise-search roll-outs, from request to archive, by agents that speak A2A.

- [Coordinator's card]({base}/.well-known/agent-card.json): start here; every skill has an example
- [All agents]({base}/agents)
- [Schemas]({base}/schemas/provision-datasets.input.v1.json): of each skill's input and output, and
  of each event
- [Events]({base}/events): CloudEvents as server-sent events; {base}/events/replay for past ones
- [API]({base}/openapi.json): what is so, to read

## How to call an agent

POST JSON to {base}/agents/NAME with these headers. Without the first a call is taken for one of the
older protocol and answered with error -32009.

    A2A-Version: 1.0
    Content-Type: application/json

    {{"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {{"message": {{
      "messageId": "a-new-one-each-time", "role": "ROLE_USER",
      "parts": [{{"data": {{"skill": "list-datasets"}}}}]}}}}}}
"""
