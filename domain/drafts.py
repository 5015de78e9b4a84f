"""Drafts: a template pack begun from what a discovery found, with what a person must add."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from domain.connector import CATEGORY
from domain.template import DATASET_TYPE_PATTERN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domain.catalogue import CataloguedType, Source
    from domain.record import Json, JsonObject
    from domain.template import DatasetTemplate, SampleQuery

COUNTED_FROM = Fraction(95, 100)
"""A field that is there in so many records is one that completeness counts."""

LEAST_QUERIES = 10
"""How many sample queries a pack has at least that has any."""

_OBJECT_TYPE = re.compile(r"[A-Za-z0-9]{1,100}")
_DEFAULT_CATEGORY = "KNOWLEDGE_HUB"


@dataclass(frozen=True, slots=True)
class FillIn:
    """A field of a draft that a person has to fill in or look at, and why."""

    field: str
    why: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A pack begun, queries that may go into it, and what is left to a person."""

    dataset_type: str
    pack: JsonObject
    sample_queries: tuple[SampleQuery, ...]
    fill_in: tuple[FillIn, ...]


def draft_pack(
    source: Source,
    found: CataloguedType,
    queries: tuple[SampleQuery, ...],
    supplier: DatasetTemplate | None,
) -> Draft:
    """Draft a pack; `supplier` is the template whose samples were scanned, where they were."""
    pack: dict[str, Json] = {
        "template_id": f"drafted_{_slug(source.name)}_{found.dataset_type}"[:200],
        "name": f"Drafted from {source}"[:200],
        "version": "1.0.0",
        "dataset_type": found.dataset_type,
        "schema": dict(found.schema),
        "expected_fields": _counted(found),
        "object_types": _object_types(found),
        "quality_expectations": {},
        **(_unknown(found) if supplier is None else _known(supplier)),
    }
    return Draft(found.dataset_type, pack, queries, _fill_in(pack, found))


def _known(supplier: DatasetTemplate) -> Mapping[str, Json]:
    return {
        "industry": supplier.industry,
        "use_case": supplier.use_case,
        "record_count": supplier.record_count,
        "record_count_range": list(supplier.record_count_range),
        "generate_from": supplier.supplier_key,
    }


def _unknown(found: CataloguedType) -> Mapping[str, Json]:
    count = max(1, found.record_count)
    return {
        "industry": "",
        "use_case": "",
        "record_count": count,
        "record_count_range": [1, count],
        "generate_from": "",
    }


def _counted(found: CataloguedType) -> list[str]:
    properties: Mapping[str, Json] = found.schema.get("properties", {})
    presence = {each.path: each.presence for each in found.fields}
    return [name for name in properties if presence.get(name, Fraction(0)) >= COUNTED_FROM]


def _object_types(found: CataloguedType) -> list[JsonObject]:
    category = CATEGORY.get(found.dataset_type, _DEFAULT_CATEGORY)
    return [
        {"name": each, "category": category}
        for each in found.object_types
        if _OBJECT_TYPE.fullmatch(each)
    ]


def _fill_in(pack: JsonObject, found: CataloguedType) -> tuple[FillIn, ...]:
    empty = [FillIn(name, why) for name, why in _EMPTY.items() if not pack[name]]
    properties = found.schema.get("properties", {})
    missing = [
        FillIn(f"schema.properties.{name}", f"No record has it, and every record needs {why}.")
        for name, why in _NEEDED.items()
        if name not in properties
    ]
    return (*empty, *missing, *(FillIn(name, why) for name, why in _LOOKED_AT.items()))


_EMPTY = {
    "industry": "Whose clients the template is for, such as healthcare; generic serves anybody.",
    "use_case": "What they search for, such as developer_productivity; generic serves anybody.",
    "generate_from": "The supplier's template whose records the sandbox is filled with: they must "
    "be valid by this schema.",
    "object_types": "The kinds of objects and the category of each; without any, all are Documents.",
}

_NEEDED = {
    "id": "one of 1 to 200 lower-case letters and digits",
    "title": "one: it is what sample queries look for",
}

_LOOKED_AT = {
    "template_id": "A key of your own; the drafted one only says where it came from.",
    "schema": "It says what was found, not what must be: look at every enum and what is required.",
    "sample_queries": "The drafted queries find records of this very source. Put them in where "
    "datasets are made of these records; left out, each dataset's own titles are searched for.",
}


def type_named(name: str) -> str:
    """Make a dataset type of a name: its letters and digits in lower case, `records` of none."""
    made = re.sub(r"[^a-z0-9]", "", name.lower())[:40]
    return made if DATASET_TYPE_PATTERN.fullmatch(made) else "records"


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:100] or "source"
