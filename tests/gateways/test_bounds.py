"""Bounds of schemas: what unfolds without an end, or into too much, is refused before it runs."""

from __future__ import annotations

from typing import Any

import pytest

from domain.errors import InvalidInput
from gateways.bounds import MOST_PARTS
from gateways.schema import JsonSchemaRecords


def laughs(depth: int, keyword: str = "allOf") -> dict[str, Any]:
    """A schema each of whose definitions asks twice for the next one."""
    parts: dict[str, Any] = {
        f"a{n}": {keyword: [{"$ref": f"#/$defs/a{n + 1}"}, {"$ref": f"#/$defs/a{n + 1}"}]}
        for n in range(depth)
    }
    return {"$ref": "#/$defs/a0", "$defs": {**parts, f"a{depth}": {"type": "object"}}}


def chain(length: int) -> dict[str, Any]:
    parts: dict[str, Any] = {f"a{n}": {"$ref": f"#/$defs/a{n + 1}"} for n in range(length)}
    return {"$ref": "#/$defs/a0", "$defs": {**parts, f"a{length}": {}}}


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"$ref": "#"}, "refers to itself about the same value"),
        ({"anyOf": [{"type": "object"}, {"$ref": "#"}]}, "refers to itself"),
        ({"$defs": {"a": {"not": {"$ref": "#/$defs/a"}}}}, "refers to itself"),
        ({"properties": {"x": {"if": {"$ref": "#/properties/x"}}}}, "refers to itself"),
        ({"dependentSchemas": {"x": {"$ref": "#"}}}, "refers to itself"),
        (laughs(40), f"more than {MOST_PARTS} parts"),
        (laughs(40, "oneOf"), f"more than {MOST_PARTS} parts"),
        (chain(5000), "nested too deep"),
        ({"$ref": "https://elsewhere.example/a.json"}, "outside the schema"),
        ({"$ref": "file:///etc/passwd"}, "outside the schema"),
        ({"$ref": "#name"}, "outside the schema"),
        ({"$ref": 5}, "outside the schema"),
        ({"$ref": "#/$defs/missing"}, "nothing at"),
        ({"prefixItems": [{}], "$ref": "#/prefixItems/1"}, "nothing at"),
        ({"$defs": {"a": {"$id": "https://a.example/"}}}, r"\$id is not followed"),
        ({"properties": {"a": {"$dynamicRef": "#a"}}}, r"\$dynamicRef is not followed"),
        ({"$anchor": "a"}, r"\$anchor is not followed"),
    ],
)
def test_what_cannot_be_bounded_is_refused(schema: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidInput, match=f"The schema cannot be used: .*{why}"):
        JsonSchemaRecords().compiled(schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"$id": "https://a.example/tree", "properties": {"child": {"$ref": "#"}}},
        {"items": {"$ref": "#"}, "prefixItems": [{"$ref": "#/prefixItems/1"}, {}]},
        {"properties": {"$ref": {"type": "string"}, "a/b": {"$ref": "#/properties/a~1b/not"}}},
        {"$defs": {"a": True}, "allOf": [{"$ref": "#/$defs/a"}, True]},
        {"enum": [{"$ref": "https://only.data.example"}]},
        laughs(10),
    ],
)
def test_what_the_records_bound_is_used(schema: dict[str, Any]) -> None:
    if "a/b" in schema.get("properties", {}):
        schema["properties"]["a/b"]["not"] = {}
    JsonSchemaRecords().compiled(schema)


def test_a_pattern_that_goes_back_and_back_is_given_up() -> None:
    bomb = {"properties": {"a": {"pattern": r"^(a*)*\1$"}}}
    validate = JsonSchemaRecords().compiled(bomb)

    faults = [fault for _ in range(100) for fault in validate({"a": "a" * 3000 + "!"})]

    assert len(faults) == 100
