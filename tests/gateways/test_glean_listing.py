"""Listing a datasource: what a search shows, page by page, and nothing of it is changed."""

from __future__ import annotations

import pytest

from domain.errors import NotFound
from tests.gateways.foreign import Glean, a_connector


async def listed(glean: Glean, datasource: str) -> list[dict[str, object]]:
    return [dict(each) async for page in glean.connectors.documents(datasource) for each in page]


@pytest.mark.requirement("R11")
async def test_every_document_is_listed_as_the_record_it_was() -> None:
    glean, connector = Glean(), a_connector()
    await glean.provision(connector, 230)
    before = len(glean.requests)

    found = await listed(glean, connector.datasource)

    assert len({each["id"] for each in found}) == 230
    first = next(each for each in found if each["id"] == "page0001")
    assert first["title"] == "Infusion pump procedure number 1"
    assert first["object_type"] == "Page"
    assert str(first["created_at"]).startswith("2024-05-01T10:00:00")
    assert [each.url.path for each in glean.requests[before:]] == ["/rest/api/v1/search"] * 3


async def test_a_document_that_is_not_ours_keeps_gleans_own_id() -> None:
    glean, connector = Glean(), a_connector()
    await glean.connectors.create(connector)
    await glean.declare(connector)
    await glean.index_one(connector, "https://wiki.example.org/a")

    (found,) = await listed(glean, connector.datasource)

    assert found["url"] == "https://wiki.example.org/a"
    assert found["id"]


async def test_an_empty_datasource_lists_nothing() -> None:
    glean, connector = Glean(), a_connector()
    await glean.connectors.create(connector)

    assert await listed(glean, connector.datasource) == []


async def test_a_datasource_has_a_home_page() -> None:
    glean, connector = Glean(), a_connector()
    await glean.connectors.create(connector)

    assert await glean.connectors.home_of(connector.datasource) == connector.home_url


async def test_a_datasource_that_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound, match="Glean has no datasource 'nothing'"):
        await Glean().connectors.home_of("nothing")


@pytest.mark.parametrize("name", ["../processalldocuments?", "a/b", "../../secrets#"])
async def test_no_name_of_a_datasource_leads_to_another_path(name: str) -> None:
    glean = Glean()

    with pytest.raises(NotFound):
        await glean.connectors.home_of(name)

    paths = [each.url.raw_path.decode() for each in glean.requests]
    assert {each.count("/") for each in paths if "/debug/" in each} == {6}
    assert all(each.endswith(("/getdatasourceconfig", "/status")) for each in paths)
