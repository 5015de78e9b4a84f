"""The published schemas: JSON Schema 2020-12 of every skill's input and output and every event."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, get_args

from domain import archive_documents, catalogue_documents, documents, journey_documents
from domain.events import AdditiveEvent, SeedEvent
from domain.orphan_documents import CleanupDocument, OrphanReportDocument
from protocol.shapes import Shapes
from protocol.skills import SKILLS

if TYPE_CHECKING:
    from domain.record import JsonObject

DIALECT = "https://json-schema.org/draft/2020-12/schema"

EVENTS: Mapping[str, Any] = {
    each.__name__: each for each in (*get_args(SeedEvent), *get_args(AdditiveEvent))
}
"""Every event by its name, the seed's seven first."""

_HERE = "#/$defs/"

_OUTPUTS: dict[str, Any] = {
    "provision-datasets": documents.DatasetListDocument | documents.PlanDocument,
    "plan-datasets": documents.PlanDocument,
    "transition-stage": journey_documents.TransitionDocument,
    "complete-journey": journey_documents.EndingListDocument,
    "resolve-approval": journey_documents.ResolutionDocument,
    "dataset-status": documents.DatasetListDocument,
    "list-datasets": documents.DatasetPageDocument,
    "list-templates": documents.TemplateListDocument,
    "describe-template": documents.TemplateDocument,
    "preview-template": documents.PreviewDocument,
    "select-template": documents.SelectionDocument,
    "discover-datasets": catalogue_documents.DiscoveredDocument,
    "register-template": catalogue_documents.RegistrationDocument,
    "provision-dataset": documents.DatasetListDocument,
    "configure-connector": documents.ConnectorDocument,
    "validate-dataset": documents.DatasetListDocument,
    "check-connector": documents.ProbeDocument,
    "quality-report": documents.QualityReportDocument,
    "teardown-dataset": journey_documents.EndingListDocument,
    "restore-dataset": documents.DatasetListDocument,
    "cleanup-orphans": CleanupDocument | OrphanReportDocument,
    "verify-archive": archive_documents.ArchiveVerificationDocument,
    "extend-retention": documents.DatasetListDocument,
    "hold-archive": documents.DatasetListDocument,
    "release-archive": documents.DatasetListDocument,
}
"""What each skill answers with; a dry run answers with a plan, or a report, of its own."""


def schemas(base_url: str) -> dict[str, JsonObject]:
    """Give every schema by the name it is served under, such as `provision-datasets.input`."""
    return {name: _named(name, schema, base_url) for name, schema in _nameless().items()}


def schema_url(base_url: str, name: str) -> str:
    """Give the address of a schema."""
    return f"{base_url}/schemas/{name}.v1.json"


@cache
def _nameless() -> dict[str, JsonObject]:
    found: dict[str, JsonObject] = {}
    for skill in SKILLS.values():
        found[f"{skill.id}.input"] = skill.input.model_json_schema(mode="validation")
        found[f"{skill.id}.output"] = _whole(_OUTPUTS[skill.id])
    for name, event in EVENTS.items():
        found[name] = _whole(event)
    return found


def _whole(kind: Any) -> JsonObject:
    """Give a schema that stands by itself, what its root says in the root."""
    shapes = Shapes(_HERE)
    root = shapes.schema_of(kind)
    if "$ref" in root:
        root = shapes.definitions.pop(root["$ref"].removeprefix(_HERE))
    return {**root, "$defs": shapes.definitions} if shapes.definitions else root


def _named(name: str, schema: JsonObject, base_url: str) -> JsonObject:
    return {"$schema": DIALECT, "$id": schema_url(base_url, name), **schema}
