"""Templates: usable ones only, and the best one found hop by hop."""

from __future__ import annotations

import pytest

from domain.errors import InvalidInput, TemplateNotFound
from domain.template import (
    GENERIC,
    ContentShare,
    DatasetTemplate,
    Hop,
    MatchLevel,
    ObjectType,
    TemplateRequest,
    select_template,
)
from tests.domain.making import (
    QUERIES,
    a_template,
)

WANTED = TemplateRequest("healthcare", "developer_productivity", "confluence")


def named(key: str, industry: str, use_case: str, dataset_type: str) -> DatasetTemplate:
    return a_template(key=key, industry=industry, use_case=use_case, dataset_type=dataset_type)


EXACT = named("exact", "healthcare", "developer_productivity", "confluence")
INDUSTRY = named("industry", "healthcare", "customer_support", "confluence")
USE_CASE = named("use_case", "fintech", "developer_productivity", "confluence")
TYPE = named("type", "manufacturing", "sales", "confluence")
ANYBODY = named("anybody", GENERIC, GENERIC, "confluence")
OTHER_TYPE = named("other", "healthcare", "developer_productivity", "github")
CATALOGUE = [ANYBODY, TYPE, USE_CASE, INDUSTRY, EXACT, OTHER_TYPE]

# --- selection -----------------------------------------------------------------------------------


@pytest.mark.requirement("R40", "R76", "R80")
@pytest.mark.parametrize(
    ("catalogue", "key", "level"),
    [
        (CATALOGUE, "exact", MatchLevel.EXACT),
        ([ANYBODY, TYPE, USE_CASE, INDUSTRY, OTHER_TYPE], "industry", MatchLevel.INDUSTRY),
        ([ANYBODY, TYPE, USE_CASE, OTHER_TYPE], "use_case", MatchLevel.USE_CASE),
        ([ANYBODY, TYPE, OTHER_TYPE], "type", MatchLevel.TYPE),
        ([ANYBODY, OTHER_TYPE], "anybody", MatchLevel.GENERIC),
    ],
)
def test_the_nearest_template_is_chosen(
    catalogue: list[DatasetTemplate], key: str, level: MatchLevel
) -> None:
    selection = select_template(WANTED, catalogue)

    assert (selection.template.key, selection.level) == (key, level)


@pytest.mark.requirement("R76")
def test_every_hop_on_the_way_is_told_with_its_reason() -> None:
    selection = select_template(WANTED, [ANYBODY, OTHER_TYPE])

    assert selection.hops == (
        Hop(
            MatchLevel.EXACT,
            (),
            "no template is for industry healthcare, use case developer_productivity "
            "and type confluence",
        ),
        Hop(MatchLevel.INDUSTRY, (), "no template is for industry healthcare and type confluence"),
        Hop(
            MatchLevel.USE_CASE,
            (),
            "no template is for use case developer_productivity and type confluence",
        ),
        Hop(MatchLevel.TYPE, (), "no template is for type confluence in any industry"),
        Hop(MatchLevel.GENERIC, ("anybody",), "anybody is for type confluence, made for anybody"),
    )


def test_an_exact_match_is_one_hop() -> None:
    (hop,) = select_template(WANTED, CATALOGUE).hops

    assert hop.candidates == ("exact",)
    assert hop.reason.startswith("exact is for industry healthcare")


def test_among_several_the_first_by_key_is_taken_whatever_their_order() -> None:
    twins = [named(key, "healthcare", "developer_productivity", "confluence") for key in ("b", "a")]

    selection = select_template(WANTED, twins)

    assert selection.template.key == "a"
    assert selection.hops[0].candidates == ("a", "b")


def test_a_strict_request_takes_an_exact_match() -> None:
    strict = TemplateRequest("healthcare", "developer_productivity", "confluence", strict=True)

    assert select_template(strict, CATALOGUE).template.key == "exact"


def test_a_strict_request_takes_nothing_else() -> None:
    strict = TemplateRequest("healthcare", "developer_productivity", "confluence", strict=True)

    with pytest.raises(TemplateNotFound) as refused:
        select_template(strict, [ANYBODY, INDUSTRY])

    assert "No template is exactly for industry healthcare" in str(refused.value)
    assert "Nearest in the catalogue: anybody, industry." in str(refused.value)


@pytest.mark.requirement("R76")
def test_a_misspelt_type_is_answered_with_the_nearest_ones() -> None:
    misspelt = TemplateRequest("healthcare", "developer_productivity", "confluense")

    with pytest.raises(TemplateNotFound, match="Nearest in the catalogue: confluence"):
        select_template(misspelt, CATALOGUE)


def test_an_unheard_of_type_is_answered_with_all_there_are() -> None:
    unknown = TemplateRequest("healthcare", "developer_productivity", "zzz")

    with pytest.raises(TemplateNotFound, match="Nearest in the catalogue: confluence, github"):
        select_template(unknown, CATALOGUE)


def test_an_empty_catalogue_is_named_as_such() -> None:
    with pytest.raises(TemplateNotFound, match="nothing, it is empty"):
        select_template(WANTED, [])


# --- counts --------------------------------------------------------------------------------------


@pytest.mark.requirement("R41")
def test_without_a_wish_the_templates_count_is_made() -> None:
    assert a_template().count_for(None) == 500


@pytest.mark.requirement("R41")
@pytest.mark.parametrize("wanted", [300, 2000])
def test_both_ends_of_the_range_may_be_asked_for(wanted: int) -> None:
    assert a_template().count_for(wanted) == wanted


@pytest.mark.parametrize("wanted", [299, 2001, 0])
def test_a_count_outside_the_range_is_refused(wanted: int) -> None:
    with pytest.raises(InvalidInput, match=f"record_count {wanted} is outside 300 to 2000"):
        a_template().count_for(wanted)


# --- templates that cannot be right --------------------------------------------------------------


@pytest.mark.parametrize("dataset_type", ["", "with-hyphen", "Upper", "a" * 41])
def test_a_type_that_would_blur_names_is_refused(dataset_type: str) -> None:
    with pytest.raises(InvalidInput, match="dataset type"):
        a_template(dataset_type=dataset_type)


@pytest.mark.parametrize(
    ("low", "high", "count"), [(0, 10, 5), (10, 5, 7), (10, 20, 9), (10, 20, 21)]
)
def test_a_range_that_does_not_hold_its_count_is_refused(low: int, high: int, count: int) -> None:
    with pytest.raises(InvalidInput, match="records in"):
        a_template(record_count_range=(low, high), record_count=count)


# --- fields and digest ---------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 9])
def test_a_template_with_fewer_sample_queries_than_ten_is_refused(count: int) -> None:
    with pytest.raises(InvalidInput, match=f"{count} sample queries, fewer than 10"):
        a_template(sample_queries=QUERIES[:count])


def test_one_sample_query_ten_times_is_one() -> None:
    with pytest.raises(InvalidInput, match="1 sample queries, fewer than 10"):
        a_template(sample_queries=QUERIES[:1] * 10)


@pytest.mark.parametrize("count", [0, 10])
def test_a_template_has_ten_sample_queries_or_none(count: int) -> None:
    assert len(a_template(sample_queries=QUERIES[:count]).sample_queries) == count


def test_completeness_counts_the_schemas_properties() -> None:
    assert a_template().counted_fields == ("id", "title")


def test_completeness_counts_the_expected_fields_where_they_are_named() -> None:
    assert a_template(expected_fields=("title",)).counted_fields == ("title",)


def test_a_schema_without_properties_counts_no_fields() -> None:
    assert a_template(schema={"type": "object"}).counted_fields == ()


def test_only_generic_in_both_respects_is_generic() -> None:
    assert ANYBODY.is_generic
    assert not named("half", GENERIC, "sales", "confluence").is_generic
    assert not named("half", "healthcare", GENERIC, "confluence").is_generic


@pytest.mark.parametrize(
    "edited",
    [
        {"key": "another"},
        {"version": "1.0.1"},
        {"schema": {"type": "object", "required": ["id"]}},
        {"schema": {"type": "object", "properties": {"id": {}, "title": {"minLength": 3}}}},
        {"content_mix": (ContentShare("Docs", 100),)},
        {"topics": ("FDA",)},
        {"languages": ("Python",)},
        {"industries": ("Banking",)},
        {"expected_fields": ("title",)},
    ],
)
def test_a_template_whose_content_is_edited_is_another_one(edited: dict[str, object]) -> None:
    assert a_template(**edited).digest != a_template().digest


SETTINGS: list[dict[str, object]] = [
    {"quality_expectations": {"completeness": 0.99}},
    {"sample_queries": QUERIES},
    {"include_patterns": ("docs/*",)},
    {"exclude_patterns": ("drafts/*",)},
    {"max_documents": 7},
    {"datasource_url": "https://acme.example/wiki"},
    {"crawl_settings": {"depth": 2}},
    {"object_types": (ObjectType("Page", "KNOWLEDGE_HUB"),)},
]


@pytest.mark.parametrize("edited", SETTINGS)
def test_a_template_with_other_settings_is_told_apart(edited: dict[str, object]) -> None:
    assert a_template(**edited).settings_digest != a_template().settings_digest


@pytest.mark.parametrize("edited", SETTINGS)
def test_settings_make_no_other_content(edited: dict[str, object]) -> None:
    assert a_template(**edited).digest == a_template().digest


def test_the_same_template_has_the_same_digests() -> None:
    assert a_template().digest == a_template().digest
    assert a_template().settings_digest == a_template().settings_digest
