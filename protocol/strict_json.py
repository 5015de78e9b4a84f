"""JSON from outside, read strictly: one meaning, a bounded shape, and a reason where it is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_DEPTH = 64
"""How deep objects and arrays may be nested."""

MOST_CONTAINERS = 20_000
"""How many objects and arrays one text may hold."""


class NotJson(ValueError):
    """The text is no JSON; the message says what is wrong and where."""


class Ambiguous(NotJson):
    """The text is JSON in form, but means two things or more than is read."""


_Place = tuple[Any, int, Any, Any]
"""A container, its depth, the key it stands under, and the place of its parent."""


def read_json(content: bytes | str) -> Any:
    """Read a JSON text: UTF-8, no key twice, no NaN, at most so deep and so large.

    Raises:
        NotJson: it cannot be read, with the line and column.
        Ambiguous: a key stands twice in an object, a number or a string has no exact meaning, or
            there is more than `MOST_DEPTH` or `MOST_CONTAINERS` allow.
    """
    text = content if isinstance(content, str) else _decoded(content)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise NotJson(f"{error.msg} (line {error.lineno}, column {error.colno})") from error
    except RecursionError as error:
        raise Ambiguous(_TOO_DEEP) from error
    _require_bounded(value)
    if "\\ud" in text or "\\uD" in text:
        _require_whole_characters(value)
    return value


def _decoded(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise NotJson(f"byte {error.start} is no UTF-8") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Ambiguous(f"key {_repeated(pairs)!r} stands twice in one object")
    return found


def _repeated(pairs: list[tuple[str, Any]]) -> str:
    """Give the first key that came before; one pass, for a body may hold many."""
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            return key
        seen.add(key)
    return ""


def _no_number(text: str) -> Any:
    raise Ambiguous(f"{text} is no number in JSON")


def _fraction(text: str) -> float:
    value = float(text)
    if value in _INFINITE:
        raise Ambiguous(f"number {text[:40]} is too large to be read")
    return value


def _whole(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise Ambiguous(f"number {text[:20]}… has more than {_MOST_DIGITS} digits")
    return int(text)


def _require_bounded(value: Any) -> None:
    """Go through all containers, outer ones first."""
    waiting: list[_Place] = [(value, 1, "", None)] if isinstance(value, _CONTAINERS) else []
    for count, place in enumerate(_each(waiting), start=1):
        if count > MOST_CONTAINERS:
            raise Ambiguous(f"it holds more than {MOST_CONTAINERS} objects and arrays")
        if place[1] > MOST_DEPTH:
            raise Ambiguous(f"{_TOO_DEEP}, at {_path(place)}")


def _each(waiting: list[_Place]) -> Iterator[_Place]:
    while waiting:
        place = waiting.pop()
        yield place
        value, depth = place[0], place[1] + 1
        members = value.items() if isinstance(value, dict) else enumerate(value)
        waiting += [
            (each, depth, key, place) for key, each in members if isinstance(each, _CONTAINERS)
        ]


def _path(place: _Place) -> str:
    keys: list[str] = []
    while place[3] is not None:
        keys.append(str(place[2]))
        place = place[3]
    shown = ".".join(reversed(keys))
    return shown if len(shown) <= _LONGEST_PATH else f"{shown[:_LONGEST_PATH]}…"


def _require_whole_characters(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise Ambiguous("a string holds half a character, a surrogate without its pair") from error


_MOST_DIGITS = 400
_LONGEST_PATH = 120
_CONTAINERS = (dict, list)
_INFINITE = frozenset({float("inf"), float("-inf")})
_TOO_DEEP = f"it is nested more than {MOST_DEPTH} levels deep"
_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_no_number, parse_float=_fraction, parse_int=_whole
)
