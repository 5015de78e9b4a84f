"""Bounds of a schema: it must not unfold without an end, nor into more than anybody can check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from domain.errors import InvalidInput
from domain.record import Json

MOST_PARTS = 5000
"""How many parts of a schema may apply to one and the same value, references followed."""

_IN_PLACE = ("not", "if", "then", "else")
_IN_PLACE_LISTS = ("allOf", "anyOf", "oneOf")
_IN_PLACE_MAPS = ("dependentSchemas",)
_INSIDE = (
    "items",
    "additionalProperties",
    "unevaluatedItems",
    "unevaluatedProperties",
    "contains",
    "propertyNames",
    "contentSchema",
)
_INSIDE_LISTS = ("prefixItems",)
_INSIDE_MAPS = ("properties", "patternProperties", "$defs", "definitions")
_MOVING = ("$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveAnchor", "$recursiveRef")
_REFERENCE = "$ref"


def require_bounded(schema: Mapping[str, Json]) -> None:
    """Refuse a schema that refers to itself in place, or whose references multiply.

    What a schema asks of the members of a value does not count: there the records set the bounds.

    Raises:
        InvalidInput: it does, it refers elsewhere than by `#/…`, or it is nested too deep to tell.
    """
    try:
        _Bounds(schema).require()
    except RecursionError:
        raise InvalidInput("The schema cannot be used: it is nested too deep.") from None


class _Bounds:
    """One schema and what its parts unfold into, each part worked out once."""

    def __init__(self, root: Mapping[str, Json]) -> None:
        self._root = root
        self._parts: dict[int, int] = {}
        self._open: set[int] = set()
        self._seen: set[int] = set()

    def require(self) -> None:
        """Look at every part of the schema, wherever it stands."""
        waiting: list[Json] = [self._root]
        while waiting:
            schema = waiting.pop()
            if not isinstance(schema, Mapping) or id(schema) in self._seen:
                continue
            self._seen.add(id(schema))
            self._refuse_moving(schema)
            self._unfolded(schema)
            waiting += [*_in_place(schema), *_inside(schema)]
            if _REFERENCE in schema:
                waiting.append(self._target(schema[_REFERENCE]))

    def _refuse_moving(self, schema: Mapping[str, Json]) -> None:
        moving = [each for each in _MOVING if each in schema]
        if "$id" in schema and schema is not self._root:
            moving.append("$id")
        if moving:
            raise InvalidInput(
                f"The schema cannot be used: {moving[0]} is not followed. Refer by #/… alone."
            )

    def _unfolded(self, schema: Json) -> int:
        """Count the parts that apply to the value a schema is asked about."""
        if not isinstance(schema, Mapping):
            return 1
        known = self._parts.get(id(schema))
        if known is not None:
            return known
        if id(schema) in self._open:
            raise InvalidInput(
                "The schema cannot be used: it refers to itself about the same value, without an "
                "end."
            )
        self._open.add(id(schema))
        count = 1 + sum(self._unfolded(each) for each in self._applied(schema))
        self._open.remove(id(schema))
        if count > MOST_PARTS:
            raise InvalidInput(
                f"The schema cannot be used: its references unfold into more than {MOST_PARTS} "
                "parts about one value. Say the same with fewer of them."
            )
        self._parts[id(schema)] = count
        return count

    def _applied(self, schema: Mapping[str, Json]) -> Iterator[Json]:
        yield from _in_place(schema)
        if _REFERENCE in schema:
            yield self._target(schema[_REFERENCE])

    def _target(self, reference: Json) -> Json:
        if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
            raise InvalidInput(
                f"The schema cannot be used: {str(reference)[:100]!r} is outside the schema; only "
                "references of the form #/… are followed."
            )
        found: Json = self._root
        for step in reference.split("/")[1:]:
            found = _member(found, step.replace("~1", "/").replace("~0", "~"), reference)
        return found


def _member(value: Json, step: str, reference: str) -> Json:
    if isinstance(value, Mapping) and step in value:
        return value[step]
    if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
        return value[int(step)]
    raise InvalidInput(
        f"The schema cannot be used: there is nothing at {reference[:100]!r} inside it."
    )


def _in_place(schema: Mapping[str, Json]) -> Iterator[Json]:
    yield from (schema[each] for each in _IN_PLACE if each in schema)
    yield from _listed(schema, _IN_PLACE_LISTS)
    yield from _mapped(schema, _IN_PLACE_MAPS)


def _inside(schema: Mapping[str, Json]) -> Iterator[Json]:
    yield from (schema[each] for each in _INSIDE if each in schema)
    yield from _listed(schema, _INSIDE_LISTS)
    yield from _mapped(schema, _INSIDE_MAPS)


def _listed(schema: Mapping[str, Json], names: tuple[str, ...]) -> Iterator[Json]:
    for name in names:
        if isinstance(members := schema.get(name), list):
            yield from members


def _mapped(schema: Mapping[str, Json], names: tuple[str, ...]) -> Iterator[Json]:
    for name in names:
        if isinstance(members := schema.get(name), Mapping):
            yield from members.values()
