"""The discovery agent: the best template of whatever supplier there is."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agents.discovery import Templates
from domain.errors import NotFound
from domain.template import MatchLevel, TemplateRequest
from domain.work import AgentName, FailureKind, OrderFailed, TemplateFound
from gateways.local.mock_data import create_app as create_supplier
from gateways.mock_data import MockDataClient
from tests.agents.scene import Scene, acme, always, is_a, order_of, refused, unavailable
from tests.contracts.test_mock_data import create_seed_supplier
from tests.domain.driving import (
    a_dataset,
)
from tests.domain.making import (
    a_client,
)
from tests.gateways.foreign import Said, Scripted, Time, calling, page, said

KEY = "healthcare_developer_productivity_confluence"


def templates() -> Templates:
    return Templates(MockDataClient(calling(create_supplier()), Time().timing))


@pytest.mark.requirement("R80", "R85")
async def test_the_scenarios_template_is_found(scene: Scene) -> None:
    outcome = is_a(TemplateFound, await scene.answer(acme()))

    assert outcome.selection.template.key == KEY
    assert outcome.selection.level is MatchLevel.EXACT
    assert outcome.key == order_of(acme(), scene).key


@pytest.mark.requirement("R76")
async def test_a_client_no_template_is_made_for_gets_the_nearest_with_every_hop(
    scene: Scene,
) -> None:
    stranger = a_client(industry="forestry", use_case="beekeeping")

    outcome = is_a(TemplateFound, await scene.answer(a_dataset(client=stranger)))

    assert outcome.selection.level is MatchLevel.TYPE
    assert [each.level for each in outcome.selection.hops] == [
        MatchLevel.EXACT,
        MatchLevel.INDUSTRY,
        MatchLevel.USE_CASE,
        MatchLevel.TYPE,
    ]


@pytest.mark.requirement("R76")
async def test_a_type_nobody_has_is_refused_with_what_there_is(scene: Scene) -> None:
    outcome = await scene.answer(acme("carrierpigeon"))

    assert "Nearest in the catalogue" in refused(outcome)


@pytest.mark.requirement("R37")
async def test_a_supplier_without_a_catalogue_is_asked_for_the_pair(scene: Scene) -> None:
    scene.meet(create_seed_supplier())

    outcome = is_a(TemplateFound, await scene.answer(acme()))

    assert outcome.selection.template.key == KEY


async def test_a_supplier_that_is_down_may_answer_later(scene: Scene) -> None:
    scene.meet(always(Said(503)))

    assert "mock-data supplier" in unavailable(await scene.answer(acme()))


async def test_a_supplier_that_asks_for_patience_is_given_it(scene: Scene) -> None:
    scene.meet(always(said({}, status=429, retry_after="20")))

    outcome = is_a(OrderFailed, await scene.answer(acme()))

    assert outcome.failure is FailureKind.UNAVAILABLE
    assert outcome.retry_after == timedelta(seconds=20)


@pytest.mark.parametrize("answer", [page(), said({"templates": 7}), said("nonsense")])
async def test_a_supplier_that_breaks_its_contract_is_refused(scene: Scene, answer: Said) -> None:
    scene.meet(Scripted(answer))

    assert refused(await scene.answer(acme()))


async def test_another_agents_order_is_refused(scene: Scene) -> None:
    dataset = acme()
    await scene.advance(dataset)

    outcome = await scene.perform(order_of(dataset, scene), AgentName.DISCOVERY)

    assert "provision_dataset" in refused(outcome)
    assert "was sent to dataset-discovery" in refused(outcome)


# --- the templates themselves --------------------------------------------------------------------


async def test_all_templates_are_listed_by_key() -> None:
    keys = [each.key for each in await templates().all("default")]

    assert KEY in keys
    assert keys == sorted(keys)


async def test_a_template_is_known_by_its_key_and_by_its_id() -> None:
    by_key = await templates().template("default", KEY)
    by_id = await templates().template("default", str(by_key.template_id))

    assert by_id == by_key


async def test_an_unknown_template_is_answered_with_the_known_ones() -> None:
    with pytest.raises(NotFound, match=f"There is no template 'nothing'. Known: .*{KEY}"):
        await templates().template("default", "nothing")


async def test_an_empty_catalogue_is_told() -> None:
    empty = Templates(MockDataClient(calling(always(said([]))), Time().timing))

    with pytest.raises(NotFound, match="Known: none"):
        await empty.template("default", KEY)


async def test_a_preview_shows_the_first_of_the_suppliers_sample() -> None:
    shown = await templates().preview("default", KEY, 3)

    assert len(shown) == 3
    assert all(each["title"] for each in shown)


async def test_a_preview_of_an_unknown_template_is_refused() -> None:
    with pytest.raises(NotFound):
        await templates().preview("default", "nothing", 3)


@pytest.mark.requirement("R40")
async def test_a_wish_is_searched_for_without_an_order() -> None:
    wanted = TemplateRequest("healthcare", "developer_productivity", "github")

    selection = await templates().select("default", wanted)

    assert selection.template.key == "healthcare_developer_productivity_github"
