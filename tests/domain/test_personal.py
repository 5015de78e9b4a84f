"""Personal data is recognised in any text, and what only looks like it is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.personal import Finding, PersonalKind, find_personal, parted, plain

K = PersonalKind


def found_in(text: str) -> list[tuple[PersonalKind, str]]:
    """What is found, by its kind and its own text."""
    shown = plain(text)
    return [(each.kind, shown[each.start : each.end]) for each in find_personal(shown)]


@pytest.mark.requirement("R13")
@pytest.mark.parametrize(
    ("kind", "personal"),
    [
        (K.EMAIL, "jane.doe+x@mail.acme.test"),
        (K.EMAIL, "jörg@müller.test"),
        (K.PHONE, "+49 30 901820-77"),
        (K.PHONE, "+1 (415) 555-2671"),
        (K.PHONE, "0049 30 90182077"),
        (K.PHONE, "(415) 555-2671"),
        (K.PHONE, "415-555-2671"),
        (K.PHONE, "06 12 34 56 78"),
        (K.PHONE, "020 7946 0958"),
        (K.PHONE, "0171/1234567"),
        (K.CARD, "4539 1488 0343 6467"),
        (K.CARD, "4539148803436467"),
        (K.CARD, "3782-822463-10005"),
        (K.IBAN, "DE89 3704 0044 0532 0130 00"),
        (K.IBAN, "gb82west12345698765432"),
        (K.IBAN, "NO9386011117947"),
        (K.IP_ADDRESS, "203.0.113.77"),
        (K.IP_ADDRESS, "2a00:1450:4001:81b::200e"),
        (K.NATIONAL_ID, "536-22-1234"),
        (K.NATIONAL_ID, "AB 12 34 56 C"),
        (K.NATIONAL_ID, "12345678Z"),
        (K.NATIONAL_ID, "X1234567L"),
        (K.NATIONAL_ID, "RSSMRA85T10A562S"),
        (K.NATIONAL_ID, "2 55 08 14 168 025 38"),
        (K.NATIONAL_ID, "811218-9876"),
        (K.NATIONAL_ID, "123.456.789-09"),
    ],
)
def test_personal_data_is_found_inside_a_sentence(kind: PersonalKind, personal: str) -> None:
    assert found_in(f"Ask for {personal}, today.") == [(kind, personal)]
    assert found_in(personal) == [(kind, personal)]


@pytest.mark.parametrize("label", ["MRN", "mrn:", "Medical record no. ", "patient ID = "])
def test_the_number_of_a_medical_record_is_found_by_what_stands_before_it(label: str) -> None:
    assert found_in(f"See {label} A-8675309.") == [(K.MEDICAL_RECORD, "A-8675309")]


@pytest.mark.parametrize(
    "harmless",
    [
        "2026-03-02T09:30:00.123456Z",
        "01-02-2024 10:30",
        "05/2024",
        "ISO 13485:2016, 21 CFR 820.30",
        "version 3.11.7.2.1",
        "v2.10.3",
        "127.0.0.1 and ::1 and 0.0.0.0",
        "12:30:45",
        "00:1B:44:11:3A:B7",
        "1700000000000",
        "4539 1488 0343 6468",
        "DE88 3704 0044 0532 0130 00",
        "12345678A",
        "2 55 08 14 168 025 39",
        "811218-9875",
        "000-22-1234 and 666-22-1234 and 536-00-1234",
        "999.999.999.999",
        "a@b and @handle and one @ two",
        "0171/123",
        "hdpc0000123f4a",
        "MRN 12",
        "",
    ],
)
def test_what_only_looks_like_personal_data_is_left_alone(harmless: str) -> None:
    assert found_in(harmless) == []


@pytest.mark.parametrize(
    "made_up", ["abcdefgh@masked.example", "+99912345678901", "240.1.2.3", "2001:db8::1"]
)
def test_what_we_make_up_ourselves_is_nobodys(made_up: str) -> None:
    assert found_in(f"Ask {made_up}.") == []


@pytest.mark.parametrize(
    "text",
    [
        "22 4539 1488 0343 6467",
        "4539 1488 0343 6467 12/27",
        "4539 1488 0343 6467 124",
    ],
)
def test_a_card_is_found_beside_other_digits(text: str) -> None:
    assert found_in(text) == [(K.CARD, "4539 1488 0343 6467")]


def test_an_iban_is_found_before_a_word_in_capitals() -> None:
    assert found_in("DE89370400440532013000 AND MORE") == [(K.IBAN, "DE89370400440532013000")]


@pytest.mark.parametrize(
    "disguised",
    [
        "jane\uff20acme.test",
        "ja\u200bne@acme.test",
        "453914880343646\uff17",
        "536\u00ad-22-1234",
    ],
)
def test_a_disguise_hides_nothing(disguised: str) -> None:
    assert len(found_in(disguised)) == 1


def test_a_text_without_disguise_stays_as_it_is() -> None:
    assert plain("Ein Gerät – naïve café") == "Ein Gerät – naïve café"


def test_two_findings_that_overlap_become_one() -> None:
    merged = parted([Finding(K.PHONE, 5, 12), Finding(K.EMAIL, 0, 8), Finding(K.CARD, 12, 14)])

    assert merged == [Finding(K.EMAIL, 0, 12), Finding(K.CARD, 12, 14)]


@given(st.text(max_size=200))
def test_findings_lie_in_the_text_one_after_the_other(text: str) -> None:
    found = find_personal(plain(text))

    ends = [0, *(each.end for each in found)]
    assert all(each.start >= end for each, end in zip(found, ends, strict=False))
    assert all(each.start < each.end <= len(plain(text)) for each in found)


def test_a_long_run_of_letters_or_digits_costs_little_time() -> None:
    assert find_personal("a" * 50_000) == []
    assert find_personal("1" * 50_000) == []
