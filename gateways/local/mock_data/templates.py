"""Templates: JSON files, each with what the wire shows and how its records are made."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from gateways.local.mock_data.mix import period_of


@dataclass(frozen=True, slots=True)
class Template:
    """A template; `published` is what the wire shows, the rest how record after record is made."""

    template_id: str
    version: str
    industry: str
    use_case: str
    most_records: int
    topics: tuple[str, ...]
    period: tuple[str, ...]
    object_types_of: Mapping[str, tuple[str, ...]]
    id_prefix: str
    voice: str
    optional_name: str
    optional_values: tuple[str, ...]
    published: Mapping[str, Any]


@cache
def all_templates() -> Mapping[str, Template]:
    """Every template by its id, in the order of the ids."""
    folder = files("gateways.local") / "templates"
    read = (_read(json.loads(file.read_text("utf-8"))) for file in folder.iterdir())
    return {each.template_id: each for each in sorted(read, key=lambda each: each.template_id)}


def _read(content: dict[str, Any]) -> Template:
    generator = content.pop("generator")
    return Template(
        template_id=content["template_id"],
        version=content["version"],
        industry=content["industry"],
        use_case=content["use_case"],
        most_records=content["record_count_range"][1],
        topics=tuple(content["topics"]),
        period=period_of({each["name"]: each["percent"] for each in content["content_mix"]}),
        object_types_of={k: tuple(v) for k, v in generator["object_types_of"].items()},
        id_prefix=generator["id_prefix"],
        voice=generator["voice"],
        optional_name=generator["optional"]["name"],
        optional_values=tuple(generator["optional"]["values"]),
        published=content,
    )
