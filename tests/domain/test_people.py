"""People: fields that tell of somebody, and their names wherever they stand."""

from __future__ import annotations

import pytest

from domain.people import PersonName, find_people, kind_of_field, name_of, people_in
from domain.personal import Finding, PersonalKind

K = PersonalKind

NAMES = frozenset({("jane", "doe"), ("jane", "mary", "doe"), ("o'neil", "sean")})
FIRST = frozenset(each[0] for each in NAMES)


def spans(text: str, names: frozenset[PersonName] = NAMES) -> list[str]:
    """The names that are found, as they stand there."""
    first_words = frozenset(each[0] for each in names)
    return [text[each.start : each.end] for each in find_people(text, names, first_words)]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("author", K.NAME),
        ("Author", K.NAME),
        ("last_name", K.NAME),
        ("author.name", K.NAME),
        ("patient.name", K.NAME),
        ("customer.email_address", K.EMAIL),
        ("contact.Phone-Number", K.PHONE),
        ("ssn", K.NATIONAL_ID),
        ("card_number", K.CARD),
        ("iban", K.IBAN),
        ("client_ip", K.IP_ADDRESS),
        ("mrn", K.MEDICAL_RECORD),
        ("date_of_birth", K.BIRTH_DATE),
        ("name", None),
        ("product.name", None),
        ("title", None),
        ("id", None),
        ("", None),
    ],
)
def test_a_fields_name_tells_of_what_kind_it_is(path: str, kind: PersonalKind | None) -> None:
    assert kind_of_field(path) is kind


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Jane Doe", ("jane", "doe")),
        ("Doe, Jane", ("doe", "jane")),
        ("jane.doe@acme.test", ("jane", "doe")),
        ("Jane Doe <jd@acme.test>", ("jane", "doe")),
        ("J. Doe", ("j", "doe")),
        ("Jane", None),
        ("jdoe@acme.test", None),
        ("One two three four five six", None),
        ("", None),
    ],
)
def test_a_name_is_read_from_what_stands_in_a_field(text: str, name: PersonName | None) -> None:
    assert name_of(text) == name


def test_names_are_gathered_from_the_fields_that_tell_of_people_and_from_no_others() -> None:
    record = {
        "title": "Grace Hopper",
        "author": "Jane Doe",
        "assignees": "Nobody Else",
        "reviewer": ["Ann Lee", {"name": "Bo Yi Li"}],
        "contact": {"first_name": "Max", "last_name": "Roe", "age": 7},
        "count": 3,
    }

    found = set(people_in(record))

    assert {("jane", "doe"), ("doe", "jane"), ("ann", "lee"), ("max", "roe")} <= found
    assert {("bo", "yi", "li"), ("li", "bo", "yi"), ("yi", "li", "bo")} <= found
    assert ("grace", "hopper") not in found


def test_a_field_that_is_kept_tells_of_nobody() -> None:
    assert not list(people_in({"author": "Engineering Team"}, frozenset({"author"})))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Ask Jane Doe, please.", ["Jane Doe"]),
        ("JANE\nDOE and jane doe", ["JANE\nDOE", "jane doe"]),
        ("Jane Mary Doe came.", ["Jane Mary Doe"]),
        ("O'Neil, Sean", ["O'Neil, Sean"]),
        ("Jane and Doe", []),
        ("Jane (Doe)", []),
        ("Jane", []),
        ("Janet Doe", []),
        ("", []),
    ],
)
def test_a_name_is_found_where_its_words_follow_each_other(text: str, found: list[str]) -> None:
    assert spans(text) == found


def test_without_names_nobody_is_found() -> None:
    assert spans("Jane Doe", frozenset()) == []


def test_what_is_found_is_called_a_name() -> None:
    assert list(find_people("Jane Doe", NAMES, FIRST)) == [Finding(K.NAME, 0, 8)]
