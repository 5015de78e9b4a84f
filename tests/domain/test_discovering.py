"""Discovering: what passes by becomes a schema it is valid by, facts, differences and a draft."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.catalogue import (
    BrokenLine,
    CataloguedType,
    Discovery,
    ScannedPage,
    Source,
    SourceKind,
    read_source,
)
from domain.difference import ChangeKind, compare
from domain.drafts import Draft, draft_pack, type_named
from domain.errors import InvalidInput
from domain.findings import MOST_TYPES, Findings, ScanLimits
from domain.guess import FORMATS, fits
from domain.profile import MOST_DISTINCT, MOST_FIELDS, MOST_FIELDS_EACH
from gateways.schema import JsonSchemaRecords
from tests.domain.making import NOW, a_template

FOLDER = Source(SourceKind.FOLDER, "acme/exports")

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=10)
    | st.sampled_from(["2024-05-01", "2024-05-01T10:00:00Z", "ada@example.com", "https://a.b/c"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)
RECORDS = st.lists(
    st.dictionaries(st.sampled_from("abcde"), VALUES, max_size=5), min_size=1, max_size=40
)


def found_in(*records: dict[str, Any], **limits: Any) -> Findings:
    findings = Findings(ScanLimits(**limits))
    findings.take(ScannedPage([("jira", each) for each in records]))
    return findings


def the_type(*records: dict[str, Any]) -> CataloguedType:
    (found,) = found_in(*records).types()
    return found


def facts(found: CataloguedType, path: str) -> Any:
    return next(each for each in found.fields if each.path == path)


def a_discovery(*types: CataloguedType, number: int = 1) -> Discovery:
    return Discovery(
        discovery_id=UUID(int=number),
        source=str(FOLDER),
        discovered_at=NOW + timedelta(hours=number),
        discovered_by="ada",
        types=types,
        report=Findings(ScanLimits()).report(None),
    )


# --- schemas -------------------------------------------------------------------------------------


@pytest.mark.requirement("R11")
@settings(deadline=None, max_examples=60)
@given(RECORDS)
def test_every_record_is_valid_by_the_schema_inferred_from_it(
    records: list[dict[str, Any]],
) -> None:
    validate = JsonSchemaRecords().compiled(the_type(*records).schema)

    faults = [fault for each in records for fault in validate(each)]

    assert faults == []


@pytest.mark.parametrize("form", FORMATS)
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_a_form_is_guessed_only_where_a_validator_agrees(form: str, data: st.DataObject) -> None:
    text = data.draw(st.from_regex(FORMATS[form], fullmatch=True))

    faults = list(
        JsonSchemaRecords().compiled({"properties": {"a": {"format": form}}})({"a": text})
    )

    assert not fits(form, text) or faults == []


def test_a_schema_names_types_forms_and_what_is_always_there() -> None:
    records: list[dict[str, Any]] = [
        {"id": "1", "at": "2024-05-01T10:00:00Z", "size": 1, "by": {"mail": "a@b.example"}},
        {"id": "2", "at": "2024-05-02T10:00:00Z", "size": 1.5, "tags": ["x", 2], "gone": None},
    ]

    schema = the_type(*records).schema

    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["required"] == ["at", "id", "size"]
    assert schema["properties"]["at"] == {"type": "string", "format": "date-time"}
    assert schema["properties"]["size"] == {"type": "number"}
    assert schema["properties"]["tags"] == {
        "type": "array",
        "items": {"type": ["integer", "string"]},
    }
    assert schema["properties"]["gone"] == {"type": "null"}
    assert schema["properties"]["by"]["required"] == ["mail"]


def test_few_texts_that_return_often_are_all_there_are() -> None:
    records = [
        {"status": ("open", "done")[n % 2], "note": None if n % 3 else "a"} for n in range(60)
    ]

    schema = the_type(*records).schema

    assert schema["properties"]["status"]["enum"] == ["done", "open"]
    assert schema["properties"]["note"]["enum"] == ["a", None]


@pytest.mark.parametrize(
    "values",
    [
        ["Ada Byron"] * 3,
        [f"text {n}" for n in range(60)],
        ["a\tb"] * 60,
        [""] * 60,
        ["x" * 41] * 60,
    ],
)
def test_texts_that_are_new_many_or_no_words_are_not(values: list[str]) -> None:
    schema = the_type(*({"status": each} for each in values)).schema

    assert "enum" not in schema["properties"]["status"]


@pytest.mark.parametrize(
    "name",
    [
        *("author", "assignee_id", "userName", "owner", "reporter", "reviewer", "approver"),
        *("editor", "employee", "doctor", "createdBy", "ssn", "mrn"),
    ],
)
@pytest.mark.parametrize("shape", ["text", "list", "below", "list below"])
def test_the_names_of_persons_are_never_kept(name: str, shape: str) -> None:
    given: dict[str, Any] = {
        "text": "Ada Byron",
        "list": ["Ada Byron"],
        "below": {"label": "Ada Byron"},
        "list below": [{"tags": ["Ada Byron"]}],
    }

    found = the_type(*({name: given[shape]} for _ in range(60)))

    assert "Ada" not in json.dumps([found.schema, [each.values for each in found.fields]])


def test_schema_and_facts_tell_the_same_texts_of_a_list_below_a_person() -> None:
    found = the_type(*({"tags": ["red"], "owner": {"tags": ["red"]}} for _ in range(60)))

    properties = found.schema["properties"]
    assert properties["tags"]["items"]["enum"] == ["red"]
    assert facts(found, "tags[]").values == ("red",)
    assert "enum" not in properties["owner"]["properties"]["tags"]["items"]
    assert facts(found, "owner.tags[]").values == ()


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("date", "2024-13-01"),
        ("date-time", "2024-05-01T10:00:00"),
        ("email", "a" * 65 + "@example.com"),
        ("email", "a@" + ".".join(["b" * 60] * 5)),
        ("email", "a@ab--cd.example"),
        ("uri", "https://a.example/" + "x" * 3000),
        ("uuid", "nothing"),
    ],
)
def test_a_doubtful_form_is_none(form: str, text: str) -> None:
    assert not fits(form, text)


# --- facts ---------------------------------------------------------------------------------------


def test_facts_tell_presence_types_bounds_and_how_many_differ() -> None:
    found = the_type({"n": 3, "t": "abc"}, {"n": -1.5, "t": ""}, {"n": 3, "b": True}, {"n": None})

    number, text = facts(found, "n"), facts(found, "t")

    assert (number.presence, number.least, number.most) == (1.0, -1.5, 3.0)
    assert dict(number.types) == {"integer": 2, "null": 1, "number": 1}
    assert (number.distinct, number.is_distinct_exact) == (2, True)
    assert (text.presence, text.shortest, text.longest) == (0.5, 0, 3)


def test_a_number_no_double_holds_is_told_as_the_largest_that_is_held() -> None:
    found = the_type({"n": 10**400}, {"n": -(10**400)})

    assert (facts(found, "n").least, facts(found, "n").most) == (
        -1.7976931348623157e308,
        1.7976931348623157e308,
    )


def test_places_inside_have_paths_and_odd_names_stand_in_quotation_marks() -> None:
    found = the_type({"a": {"b.c": [{"d": 1}]}, "e": []})

    assert [each.path for each in found.fields] == ["a", 'a."b.c"', 'a."b.c"[]', 'a."b.c"[].d', "e"]


def test_a_place_that_had_no_chance_is_present_never() -> None:
    assert replace(facts(the_type({"a": 1}), "a"), present=0, chances=0).presence == 0.0


def test_more_different_values_than_are_told_apart_are_a_least() -> None:
    found = the_type(*({"n": n} for n in range(MOST_DISTINCT + 50)))

    assert (facts(found, "n").distinct, facts(found, "n").is_distinct_exact) == (
        MOST_DISTINCT,
        False,
    )


# --- bounds --------------------------------------------------------------------------------------


def test_an_object_whose_keys_are_ids_does_not_grow_without_an_end() -> None:
    findings = found_in(*({f"id{n}": 1} for n in range(MOST_FIELDS_EACH + 30)))

    (found,) = findings.types()

    assert len(found.fields) == MOST_FIELDS_EACH
    assert findings.report(None).values_left_out == 30


def test_all_places_of_a_scan_have_room_for_so_many() -> None:
    wide = {f"a{n}": {f"b{m}": [1, 2] for m in range(100)} for n in range(100)}

    findings = found_in(wide)

    (found,) = findings.types()
    assert len(found.fields) == MOST_FIELDS
    assert findings.report(None).values_left_out > 0
    assert list(JsonSchemaRecords().compiled(found.schema)(wide)) == []


def test_names_that_cannot_be_shown_and_what_is_nested_too_deep_are_left_out_and_counted() -> None:
    deep: dict[str, Any] = {}
    for _ in range(20):
        deep = {"a": deep}

    findings = found_in({"": 1, "a\nb": 2, "x" * 201: 3, "deep": deep, "list": [[[[[[[[[1]]]]]]]]]})

    assert findings.report(None).values_left_out == 5


def test_a_scan_tells_so_many_types_apart() -> None:
    findings = Findings(ScanLimits())

    findings.take(ScannedPage([(f"type{n}", {"a": 1}) for n in range(MOST_TYPES + 2)]))

    assert len(findings.types()) == MOST_TYPES
    assert "2 records of more than 50 types were left out." in findings.report(None).notes


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ({"records": 2}, "2 records"),
        ({"size_bytes": 10}, "10 bytes"),
        ({"seconds": 5}, "5 seconds"),
    ],
)
def test_a_limit_that_is_reached_is_told(limits: dict[str, Any], told: str) -> None:
    findings = Findings(ScanLimits(**limits))

    findings.take(ScannedPage([("jira", {"a": 1})] * 3, size_bytes=10))

    assert findings.limit_reached(5.0) == told
    assert findings.report(told).record_count == min(3, limits.get("records", 3))


def test_within_its_limits_a_scan_goes_on() -> None:
    assert found_in({"a": 1}).limit_reached(1.0) is None


def test_only_the_first_broken_lines_are_named_and_all_are_counted() -> None:
    findings = Findings(ScanLimits())
    broken = [BrokenLine("a.csv", n, "it is no CSV") for n in range(1, 16)]

    for _ in range(2):
        findings.take(ScannedPage(broken=broken, notes=[f"note {n}" for n in range(15)]))

    report = findings.report(None)
    assert (report.broken_count, len(report.broken), len(report.notes)) == (30, 20, 15)


# --- sample queries ------------------------------------------------------------------------------


@pytest.mark.requirement("R30")
def test_queries_are_drafted_from_titles_that_were_met_once() -> None:
    records = [{"id": f"r{n}", "title": f"title {n}"} for n in range(30)]

    queries = found_in(*records, {"id": "x", "title": "title 0"}).queries("jira", 10)

    assert len({each.query for each in queries}) == 10
    assert "title 0" not in {each.query for each in queries}
    assert all(each.query == f"title {each.expected_id[1:]}" for each in queries)


def test_records_without_an_id_or_a_title_give_no_queries() -> None:
    assert (
        found_in({"title": "a"}, {"id": "b"}, {"id": "c", "title": "x" * 300}).queries("jira", 10)
        == ()
    )


# --- sources -------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["glean:acme", "folder:a/b:c", "samples:generic_jira"])
def test_a_source_is_written_as_it_is_read(text: str) -> None:
    assert str(read_source(text)) == text


@pytest.mark.parametrize("text", ["", "glean", "glean: ", "https://a.example", "ftp:x"])
def test_what_is_no_source_is_answered_with_how_one_is_written(text: str) -> None:
    with pytest.raises(InvalidInput, match="glean:DATASOURCE") as refused:
        read_source(text)

    assert [each.field for each in refused.value.errors] == ["source"]


# --- differences ---------------------------------------------------------------------------------


def test_the_same_records_have_the_same_digest_and_no_difference() -> None:
    one, other = (a_discovery(the_type({"a": 1}), number=n) for n in (1, 2))

    assert one.digest == other.digest
    assert compare(one, other).is_none


def test_other_records_have_another_digest() -> None:
    assert the_type({"a": 1}).digest != the_type({"a": 2}).digest


def test_what_has_changed_is_told_field_by_field() -> None:
    states = [{"state": ("open", "done")[n % 2]} for n in range(60)]
    before = the_type(*({**each, "a": 1, "at": "2024-05-01", "b": 1} for each in states))
    after = the_type(
        *({"state": "open", "a": f"x{n}", "at": f"soon {n}", "c": 1} for n, _ in enumerate(states)),
        {},
    )

    found = compare(a_discovery(before), a_discovery(after, number=2))

    assert {(each.path, each.kind) for each in found.changes} == {
        ("a", ChangeKind.TYPE),
        ("a", ChangeKind.REQUIRED),
        ("at", ChangeKind.FORMAT),
        ("at", ChangeKind.REQUIRED),
        ("b", ChangeKind.REMOVED),
        ("c", ChangeKind.ADDED),
        ("state", ChangeKind.VALUES),
        ("state", ChangeKind.REQUIRED),
    }
    assert not found.is_none


@pytest.mark.parametrize(("there", "is_told"), [(95, False), (94, True)])
def test_a_presence_is_told_once_it_moved_by_more_than_a_twentieth(
    there: int, is_told: bool
) -> None:
    whole = the_type(*({"a": 1} for _ in range(100)))
    part = the_type(*({"a": 1} for _ in range(there)), *({} for _ in range(100 - there)))

    found = compare(a_discovery(whole), a_discovery(part, number=2))

    assert (ChangeKind.PRESENCE in {each.kind for each in found.changes}) is is_told


def test_types_that_came_and_went_are_told() -> None:
    jira = the_type({"a": 1})

    found = compare(a_discovery(jira), a_discovery(replace(jira, dataset_type="slack"), number=2))

    assert (found.types_added, found.types_removed, found.changes) == (("slack",), ("jira",), ())


# --- drafts --------------------------------------------------------------------------------------


def drafted(*records: dict[str, Any], **more: Any) -> Draft:
    findings = found_in(*records)
    (found,) = findings.types()
    given = {"source": FOLDER, "supplier": None} | more
    return draft_pack(given["source"], found, findings.queries("jira", 10), given["supplier"])


def test_a_draft_of_a_folder_names_what_a_person_must_add() -> None:
    draft = drafted(*({"id": f"r{n}", "title": f"t {n}", "object_type": "Bug"} for n in range(20)))

    assert draft.pack["template_id"] == "drafted_acme_exports_jira"
    assert draft.pack["record_count_range"] == [1, 20]
    assert draft.pack["object_types"] == [{"name": "Bug", "category": "TICKETS"}]
    assert {each.field for each in draft.fill_in} == {
        "industry",
        "use_case",
        "generate_from",
        "template_id",
        "schema",
        "sample_queries",
    }
    assert len(draft.sample_queries) == 10


def test_a_draft_of_samples_is_filled_in_as_the_suppliers_template_is() -> None:
    supplier = a_template(dataset_type="jira")

    draft = drafted({"id": "a", "title": "b"}, supplier=supplier)

    assert draft.pack["generate_from"] == supplier.key
    assert draft.pack["industry"] == "healthcare"
    assert draft.pack["record_count_range"] == [300, 2000]


def test_a_draft_says_which_fields_every_record_needs_and_none_has() -> None:
    fields = {each.field for each in drafted({"summary": "a", "object_type": "not one"}).fill_in}

    assert {"schema.properties.id", "schema.properties.title", "object_types"} <= fields


def test_a_field_that_is_seldom_there_is_not_counted() -> None:
    records = [{"id": f"r{n}"} | ({"rare": 1} if n < 10 else {}) for n in range(20)]

    assert drafted(*records).pack["expected_fields"] == ["id"]


@pytest.mark.parametrize(
    ("name", "made"), [("My Export-2024", "myexport2024"), ("ÄÖ", "records"), ("x" * 50, "x" * 40)]
)
def test_a_dataset_type_is_made_of_a_name(name: str, made: str) -> None:
    assert type_named(name) == made


def test_a_source_without_a_letter_still_has_a_key() -> None:
    draft = drafted({"id": "a"}, source=Source(SourceKind.FOLDER, "../.."))

    assert draft.pack["template_id"] == "drafted_source_jira"


# --- registered templates ------------------------------------------------------------------------


def test_a_registered_template_says_where_its_records_come_from() -> None:
    ours = a_template(key="ours", generate_from="generic_jira")

    assert (ours.origin, ours.supplier_key) == ("registered", "generic_jira")
    assert (a_template().origin, a_template().supplier_key) == ("supplier", a_template().key)


def test_what_a_template_is_generated_from_makes_its_content() -> None:
    one, other = (a_template(generate_from=each) for each in ("a", "b"))

    assert one.digest != other.digest
