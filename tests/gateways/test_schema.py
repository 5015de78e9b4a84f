"""Record schemas: formats count, faults are told in short, and nothing is fetched."""

from __future__ import annotations

import json
from typing import Any

import pytest

from domain.checks import RecordFault
from domain.errors import InvalidInput
from gateways.schema import JsonSchemaRecords

PERSON = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "author": {"type": "string", "format": "email"},
        "created_at": {"type": "string", "format": "date-time"},
        "tags": {"type": "array", "items": {"enum": ["a", "b"]}},
    },
    "required": ["id", "author"],
}


def faults(record: dict[str, Any], schema: Any = PERSON) -> list[RecordFault]:
    return list(JsonSchemaRecords().compiled(schema)(record))


def test_a_valid_record_has_no_faults() -> None:
    assert faults({"id": "r1", "author": "ada@example.com"}) == []


def test_every_fault_names_its_record_and_its_place() -> None:
    found = faults({"id": "r1", "author": "ada@example.com", "tags": ["a", "c"]})

    assert [(each.record_id, each.path) for each in found] == [("r1", "tags.1")]
    assert '"c"' in found[0].message


def test_a_record_may_have_several_faults() -> None:
    found = faults({"author": 5, "created_at": 6})

    assert {(each.record_id, each.path) for each in found} == {
        ("", ""),
        ("", "author"),
        ("", "created_at"),
    }


@pytest.mark.parametrize(
    ("field", "wrong"), [("author", "nobody"), ("created_at", "2024-13-01T00:00:00Z")]
)
def test_formats_are_asserted(field: str, wrong: str) -> None:
    record = {"id": "r1", "author": "ada@example.com", field: wrong}

    assert [each.path for each in faults(record)] == [field]


def test_a_long_message_is_cut() -> None:
    (found,) = faults({"id": "r1", "author": "x" * 5000})

    assert len(found.message) == 200


def test_a_reference_inside_the_schema_is_followed() -> None:
    schema = {"$defs": {"id": {"const": "r1"}}, "properties": {"id": {"$ref": "#/$defs/id"}}}

    assert len(faults({"id": "r2"}, schema)) == 1


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "unheard"},
        {"properties": 5},
        {"$ref": "https://elsewhere.example/schema.json"},
        {"$ref": "#/$defs/missing"},
        {"pattern": "("},
    ],
)
def test_what_is_no_schema_of_its_own_is_refused(schema: Any) -> None:
    with pytest.raises(InvalidInput, match="The schema cannot be used"):
        JsonSchemaRecords().compiled(schema)


def test_a_schema_is_compiled_once_wherever_its_text_is_the_same() -> None:
    once = JsonSchemaRecords().compiled(PERSON)

    again = JsonSchemaRecords().compiled(json.loads(json.dumps(PERSON)))

    assert again is once


def test_a_schema_that_was_edited_is_compiled_anew() -> None:
    schema: dict[str, Any] = {"required": ["id"]}
    JsonSchemaRecords().compiled(schema)
    schema["required"].append("author")

    found = faults({"id": "r1"}, schema)

    assert len(found) == 1
