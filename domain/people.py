"""People: which fields tell of somebody, and where the names given there stand in other texts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from domain.personal import Finding, PersonalKind, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domain.record import Json

PersonName: TypeAlias = tuple[str, ...]
"""A name of several words, each in small letters."""

MOST_NAME_WORDS = 5
"""A name of more words is not looked for in other texts."""

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_BETWEEN = re.compile(r"[\s.,]{1,3}")
_K = PersonalKind

_FIELDS: Mapping[PersonalKind, str] = MappingProxyType(
    {
        _K.EMAIL: "email mail emailaddress mailaddress useremail contactemail",
        _K.PHONE: "phone phonenumber telephone tel mobile mobilephone cell fax homephone workphone",
        _K.NAME: "author assignee reporter creator createdby updatedby modifiedby lastmodifiedby "
        "editor owner approver reviewer requester submitter patient patientname doctor physician "
        "customername contact contactname employee employeename fullname firstname lastname "
        "givenname familyname middlename surname displayname username accountname personname",
        _K.NATIONAL_ID: "ssn socialsecuritynumber nationalid nationalinsurance nino taxid passport "
        "passportnumber driverlicense driverslicense identitycard personnummer dni nie cpf",
        _K.CARD: "card cardnumber creditcard creditcardnumber pan",
        _K.IBAN: "iban bankaccount accountnumber",
        _K.IP_ADDRESS: "ip ipaddress clientip remoteip sourceip",
        _K.MEDICAL_RECORD: "mrn medicalrecord medicalrecordnumber",
        _K.BIRTH_DATE: "dob birthdate birthday dateofbirth born",
    }
)

_KIND_OF: Mapping[str, PersonalKind] = MappingProxyType(
    {name: kind for kind, names in _FIELDS.items() for name in names.split()}
)


def kind_of_field(path: str) -> PersonalKind | None:
    """Tell what a field's name says of its values; `path` is dotted.

    A plain `name` is a person's where it stands below a field that tells of a person.
    """
    *above, last = (_bare(each) for each in path.split("."))
    if last in {"name", "value"} and above:
        return _KIND_OF.get(above[-1])
    return _KIND_OF.get(last)


def name_of(text: str) -> PersonName | None:
    """Read a text as a name that can be looked for elsewhere; a single word cannot be.

    An address tells a name as well, before its `<` or its `@`.
    """
    told = re.split(r"[<@]", plain(text), maxsplit=1)[0]
    words = tuple(each[0].casefold() for each in _WORD.finditer(told))
    return words if 1 < len(words) <= MOST_NAME_WORDS else None


def people_in(
    value: Json, kept: frozenset[str] = frozenset(), path: str = ""
) -> Iterator[PersonName]:
    """Give the names in the fields of a record that tell of a person, in each of their orders.

    The fields whose paths are `kept` tell of nobody, somebody has said.
    """
    if path in kept:
        return
    if isinstance(value, Mapping):
        yield from _joined(value)
        for name, each in value.items():
            yield from people_in(each, kept, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for each in value:
            yield from people_in(each, kept, path)
    elif isinstance(value, str) and kind_of_field(path) is PersonalKind.NAME:
        yield from _orders(name_of(value))


def find_people(
    text: str, names: frozenset[PersonName], first_words: frozenset[str]
) -> Iterator[Finding]:
    """Find names in a plain text, the longest at each place; `first_words` are those of `names`."""
    words = list(_WORD.finditer(text)) if names else []
    for place, word in enumerate(words):
        if word[0].casefold() in first_words:
            run = _run(words[place : place + MOST_NAME_WORDS], text)
            length = next((n for n in range(len(run), 1, -1) if tuple(run[:n]) in names), 0)
            if length:
                end = words[place + length - 1].end()
                yield Finding(PersonalKind.NAME, word.start(), end)


def _run(words: list[re.Match[str]], text: str) -> list[str]:
    """Give the words that follow each other with nothing but blanks, dots or commas between."""
    run = [words[0][0].casefold()]
    for before, word in pairwise(words):
        if not _BETWEEN.fullmatch(text, before.end(), word.start()):
            break
        run.append(word[0].casefold())
    return run


def _joined(fields: Mapping[str, Json]) -> Iterator[PersonName]:
    """Give the name that a first and a last name make together."""
    by_name = {_bare(name): each for name, each in fields.items() if isinstance(each, str)}
    for first, last in (("firstname", "lastname"), ("givenname", "familyname")):
        yield from _orders(name_of(f"{by_name.get(first, '')} {by_name.get(last, '')}"))


def _orders(name: PersonName | None) -> Iterator[PersonName]:
    if name is not None:
        yield name
        yield (*name[1:], name[0])
        yield (name[-1], *name[:-1])


def _bare(name: str) -> str:
    return re.sub(r"[\W_]", "", name).casefold()
