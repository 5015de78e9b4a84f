"""The OpenAPI 3.1 document of the JSON API: its routes by hand, its answers from their types."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, NotRequired, TypedDict

from domain import journey_documents
from domain.record import JsonObject
from protocol.inbound import CLOUD_EVENT, INBOUND, Inbound
from protocol.shapes import Shapes
from service.operations import OPERATIONS, TEXT, Operation

if TYPE_CHECKING:
    from pydantic import BaseModel

API_VERSION = "1.0.0"
"""The version of the API itself; its first number is the one in every path."""


class WrongFieldDocument(TypedDict):
    """A field that is wrong, and why."""

    field: str
    message: str


class ProblemDocument(TypedDict):
    """What went wrong, as RFC 9457 tells it."""

    type: str
    title: str
    status: int
    detail: str
    errors: NotRequired[Sequence[WrongFieldDocument]]


def openapi_document(base_url: str) -> JsonObject:
    """Describe the API served at `base_url` (no trailing slash)."""
    shapes = Shapes("#/components/schemas/")
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "DataOps Lifecycle",
            "version": API_VERSION,
            "summary": "Datasets, events, archives, approvals and agents, and events to subscribe to.",
        },
        "servers": [{"url": base_url}],
        "security": [{}, {"bearer": []}],
        "paths": {**_paths(shapes), "/events": {"post": _receiving(shapes)}},
        "components": {
            "schemas": shapes.definitions,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _paths(shapes: Shapes) -> JsonObject:
    paths: dict[str, JsonObject] = {}
    for each in OPERATIONS:
        known = paths.get(f"/api/v1{each.path}", {})
        paths[f"/api/v1{each.path}"] = {**known, each.method: _described(each, shapes)}
    return paths


def _described(operation: Operation, shapes: Shapes) -> JsonObject:
    named = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    in_path = [_parameter(each, "path", TEXT) for each in named]
    in_query = [_parameter(each, "query", schema) for each, schema in operation.query.items()]
    taken = _body(operation.body) if operation.body is not None else {}
    absent = {"404": _problem(shapes, HTTPStatus.NOT_FOUND)} if named else {}
    wrong = {"422": _problem(shapes, HTTPStatus.UNPROCESSABLE_ENTITY)} if in_query or taken else {}
    return {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": in_path + in_query,
        **taken,
        "responses": {
            str(operation.status.value): _answered(operation, shapes),
            **absent,
            **wrong,
            **{str(int(each)): _problem(shapes, each) for each in operation.problems},
            "default": _problem(shapes, None),
        },
    }


def _receiving(shapes: Shapes) -> JsonObject:
    """Describe the door for events, which takes each in either of CloudEvents' two modes."""
    taken = HTTPStatus.ACCEPTED
    received = shapes.schema_of(journey_documents.ReceivedDocument)
    return {
        "operationId": "receiveEvent",
        "summary": "Take an event of Journey Orchestration in, once however often it is sent",
        "parameters": [_header(each) for each in ("specversion", "id", "source", "type")],
        "requestBody": {
            "required": True,
            "content": {
                CLOUD_EVENT: {"schema": {"anyOf": [_structured(each) for each in _INBOUND]}},
                "application/json": {"schema": {"anyOf": [_data(each) for each in _INBOUND]}},
            },
        },
        "responses": {
            str(int(taken)): _answer("The request it has become", "application/json", received),
            **{str(int(each)): _problem(shapes, each) for each in _EVENT_PROBLEMS},
            "default": _problem(shapes, None),
        },
    }


_INBOUND = tuple(INBOUND.values())

_EVENT_PROBLEMS = (
    HTTPStatus.NOT_FOUND,
    HTTPStatus.CONFLICT,
    HTTPStatus.UNPROCESSABLE_ENTITY,
)


def _header(attribute: str) -> JsonObject:
    """Describe an attribute of an event in binary mode; in structured mode the body has it."""
    return {**_parameter(f"ce-{attribute}", "header", TEXT), "required": False}


def _structured(kind: Inbound) -> JsonObject:
    attributes: JsonObject = {
        "specversion": {"const": "1.0"},
        "id": TEXT,
        "source": TEXT,
        "type": {"enum": [kind.type, kind.name]},
        "data": _data(kind),
    }
    return {"type": "object", "required": list(attributes), "properties": attributes}


def _data(kind: Inbound) -> JsonObject:
    return dict(kind.schema())


def _answered(operation: Operation, shapes: Shapes) -> JsonObject:
    if operation.answer is None:
        return {"description": "Done"}
    return _answer("The answer", "application/json", shapes.schema_of(operation.answer))


def _body(kind: type[BaseModel]) -> JsonObject:
    schema = kind.model_json_schema(mode="validation")
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def _parameter(name: str, place: str, schema: JsonObject) -> JsonObject:
    return {"name": name, "in": place, "required": place == "path", "schema": schema}


def _problem(shapes: Shapes, status: HTTPStatus | None) -> JsonObject:
    described = status.phrase if status else "A problem, told as RFC 9457 asks"
    return _answer(described, "application/problem+json", shapes.schema_of(ProblemDocument))


def _answer(described: str, media_type: str, schema: JsonObject) -> JsonObject:
    return {"description": described, "content": {media_type: {"schema": schema}}}
