"""Shapes: what a plain type cannot say of a text or a number, for those who write schemas."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Format:
    """Says that a text has a form of its own, by the name JSON Schema has for it."""

    name: str


@dataclass(frozen=True, slots=True)
class Between:
    """Says that a number is `least` or more, and `most` or less where there is a most."""

    least: int
    most: int | None = None


@dataclass(frozen=True, slots=True)
class OneOf:
    """Says that a text is one of an enum's values."""

    kind: type[StrEnum]
