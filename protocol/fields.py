"""Kinds of fields: what each takes, and the JSON Schema that says exactly that."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError, core_schema

from domain.commands import TransitionMode
from domain.journey import JourneyStage
from domain.lifecycle import DatasetStatus, TeardownReason

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler

EXACT = 2**53
"""From here on the protocol's numbers, which are doubles, no longer tell neighbours apart."""

MOST_SECONDS = 30 * 86400
"""The longest lifetime of an ephemeral dataset."""

_MOST_TYPES = 20
_INNER = r"[^\u0000-\u001f\u007f-\u009f\u2028\u2029]"
_OUTER = r"[^\s\u0000-\u001f\u007f-\u009f]"
_WORD = rf"^{_OUTER}(?:{_INNER}{{0,98}}{_OUTER})?$"
_COMMENT = rf"^{_OUTER}(?:{_INNER}{{0,498}}{_OUTER})?$"
_DURATION = (
    r"^(?:[0-9]{1,9}[smhd]|P(?=[0-9T])(?:[0-9]{1,9}D)?"
    r"(?:T(?=[0-9])(?:[0-9]{1,9}H)?(?:[0-9]{1,9}M)?(?:[0-9]{1,9}S)?)?)$"
)
_SHORT = re.compile(r"([0-9]{1,9})([smhd])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, eq=False, slots=True)
class _Kind:
    """A kind of field: `read` refuses in words what `schema` does not let through."""

    read: Callable[[Any], Any]
    schema: dict[str, Any]

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_before_validator_function(self.read, handler(source))

    def __get_pydantic_json_schema__(
        self, core: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        del core, handler
        return dict(self.schema)


def _refusal(words: str) -> PydanticCustomError:
    return PydanticCustomError("wrong", "must be {words}", {"words": words})


def _text(pattern: str, words: str) -> _Kind:
    """Take text of one pattern; whoever sends another is told in words."""
    compiled = re.compile(pattern)

    def read(value: Any) -> Any:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            raise _refusal(words)
        return value

    described = f"{words[0].upper()}{words[1:]}."
    return _Kind(read, {"type": "string", "pattern": pattern, "description": described})


def _one_of(kind: type[StrEnum]) -> _Kind:
    """Take one of an enum's values, all in lower or all in upper case."""
    values = [each.value for each in kind]
    spelled = {text: each for each in kind for text in (each.value, each.value.upper())}

    def read(value: Any) -> Any:
        if not isinstance(value, str) or value not in spelled:
            raise _refusal(f"one of {', '.join(values)}, in lower or upper case")
        return spelled[value]

    return _Kind(read, {"enum": [*values, *(each.upper() for each in values)]})


def _whole(least: int, most: int | None = None) -> _Kind:
    """Take a whole number in a range, also one that travels as a double."""
    range_ = f"from {least} to {most}" if most is not None else f"of at least {least}"

    def read(value: Any) -> Any:
        is_whole = _is_number(value) and not value % 1
        if not is_whole or value < least or (most is not None and value > most):
            raise _refusal(f"a whole number {range_}")
        return int(value)

    above = {} if most is None else {"maximum": most}
    return _Kind(read, {"type": "integer", "minimum": least, **above})


_WORDS = _text(_WORD, "1 to 100 characters without control characters, and no blank at either end")


def _flag(value: Any) -> Any:
    if not isinstance(value, bool):
        raise _refusal("true or false")
    return value


def _digits(value: Any) -> Any:
    """Take a number where text is meant: a seed is digits however it is written."""
    if not _is_number(value):
        return _WORDS.read(value)
    if value % 1:
        raise _refusal("a whole number or text")
    if abs(value) >= EXACT:
        raise _refusal(f"text from {EXACT} on, for a number that large arrives changed")
    return str(int(value))


def _duration(value: Any) -> Any:
    """Take `30m`, `2h`, `1d` beside ISO 8601 and seconds."""
    if isinstance(value, str) and re.fullmatch(_DURATION, value):
        short = _SHORT.fullmatch(value)
        return int(short[1]) * _UNITS[short[2]] if short else value
    if not _is_number(value):
        raise _refusal("seconds as a number, or text such as 30m, 2h, 1d or PT30M")
    return value


def _different(value: Any) -> Any:
    is_list = isinstance(value, list | tuple) and 1 <= len(value) <= _MOST_TYPES
    if not is_list or any(each in value[:at] for at, each in enumerate(value)):
        raise _refusal(f"a list of 1 to {_MOST_TYPES} different dataset types")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


Reference = Annotated[
    str,
    _text(
        r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$",
        "a slug or a UUID: 1 to 128 letters, digits, dots, hyphens and underscores, of which the "
        "first is a letter or a digit",
    ),
]
Type = Annotated[
    str,
    _text(r"^[a-z0-9]{1,40}$", "1 to 40 lower-case letters and digits, such as confluence"),
]
Types = Annotated[
    tuple[Type, ...],
    BeforeValidator(_different),
    Field(json_schema_extra={"minItems": 1, "maxItems": _MOST_TYPES, "uniqueItems": True}),
]
Word = Annotated[str, _WORDS]
Comment = Annotated[
    str,
    _text(
        _COMMENT,
        "1 to 500 characters without control characters, and no blank at either end",
    ),
]
Code = Annotated[
    str,
    _text(
        r"^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$",
        "1 to 63 letters, digits and hyphens, and no hyphen at either end",
    ),
]
Digest = Annotated[str, _text(r"^[0-9a-f]{64}$", "a SHA-256 as 64 lower-case hexadecimal digits")]
PageToken = Annotated[
    str, _text(r"^[A-Za-z0-9_=-]{1,200}$", "the next_page_token of the page before")
]

Stage = Annotated[JourneyStage, _one_of(JourneyStage)]
Status = Annotated[DatasetStatus, _one_of(DatasetStatus)]
Reason = Annotated[TeardownReason, _one_of(TeardownReason)]

Mode = Annotated[TransitionMode, _one_of(TransitionMode)]

Flag = Annotated[bool, _Kind(_flag, {"type": "boolean"})]
Run = Annotated[int, _whole(1)]
RecordCount = Annotated[int, _whole(1, 1_000_000)]
PreviewCount = Annotated[int, _whole(1, 50)]
PageSize = Annotated[int, _whole(1, 100)]

Seed = Annotated[
    str,
    _Kind(
        _digits,
        {
            "anyOf": [
                {"type": "string", "pattern": _WORD},
                {"type": "integer", "exclusiveMinimum": -EXACT, "exclusiveMaximum": EXACT},
            ],
            "description": "Text, or a whole number that a double holds exactly.",
        },
    ),
]
Lifetime = Annotated[
    timedelta,
    Field(gt=timedelta(0), le=timedelta(seconds=MOST_SECONDS)),
    _Kind(
        _duration,
        {
            "anyOf": [
                {"type": "string", "pattern": _DURATION},
                {"type": "number", "exclusiveMinimum": 0, "maximum": MOST_SECONDS},
            ],
            "description": "More than nothing and at most 30 days: 30m, 2h, 1d, ISO 8601, seconds.",
        },
    ),
]
