"""The agents' HTTP routes: cards, JSON-RPC under both spellings, HTTP+JSON, schemas, catalogue."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import structlog
from a2a.server.cluster import DatabaseTaskEventStream
from a2a.server.routes import create_jsonrpc_routes, create_rest_routes
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from domain.work import AgentName
from protocol.auth import CallerContextBuilder
from protocol.executor import SkillExecutor
from protocol.farewell import Farewell
from protocol.handler import AgentHandler
from protocol.inbox import Inbox
from protocol.orders import OrderHandler
from protocol.problems import problem
from protocol.projection import Projection
from protocol.pushing import Pushes
from protocol.recovery import Recovery
from protocol.schemas import schemas
from protocol.tasks import AgentTasks

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping

    from sqlalchemy.ext.asyncio import AsyncEngine
    from starlette.types import Receive, Scope, Send

    from domain.ports import Changes, StageAgent
    from domain.record import JsonObject
    from domain.repository import Follows, ProgressLog, Registry
    from protocol.cards import Card
    from protocol.desks import Desks
    from protocol.pushing import PushDesk

log = structlog.get_logger("server")

CLOSE_SECONDS = 2.0
"""How long tasks may take to end when the service is asked to stop."""

_THE_LIBRARYS = ("producer:", "consumer:")
"""How the library names its workers, one of each a task."""

GRACE_SECONDS = 5.0
"""How long an order may still take when the service is asked to stop; tasks get a farewell at once."""


@dataclass(frozen=True, slots=True)
class Backstage:
    """What the endpoints stand on."""

    registry: Registry
    follows: Follows
    progress: ProgressLog
    changes: Changes
    parting: Callable[[], Coroutine[object, object, object]]
    writes: AsyncEngine
    reads: AsyncEngine
    desks: Desks
    agents: Mapping[AgentName, StageAgent]
    base_url: str
    owner: str
    pushing: PushDesk


class A2AServer:
    """Every agent's endpoint over one database of tasks."""

    def __init__(self, cards: Mapping[AgentName, Card], backstage: Backstage) -> None:
        """Serve these cards' agents."""
        self._cards = cards
        self._base = backstage.base_url
        self._stream = DatabaseTaskEventStream(backstage.reads, create_table=False)
        self._stores = {
            name: AgentTasks(name, backstage.writes, backstage.reads, backstage.registry)
            for name in cards
        }
        self.pushes = Pushes(self._stores, backstage.pushing.seal)
        projection = Projection(backstage.registry, backstage.progress, backstage.changes)
        self.handlers = {name: self._handler(name, projection, backstage) for name in cards}
        self.recovery = Recovery(
            backstage.registry, backstage.follows, self.handlers, backstage.owner
        )
        self.inbox = Inbox(backstage.desks.front, backstage.registry, self.recovery)

    async def close(self) -> None:
        """End what is running; what the library cannot end by itself is cut off.

        It cancels whoever reads a task's events before they are all read, and then waits for ever
        for somebody to read the rest. What was cut off is carried on at the next start.
        """
        closing = {asyncio.create_task(each.aclose()) for each in self.handlers.values()}
        for cut in (_cut_off, _leave_open):
            _, still_open = await asyncio.wait(closing, timeout=CLOSE_SECONDS)
            if still_open:
                cut(still_open)
        ended, _ = await asyncio.wait(closing, timeout=CLOSE_SECONDS)
        _tell_of_failures(ended)

    def routes(self) -> list[BaseRoute]:
        """Give every route of the agents."""
        found: list[BaseRoute] = [
            Route("/.well-known/agent-card.json", _serving(self._cards[AgentName.COORDINATOR])),
            Route("/.well-known/api-catalog", self._catalogue),
            Route("/agents", self._list),
            Route("/schemas/{name}.v1.json", self._schema()),
        ]
        for name, card in self._cards.items():
            found += self._endpoint(name, card)
        return found

    def _endpoint(self, name: AgentName, card: Card) -> list[BaseRoute]:
        handler, builder = self.handlers[name], CallerContextBuilder()
        path = f"/agents/{name.value}"
        routes: list[BaseRoute] = []
        for url in (path, f"{path}/"):
            routes += create_jsonrpc_routes(
                handler,
                url,
                builder,
                enable_v0_3_compat=True,
                shutdown_grace_period=GRACE_SECONDS,
            )
        rest = create_rest_routes(handler, builder, shutdown_grace_period=GRACE_SECONDS)
        card_route = Route("/.well-known/agent-card.json", _serving(card))
        return [*routes, Mount(path, routes=[card_route, *rest])]

    def _handler(
        self, name: AgentName, projection: Projection, backstage: Backstage
    ) -> AgentHandler:
        card = self._cards[name].card
        agent = backstage.agents.get(name)
        executor = SkillExecutor(
            name, backstage.desks, projection, backstage.registry, backstage.base_url
        )
        return AgentHandler(
            name,
            executor,
            store=self._stores[name],
            stream=self._stream,
            card=card,
            registry=backstage.registry,
            orders=OrderHandler(agent, card) if agent else None,
            pushing=backstage.pushing,
            farewell=Farewell(backstage.parting),
        )

    async def _list(self, request: HttpRequest) -> Response:
        """List the cards, those with a skill or a tag where one is asked for."""
        skill, tag = request.query_params.get("skill"), request.query_params.get("tag")
        shown = [
            each.document
            for each in self._cards.values()
            if (not skill or any(found.id == skill for found in each.card.skills))
            and (not tag or any(tag in found.tags for found in each.card.skills))
        ]
        return JSONResponse({"agents": shown})

    async def _catalogue(self, request: HttpRequest) -> Response:
        """Tell what there is, as RFC 9727 asks."""
        del request
        items = [{"href": f"{self._base}/agents/{name.value}"} for name in self._cards]
        anchor = f"{self._base}/.well-known/api-catalog"
        return JSONResponse(
            {"linkset": [{"anchor": anchor, "item": items}]},
            media_type="application/linkset+json",
        )

    def _schema(self) -> _SchemaEndpoint:
        return _SchemaEndpoint(self._base)


def _cut_off(_handlers: set[asyncio.Task[None]]) -> None:
    log.warning("tasks.cut_off")
    for each in asyncio.all_tasks():
        if each.get_name().startswith(_THE_LIBRARYS):
            each.cancel()


def _leave_open(handlers: set[asyncio.Task[None]]) -> None:
    log.error("handlers.left_open", handlers=len(handlers))
    for each in handlers:
        each.cancel()


def _tell_of_failures(ended: set[asyncio.Task[None]]) -> None:
    for each in ended:
        if not each.cancelled() and (error := each.exception()) is not None:
            log.error("handler.not_closed", exc_info=error)


class _SchemaEndpoint:
    """Serves each schema by name."""

    def __init__(self, base_url: str) -> None:
        self._base = base_url

    @cached_property
    def _schemas(self) -> Mapping[str, JsonObject]:
        """Worked out when somebody asks: it takes as long as all the rest of a server."""
        return schemas(self._base)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a schema, or 404 naming those there are."""
        name = scope["path_params"]["name"]
        found = self._schemas.get(name)
        response = (
            Response(json.dumps(found), media_type="application/schema+json")
            if found
            else problem(404, f"There is no schema {name!r}. Known: {', '.join(self._schemas)}.")
        )
        await response(scope, receive, send)


def _serving(card: Card) -> Callable[[HttpRequest], Awaitable[Response]]:
    async def serve(request: HttpRequest) -> Response:
        headers = {"ETag": card.etag, "Cache-Control": "max-age=300"}
        if request.headers.get("if-none-match") == card.etag:
            return Response(status_code=304, headers=headers)
        return Response(card.content, media_type="application/json", headers=headers)

    return serve
