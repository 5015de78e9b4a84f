"""The OpenAPI 3.1 document of the JSON API, kept by hand beside its routes."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from domain.journey import JourneyStage
from domain.lifecycle import DatasetStatus

if TYPE_CHECKING:
    from domain.record import JsonObject

API_VERSION = "1.0.0"
"""The version of the API itself; its first number is the one in every path."""

_TEXT: JsonObject = {"type": "string"}
_COUNT: JsonObject = {"type": "integer", "minimum": 1}
_POSITION: JsonObject = {"type": "integer", "minimum": 0}
_STAGE: JsonObject = {"enum": [each.value for each in JourneyStage]}
_STATUS: JsonObject = {"enum": [each.value for each in DatasetStatus]}

_FILTERS: dict[str, JsonObject] = {
    "journey": _TEXT,
    "client": _TEXT,
    "stage": _STAGE,
    "status": _STATUS,
}
_MATCHING: dict[str, JsonObject] = {"industry": _TEXT, "use_case": _TEXT, "dataset_type": _TEXT}
_PAGE: dict[str, JsonObject] = {"after": _POSITION, "limit": _COUNT}

_OPERATIONS: tuple[tuple[str, str, str, dict[str, JsonObject], str], ...] = (
    (
        "/datasets",
        "listDatasets",
        "List datasets, newest first",
        _FILTERS | {"page_size": _COUNT, "page_token": _TEXT},
        "DatasetPage",
    ),
    ("/datasets/{dataset}", "showDataset", "Show one dataset", {}, "Dataset"),
    (
        "/datasets/{dataset}/quality",
        "showQuality",
        "Show one validation with its evidence, the last unless named",
        {"run": _COUNT},
        "QualityReport",
    ),
    (
        "/datasets/{dataset}/events",
        "listDatasetEvents",
        "List what happened to one dataset",
        _PAGE,
        "EventPage",
    ),
    (
        "/datasets/{dataset}/archive",
        "verifyArchive",
        "Read an archive back and compare its digest",
        {},
        "ArchiveVerification",
    ),
    ("/events", "listEvents", "List what happened, in order", _PAGE, "EventPage"),
    ("/templates", "listTemplates", "List the templates", _MATCHING, "TemplateList"),
    ("/templates/{template}", "showTemplate", "Show one template in full", {}, "Template"),
    (
        "/templates/{template}/preview",
        "previewTemplate",
        "Show sample records of a template",
        {"record_count": _COUNT},
        "Preview",
    ),
    ("/agents", "listAgents", "List the agents' cards", {}, "AgentList"),
)


def openapi_document(base_url: str) -> JsonObject:
    """Describe the API served at `base_url` (no trailing slash)."""
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "DataOps Lifecycle",
            "version": API_VERSION,
            "summary": "Datasets, their events, the templates and the agents, to read.",
        },
        "servers": [{"url": base_url}],
        "security": [{}, {"bearer": []}],
        "paths": {f"/api/v1{each[0]}": {"get": _operation(*each)} for each in _OPERATIONS},
        "components": {
            "schemas": _SCHEMAS,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(
    path: str, name: str, summary: str, query: dict[str, JsonObject], answer: str
) -> JsonObject:
    named = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    in_path = [_parameter(each, "path", _TEXT) for each in named]
    in_query = [_parameter(each, "query", schema) for each, schema in query.items()]
    return {
        "operationId": name,
        "summary": summary,
        "parameters": in_path + in_query,
        "responses": {
            "200": _answer("The answer", "application/json", answer),
            **({"404": _problem(HTTPStatus.NOT_FOUND)} if named else {}),
            **({"422": _problem(HTTPStatus.UNPROCESSABLE_ENTITY)} if query else {}),
            "default": _problem(None),
        },
    }


def _parameter(name: str, place: str, schema: JsonObject) -> JsonObject:
    return {"name": name, "in": place, "required": place == "path", "schema": schema}


def _problem(status: HTTPStatus | None) -> JsonObject:
    described = status.phrase if status else "A problem, told as RFC 9457 asks"
    return _answer(described, "application/problem+json", "Problem")


def _answer(described: str, media_type: str, schema: str) -> JsonObject:
    reference = {"$ref": f"#/components/schemas/{schema}"}
    return {"description": described, "content": {media_type: {"schema": reference}}}


def _object(required: tuple[str, ...] = (), **properties: Any) -> JsonObject:
    return {"type": "object", "required": list(required), "properties": properties}


def _list(of: JsonObject) -> JsonObject:
    return {"type": "array", "items": of}


_ANY: JsonObject = {"type": "object"}
_SCORE: JsonObject = {"type": ["number", "null"], "minimum": 0, "maximum": 1}
_MAYBE_TEXT: JsonObject = {"type": ["string", "null"]}
_CHECK = _object(
    ("check_type", "passed", "score", "details"),
    check_type=_TEXT,
    passed={"type": "boolean"},
    score=_SCORE,
    details=_ANY,
)

_SCHEMAS: JsonObject = {
    "Dataset": _object(
        ("dataset_id", "connector_name", "stage", "dataset_type", "status"),
        dataset_id={"type": "string", "format": "uuid"},
        connector_name=_TEXT,
        client_ref=_TEXT,
        journey_ref=_TEXT,
        stage=_STAGE,
        dataset_type=_TEXT,
        status=_STATUS,
        quality_score=_SCORE,
        checks=_list(_CHECK),
        record_count={"type": ["integer", "null"]},
        template_id=_MAYBE_TEXT,
    ),
    "DatasetPage": _object(
        ("datasets",),
        datasets=_list({"$ref": "#/components/schemas/Dataset"}),
        next_page_token=_MAYBE_TEXT,
    ),
    "QualityReport": _object(
        ("dataset_id", "run", "runs", "checks"),
        dataset_id=_TEXT,
        run=_COUNT,
        runs=_COUNT,
        quality_score=_SCORE,
        decided_by=_TEXT,
        would_pass_if=_list(_TEXT),
        checks=_list(_CHECK),
    ),
    "EventPage": _object(
        ("events", "next_after"), events=_list(_ANY), next_after={"type": ["integer", "null"]}
    ),
    "ArchiveVerification": _object(
        ("location", "verified"),
        location=_TEXT,
        verified={"type": "boolean"},
        expected_sha256=_TEXT,
        actual_sha256=_TEXT,
        size_bytes=_POSITION,
        locked_until={"type": "string", "format": "date-time"},
    ),
    "Template": _object(("template_id", "dataset_type"), template_id=_TEXT, dataset_type=_TEXT),
    "TemplateList": _object(
        ("templates",), templates=_list({"$ref": "#/components/schemas/Template"})
    ),
    "Preview": _object(("template_id", "records"), template_id=_TEXT, records=_list(_ANY)),
    "AgentList": _object(("agents",), agents=_list(_ANY)),
    "Problem": _object(
        ("type", "title", "status", "detail"),
        type=_TEXT,
        title=_TEXT,
        status={"type": "integer"},
        detail=_TEXT,
        errors=_list(_object(("field", "message"), field=_TEXT, message=_TEXT)),
    ),
}
