"""JSON from outside has one meaning and a bounded shape, or it is refused with a reason."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.strict_json import MOST_CONTAINERS, MOST_DEPTH, Ambiguous, NotJson, read_json

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)

TWO_MEANINGS = [
    (b'{"stage": "sandbox", "stage": "pilot"}', "key 'stage' stands twice"),
    (b'[{"a": {"b": 1, "c": 2, "b": 3}}]', "key 'b' stands twice"),
    (b'{"n": NaN}', "NaN is no number"),
    (b'{"n": -Infinity}', "-Infinity is no number"),
    (b'{"n": 1e999}', "too large"),
    (b'{"n": ' + b"9" * 5000 + b"}", "digits"),
    (b'{"s": "\\ud800"}', "half a character"),
]

NO_JSON = [
    (b"", "line 1, column 1"),
    (b"{broken", "line 1, column 2"),
    (b'{"a": 1}\n x', "line 2, column 2"),
    (b'{"a": "\xff"}', "byte 7 is no UTF-8"),
    ('{"a": 1}'.encode("utf-16"), "byte 0 is no UTF-8"),
]


@given(VALUES)
def test_plain_json_is_read_as_it_was_written(value: Any) -> None:
    assert read_json(json.dumps(value)) == value


@pytest.mark.parametrize(("content", "told"), TWO_MEANINGS)
def test_what_has_two_meanings_is_refused(content: bytes, told: str) -> None:
    with pytest.raises(Ambiguous, match=told):
        read_json(content)


@pytest.mark.parametrize(("content", "told"), NO_JSON)
def test_what_is_no_json_is_told_with_its_place(content: bytes, told: str) -> None:
    with pytest.raises(NotJson, match=told):
        read_json(content)


def test_a_pair_of_surrogates_is_one_character() -> None:
    assert read_json(b'"\\ud83d\\ude00"') == "\N{GRINNING FACE}"


def test_nesting_ends_at_the_limit() -> None:
    assert read_json("[" * MOST_DEPTH + "]" * MOST_DEPTH) is not None

    with pytest.raises(Ambiguous, match=rf"more than {MOST_DEPTH} levels deep, at a\.0\.0"):
        read_json('{"a": ' + "[" * MOST_DEPTH + "]" * MOST_DEPTH + "}")


@pytest.mark.parametrize("content", [b"[" * 200_000, b'{"a":' * 200_000])
def test_nesting_beyond_what_can_be_read_at_all_is_refused_too(content: bytes) -> None:
    with pytest.raises(Ambiguous, match="levels deep"):
        read_json(content)


def test_objects_and_arrays_are_counted_to_the_limit() -> None:
    full = json.dumps([[]] * (MOST_CONTAINERS - 1))

    assert len(read_json(full)) == MOST_CONTAINERS - 1

    with pytest.raises(Ambiguous, match=f"more than {MOST_CONTAINERS} objects"):
        read_json(json.dumps([{}] * MOST_CONTAINERS))


def test_of_very_many_keys_the_one_that_repeats_is_found_in_one_pass() -> None:
    keys = ",".join(f'"key{number}":0' for number in range(150_000))

    with pytest.raises(Ambiguous, match="key 'key149999' stands twice"):
        read_json(f'{{{keys},"key149999":1}}'.encode())
