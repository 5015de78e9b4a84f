"""Inference: the JSON Schema 2020-12 of what was seen, and the facts of each of its places."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from domain.catalogue import FieldFacts
from domain.people import kind_of_field
from domain.profile import MOST_DISTINCT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domain.profile import Place
    from domain.record import Json, JsonObject

DIALECT = "https://json-schema.org/draft/2020-12/schema"

LEAST_SEEN = 20
"""So often a place must have been seen before its few texts are taken for all there are."""

_RETURNS = 5
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _./-]{0,39}")
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_OF_PERSONS = re.compile(
    r"author|assignee|contact|creator|customer|e?mail|name|owner|patient|person|phone|reporter|user",
    re.IGNORECASE,
)
"""Words in the names of fields that tell of persons, beside the names `kind_of_field` knows."""


def infer_schema(root: Place) -> JsonObject:
    """Give a schema that every record seen is valid by."""
    return {"$schema": DIALECT, **_schema(root, "")}


def facts_of(root: Place) -> tuple[FieldFacts, ...]:
    """Give the facts of every place below the records themselves, in the order of their paths."""
    return tuple(sorted(_below(root, ""), key=lambda each: each.path))


def _schema(place: Place, path: str) -> JsonObject:
    schema: dict[str, Json] = _types(place)
    if values := _values(place, path):
        schema["enum"] = [*values, None] if place.types["null"] else list(values)
    elif form := _format(place):
        schema["format"] = form
    if place.fields:
        schema["properties"] = {
            each: _schema(inside, _joined(path, each))
            for each, inside in sorted(place.fields.items())
        }
        schema["required"] = _required(place)
    if place.items is not None:
        schema["items"] = _schema(place.items, f"{path}[]")
    return schema


def _types(place: Place) -> dict[str, Json]:
    """A whole number is a number too: where both stand, the wider one is told."""
    names = sorted(set(place.types) - ({"integer"} if "number" in place.types else set()))
    return {"type": names[0] if len(names) == 1 else names}


def _required(place: Place) -> list[str]:
    objects = place.types["object"]
    return sorted(name for name, each in place.fields.items() if each.count == objects)


def _values(place: Place, path: str) -> tuple[str, ...]:
    """Give a place's texts where they are few, return often, and stand below no person."""
    texts = place.texts
    is_closed = texts.is_named_whole and set(place.types) <= {"string", "null"}
    seen, different = place.types["string"], len(texts.named)
    if not is_closed or seen < max(LEAST_SEEN, _RETURNS * different) or _tells_of_persons(path):
        return ()
    if _format(place) or not all(_WORD.fullmatch(each) for each in texts.named):
        return ()
    return tuple(sorted(texts.named))


def _tells_of_persons(path: str) -> bool:
    """Whether any step of a path tells of a person: such texts are never kept, however few."""
    steps = path.split(".")
    return _OF_PERSONS.search(path) is not None or any(
        kind_of_field(".".join(steps[:count])) for count in range(1, len(steps) + 1)
    )


def _format(place: Place) -> str | None:
    return next(iter(place.texts.formats), None) if place.types["string"] else None


def _below(place: Place, path: str) -> Iterator[FieldFacts]:
    for name, inside in place.fields.items():
        yield from _told(inside, _joined(path, name), place.types["object"])
    if place.items is not None:
        yield from _told(place.items, f"{path}[]", place.items.count)


def _told(place: Place, path: str, chances: int) -> Iterator[FieldFacts]:
    has_texts = place.types["string"] > 0
    yield FieldFacts(
        path=path,
        present=place.count,
        chances=chances,
        types=dict(sorted(place.types.items())),
        distinct=min(len(place.distinct), MOST_DISTINCT),
        is_distinct_exact=place.is_distinct_exact,
        format=_format(place),
        values=_values(place, path),
        least=place.numbers.least,
        most=place.numbers.most,
        shortest=place.texts.shortest if has_texts else None,
        longest=place.texts.longest if has_texts else None,
    )
    yield from _below(place, path)


def _joined(path: str, name: str) -> str:
    """Write a field's path; a name with signs of its own stands in quotation marks."""
    shown = name if _PLAIN_NAME.fullmatch(name) else json.dumps(name, ensure_ascii=False)
    return f"{path}.{shown}" if path else shown
