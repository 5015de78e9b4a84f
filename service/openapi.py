"""The OpenAPI 3.1 document of the JSON API: its routes by hand, its answers from their types."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, NotRequired, TypedDict

from agents.cataloguing import MOST_LISTED
from domain import archive_documents, catalogue_documents, documents, journey_documents
from domain.approvals import ApprovalStatus
from domain.journey import JourneyStage
from domain.lifecycle import DatasetStatus
from domain.record import JsonObject
from protocol.inbound import CLOUD_EVENT, INBOUND, Inbound
from protocol.shapes import Shapes
from service.auditing import AuditEntryDocument, AuditPageDocument, AuditVerdictDocument
from service.batches import BATCH
from service.operations import ON_SUBSCRIPTIONS
from service.operations import Operation as _Operation
from service.problems import LARGEST_NUMBER
from service.publishing import CloudEventDocument
from service.success import SuccessDocument

if TYPE_CHECKING:
    from enum import StrEnum

    from pydantic import BaseModel

API_VERSION = "1.0.0"
"""The version of the API itself; its first number is the one in every path."""

LARGEST_PAGE = 100
"""The most datasets one page holds."""

MOST_PREVIEWED = 50
"""The most sample records of a template that are shown."""


class EventPageDocument(TypedDict):
    """Events in order, and behind which sequence the next page begins."""

    events: Sequence[CloudEventDocument]
    next_after: int | None


class AgentListDocument(TypedDict):
    """The agents' cards, as A2A defines them."""

    agents: Sequence[JsonObject]


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


def _number(least: int, most: int) -> JsonObject:
    return {"type": "integer", "minimum": least, "maximum": most}


def _one_of(kind: type[StrEnum]) -> JsonObject:
    """Take an enum's values in either case."""
    values = [each.value for each in kind]
    return {"enum": [*values, *(each.upper() for each in values)]}


_TEXT: JsonObject = {"type": "string"}
_FILTERS: dict[str, JsonObject] = {
    "journey": _TEXT,
    "client": _TEXT,
    "stage": _one_of(JourneyStage),
    "status": _one_of(DatasetStatus),
}
_MATCHING: dict[str, JsonObject] = {"industry": _TEXT, "use_case": _TEXT, "dataset_type": _TEXT}
_PAGE: dict[str, JsonObject] = {"after": _number(0, LARGEST_NUMBER), "limit": _number(1, BATCH)}


_OPERATIONS = (
    _Operation(
        "/datasets",
        "listDatasets",
        "List datasets, newest first",
        documents.DatasetPageDocument,
        _FILTERS | {"page_size": _number(1, LARGEST_PAGE), "page_token": _TEXT},
    ),
    _Operation("/datasets/{dataset}", "showDataset", "Show one dataset", documents.DatasetDocument),
    _Operation(
        "/datasets/{dataset}/quality",
        "showQuality",
        "Show one validation with its evidence, the last unless named",
        documents.QualityReportDocument,
        {"run": _number(1, LARGEST_NUMBER)},
    ),
    _Operation(
        "/datasets/{dataset}/events",
        "listDatasetEvents",
        "List what happened to one dataset",
        EventPageDocument,
        _PAGE,
    ),
    _Operation(
        "/datasets/{dataset}/archive",
        "verifyArchive",
        "Read an archive back and compare its digest",
        archive_documents.ArchiveVerificationDocument,
    ),
    _Operation(
        "/approvals",
        "listApprovals",
        "List what waits for consent, or the approvals of one status",
        journey_documents.ApprovalListDocument,
        {"status": _one_of(ApprovalStatus)},
    ),
    _Operation(
        "/archives",
        "listArchives",
        "List archives and tombstones, those of the newest datasets first",
        archive_documents.ArchivePageDocument,
        {"page_size": _number(1, LARGEST_PAGE), "page_token": _TEXT},
    ),
    _Operation(
        "/archives/{dataset}",
        "showArchive",
        "Show where an archive is and how long it is kept",
        archive_documents.ArchiveDocument,
    ),
    _Operation(
        "/archives/{dataset}/content",
        "readArchive",
        "Give an archive's bytes, as they were written",
        archive_documents.DossierDocument,
    ),
    _Operation("/events", "listEvents", "List what happened, in order", EventPageDocument, _PAGE),
    _Operation(
        "/templates",
        "listTemplates",
        "List the templates",
        documents.TemplateListDocument,
        _MATCHING,
    ),
    _Operation(
        "/templates/{template}",
        "showTemplate",
        "Show one template in full",
        documents.TemplateDocument,
    ),
    _Operation(
        "/templates/{template}/preview",
        "previewTemplate",
        "Show sample records of a template",
        documents.PreviewDocument,
        {"record_count": _number(1, MOST_PREVIEWED)},
    ),
    _Operation(
        "/templates/{industry}/{use_case}",
        "listTemplatesFor",
        "List the templates of an industry and use case",
        documents.TemplateListDocument,
    ),
    _Operation(
        "/catalogue",
        "listDiscoveries",
        "List discoveries, newest first",
        catalogue_documents.DiscoveryListDocument,
        {"source": _TEXT, "limit": _number(1, MOST_LISTED)},
    ),
    _Operation(
        "/catalogue/{discovery}",
        "showDiscovery",
        "Show one discovery in full",
        catalogue_documents.DiscoveryDocument,
    ),
    _Operation(
        "/catalogue/{discovery}/difference",
        "compareDiscoveries",
        "Tell what has changed since the discovery before, or since another one",
        catalogue_documents.DifferenceDocument,
        {"since": _TEXT},
    ),
    _Operation("/agents", "listAgents", "List the agents' cards", AgentListDocument),
    _Operation("/metrics", "showMetrics", "Show the success metrics", SuccessDocument),
    _Operation(
        "/audit",
        "listAuditEntries",
        "List who did what, in order",
        AuditPageDocument,
        _PAGE | {"dataset": _TEXT},
    ),
    _Operation(
        "/audit/verify",
        "verifyAudit",
        "Look through the whole audit trail and hold it to its checkpoints",
        AuditVerdictDocument,
    ),
    _Operation(
        "/audit/{sequence}", "showAuditEntry", "Show one entry by its number", AuditEntryDocument
    ),
    *ON_SUBSCRIPTIONS,
)


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
    for each in _OPERATIONS:
        known = paths.get(f"/api/v1{each.path}", {})
        paths[f"/api/v1{each.path}"] = {**known, each.method: _described(each, shapes)}
    return paths


def _described(operation: _Operation, shapes: Shapes) -> JsonObject:
    named = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    in_path = [_parameter(each, "path", _TEXT) for each in named]
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
    return {**_parameter(f"ce-{attribute}", "header", _TEXT), "required": False}


def _structured(kind: Inbound) -> JsonObject:
    attributes: JsonObject = {
        "specversion": {"const": "1.0"},
        "id": _TEXT,
        "source": _TEXT,
        "type": {"enum": [kind.type, kind.name]},
        "data": _data(kind),
    }
    return {"type": "object", "required": list(attributes), "properties": attributes}


def _data(kind: Inbound) -> JsonObject:
    return dict(kind.schema())


def _answered(operation: _Operation, shapes: Shapes) -> JsonObject:
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
