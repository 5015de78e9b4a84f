"""Profiles: what stood at each place of the records that passed by, in bounded memory."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from domain.guess import FORMATS, fits

if TYPE_CHECKING:
    from collections.abc import Callable

    from domain.record import Json

MOST_FIELDS = 2000
"""How many places are looked at in one scan, over all of its types."""

MOST_FIELDS_EACH = 200
"""How many fields of one object are looked at: where ids are keys, there is no end of them."""

MOST_DISTINCT = 256
"""How many different values of a place are told apart; from there on there are more."""

MOST_VALUES = 10
"""How many different texts a place may have for them to be kept by name."""

_DEEPEST = 8
_LONGEST_NAME = 200
_LONGEST_VALUE = 40
_LARGEST_NUMBER = 1.7976931348623157e308


@dataclass(slots=True)
class Room:
    """How many more places may be looked at, and how many values found none left."""

    left: int = MOST_FIELDS
    turned_away: int = 0

    def take(self) -> bool:
        """Take room for one more place, if there is any."""
        if self.left <= 0:
            return False
        self.left -= 1
        return True


@dataclass(slots=True)
class Texts:
    """The texts of a place: how long they are, what forms all of them have, and a few by name."""

    shortest: int | None = None
    longest: int = 0
    formats: tuple[str, ...] = tuple(FORMATS)
    named: dict[str, int] = field(default_factory=dict)
    is_named_whole: bool = True

    def add(self, text: str) -> None:
        """Take one more text."""
        size = len(text)
        self.shortest = size if self.shortest is None else min(self.shortest, size)
        self.longest = max(self.longest, size)
        if self.formats:
            self.formats = tuple(each for each in self.formats if fits(each, text))
        if self.is_named_whole:
            self._name(text)

    def _name(self, text: str) -> None:
        if text in self.named:
            self.named[text] += 1
        elif len(self.named) < MOST_VALUES and len(text) <= _LONGEST_VALUE:
            self.named[text] = 1
        else:
            self.is_named_whole = False
            self.named.clear()


@dataclass(slots=True)
class Numbers:
    """The numbers of a place: the least and the most."""

    least: float | None = None
    most: float | None = None

    def add(self, number: float) -> None:
        """Take one more number; what no double holds counts as the largest one that is held."""
        value = _held(number)
        self.least = value if self.least is None else min(self.least, value)
        self.most = value if self.most is None else max(self.most, value)


class Place:
    """One place in records, a field or the members of a list, and what stood there.

    `count` is how often it was there, `types` how often as which JSON type.
    """

    __slots__ = (
        "_depth",
        "_room",
        "count",
        "distinct",
        "fields",
        "items",
        "numbers",
        "texts",
        "types",
    )

    def __init__(self, room: Room, depth: int = 0) -> None:
        """Begin with nothing seen; places inside take from the same room."""
        self._room = room
        self._depth = depth
        self.count = 0
        self.types: Counter[str] = Counter()
        self.texts = Texts()
        self.numbers = Numbers()
        self.distinct: set[int] = set()
        self.fields: dict[str, Place] = {}
        self.items: Place | None = None

    @property
    def is_distinct_exact(self) -> bool:
        """Whether all different values were told apart."""
        return len(self.distinct) <= MOST_DISTINCT

    def add(self, value: Json) -> None:
        """Take in what stood there once."""
        kind = type_of(value)
        self.count += 1
        self.types[kind] += 1
        _TAKE[kind](self, value)

    def _note(self, value: Json) -> None:
        if len(self.distinct) <= MOST_DISTINCT:
            self.distinct.add(hash((type(value), value)))

    def take_nothing(self, value: Json) -> None:
        """Null says nothing more."""

    def take_flag(self, value: bool) -> None:  # noqa: FBT001 - it is the value itself
        """Take in true or false."""
        self._note(value)

    def take_number(self, value: float) -> None:
        """Take in a number."""
        self._note(value)
        self.numbers.add(value)

    def take_text(self, value: str) -> None:
        """Take in a text."""
        self._note(value)
        self.texts.add(value)

    def take_list(self, value: list[Json]) -> None:
        """Take in every member of a list."""
        if self.items is None and value:
            self.items = self._inside()
        if self.items is None:
            self._room.turned_away += len(value)
            return
        for each in value:
            self.items.add(each)

    def take_object(self, value: dict[str, Json]) -> None:
        """Take in the fields of an object."""
        for name, each in value.items():
            place = self.fields.get(name) or self._field(name)
            if place is None:
                self._room.turned_away += 1
            else:
                place.add(each)

    def _field(self, name: str) -> Place | None:
        is_named = 0 < len(name) <= _LONGEST_NAME and name.isprintable()
        if not is_named or len(self.fields) >= MOST_FIELDS_EACH:
            return None
        made = self._inside()
        if made is not None:
            self.fields[name] = made
        return made

    def _inside(self) -> Place | None:
        if self._depth >= _DEEPEST or not self._room.take():
            return None
        return Place(self._room, self._depth + 1)


def type_of(value: Json) -> str:
    """Name the JSON type of a value."""
    return _TYPES[type(value)]


def _held(number: float) -> float:
    try:
        return max(-_LARGEST_NUMBER, min(_LARGEST_NUMBER, float(number)))
    except OverflowError:
        return _LARGEST_NUMBER if number > 0 else -_LARGEST_NUMBER


_TYPES: dict[type, str] = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}

_TAKE: dict[str, Callable[[Place, Json], None]] = {
    "null": Place.take_nothing,
    "boolean": Place.take_flag,
    "integer": Place.take_number,
    "number": Place.take_number,
    "string": Place.take_text,
    "array": Place.take_list,
    "object": Place.take_object,
}
