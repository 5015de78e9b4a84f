"""Differences: what has changed in a source between two looks at it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from domain.catalogue import CataloguedType, Discovery, FieldFacts

PRESENCE_MOVED = Fraction(1, 20)
"""A share of records by which a field's presence has to move before it is told."""


class ChangeKind(StrEnum):
    """What has changed about a field."""

    ADDED = "added"
    REMOVED = "removed"
    TYPE = "type"
    FORMAT = "format"
    VALUES = "values"
    REQUIRED = "required"
    PRESENCE = "presence"


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one field of one type, as it was and as it is; empty where it is not there."""

    dataset_type: str
    path: str
    kind: ChangeKind
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Difference:
    """All that has changed: whole types that came or went, and fields of those that stayed."""

    types_added: tuple[str, ...]
    types_removed: tuple[str, ...]
    changes: tuple[Change, ...]

    @property
    def is_none(self) -> bool:
        """Whether nothing has changed that is told."""
        return not (self.types_added or self.types_removed or self.changes)


def compare(before: Discovery, after: Discovery) -> Difference:
    """Compare two discoveries of one source, the earlier one first."""
    old, new = _by_type(before), _by_type(after)
    stayed = [each for each in old if each in new]
    return Difference(
        types_added=tuple(each for each in new if each not in old),
        types_removed=tuple(each for each in old if each not in new),
        changes=tuple(change for each in stayed for change in _changes(old[each], new[each])),
    )


def _by_type(discovery: Discovery) -> Mapping[str, CataloguedType]:
    return {each.dataset_type: each for each in discovery.types}


def _changes(before: CataloguedType, after: CataloguedType) -> Iterator[Change]:
    old, new = ({each.path: each for each in side.fields} for side in (before, after))
    name = after.dataset_type
    for path in sorted(old.keys() | new.keys()):
        if path not in new:
            yield Change(name, path, ChangeKind.REMOVED, _types(old[path]), "")
        elif path not in old:
            yield Change(name, path, ChangeKind.ADDED, "", _types(new[path]))
        else:
            yield from _moved(name, old[path], new[path])


def _moved(name: str, old: FieldFacts, new: FieldFacts) -> Iterator[Change]:
    for kind, tell in _TOLD.items():
        before, after = tell(old), tell(new)
        if before != after:
            yield Change(name, new.path, kind, before, after)
    if abs(old.presence - new.presence) > PRESENCE_MOVED:
        shares = (f"{float(each.presence):.4f}" for each in (old, new))
        yield Change(name, new.path, ChangeKind.PRESENCE, *shares)


def _types(facts: FieldFacts) -> str:
    return ", ".join(sorted(facts.types))


def _required(facts: FieldFacts) -> str:
    return "always there" if facts.present == facts.chances else "not always there"


_TOLD: Mapping[ChangeKind, Callable[[FieldFacts], str]] = {
    ChangeKind.TYPE: _types,
    ChangeKind.FORMAT: lambda facts: facts.format or "",
    ChangeKind.VALUES: lambda facts: ", ".join(facts.values),
    ChangeKind.REQUIRED: _required,
}
