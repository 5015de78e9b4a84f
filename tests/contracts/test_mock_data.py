"""Every mock-data supplier: templates that are understood, records that come out the same."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from domain.errors import NotFound
from domain.ports import MockData
from domain.recipe import Recipe
from domain.record import Record
from domain.template import DatasetTemplate
from gateways.local.mock_data import create_app
from gateways.mock_data import MockDataClient
from tests.gateways.foreign import Time, calling

KEY = "healthcare_developer_productivity_confluence"


def create_seed_supplier() -> Starlette:
    """The seed's three calls and nothing else: one template, no catalogue, no pages."""
    template = {
        "template_id": KEY,
        "name": "Healthcare pages",
        "industry": "healthcare",
        "use_case": "developer_productivity",
        "dataset_type": "confluence",
        "schema": {"type": "object"},
        "record_count_range": {"min": 300, "max": 2000},
    }

    def some(count: int, seed: int) -> list[dict[str, str]]:
        return [{"id": f"r{seed}n{number}", "title": f"Page {number}"} for number in range(count)]

    async def templates(request: Request) -> Response:
        known = request.path_params["industry"] == "healthcare"
        return JSONResponse(template if known else [])

    async def sample(request: Request) -> Response:
        known = request.path_params["template_id"] == KEY
        return JSONResponse(some(5, 0)) if known else Response(status_code=404)

    async def generate(request: Request) -> Response:
        asked = json.loads(await request.body())
        if asked["template_id"] != KEY:
            return Response(status_code=404)
        return JSONResponse(some(asked["record_count"], asked["seed"]))

    return Starlette(
        routes=[
            Route("/templates/{industry}/{use_case}", templates),
            Route("/mock-data/{template_id}", sample),
            Route("/generate-mock-data", generate, methods=["POST"]),
        ]
    )


SUPPLIERS: dict[str, Callable[[], ASGIApp]] = {
    "the stand-in": create_app,
    "one with the seed's three calls": create_seed_supplier,
}


@pytest.fixture(params=sorted(SUPPLIERS))
def supplier(request: pytest.FixtureRequest) -> MockData:
    return MockDataClient(calling(SUPPLIERS[request.param]()), Time().timing)


async def the_template(supplier: MockData) -> DatasetTemplate:
    found = await supplier.templates_for("healthcare", "developer_productivity")
    (template,) = (each for each in found if each.key == KEY)
    return template


async def made(supplier: MockData, recipe: Recipe) -> list[Record]:
    return [record async for page in supplier.generate(recipe) for record in page]


async def test_the_catalogue_is_empty_or_by_key(supplier: MockData) -> None:
    keys = [each.key for each in await supplier.catalogue()]

    assert keys == sorted(set(keys))


@pytest.mark.requirement("R5", "R37")
async def test_templates_are_found_by_industry_and_use_case(supplier: MockData) -> None:
    template = await the_template(supplier)

    assert (template.dataset_type, template.record_count_range) == ("confluence", (300, 2000))


async def test_an_industry_without_templates_has_none(supplier: MockData) -> None:
    assert not await supplier.templates_for("farming", "milking")


@pytest.mark.requirement("R5", "R38")
async def test_a_sample_stays_the_same(supplier: MockData) -> None:
    first = await supplier.samples(KEY)

    again = await supplier.samples(KEY)

    assert first == again
    assert first


async def test_a_sample_of_an_unknown_template_is_not_found(supplier: MockData) -> None:
    with pytest.raises(NotFound):
        await supplier.samples("nothing")


@pytest.mark.parametrize("count", [300, 1201])
async def test_records_come_in_pages_of_a_hundred_at_most(supplier: MockData, count: int) -> None:
    recipe = Recipe(await the_template(supplier), seed=7, record_count=count)

    pages = [page async for page in supplier.generate(recipe)]

    assert max(len(page) for page in pages) == 100
    assert len({record["id"] for page in pages for record in page}) == count


@pytest.mark.requirement("R42")
async def test_the_same_recipe_gives_the_same_records(supplier: MockData) -> None:
    recipe = Recipe(await the_template(supplier), seed=7, record_count=600)

    first, again = await made(supplier, recipe), await made(supplier, recipe)

    assert first == again


async def test_another_seed_gives_other_records(supplier: MockData) -> None:
    template = await the_template(supplier)

    one = await made(supplier, Recipe(template, seed=7, record_count=300))
    other = await made(supplier, Recipe(template, seed=8, record_count=300))

    assert one != other
