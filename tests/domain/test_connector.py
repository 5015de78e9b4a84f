"""Connectors: names that never meet, and the seed's settings for each stage."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.connector import (
    Authentication,
    AuthType,
    DatasourceConfig,
    Filters,
    Readers,
    SyncSchedule,
    accepted,
    connector_name,
    dataset_at,
    datasource_name,
    home_of,
)
from domain.journey import CODE_PATTERN, ClientId, JourneyStage
from domain.template import DATASET_TYPE_PATTERN, ObjectType
from tests.domain.driving import (
    provisioning,
)
from tests.domain.making import (
    DATASET_ID,
    a_connector,
    a_connector_place,
    a_place,
    a_template,
)

SANDBOX, PILOT, PRODUCTION = JourneyStage

Codes = st.from_regex(CODE_PATTERN, fullmatch=True)
Words = st.lists(st.sampled_from(["ACME", "sandbox", "pilot", "github", "x"]), min_size=1)
Types = st.from_regex(DATASET_TYPE_PATTERN, fullmatch=True)
Places = st.tuples(
    st.one_of(Codes, Words.map("-".join)),
    st.sampled_from(JourneyStage),
    st.one_of(Types, st.sampled_from(["sandbox", "pilot", "github", "x"])),
)

# --- names ---------------------------------------------------------------------------------------


@pytest.mark.requirement("R46")
@pytest.mark.parametrize(
    ("stage", "dataset_type", "name"),
    [
        (SANDBOX, "confluence", "ACME-sandbox-confluence"),
        (PILOT, "github", "ACME-pilot-github"),
        (PRODUCTION, "salesforce", "ACME-production-salesforce"),
    ],
)
def test_the_seeds_examples_are_named_as_it_names_them(
    stage: JourneyStage, dataset_type: str, name: str
) -> None:
    assert connector_name("ACME", stage, dataset_type) == name


@given(Places)
def test_connector_naming_can_be_taken_apart_again(place: tuple[str, JourneyStage, str]) -> None:
    code, stage, dataset_type = place

    name = connector_name(code, stage, dataset_type)

    assert name.rsplit("-", 2) == [code, stage.value, dataset_type]


@pytest.mark.requirement("R69")
@given(Places, Places)
def test_connector_naming_gives_no_two_places_one_name(
    one: tuple[str, JourneyStage, str], other: tuple[str, JourneyStage, str]
) -> None:
    assert (connector_name(*one) == connector_name(*other)) == (one == other)


def test_a_code_with_hyphens_does_not_run_into_the_stage() -> None:
    one = connector_name("ACME-sandbox", PILOT, "github")
    other = connector_name("ACME", SANDBOX, "github")

    assert one != other


def test_a_place_knows_its_connectors_name_before_there_is_one() -> None:
    assert a_place().connector_name == "ACME-sandbox-confluence"


@given(Codes, st.sampled_from(JourneyStage), Types)
def test_a_datasource_is_named_in_the_search_engines_letters(
    code: str, stage: JourneyStage, dataset_type: str
) -> None:
    place = a_connector_place(client_code=code, stage=stage, dataset_type=dataset_type)

    name = datasource_name(place)

    assert name.isalnum()
    assert name == name.lower()
    assert len(name) <= 40


def test_a_datasources_name_can_be_read() -> None:
    assert datasource_name(a_connector_place()).startswith("acmesandboxconfluence")


@pytest.mark.parametrize(
    "changed",
    [
        {"generation": 2},
        {"stage": PILOT},
        {"dataset_type": "github"},
        {"client_id": ClientId(UUID(int=8))},
        {"tenant": "globex"},
    ],
)
def test_every_other_place_has_its_own_datasource(changed: dict[str, object]) -> None:
    assert datasource_name(a_connector_place(**changed)) != datasource_name(a_connector_place())


def test_a_datasource_of_the_default_tenant_keeps_its_name() -> None:
    assert datasource_name(a_connector_place()) == "acmesandboxconfluence06f49966"


@pytest.mark.requirement("R47")
def test_tenants_who_know_a_client_by_the_same_id_have_their_own_connectors() -> None:
    one = provisioning(tenant="globex")
    other = provisioning(tenant="initech")

    connectors = [each.connector for each in (one, other) if each.connector]

    assert len({each.datasource for each in connectors}) == 2
    assert len({each.connector_id for each in connectors}) == 2


def test_codes_that_look_alike_without_their_hyphens_have_their_own_datasources() -> None:
    one = a_connector_place(client_id=ClientId(UUID(int=1)), client_code="AC-ME")
    other = a_connector_place(client_id=ClientId(UUID(int=2)), client_code="ACM-E")

    assert datasource_name(one) != datasource_name(other)


@pytest.mark.requirement("R47")
def test_each_datasource_and_each_generation_has_a_connector_id_of_its_own() -> None:
    connectors = [
        a_connector(generation=generation, dataset_type=dataset_type)
        for generation in (1, 2)
        for dataset_type in ("confluence", "github")
    ]

    assert len({each.connector_id for each in connectors}) == 4
    assert len({each.datasource for each in connectors}) == 4


def test_the_same_place_has_the_same_connector_again() -> None:
    assert a_connector() == a_connector()


# --- configuration -------------------------------------------------------------------------------


@pytest.mark.requirement("R47", "R48")
def test_a_connector_is_configured_from_its_place_and_its_template() -> None:
    template = a_template(
        datasource_url="https://confluence.example.com",
        crawl_settings={"page_size": 100},
        include_patterns=("docs/*",),
        exclude_patterns=("docs/old/*",),
        max_documents=400,
        object_types=(ObjectType("Page", "KNOWLEDGE_HUB"),),
    )

    connector = a_connector(template)

    assert isinstance(connector.connector_id, UUID)
    assert connector.connector_name == "ACME-sandbox-confluence"
    assert connector.status == "created"
    assert connector.category == "KNOWLEDGE_HUB"
    assert connector.object_types == (ObjectType("Page", "KNOWLEDGE_HUB"),)
    assert connector.filters == Filters(("docs/*",), ("docs/old/*",), 400)
    assert connector.datasource_config == DatasourceConfig(
        "confluence", "https://confluence.example.com", {"page_size": 100}, SyncSchedule.MANUAL
    )


def test_a_connector_carries_the_mark_of_its_dataset() -> None:
    connector = a_connector()

    assert connector.home_url == f"https://dataops.example/datasets/{DATASET_ID}"
    assert connector.url_prefix == f"https://dataops.example/datasets/{DATASET_ID}/records/"


@pytest.mark.requirement("R51")
@pytest.mark.parametrize(
    ("stage", "authentication"),
    [
        (SANDBOX, Authentication(AuthType.NONE)),
        (PILOT, Authentication(AuthType.OAUTH2, "pilot_creds")),
        (PRODUCTION, Authentication(AuthType.OAUTH2, "prod_creds")),
    ],
)
def test_each_stage_authenticates_as_the_seed_says(
    stage: JourneyStage, authentication: Authentication
) -> None:
    assert a_connector(stage=stage).authentication == authentication


@pytest.mark.requirement("R52")
@pytest.mark.parametrize(
    ("stage", "schedule"), [(SANDBOX, "manual"), (PILOT, "hourly"), (PRODUCTION, "every_15_min")]
)
def test_each_stage_syncs_as_often_as_the_seed_says(stage: JourneyStage, schedule: str) -> None:
    assert a_connector(stage=stage).datasource_config.sync_schedule == schedule


@pytest.mark.requirement("R50")
@pytest.mark.parametrize(
    ("stage", "readers"),
    [
        (SANDBOX, Readers.TEST_GROUP),
        (PILOT, Readers.LISTED),
        (PRODUCTION, Readers.SOURCE_ACLS),
    ],
)
def test_each_stage_has_its_own_readers(stage: JourneyStage, readers: Readers) -> None:
    assert a_connector(stage=stage).permissions is readers


@pytest.mark.requirement("R50")
@pytest.mark.parametrize(("stage", "test"), [(SANDBOX, True), (PILOT, True), (PRODUCTION, False)])
def test_everything_before_production_is_a_test_datasource(stage: JourneyStage, test: bool) -> None:
    assert a_connector(stage=stage).is_test is test


@pytest.mark.parametrize(
    ("dataset_type", "category"),
    [
        ("github", "CODE_REPOSITORY"),
        ("zendesk", "TICKETS"),
        ("salesforce", "CRM"),
        ("confluence", "KNOWLEDGE_HUB"),
        ("anythingelse", "KNOWLEDGE_HUB"),
    ],
)
def test_each_type_has_its_category(dataset_type: str, category: str) -> None:
    assert a_connector(dataset_type=dataset_type).category == category


def test_a_template_without_object_types_holds_documents() -> None:
    assert a_connector().object_types == (ObjectType("Document", "KNOWLEDGE_HUB"),)


def test_a_dataset_configures_its_connector_for_its_own_place() -> None:
    dataset = provisioning(generation=3)

    assert dataset.connector == a_connector(generation=3)


# --- filters -------------------------------------------------------------------------------------

RECORDS = [
    {"id": "one", "path": "docs/one.md"},
    {"id": "two", "path": "docs/old/two.md"},
    {"id": "three", "path": "src/three.py"},
    {"id": "docs4"},
]


def kept(filters: Filters) -> list[str]:
    return [each["id"] for each in accepted(filters, RECORDS)]


def test_without_patterns_everything_is_taken() -> None:
    assert kept(Filters()) == ["one", "two", "three", "docs4"]


@pytest.mark.requirement("R49")
def test_a_pattern_is_matched_against_the_path_or_else_the_id() -> None:
    assert kept(Filters(include_patterns=("docs*",))) == ["one", "two", "docs4"]


@pytest.mark.requirement("R49")
def test_exclusion_wins_over_inclusion() -> None:
    assert kept(Filters(("docs/*",), ("docs/old/*",))) == ["one"]


def test_patterns_mind_the_case() -> None:
    assert kept(Filters(("DOCS*",))) == []


@pytest.mark.requirement("R49")
def test_no_more_documents_are_taken_than_the_limit() -> None:
    assert kept(Filters(max_documents=2)) == ["one", "two"]


def test_the_limit_is_over_all_pages() -> None:
    filters = Filters(max_documents=6)

    assert accepted(filters, RECORDS, before=4) == RECORDS[:2]
    assert accepted(filters, RECORDS, before=6) == []


@given(st.uuids())
def test_a_mark_tells_its_dataset_to_whoever_set_it(dataset_id: UUID) -> None:
    assert dataset_at(
        home_of("https://dataops.example", dataset_id), "https://dataops.example"
    ) == (dataset_id)


@pytest.mark.parametrize(
    "home",
    [
        "",
        "https://wiki.example.org",
        f"https://other.example/datasets/{DATASET_ID}",
        f"https://dataops.example/datasets/{DATASET_ID}/records",
        f"https://dataops.example/datasets/{str(DATASET_ID).upper()}X",
        f"https://dataops.example/datasets/{{{DATASET_ID}}}",
    ],
)
def test_another_mark_tells_of_no_dataset(home: str) -> None:
    assert dataset_at(home, "https://dataops.example") is None
