"""Canonical JSON and the Merkle root over records, against a plain second reading of RFC 9162."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.record import ContentDigest, Record, canonical_json, digest_of

Records = st.lists(
    st.dictionaries(st.text(max_size=5), st.one_of(st.text(max_size=5), st.integers(), st.none())),
    max_size=40,
)


def merkle_root(leaves: list[bytes]) -> bytes:
    """RFC 9162, section 2.1.1, word for word: split at the largest power of two below n."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    left, right = merkle_root(leaves[:split]), merkle_root(leaves[split:])
    return hashlib.sha256(b"\x01" + left + right).digest()


def digested(records: list[Record]) -> ContentDigest:
    digest = ContentDigest()
    for each in records:
        digest.add(each)
    return digest


@given(Records)
def test_the_digest_is_the_merkle_root_of_the_records(records: list[Record]) -> None:
    lines = [canonical_json(each) for each in records]

    digest = digested(records)

    assert digest.hexdigest() == merkle_root(lines).hex()
    assert digest.count == len(lines)


@given(Records)
def test_each_record_is_as_long_as_its_canonical_form(records: list[Record]) -> None:
    digest = ContentDigest()

    sizes = [digest.add(each) for each in records]

    assert sizes == [len(canonical_json(each)) for each in records]


def test_a_root_can_be_asked_for_at_any_time() -> None:
    digest = digested([{"id": "1"}, {"id": "2"}, {"id": "3"}])

    assert digest.hexdigest() == digest.hexdigest()


@pytest.mark.parametrize(
    "other",
    [
        [{"id": "2"}, {"id": "1"}],
        [{"id": "1"}],
        [{"id": "1"}, {"id": "2"}, {"id": "2"}],
        [{"id": "1"}, {"id": "two"}],
    ],
)
def test_other_records_or_another_order_have_another_digest(other: list[Record]) -> None:
    assert digested(other).hexdigest() != digested([{"id": "1"}, {"id": "2"}]).hexdigest()


def test_the_order_of_fields_is_no_matter() -> None:
    assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})


def test_canonical_json_is_sorted_and_without_blanks_and_utf_8() -> None:
    assert canonical_json({"b": [1, None], "a": "Zoë"}) == '{"a":"Zoë","b":[1,null]}'.encode()


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(ValueError, match="Out of range float"):
        canonical_json({"score": float("nan")})
