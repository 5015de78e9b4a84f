"""The mock-data supplier: tolerated in its form, stopped where its records cannot be right."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from domain.errors import InvalidInput, NotFound, SupplierLied, SupplierRefused, SupplierUnavailable
from domain.journey import uuid_of
from domain.masking import MaskingRule
from domain.recipe import Recipe
from domain.record import Record
from domain.template import ContentShare, DatasetTemplate, ObjectType, SampleQuery
from gateways.local.mock_data import create_app
from gateways.mock_data import MockDataClient
from tests.gateways.foreign import Said, Scripted, Time, a_template, calling, page, said

WIRE: dict[str, Any] = {
    "template_id": "healthcare_confluence",
    "name": "Healthcare pages",
    "industry": "healthcare",
    "use_case": "developer_productivity",
    "dataset_type": "confluence",
    "schema": {"type": "object"},
    "record_count_range": [10, 21],
}
GITHUB = "healthcare_developer_productivity_github"


def supplier(*answers: Said, largest: int = 10**6) -> MockDataClient:
    app = Scripted(*answers)
    return MockDataClient(calling(app), Time().timing, largest_dataset_bytes=largest)


def local() -> MockDataClient:
    return MockDataClient(calling(create_app()), Time().timing)


def some(count: int, first: int = 0) -> list[dict[str, str]]:
    return [{"id": f"r{number}", "title": "A title"} for number in range(first, first + count)]


def recipe(count: int) -> Recipe:
    return Recipe(a_template(), seed=11, record_count=count)


async def generated(client: MockDataClient, wanted: Recipe) -> list[Record]:
    return [each async for page in client.generate(wanted) for each in page]


# --- templates --------------------------------------------------------------------------------


async def test_every_field_of_a_template_arrives() -> None:
    everything = WIRE | {
        "version": "2.1.0",
        "sample_data_url": "/mock-data/healthcare_confluence",
        "record_count": 20,
        "quality_expectations": {"schema": 1, "completeness": 0.95},
        "expected_fields": ["title"],
        "content_mix": [{"name": "Docs", "percent": 100}],
        "topics": ["FDA"],
        "languages": ["Python"],
        "industries": ["Banking"],
        "object_types": [{"name": "Page", "category": "KNOWLEDGE_HUB"}],
        "datasource_url": "https://confluence.example.com",
        "crawl_settings": {"page_size": 100},
        "include_patterns": ["docs/*"],
        "exclude_patterns": ["docs/old/*"],
        "max_documents": 500,
        "sample_queries": [
            {"query": "pump", "expected_id": "r1"},
            {"query": "valve", "must_include_ids": ["r2", "r3"]},
            {"query": "open"},
            *({"query": f"open {number}", "expected_id": "r1"} for number in range(7)),
        ],
        "masking": {"owner.team": "keep", "body": "redact"},
        "anything": "else",
    }

    (found,) = await supplier(said([everything])).catalogue()

    assert found == DatasetTemplate(
        template_id=found.template_id,
        key="healthcare_confluence",
        name="Healthcare pages",
        industry="healthcare",
        use_case="developer_productivity",
        dataset_type="confluence",
        schema={"type": "object"},
        sample_data_url="/mock-data/healthcare_confluence",
        record_count_range=(10, 21),
        record_count=20,
        quality_expectations={"schema": 1.0, "completeness": 0.95},
        version="2.1.0",
        expected_fields=("title",),
        content_mix=(ContentShare("Docs", 100),),
        topics=("FDA",),
        languages=("Python",),
        industries=("Banking",),
        object_types=(ObjectType("Page", "KNOWLEDGE_HUB"),),
        datasource_url="https://confluence.example.com",
        crawl_settings={"page_size": 100},
        include_patterns=("docs/*",),
        exclude_patterns=("docs/old/*",),
        max_documents=500,
        sample_queries=(
            SampleQuery("pump", "r1"),
            SampleQuery("valve", "r2"),
            SampleQuery("open", ""),
            *(SampleQuery(f"open {number}", "r1") for number in range(7)),
        ),
        masking={"owner.team": MaskingRule.KEEP, "body": MaskingRule.REDACT},
    )
    assert found.template_id == uuid_of("", "template", "healthcare_confluence")


async def test_a_template_needs_little_and_counts_the_middle_of_its_range() -> None:
    bare = WIRE | {"record_count_range": {"min": 10, "max": 21}, "topics": None}

    (found,) = await supplier(said([bare])).catalogue()

    assert (found.record_count_range, found.record_count) == ((10, 21), 15)
    assert (found.topics, found.include_patterns) == ((), ("*",))


@pytest.mark.parametrize("form", [[WIRE], WIRE, {"templates": [WIRE]}])
async def test_a_list_a_single_one_and_a_named_list_are_the_same(form: Any) -> None:
    found = await supplier(said(form)).templates_for("healthcare", "developer_productivity")

    assert [each.key for each in found] == ["healthcare_confluence"]


async def test_templates_come_by_key() -> None:
    found = await supplier(said([WIRE | {"template_id": "b"}, WIRE | {"key": "a"}])).catalogue()

    assert [each.key for each in found] == ["b", "healthcare_confluence"]


async def test_a_supplier_without_a_catalogue_has_none() -> None:
    assert await supplier(Said(404)).catalogue() == ()


async def test_an_industry_without_templates_has_none() -> None:
    assert await local().templates_for("farming", "milking") == ()


async def test_names_are_kept_inside_their_place_in_the_path() -> None:
    app = Scripted(Said(404))

    await MockDataClient(calling(app), Time().timing).templates_for("a/../b", "c?d")

    assert app.asked == [("GET", "/templates/a%2F..%2Fb/c%3Fd")]


@pytest.mark.parametrize("pair", [("..", "mock-data"), ("..", ".."), ("healthcare", "")])
async def test_names_that_would_lead_elsewhere_are_not_asked_for(pair: tuple[str, str]) -> None:
    app = Scripted(said([WIRE]))

    with pytest.raises(InvalidInput, match="cannot be a part of a path"):
        await MockDataClient(calling(app), Time().timing).templates_for(*pair)

    assert app.asked == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"name": 5}, "name"),
        ({"schema": []}, "schema"),
        ({"record_count_range": [5]}, "record_count_range"),
        ({"record_count_range": ["1", "2"]}, "record_count_range.0"),
        ({"record_count_range": [1, 10**9]}, "record_count_range.1"),
        ({"record_count": "500"}, "record_count"),
        ({"object_types": [{"name": "has space", "category": "CRM"}]}, "object_types.0.name"),
        ({"object_types": [{"name": "Page", "category": "NOPE"}]}, "object_types.0.category"),
        ({"content_mix": [{"name": "A", "percent": 101}]}, "content_mix.0.percent"),
        ({"content_mix": [{"name": "A", "percent": 40}]}, "content_mix: .* add up to 40 percent"),
        ({"quality_expectations": [1]}, "quality_expectations"),
        ({"max_documents": 0}, "max_documents"),
        ({"masking": {"body": "forget"}}, "masking.body"),
        ({"name": "x" * 20_000}, "name"),
    ],
)
async def test_a_wrong_field_is_named_with_its_template(change: dict[str, Any], named: str) -> None:
    with pytest.raises(SupplierLied, match=rf"answered wrongly: healthcare_confluence\.{named}"):
        await supplier(said([WIRE | change])).catalogue()


@pytest.mark.parametrize("key", ["../etc", "", "x" * 201, 5, None])
async def test_a_template_without_a_usable_key_is_named_by_its_place(key: Any) -> None:
    with pytest.raises(SupplierLied, match=r"answered wrongly: number 1\.template_id"):
        await supplier(said([WIRE | {"template_id": key}])).catalogue()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"dataset_type": "Con-fluence"}, "dataset type 'Con-fluence' cannot be right"),
        ({"record_count": 900}, "900 records in"),
        ({"record_count": 1}, "1 records in"),
        ({"quality_expectations": {"schema": 2}}, "quality_expectations.schema.pass_threshold"),
        ({"quality_expectations": {"shcema": 1}}, "quality_expectations.shcema is no check"),
        ({"masking": {"id": "drop"}}, "masking rule drop for id"),
        ({"schema": {"type": 3}}, "The schema cannot be used: 3 is not valid"),
        ({"schema": {"$ref": "https://elsewhere.example/x"}}, "The schema cannot be used"),
    ],
)
async def test_a_template_that_cannot_be_right_is_a_lie(change: dict[str, Any], told: str) -> None:
    with pytest.raises(SupplierLied, match=f"healthcare_confluence, which is unusable.*{told}"):
        await supplier(said([WIRE | change])).catalogue()


@pytest.mark.parametrize("wrong", [{"max_documents": 0}, {"schema": {"type": 3}}, {"name": None}])
async def test_a_template_that_cannot_be_used_stops_no_other(wrong: dict[str, Any]) -> None:
    sent = [WIRE | {"template_id": "bad"} | wrong, WIRE | {"template_id": "good"}, 3]

    with capture_logs() as logs:
        found = await supplier(said(sent)).catalogue()

    assert [each.key for each in found] == ["good"]
    assert [(each["event"], each["template"]) for each in logs] == [
        ("template.unusable", "bad"),
        ("template.unusable", 3),
    ]
    assert "bad" in logs[0]["reason"]


async def test_the_same_template_twice_is_a_lie() -> None:
    with pytest.raises(SupplierLied, match="the same template twice: healthcare_confluence"):
        await supplier(said([WIRE, WIRE])).catalogue()


async def test_neither_of_two_templates_with_one_key_is_used() -> None:
    found = await supplier(said([WIRE, WIRE | {"key": "a", "template_id": "a"}, WIRE])).catalogue()

    assert [each.key for each in found] == ["a"]


async def test_the_same_catalogue_is_read_once() -> None:
    client = supplier(said([WIRE]))
    first = await client.catalogue()

    again = await client.catalogue()

    assert again is first


async def test_a_catalogue_that_changed_is_read_anew() -> None:
    client = supplier(said([WIRE]), said([WIRE | {"name": "Edited"}]))
    await client.catalogue()

    (found,) = await client.catalogue()

    assert found.name == "Edited"


@pytest.mark.parametrize("lie", [page(), said("templates"), said({"templates": 3}), said([3])])
async def test_a_catalogue_that_is_none_is_a_lie(lie: Said) -> None:
    with pytest.raises(SupplierLied):
        await supplier(lie).catalogue()


async def test_more_templates_than_anybody_has_are_a_lie() -> None:
    many = [WIRE | {"template_id": f"t{number}"} for number in range(1001)]

    with pytest.raises(SupplierLied, match="at most 1000 items"):
        await supplier(said(many)).catalogue()


async def test_a_supplier_that_is_down_is_unavailable() -> None:
    with pytest.raises(SupplierUnavailable):
        await supplier(Said(503)).catalogue()


# --- samples ----------------------------------------------------------------------------------


async def test_a_sample_is_a_few_fixed_records() -> None:
    assert await local().samples(GITHUB) == await local().samples(GITHUB)


@pytest.mark.parametrize("form", [some(3), {"records": some(3)}])
async def test_a_sample_may_be_a_list_or_a_named_list(form: Any) -> None:
    assert await supplier(said(form)).samples("any") == some(3)


async def test_a_sample_of_another_template_is_a_lie() -> None:
    with pytest.raises(SupplierLied, match="asked for template_id any and answered for 'other'"):
        await supplier(said({"template_id": "other", "records": some(3)})).samples("any")


async def test_an_unknown_template_has_no_sample() -> None:
    with pytest.raises(NotFound, match="knows no template nothing"):
        await local().samples("nothing")


# --- generate ---------------------------------------------------------------------------------


async def test_records_come_in_pages_of_a_hundred_at_most() -> None:
    client = local()
    (template,) = (each for each in await client.catalogue() if each.key == GITHUB)

    pages = [len(page) async for page in client.generate(Recipe(template, 7, 250))]

    assert pages == [100, 100, 50]


async def test_records_of_a_registered_template_are_the_suppliers_by_its_own_key() -> None:
    ours = replace(a_template(), key="ours", generate_from="theirs")
    app = Scripted(said({"template_id": "theirs", "seed": 11, "records": some(3)}))
    client = MockDataClient(calling(app), Time().timing)

    found = await generated(client, Recipe(ours, seed=11, record_count=3))

    assert len(found) == 3
    assert [json.loads(each)["template_id"] for each in app.bodies] == ["theirs"]


@pytest.mark.requirement("R39")
async def test_few_records_are_asked_for_in_the_three_fields_every_supplier_knows() -> None:
    app = Scripted(said(some(10)))

    await generated(MockDataClient(calling(app), Time().timing), recipe(10))

    assert app.asked == [("POST", "/generate-mock-data")]
    assert json.loads(app.bodies[0]) == {
        "template_id": "healthcare_confluence",
        "record_count": 10,
        "seed": 11,
    }


async def test_many_records_are_asked_for_page_by_page() -> None:
    app = Scripted(said(some(500)), said(some(500, 500)), said(some(1, 1000)))

    found = await generated(MockDataClient(calling(app), Time().timing), recipe(1001))

    asked = [json.loads(each) for each in app.bodies]
    assert [(each["offset"], each["limit"]) for each in asked] == [(0, 500), (500, 500), (1000, 1)]
    assert found == some(1001)


async def test_a_supplier_that_knows_no_pages_sends_all_at_once() -> None:
    app = Scripted(said(some(1200)))

    found = await generated(MockDataClient(calling(app), Time().timing), recipe(1200))

    assert (len(found), len(app.asked)) == (1200, 1)


@pytest.mark.parametrize("name", ["x-ndjson", "ndjson", "jsonl", "jsonlines", "x-jsonlines"])
async def test_json_lines_are_read_as_well(name: str) -> None:
    lines = "\n".join(json.dumps(each) for each in some(3)) + "\n\n"
    answer = Said(200, lines.encode(), {"content-type": f"application/{name}; charset=utf-8"})

    assert await generated(supplier(answer), recipe(3)) == some(3)


@pytest.mark.parametrize(
    "line", [b'{"id":', b'{"id": "r1"},{"id": "r2"}', b'{"id": NaN}', b'{"id": "r1"} {}']
)
async def test_a_line_that_is_not_one_value_is_a_lie_and_is_named(line: bytes) -> None:
    lines = b'{"id": "r0"}\n\n' + line + b'\n{"id": "r3"}'
    answer = Said(200, lines, {"content-type": "application/x-ndjson"})

    with pytest.raises(SupplierLied, match="sent as line 3, after 1 records, what is not one JSON"):
        await generated(supplier(answer), recipe(3))


async def test_an_answer_that_says_created_is_as_good() -> None:
    assert await generated(supplier(said(some(3), 201)), recipe(3)) == some(3)


@pytest.mark.parametrize(
    "echo", [{"template_id": "healthcare_confluence", "seed": 11}, {"seed": "11"}, {"seed": None}]
)
async def test_what_was_asked_may_be_repeated(echo: dict[str, Any]) -> None:
    answer = said({"records": some(3), "record_count": 3} | echo)

    assert await generated(supplier(answer), recipe(3)) == some(3)


@pytest.mark.parametrize(
    ("echo", "named"),
    [
        (
            {"template_id": "another"},
            "template_id healthcare_confluence and answered for 'another'",
        ),
        ({"seed": 99}, "seed 11 and answered for 99"),
    ],
)
async def test_records_of_another_recipe_are_a_lie(echo: dict[str, Any], named: str) -> None:
    with pytest.raises(SupplierLied, match=named):
        await generated(supplier(said({"records": some(3)} | echo)), recipe(3))


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (0, "sent 0 records from number 1 on where 10 of 10"),
        (9, "sent 9 records where 10 were asked for and, asked for the rest, .* id r0 again"),
        (11, "sent 11 records from number 1 on where 10 of 10"),
    ],
)
async def test_more_or_fewer_records_than_asked_are_a_lie(count: int, told: str) -> None:
    with pytest.raises(SupplierLied, match=told):
        await generated(supplier(said(some(count))), recipe(10))


async def test_a_supplier_of_smaller_pages_is_asked_for_the_rest() -> None:
    app = Scripted(said(some(100)), said(some(100, 100)), said(some(50, 200)))

    found = await generated(MockDataClient(calling(app), Time().timing), recipe(250))

    asked = [json.loads(each) for each in app.bodies]
    assert [(each.get("offset"), each.get("limit")) for each in asked] == [
        (None, None),
        (100, 150),
        (200, 50),
    ]
    assert found == some(250)


async def test_a_supplier_that_ends_early_lies() -> None:
    short = supplier(said(some(500)), said(some(3, 500)), said([]))

    with pytest.raises(SupplierLied, match="sent 0 records from number 504 on where 97 of 600"):
        await generated(short, recipe(600))


async def test_the_same_page_again_and_again_is_a_lie() -> None:
    with pytest.raises(SupplierLied, match="asked for the rest, the one with the id r0 again"):
        await generated(supplier(said(some(500))), recipe(1000))


async def test_two_records_with_one_id_are_a_lie() -> None:
    with pytest.raises(SupplierLied, match="two records with the id r0"):
        await generated(supplier(said([*some(1), *some(1)])), recipe(2))


@pytest.mark.parametrize(
    "record", [{}, {"id": 5}, {"id": "Has-Capitals"}, {"id": "x" * 201}, {"id": ""}, [], None, "r0"]
)
async def test_a_record_without_a_usable_id_is_a_lie(record: Any) -> None:
    with pytest.raises(SupplierLied, match="as record 2 one whose field id"):
        await generated(supplier(said([*some(1), record])), recipe(2))


@pytest.mark.parametrize("form", [{}, {"records": {}}, "records"])
async def test_no_list_of_records_is_a_lie(form: Any) -> None:
    with pytest.raises(SupplierLied, match="no list of records"):
        await generated(supplier(said(form)), recipe(2))


async def test_a_dataset_larger_than_the_cap_is_stopped() -> None:
    with pytest.raises(SupplierLied, match="more than 200 bytes"):
        await generated(supplier(said(some(10)), largest=200), recipe(10))


async def test_a_template_that_vanished_is_not_found() -> None:
    with pytest.raises(NotFound, match="knows no template healthcare_confluence"):
        await generated(local(), recipe(10))


async def test_a_count_the_supplier_will_not_make_is_refused() -> None:
    client = local()
    (template,) = (each for each in await client.catalogue() if each.key == GITHUB)

    with pytest.raises(SupplierRefused, match="at most 500 records"):
        await generated(client, Recipe(template, 7, 501))


# --- feedback ---------------------------------------------------------------------------------


async def test_the_supplier_is_told_of_use_and_quality() -> None:
    app = Scripted(Said(202))

    await MockDataClient(calling(app), Time().timing).feedback("any", {"quality_score": 0.995})

    assert app.asked == [("POST", "/templates/any/feedback")]
    assert json.loads(app.bodies[0]) == {"quality_score": 0.995}


async def test_a_supplier_that_takes_no_feedback_is_fine() -> None:
    await supplier(Said(404)).feedback("any", {})


async def test_the_local_supplier_takes_feedback() -> None:
    await local().feedback(GITHUB, {"used": 3})
