"""Plans: what a digest binds, and what is refused before any row is written."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from agents.discovery import Templates
from agents.intake import Intake
from agents.planning import MOST_TYPES, Plan, Planner
from domain.commands import Principal, ProvisionDatasets
from domain.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    RequestRejected,
    SupplierUnavailable,
)
from domain.journey import JourneyStage
from domain.masking import MaskingRule
from domain.state import Wish
from domain.template import DatasetTemplate
from gateways.folder_source import FolderSource
from tests.builders import TENANT, a_journey, a_template, sample_queries
from tests.registry.databases import House, a_fresh_file, open_house
from tests.running import ACME, JIRA, SMALL, running, tokens_file
from tests.sources import write_source

if TYPE_CHECKING:
    from domain.ports import MockData

ADA = Principal(TENANT, "ada")

WANTED = ProvisionDatasets(
    "journey-acme-2026", "acme-healthcare", JourneyStage.SANDBOX, ("confluence",)
)


def require_plannable(command: ProvisionDatasets, intake: Intake | None = None) -> None:
    """Hold a request to what can be told without asking anybody."""
    nobody: Any = None
    Planner(nobody, nobody, intake).require_plannable(command)


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


@pytest.mark.requirement("R13")
@pytest.mark.parametrize(
    ("stage", "secret", "missing"),
    [("pilot", None, "needs a masking key"), ("pilot", "k", None), ("production", None, None)],
)
def test_with_a_source_a_pilot_still_needs_a_key(
    tmp_path: Path, stage: str, secret: str | None, missing: str | None
) -> None:
    wanted = replace(WANTED, stage=JourneyStage(stage))
    intake = an_intake(tmp_path, secret)

    if missing is None:
        require_plannable(wanted, intake)
        return
    with pytest.raises(RequestRejected, match=missing):
        require_plannable(wanted, intake)


def test_a_seed_for_records_that_are_read_is_named_as_a_field(tmp_path: Path) -> None:
    wanted = replace(WANTED, stage=JourneyStage.PILOT, wish=Wish(seed="2026"))

    with pytest.raises(InvalidInput) as refused:
        require_plannable(wanted, an_intake(tmp_path, "k"))

    assert [each.field for each in refused.value.errors] == ["seed"]


def an_intake(root: Path, secret: str | None) -> Intake:
    """An intake with a folder to read from, and a masking secret or none."""
    supplier = cast("MockData", None)
    return Intake(supplier, FolderSource(root), (lambda: secret) if secret else None)


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


def reading_planner(house: House, root: Path) -> Planner:
    shelf = Templates(cast("MockData", Shelf(a_template())))
    return Planner(shelf, house.registry, an_intake(root, "k"))


PILOT = replace(WANTED, stage=JourneyStage.PILOT)


async def test_a_plan_says_where_the_records_come_from_and_how_many_at_most(
    house: House, tmp_path: Path
) -> None:
    write_source(tmp_path, [{"id": "1"}])
    few = replace(PILOT, wish=Wish(record_count=3))

    (all_of_it,) = (await reading_planner(house, tmp_path).plan(PILOT, a_journey(), ADA)).entries
    (some,) = (await reading_planner(house, tmp_path).plan(few, a_journey(), ADA)).entries
    (made_up,) = (await planner(house).plan(WANTED, a_journey(), ADA)).entries

    assert all_of_it["source"] == "sanitized data: acme-healthcare/confluence.jsonl"
    assert (all_of_it["record_count"], some["record_count"]) == (None, 3)
    assert made_up["source"] == "mock data"


async def test_a_count_that_no_source_gives_is_named_as_a_field(
    house: House, tmp_path: Path
) -> None:
    greedy = replace(PILOT, wish=Wish(record_count=1_000_001))

    with pytest.raises(InvalidInput) as refused:
        await reading_planner(house, tmp_path).require_makeable(greedy, a_journey(), ADA)

    assert [each.field for each in refused.value.errors] == ["record_count"]


async def test_what_the_source_holds_nothing_of_is_refused(house: House, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no records of client acme-healthcare"):
        await reading_planner(house, tmp_path).require_readable(PILOT, a_journey(), ADA)


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"dataset_types": ()}, "dataset_types must name"),
        ({"wish": Wish(record_count=1_000_001)}, "1000001"),
        ({}, "no records of client acme-healthcare"),
    ],
)
async def test_what_is_not_possible_is_refused_whatever_it_lacks(
    house: House, tmp_path: Path, changes: dict[str, Any], missing: str
) -> None:
    wanted = replace(PILOT, **changes)

    with pytest.raises(RequestRejected, match=missing):
        await reading_planner(house, tmp_path).require_possible(wanted, a_journey(), ADA)


async def test_a_source_that_refuses_turns_the_request_away(house: House, tmp_path: Path) -> None:
    path = write_source(tmp_path, [{"id": "1"}])
    path.with_suffix(".csv").touch()

    with pytest.raises(RequestRejected, match="has both"):
        await reading_planner(house, tmp_path).require_readable(PILOT, a_journey(), ADA)


async def test_a_source_that_is_away_refuses_nothing(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> str:
        raise SupplierUnavailable("away")

    monkeypatch.setattr(FolderSource, "locate", away)

    await reading_planner(house, tmp_path).require_readable(PILOT, a_journey(), ADA)


async def test_a_sandbox_asks_no_source(house: House, tmp_path: Path) -> None:
    await reading_planner(house, tmp_path).require_readable(WANTED, a_journey(), ADA)


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
        {"masking": {"body": MaskingRule.REDACT}},
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
