"""Masking: a client's records without personal data, always the same way, links and dates kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from domain.errors import InvalidInput
from domain.people import find_people, kind_of_field
from domain.personal import Finding, PersonalKind, find_personal, parted, plain
from domain.record import READER_FIELDS, digest_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domain.people import PersonName
    from domain.pseudonyms import Pseudonyms
    from domain.record import Json, JsonObject, Record

REDACTED = "[redacted]"
"""What stands for a text that is taken out."""


class MaskingRule(StrEnum):
    """What is done to a field; what has no rule is searched for personal data of every kind.

    KEEP leaves it, and it must then be free of personal data; HASH and PSEUDONYM put the same for
    the same, HASH in any field, PSEUDONYM in the form of its kind; REDACT takes the value out and
    DROP the field; DATE_SHIFT moves all of a client's dates by the same days.
    """

    KEEP = "keep"
    HASH = "hash"
    PSEUDONYM = "pseudonym"
    REDACT = "redact"
    DATE_SHIFT = "date_shift"
    DROP = "drop"


_MOST_LOOKS = 3
"""How often a text is searched; what is left after that stops the record."""

_R = MaskingRule

Rules = Mapping[str, MaskingRule]
"""Rules by field; the path of a field inside another is dotted, and lists are not counted."""

_FOR_IDS = frozenset({_R.KEEP, _R.HASH})


def require_maskable(rules: Rules) -> None:
    """Refuse rules under which a record would lose its id. Raises InvalidInput."""
    rule = rules.get("id", _R.KEEP)
    if rule not in _FOR_IDS:
        raise InvalidInput(f"The masking rule {rule} for id leaves none. Keep it, or hash it.")


@dataclass(frozen=True, slots=True)
class Residue:
    """Personal data that is left in a masked record: in which field, and of what kind."""

    path: str
    kind: PersonalKind


class Masker:
    """Masks one client's records by one template's rules.

    `names` are those that stand anywhere in the records, to be found in their texts as well;
    `masked` counts what was masked, by kind of data or by rule.
    """

    def __init__(
        self, pseudonyms: Pseudonyms, rules: Rules, names: frozenset[PersonName] = frozenset()
    ) -> None:
        """Mask under these pseudonyms."""
        self._pseudonyms = pseudonyms
        self._rules = rules
        self._names = names
        self._first_words = frozenset(each[0] for each in names)
        self.masked: Counter[str] = Counter()

    @property
    def fingerprint(self) -> str:
        """What the masking is a function of besides the records: key and rules, as a SHA-256."""
        rules = {path: rule.value for path, rule in self._rules.items()}
        return digest_of([self._pseudonyms.fingerprint, rules])

    def mask(self, record: Record) -> Record:
        """Give the record as it may be shown; the same record gives the same, field by field."""
        return self._object(record, "", None)

    def residue(self, record: Record) -> tuple[Residue, ...]:
        """Tell what personal data is left in a masked record, the names of its fields included."""
        return tuple(self._left(record, ""))

    def _object(self, fields: JsonObject, path: str, above: MaskingRule | None) -> JsonObject:
        masked = {}
        for name, value in fields.items():
            below = f"{path}.{name}" if path else name
            rule = self._rules.get(below, above)
            if rule is _R.DROP:
                self.masked[rule] += 1
            else:
                masked[name] = self._value(value, below, rule)
        return masked

    def _value(self, value: Json, path: str, rule: MaskingRule | None) -> Json:
        if isinstance(value, Mapping):
            return self._object(value, path, rule)
        if isinstance(value, list):
            return [self._value(each, path, rule) for each in value]
        if value is None or value == "" or rule is _R.KEEP:
            return value
        return self._ruled(value, path, rule) if rule else self._searched(value, path)

    def _ruled(self, value: Json, path: str, rule: MaskingRule) -> Json:
        self.masked[rule] += 1
        match rule:
            case _R.HASH:
                return self._pseudonyms.hashed(_text_of(value))
            case _R.PSEUDONYM:
                text = plain(_text_of(value))
                return self._pseudonyms.of(_kind(text, path), text)
            case _R.DATE_SHIFT:
                return self._shifted(value)
            case _:
                return REDACTED if isinstance(value, str) else None

    def _searched(self, value: Json, path: str) -> Json:
        """Mask what a value without a rule tells of people: the whole of it, or what is found."""
        if isinstance(value, bool):
            return value
        text = plain(_text_of(value))
        kind = kind_of_field(path)
        if kind is PersonalKind.BIRTH_DATE:
            self.masked[kind] += 1
            return self._shifted(value)
        if kind is not None:
            return self._replaced(text, _kind(text, path))
        cleared = self._cleared(text)
        return value if cleared == text else cleared

    def _cleared(self, text: str, looks: int = _MOST_LOOKS) -> str:
        """Mask what is found, and what shows only then: two that stood close may have hidden it."""
        found = self._found(text) if looks else []
        return self._cleared(self._pieced(text, found), looks - 1) if found else text

    def _pieced(self, text: str, found: list[Finding]) -> str:
        pieces, done = [], 0
        for each in found:
            pieces += [
                text[done : each.start],
                self._replaced(text[each.start : each.end], each.kind),
            ]
            done = each.end
        return "".join([*pieces, text[done:]])

    def _replaced(self, text: str, kind: PersonalKind | None) -> str:
        self.masked[str(kind)] += 1
        return self._pseudonyms.of(kind, text)

    def _shifted(self, value: Json) -> Json:
        if isinstance(value, str):
            return self._pseudonyms.shifted(value) or REDACTED
        is_time = isinstance(value, int | float) and not isinstance(value, bool)
        return self._pseudonyms.shifted_seconds(value) if is_time else None

    def _found(self, text: str) -> list[Finding]:
        return parted([*find_personal(text), *find_people(text, self._names, self._first_words)])

    def _left(self, value: Json, path: str) -> Iterator[Residue]:
        if isinstance(value, Mapping):
            for name, each in value.items():
                yield from self._left_in(str(name), f"a name of a field of {path or 'the record'}")
                yield from self._left(each, self._told(path, str(name)))
        elif isinstance(value, list):
            for each in value:
                yield from self._left(each, path)
        elif value is not None and not self._is_kept_reader(path):
            yield from self._left_in(_text_of(value), path)

    def _left_in(self, text: str, path: str) -> Iterator[Residue]:
        for each in self._found(plain(text)):
            yield Residue(path, each.kind)

    def _told(self, path: str, name: str) -> str:
        """Write a field's path for a message; a name that is personal itself is not repeated."""
        told = "?" if self._found(plain(name)) else name
        return f"{path}.{told}" if path else told

    def _is_kept_reader(self, path: str) -> bool:
        """Whether it is the one place where a rule may keep people as they are."""
        return path in READER_FIELDS and self._rules.get(path) is _R.KEEP


def _kind(text: str, path: str) -> PersonalKind | None:
    """Tell of what kind a whole value is: by itself, and else by its field's name."""
    found = find_personal(text)
    is_whole = len(found) == 1 and (found[0].start, found[0].end) == (0, len(text))
    return found[0].kind if is_whole else kind_of_field(path)


def _text_of(value: Json) -> str:
    """Write a single value as text; a number without the point that it does not need."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
