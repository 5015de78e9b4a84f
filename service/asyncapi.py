"""The AsyncAPI 3.0 document: every event that goes out and comes in, made from the events themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from protocol.inbound import CLOUD_EVENT, INBOUND
from protocol.schemas import EVENTS
from protocol.shapes import Shapes
from service.openapi import API_VERSION
from service.publishing import CloudEventDocument, event_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from starlette.requests import Request

    from domain.record import JsonObject

_SCHEMAS = "#/components/schemas/"
_ANNOUNCED = "announced."
"""What begins the names of messages that come in: one event goes both ways."""

_ENVELOPE: JsonObject = {
    "type": "object",
    "description": "An event of somebody else in its envelope of CloudEvents 1.0.",
    "required": ["specversion", "id", "source", "type", "data"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "minLength": 1},
        "source": {"type": "string", "format": "uri-reference", "minLength": 1},
        "type": {"type": "string"},
        "time": {"type": "string", "format": "date-time"},
        "datacontenttype": {"const": "application/json"},
    },
}


def asyncapi_routes(base_url: str) -> list[BaseRoute]:
    """Give the route of the document."""
    document = asyncapi_document(base_url)

    async def show(request: Request) -> Response:
        del request
        return JSONResponse(document)

    return [Route("/asyncapi.json", show, methods=["GET"])]


def asyncapi_document(base_url: str) -> JsonObject:
    """Describe the events of the service at `base_url` (no trailing slash)."""
    shapes = Shapes(_SCHEMAS)
    envelope = shapes.schema_of(CloudEventDocument)
    going = {name: _told(name, kind, envelope, shapes) for name, kind in EVENTS.items()}
    announced: JsonObject = {"$ref": f"{_SCHEMAS}Announced"}
    coming = {
        f"{_ANNOUNCED}{name}": _message(name, kind.data.__doc__ or "", announced, kind.schema())
        for name, kind in INBOUND.items()
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "DataOps Lifecycle",
            "version": API_VERSION,
            "description": "What happens to datasets, and what of journeys is taken in.",
        },
        "defaultContentType": CLOUD_EVENT,
        "servers": {"service": _server(base_url)},
        "channels": _channels(going, coming),
        "operations": _operations(going, coming),
        "components": {
            "messages": {**going, **coming},
            "schemas": {**shapes.definitions, "Announced": _ENVELOPE},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _server(base_url: str) -> JsonObject:
    parts = urlsplit(base_url)
    return {
        "host": parts.netloc,
        "protocol": parts.scheme,
        **({"pathname": parts.path} if parts.path else {}),
        "security": [{"$ref": "#/components/securitySchemes/bearer"}],
    }


def _channels(going: Iterable[str], coming: Iterable[str]) -> JsonObject:
    return {
        "events": {
            "address": "/events",
            "description": "Server-sent events in order; Last-Event-ID goes on where one left off.",
            "messages": _referred(going),
        },
        "webhook": {
            "address": None,  # the subscriber's own: /api/v1/subscriptions
            "description": (
                "Each event as a POST with the headers of Standard Webhooks, until a 2xx "
                "acknowledges it: in order, at least once."
            ),
            "messages": _referred(going),
        },
        "announcements": {
            "address": "/events",
            "description": "Events of others as a POST each; one id of one source is one event.",
            "messages": _referred(coming),
        },
    }


def _operations(going: Iterable[str], coming: Iterable[str]) -> JsonObject:
    return {
        "streamEvents": _operation("send", "events", going, "GET"),
        "deliverEvents": _operation("send", "webhook", going, "POST"),
        "takeAnnouncements": _operation("receive", "announcements", coming, "POST"),
    }


def _operation(action: str, channel: str, names: Iterable[str], method: str) -> JsonObject:
    there = f"#/channels/{channel}"
    return {
        "action": action,
        "channel": {"$ref": there},
        "messages": [{"$ref": f"{there}/messages/{name}"} for name in names],
        "bindings": {"http": {"method": method, "bindingVersion": "0.3.0"}},
    }


def _referred(names: Iterable[str]) -> Mapping[str, JsonObject]:
    return {name: {"$ref": f"#/components/messages/{name}"} for name in names}


def _told(name: str, kind: Any, envelope: JsonObject, shapes: Shapes) -> JsonObject:
    data = shapes.schema_of(kind)
    summary = shapes.definitions[data["$ref"].removeprefix(_SCHEMAS)]["description"]
    return _message(name, summary, envelope, data)


def _message(name: str, summary: str, envelope: JsonObject, data: JsonObject) -> JsonObject:
    its_own = {"properties": {"type": {"const": event_type(name)}, "data": data}}
    return {
        "name": name,
        "title": name,
        "summary": summary,
        "contentType": CLOUD_EVENT,
        "payload": {"allOf": [envelope, its_own]},
    }
