"""Receiving: the door for events from elsewhere, which answers with what became of each."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from protocol.inbound import read_event
from protocol.inbox import AGENT
from protocol.strict_json import read_json
from service.problems import answering
from service.sources import principal_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from domain import commands
    from domain.journey_documents import ReceivedDocument
    from domain.record import JsonObject
    from protocol.inbox import Inbox

PATH = "/events"
"""Where events come in; the same address streams ours to whoever asks."""


def receiving_routes(inbox: Inbox, base_url: str) -> list[BaseRoute]:
    """Give the route that takes events in; `base_url` begins the addresses of their tasks."""

    async def receive(request: Request) -> Response:
        event = read_event(request.headers, await _body(request))
        accepted = await inbox.accept(event, principal_of(request))
        return JSONResponse(_received(accepted, base_url), HTTPStatus.ACCEPTED)

    return [Route(PATH, answering(receive), methods=["POST"])]


async def _body(request: Request) -> JsonObject:
    """Read the body, which the edge has let through as one object, or as nothing at all."""
    body: JsonObject = read_json(await request.body() or b"{}")
    return body


def _received(request: commands.Request, base_url: str) -> ReceivedDocument:
    return {
        "task_id": request.task_id,
        "context_id": request.context_id,
        "skill": request.skill,
        "dataset_ids": [str(each) for each in request.dataset_ids],
        "task_url": f"{base_url}/agents/{AGENT.value}/tasks/{request.task_id}",
    }
