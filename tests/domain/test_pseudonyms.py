"""Pseudonyms: the same for the same under one key, another under another, and nobody's."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInput
from domain.personal import PersonalKind, find_personal
from domain.pseudonyms import Pseudonyms, key_for

K = PersonalKind

SECRET = "sixteen letters at least"
ACME = UUID(int=7)


def pseudonyms(secret: str = SECRET, tenant: str = "default", client: UUID = ACME) -> Pseudonyms:
    return Pseudonyms(key_for(secret, tenant, client))


OURS = pseudonyms()


@pytest.mark.requirement("R13")
@pytest.mark.parametrize("kind", [*K, None])
def test_the_same_is_the_same_and_another_key_gives_another(kind: PersonalKind | None) -> None:
    of_others = {
        pseudonyms(secret="another of sixteen").of(kind, "4539 1488"),
        pseudonyms(tenant="globex").of(kind, "4539 1488"),
        pseudonyms(client=UUID(int=8)).of(kind, "4539 1488"),
    }

    assert OURS.of(kind, "4539 1488") == pseudonyms().of(kind, "4539 1488")
    assert OURS.of(kind, "4539 1488") not in of_others


@pytest.mark.parametrize(
    ("kind", "one", "another"),
    [
        (K.EMAIL, "Jane@Acme.test", "jane@acme.test"),
        (K.NAME, "Jane  Doe", "jane doe"),
        (K.PHONE, "+49 30 901820", "+49(30)901820"),
        (K.CARD, "4539 1488", "45391488"),
        (K.IBAN, "DE89 3704", "de893704"),
        (K.NATIONAL_ID, "536-22-1234", "536221234"),
    ],
)
def test_another_spelling_of_the_same_has_the_same_pseudonym(
    kind: PersonalKind, one: str, another: str
) -> None:
    assert OURS.of(kind, one) == OURS.of(kind, another)


@pytest.mark.parametrize(
    ("kind", "text", "begins"),
    [
        (K.NAME, "Jane Doe", "Person "),
        (K.PHONE, "+49 30 901820", "+999"),
        (K.IP_ADDRESS, "203.0.113.7", "2"),
        (K.IP_ADDRESS, "2a00::1", "2001:db8:"),
        (K.CARD, "4539 1488 0343 6467", "card"),
        (K.MEDICAL_RECORD, "8675309", "medicalrecord"),
        (None, "x", "value"),
    ],
)
def test_a_pseudonym_has_the_form_of_its_kind(
    kind: PersonalKind | None, text: str, begins: str
) -> None:
    assert OURS.of(kind, text).startswith(begins)


def test_an_address_becomes_one_at_a_domain_that_nobody_can_have() -> None:
    assert OURS.of(K.EMAIL, "jane@acme.test").endswith("@masked.example")


@given(st.text(), st.sampled_from([*K, None]))
def test_no_pseudonym_is_taken_for_personal_data(text: str, kind: PersonalKind | None) -> None:
    assert find_personal(OURS.of(kind, text)) == []
    assert find_personal(OURS.hashed(text)) == []


@given(st.text())
def test_a_hash_may_be_a_records_id(text: str) -> None:
    assert len(OURS.hashed(text)) == 24
    assert OURS.hashed(text).isascii()
    assert OURS.hashed(text).isalpha()
    assert OURS.hashed(text).islower()


@pytest.mark.parametrize(
    "form", ["2026-03-02", "2026-03-02T09:30:00Z", "2026-03-02T09:30:00+02:00", "20260302"]
)
def test_a_date_moves_to_an_earlier_day_in_the_same_form(form: str) -> None:
    moved = OURS.shifted(form)

    assert moved is not None
    assert 1 <= (_read(form) - _read(moved)).days <= 365
    assert moved.endswith("Z") == form.endswith("Z")


def _read(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_what_lies_between_two_dates_stays() -> None:
    first, second = OURS.shifted("2026-03-02"), OURS.shifted("2026-03-12T00:00:00")

    assert first is not None
    assert second is not None
    assert (_read(second) - _read(first)).days == 10


def test_a_time_in_seconds_moves_by_the_same_days() -> None:
    moved = OURS.shifted("1970-12-31")

    assert moved is not None
    assert (
        OURS.shifted_seconds(364 * 86400.0) == (_read(moved) - _read("1970-01-01")).total_seconds()
    )


@pytest.mark.parametrize("none", ["soon", "2026-13-02", "0001-01-01", "2026-03-02T99:00"])
def test_what_is_no_date_or_has_no_day_before_it_is_not_moved(none: str) -> None:
    assert OURS.shifted(none) is None


def test_a_short_secret_is_refused_and_not_repeated() -> None:
    with pytest.raises(InvalidInput, match="15 characters, fewer than 16") as refused:
        key_for("fifteen letters", "default", ACME)

    assert "fifteen letters" not in str(refused.value)


def test_a_fingerprint_tells_keys_apart_and_nothing_of_them() -> None:
    assert OURS.fingerprint == pseudonyms().fingerprint
    assert OURS.fingerprint != pseudonyms(tenant="globex").fingerprint
    assert key_for(SECRET, "default", ACME).hex() not in OURS.fingerprint
