"""The published schemas: JSON Schema 2020-12 of every skill's input and output and every event."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from pydantic import TypeAdapter

from domain.events import AdditiveEvent, SeedEvent
from protocol.skills import SKILLS

if TYPE_CHECKING:
    from domain.record import JsonObject

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_WHOLE: JsonObject = {"type": "object"}

_DATASET: JsonObject = {
    "type": "object",
    "required": ["dataset_id", "connector_name", "stage", "dataset_type", "status"],
    "properties": {
        "dataset_id": {"type": "string", "format": "uuid"},
        "connector_name": {"type": "string"},
        "client_id": {"type": "string", "format": "uuid"},
        "journey_id": {"type": "string", "format": "uuid"},
        "stage": {"enum": ["sandbox", "pilot", "production"]},
        "dataset_type": {"type": "string"},
        "status": {"type": "string"},
        "quality_score": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
        "checks": {"type": "array"},
        "record_count": {"type": ["integer", "null"]},
        "template_id": {"type": ["string", "null"]},
    },
}

_DATASETS: JsonObject = {
    "type": "object",
    "required": ["datasets"],
    "properties": {"datasets": {"type": "array", "items": _DATASET}},
}


def schemas(base_url: str) -> dict[str, JsonObject]:
    """Give every schema by the name it is served under, such as `provision-datasets.input`."""
    found: dict[str, JsonObject] = {}
    for skill in SKILLS.values():
        given = skill.input.model_json_schema(mode="validation")
        found[f"{skill.id}.input"] = given
        found[f"{skill.id}.output"] = _DATASETS if _gives_datasets(skill.id) else _WHOLE
    for event in (*get_args(SeedEvent), *get_args(AdditiveEvent)):
        found[event.__name__] = TypeAdapter(event).json_schema(mode="serialization")
    return {name: _named(name, schema, base_url) for name, schema in found.items()}


def schema_url(base_url: str, name: str) -> str:
    """Give the address of a schema."""
    return f"{base_url}/schemas/{name}.v1.json"


def _gives_datasets(skill: str) -> bool:
    return skill in {"dataset-status", "list-datasets"} or SKILLS[skill].is_write


def _named(name: str, schema: JsonObject, base_url: str) -> JsonObject:
    return {"$schema": DIALECT, "$id": schema_url(base_url, name), **schema}
