"""The lexicon: the words of each topic, the sentences of each voice, the names of a company."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class Topic:
    """What a topic is about; each list offers phrases that fit the same place in a sentence."""

    subjects: tuple[str, ...]
    parts: tuple[str, ...]
    papers: tuple[str, ...]
    rules: tuple[str, ...]
    risks: tuple[str, ...]
    measures: tuple[str, ...]
    acts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Voice:
    """How a kind of record speaks: patterns with named places, and the `kind` it calls itself."""

    kind: str
    aspects: tuple[str, ...]
    titles: tuple[str, ...]
    openings: tuple[str, ...]
    middles: tuple[str, ...]
    closings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Names:
    """Teams, sites, months and people of a company that does not exist."""

    teams: tuple[str, ...]
    sites: tuple[str, ...]
    months: tuple[str, ...]
    first_names: tuple[str, ...]
    last_names: tuple[str, ...]


@cache
def topic(name: str) -> Topic:
    """The words of one topic."""
    return Topic(**_tuples(_file("topics.json")[name]))


@cache
def voice(name: str, content_type: str, object_type: str) -> Voice:
    """The sentences in which a kind of record speaks.

    A voice has sentences for everybody who uses it, and variants `of` some content types or
    object types, which bring their own in place of these; the last that fits has the last word.
    The middles that all voices share are among them, unless a variant's stand `alone`.
    """
    spoken = _file(f"voices/{name}.json")
    for variant in spoken["variants"]:
        if {content_type, object_type} & set(variant["of"]):
            spoken = spoken | variant
    shared = [] if spoken.get("alone") else _file("middles.json")["middles"]
    return Voice(
        kind=spoken.get("kind", _singular(content_type)),
        aspects=tuple(spoken["aspects"]),
        titles=tuple(spoken["titles"]),
        openings=tuple(spoken["openings"]),
        middles=(*shared, *spoken["middles"]),
        closings=tuple(spoken["closings"]),
    )


@cache
def names() -> Names:
    """The names of the company."""
    return Names(**_tuples(_file("names.json")))


@cache
def _file(name: str) -> dict[str, Any]:
    path = files("gateways.local.mock_data") / "words" / name
    content: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return content


def _tuples(lists: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(values) for name, values in lists.items()}


def _singular(name: str) -> str:
    lowered = name[0].lower() + name[1:]
    return f"{lowered[:-3]}y" if lowered.endswith("ies") else lowered.removesuffix("s")
