"""Masking: what each rule does, what is done without one, and what is found to be left."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInput
from domain.masking import REDACTED, Masker, MaskingRule, Residue, require_maskable
from domain.people import PersonName
from domain.personal import PersonalKind
from domain.pseudonyms import Pseudonyms, key_for
from tests.domain.making import a_template
from tests.sources import CANARIES, TRACES

R = MaskingRule
K = PersonalKind

PSEUDONYMS = Pseudonyms(key_for("sixteen letters at least", "default", UUID(int=7)))
NAMES: frozenset[PersonName] = frozenset({("zelda", "quackenbush")})


def masker(**rules: MaskingRule) -> Masker:
    """A masker with rules by field; a path is written with `__` for its dot."""
    return Masker(
        PSEUDONYMS, {path.replace("__", "."): each for path, each in rules.items()}, NAMES
    )


def masked(value: Any, field: str = "note", **rules: MaskingRule) -> Any:
    """One field of a record, masked; its rule is given by its name."""
    return Masker(PSEUDONYMS, rules, NAMES).mask({field: value}).get(field)


# --- without a rule ------------------------------------------------------------------------------


@pytest.mark.requirement("R13")
@pytest.mark.parametrize("canary", CANARIES.values(), ids=CANARIES)
@pytest.mark.parametrize(
    "wrap",
    [str, lambda each: [each], lambda each: {"a": {"b": [each]}}],
    ids=["alone", "in a list", "deep inside"],
)
def test_personal_data_is_masked_wherever_it_stands(canary: str, wrap: Any) -> None:
    shown = str(masked(wrap(f"Ask {canary}, please.")))

    assert "Ask " in shown
    assert ", please." in shown
    assert not [trace for trace in TRACES if trace in shown.lower()]


@pytest.mark.parametrize("value", ["Nothing of anybody", "", 7, 2.5, True, None, [], {}])
def test_what_tells_of_nobody_stays_as_it_is(value: Any) -> None:
    assert masked(value) == value


@pytest.mark.parametrize("number", [4539148803436467, 4539148803436467.0])
def test_a_card_is_masked_though_it_is_a_number(number: float) -> None:
    assert masked(number) == PSEUDONYMS.of(K.CARD, "4539148803436467")


def test_a_whole_value_is_masked_where_its_fields_name_tells_of_somebody() -> None:
    assert masked("Jane", "author") == PSEUDONYMS.of(K.NAME, "Jane")
    assert masked(7, "mrn") == PSEUDONYMS.of(K.MEDICAL_RECORD, "7")
    assert masked("jane@acme.test", "author") == PSEUDONYMS.of(K.EMAIL, "jane@acme.test")
    assert masked(value=True, field="author") is True


def test_a_birth_date_is_moved() -> None:
    assert masked("1980-05-01", "date_of_birth") == PSEUDONYMS.shifted("1980-05-01")
    assert masked("in May", "date_of_birth") == REDACTED
    assert masked(86400 * 400, "date_of_birth") == PSEUDONYMS.shifted_seconds(86400 * 400)


def test_equal_values_are_masked_equally_in_every_field_and_record() -> None:
    shown = masker().mask({"owner_mail": "a@b.test", "text": "a@b.test", "list": ["A@B.test"]})

    assert len({shown["owner_mail"], shown["text"], shown["list"][0]}) == 1


def test_links_between_records_are_kept_though_an_id_is_somebodys_card() -> None:
    parent = masker().mask({"id": "4539148803436467"})
    child = masker().mask({"id": "1", "parent_id": "4539148803436467"})

    assert parent["id"] == child["parent_id"]
    assert parent["id"].isalnum()


def test_a_disguised_value_is_masked_too() -> None:
    assert "acme" not in masked("Ask jane\u200b@acme.test")


@pytest.mark.parametrize(
    "text",
    [
        "+49 30 901820 774539 1488 0343 6467",
        "536-22-1234 0094539 1488 0343 6467",
        "+347 2)::38,29",
        "a@b.testZelda Quackenbush",
    ],
)
def test_what_shows_only_when_its_neighbour_is_masked_is_masked_too(text: str) -> None:
    assert masker().residue(masker().mask({"note": text})) == ()


def test_the_same_record_is_always_masked_the_same() -> None:
    record = {"id": "1", "author": "Zelda Quackenbush", "body": " ".join(CANARIES.values())}

    assert masker().mask(record) == masker().mask(record)


# --- rules ---------------------------------------------------------------------------------------


def test_what_is_kept_stays_and_is_still_looked_at() -> None:
    kept = masker(note=R.KEEP)

    shown = kept.mask({"note": "a@b.test"})

    assert shown == {"note": "a@b.test"}
    assert kept.residue(shown) == (Residue("note", K.EMAIL),)


def test_readers_may_be_kept_as_they_are_and_nobody_else() -> None:
    record = {"allowed_users": ["a@b.test"]}

    assert masker(allowed_users=R.KEEP).residue(record) == ()
    assert masker().residue(record) == (Residue("allowed_users", K.EMAIL),)
    assert masker().residue(masker().mask(record)) == ()


def test_a_hash_links_any_two_fields() -> None:
    hashed = masker(id=R.HASH, parent__ref=R.HASH)

    shown = hashed.mask({"id": "p100", "parent": {"ref": "p100"}})

    assert shown["id"] == shown["parent"]["ref"] == PSEUDONYMS.hashed("p100")


def test_a_pseudonym_has_the_kind_of_the_value_or_else_of_the_field() -> None:
    assert masked("a@b.test", note=R.PSEUDONYM) == PSEUDONYMS.of(K.EMAIL, "a@b.test")
    assert masked("Bo", "owner", owner=R.PSEUDONYM) == PSEUDONYMS.of(K.NAME, "Bo")
    assert masked("Rome", note=R.PSEUDONYM) == PSEUDONYMS.of(None, "Rome")


@pytest.mark.parametrize(("value", "left"), [("secret", REDACTED), (7, None), (True, None)])
def test_what_is_redacted_is_taken_out(value: Any, left: Any) -> None:
    assert masked(value, note=R.REDACT) == left


@pytest.mark.parametrize(
    ("value", "moved"),
    [
        ("2026-03-02", PSEUDONYMS.shifted("2026-03-02")),
        (864000, PSEUDONYMS.shifted_seconds(864000)),
        ("never", REDACTED),
        (True, None),
    ],
)
def test_a_date_that_is_to_be_moved_is_moved_or_taken_out(value: Any, moved: Any) -> None:
    assert masked(value, note=R.DATE_SHIFT) == moved


def test_a_field_that_is_dropped_is_gone() -> None:
    assert masker(note=R.DROP).mask({"note": 1, "id": "1"}) == {"id": "1"}


def test_a_rule_holds_for_all_that_lies_below_unless_another_says_otherwise() -> None:
    ruled = masker(owner=R.REDACT, owner__team=R.KEEP)

    shown = ruled.mask({"owner": {"name": "Bo", "team": "Red", "all": [{"x": "y"}, None]}})

    assert shown == {"owner": {"name": REDACTED, "team": "Red", "all": [{"x": REDACTED}, None]}}


@pytest.mark.parametrize("rule", [R.DROP, R.REDACT, R.PSEUDONYM, R.DATE_SHIFT])
def test_a_rule_that_would_leave_no_id_is_refused(rule: MaskingRule) -> None:
    with pytest.raises(InvalidInput, match=f"masking rule {rule} for id"):
        require_maskable({"id": rule})


@pytest.mark.parametrize("rules", [{}, {"id": R.HASH}, {"id": R.KEEP}, {"body": R.DROP}])
def test_all_other_rules_may_be_given(rules: dict[str, MaskingRule]) -> None:
    require_maskable(rules)


def test_a_template_with_other_rules_takes_records_in_otherwise() -> None:
    assert a_template().settings_digest != a_template(masking={"x": R.DROP}).settings_digest


# --- what is left, and what is told of it --------------------------------------------------------


@pytest.mark.requirement("R13")
@pytest.mark.parametrize("canary", CANARIES.values(), ids=CANARIES)
def test_what_is_left_is_found_in_values_and_in_names_of_fields(canary: str) -> None:
    assert masker().residue({"a": {"b": [f"Ask {canary}."]}})
    assert masker().residue({"a": {f"Ask {canary}.": 1}})
    assert masker().residue({f"Ask {canary}.": 1})


def test_a_place_is_told_of_without_what_stands_there() -> None:
    left = masker().residue({"a": {"jane@acme.test": {"b": "x@y.test"}}, "c@d.test": None})

    assert left == (
        Residue("a name of a field of a", K.EMAIL),
        Residue("a.?.b", K.EMAIL),
        Residue("a name of a field of the record", K.EMAIL),
    )


@pytest.mark.requirement("R13")
@given(
    st.recursive(
        st.one_of(
            st.text(max_size=20),
            st.sampled_from(sorted(CANARIES.values())),
            st.integers(),
            st.floats(allow_nan=False, allow_infinity=False),
            st.booleans(),
            st.none(),
        ),
        lambda each: st.one_of(
            st.lists(each, max_size=3),
            st.dictionaries(st.sampled_from(["note", "author", "mrn", "phone"]), each, max_size=3),
        ),
        max_leaves=8,
    )
)
def test_nothing_is_left_of_anybody_in_a_masked_record(value: Any) -> None:
    mask = masker()

    assert mask.residue(mask.mask({"id": "1", "note": value})) == ()


def test_what_was_masked_is_counted_by_kind_or_by_rule() -> None:
    counting = masker(secret=R.DROP, code=R.HASH)

    counting.mask({"secret": 1, "code": "a", "note": "a@b.test c@d.test", "dob": "1980-05-01"})

    assert counting.masked == {"drop": 1, "hash": 1, "email": 2, "birthdate": 1}


def test_other_rules_or_another_key_are_another_masking() -> None:
    other = Masker(Pseudonyms(key_for("sixteen letters more", "default", UUID(int=7))), {})

    prints = {masker().fingerprint, masker(a=R.DROP).fingerprint, other.fingerprint}

    assert len(prints) == 3
    assert masker().fingerprint == masker().fingerprint
