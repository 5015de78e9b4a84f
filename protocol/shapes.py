"""Shapes: the JSON Schema of what we write, derived from the very types that write it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    NotRequired,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)
from uuid import UUID

from domain.shape import Between, Format, OneOf

if TYPE_CHECKING:
    from domain.record import JsonObject

_PLAIN: dict[Any, JsonObject] = {
    Any: {},
    NoneType: {"type": "null"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    UUID: {"type": "string", "format": "uuid"},
    datetime: {"type": "string", "format": "date-time"},
    Fraction: {"type": "number", "minimum": 0, "maximum": 1},
}


class Shapes:
    """Writes the schemas of types; those with names of their own are defined once and referred to.

    `definitions` has them by name, as far as any type written so far leads to them.
    """

    def __init__(self, place: str) -> None:
        """Refer to definitions at this place, such as `#/$defs/`."""
        self._place = place
        self.definitions: dict[str, JsonObject] = {}

    def schema_of(self, kind: Any) -> JsonObject:
        """Give the schema of a type.

        Raises:
            TypeError: nothing of the kind is ever written.
        """
        if kind in _PLAIN:
            return _PLAIN[kind]
        if is_typeddict(kind) or is_dataclass(kind):
            return self._referred(kind)
        if isinstance(kind, type) and issubclass(kind, StrEnum):
            return _one_of(kind)
        if hasattr(kind, "__supertype__"):
            return self.schema_of(kind.__supertype__)
        return self._composed(kind)

    def _composed(self, kind: Any) -> JsonObject:
        origin, inner = get_origin(kind), get_args(kind)
        if origin is Annotated:
            return _marked(self.schema_of(inner[0]), inner[1:])
        if origin in {Union, UnionType}:
            return {"anyOf": [self.schema_of(each) for each in inner]}
        if origin in {Sequence, tuple}:
            return {"type": "array", "items": self.schema_of(inner[0])}
        if origin is Mapping:
            return {"type": "object", **self._values(inner[1])}
        raise TypeError(f"No schema can be made of {kind}.")

    def _values(self, kind: Any) -> JsonObject:
        return {} if kind is Any else {"additionalProperties": self.schema_of(kind)}

    def _referred(self, kind: Any) -> JsonObject:
        name = kind.__name__.removesuffix("Document")
        if name not in self.definitions:
            self.definitions[name] = {}  # so that a shape may contain itself
            self.definitions[name] = self._defined(kind)
        return {"$ref": f"{self._place}{name}"}

    def _defined(self, kind: Any) -> JsonObject:
        fields = get_type_hints(kind, include_extras=True)
        return {
            "type": "object",
            "description": _paragraph(kind),
            "required": [name for name, each in fields.items() if not _is_optional(each)],
            "properties": {name: self._field(each) for name, each in fields.items()},
        }

    def _field(self, kind: Any) -> JsonObject:
        return self.schema_of(get_args(kind)[0] if _is_optional(kind) else kind)


def _marked(schema: JsonObject, marks: Sequence[Any]) -> JsonObject:
    for mark in marks:
        match mark:
            case Format(name):
                schema = {**schema, "format": name}
            case Between(least, None):
                schema = {**schema, "minimum": least}
            case Between(least, most):
                schema = {**schema, "minimum": least, "maximum": most}
            case OneOf(kind):
                schema = _one_of(kind)
            case _:
                raise TypeError(f"No schema can be made of {mark}.")
    return schema


def _one_of(kind: type[StrEnum]) -> JsonObject:
    return {"enum": [each.value for each in kind]}


def _is_optional(kind: Any) -> bool:
    return get_origin(kind) is NotRequired


def _paragraph(kind: Any) -> str:
    """Give the first paragraph of a type's docstring on one line."""
    return " ".join(str(kind.__doc__).split("\n\n", maxsplit=1)[0].split())
