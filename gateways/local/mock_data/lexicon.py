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
    """How a kind of source speaks: patterns with named places."""

    aspects: tuple[str, ...]
    titles: tuple[str, ...]
    openings: tuple[str, ...]
    middles: tuple[str, ...]
    closings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Names:
    """Teams, sites, periods and people of a company that does not exist."""

    teams: tuple[str, ...]
    sites: tuple[str, ...]
    periods: tuple[str, ...]
    first_names: tuple[str, ...]
    last_names: tuple[str, ...]


@cache
def topic(name: str) -> Topic:
    """The words of one topic."""
    return Topic(**_tuples(_file("topics.json")[name]))


@cache
def voice(name: str) -> Voice:
    """The sentences of one voice; the middles that all voices share are among them."""
    content = _file("voices.json")
    own = content["voices"][name]
    return Voice(**_tuples(own | {"middles": content["common_middles"] + own["middles"]}))


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
