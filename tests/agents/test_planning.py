"""Plans: what a digest binds, and what is refused before any row is written."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from agents.discovery import Templates
from agents.planning import MOST_TYPES, Plan, Planner, require_plannable
from domain.commands import Principal, ProvisionDatasets
from domain.errors import Conflict, InvalidInput, RequestRejected
from domain.journey import JourneyStage
from domain.state import Wish
from domain.template import DatasetTemplate
from tests.builders import TENANT, a_journey, a_template, sample_queries
from tests.registry.databases import House, a_fresh_file, open_house
from tests.running import ACME, JIRA, SMALL, running, tokens_file

if TYPE_CHECKING:
    from domain.ports import MockData

ADA = Principal(TENANT, "ada")

WANTED = ProvisionDatasets(
    "journey-acme-2026", "acme-healthcare", JourneyStage.SANDBOX, ("confluence",)
)


@pytest.mark.parametrize(
    "types",
    [(), ("Jira",), ("a b",), ("jira", "jira"), tuple(f"t{n}" for n in range(MOST_TYPES + 1))],
)
def test_types_that_cannot_be_made_are_named_as_a_field(types: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput) as refused:
        require_plannable(replace(WANTED, dataset_types=types))

    assert [each.field for each in refused.value.errors] == ["dataset_types"]


@pytest.mark.parametrize(
    ("stage", "source"), [("pilot", "sanitized data"), ("production", "production data")]
)
def test_a_stage_without_a_source_is_refused(stage: str, source: str) -> None:
    with pytest.raises(RequestRejected, match=source):
        require_plannable(replace(WANTED, stage=JourneyStage(stage)))


def test_a_sandbox_request_is_plannable() -> None:
    require_plannable(WANTED)


def test_a_plan_with_another_entry_has_another_digest() -> None:
    plan = Plan(a_journey(), ({"record_count": 10},))

    other = Plan(a_journey(), ({"record_count": 11},))

    assert plan.digest != other.digest
    assert plan.digest == Plan(a_journey(), ({"record_count": 10},)).digest


# --- what a digest binds -------------------------------------------------------------------------


class Shelf:
    """A supplier that has one template on its shelf."""

    def __init__(self, template: DatasetTemplate) -> None:
        self._template = template

    async def catalogue(self) -> Sequence[DatasetTemplate]:
        return [self._template]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(a_fresh_file(tmp_path)) as opened:
        yield opened


def planner(house: House, **edited: Any) -> Planner:
    shelf = Shelf(replace(a_template(), **edited))
    return Planner(Templates(cast("MockData", shelf)), house.registry)


async def test_a_plan_says_what_is_wished_for(house: House) -> None:
    wished = replace(WANTED, wish=Wish(20, "2026", strict=True, lifetime=timedelta(hours=2)))

    (entry,) = (await planner(house).plan(wished, a_journey(), ADA)).entries

    assert entry["record_count"] == 20
    assert (entry["seed"], entry["strict"], entry["lifetime_seconds"]) == ("2026", True, 7200)


@pytest.mark.parametrize(
    "wish", [Wish(seed="another"), Wish(strict=True), Wish(lifetime=timedelta(hours=2))]
)
async def test_another_wish_is_another_plan(house: House, wish: Wish) -> None:
    plan = await planner(house).plan(WANTED, a_journey(), ADA)
    quoting = replace(WANTED, wish=wish, plan_digest=plan.digest)

    with pytest.raises(Conflict, match="is stale"):
        await planner(house).require_fresh(quoting, a_journey(), ADA)


@pytest.mark.parametrize(
    "edited",
    [
        {"quality_expectations": {"completeness": 0.99}},
        {"exclude_patterns": ("attic/*",)},
        {"max_documents": 7},
        {"topics": ("something else",)},
    ],
)
async def test_a_template_edited_anywhere_makes_the_plan_stale(
    house: House, edited: dict[str, Any]
) -> None:
    plan = await planner(house).plan(WANTED, a_journey(), ADA)
    quoting = replace(WANTED, plan_digest=plan.digest)

    with pytest.raises(Conflict, match="is stale"):
        await planner(house, **edited).require_fresh(quoting, a_journey(), ADA)


async def test_a_plan_of_the_same_is_the_same(house: House) -> None:
    plan = await planner(house).plan(WANTED, a_journey(), ADA)
    quoting = replace(WANTED, plan_digest=plan.digest)

    await planner(house).require_fresh(quoting, a_journey(), ADA)


async def test_a_template_that_could_never_pass_its_gate_is_refused_before_any_row(
    house: House,
) -> None:
    greedy = planner(
        house,
        quality_expectations={"sample_queries": {"query_count": 20}},
        sample_queries=tuple(sample_queries(10)),
    )

    with pytest.raises(RequestRejected, match="has 10 different sample queries") as refused:
        await greedy.require_makeable(WANTED, a_journey(), ADA)

    assert not isinstance(refused.value, InvalidInput)


async def test_a_connector_is_shown_under_the_name_its_tenant_would_get(tmp_path: Path) -> None:
    tokens = tokens_file(tmp_path, bobs="globex bob")
    async with running(tmp_path, auth_tokens=tokens) as service:
        line = await service.line_of("bobs")
        wanted = {"client_id": ACME["client_id"], "stage": "sandbox", "dataset_type": "jira"}
        made = await line.call("lifecycle-coordinator", SMALL)
        down = {"skill": "teardown-dataset", "dataset_id": JIRA, "force": True}
        await line.call("data-teardown", down)

        heard = await line.call("dataset-provisioning", {"skill": "configure-connector", **wanted})
        successor = await line.call("lifecycle-coordinator", SMALL)

        assert heard.data["datasource"] == successor.dataset["datasource"]
        assert heard.data["datasource"] != made.dataset["datasource"]
