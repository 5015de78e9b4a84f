"""What is at Glean under our mark: listed by its name, known by its mark, emptied by nobody else's word."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from domain.errors import SupplierLied, SupplierRefused
from domain.orphans import Holding
from domain.search_ports import Estate
from gateways.glean import PUBLISHED_LIMITS, GleanConnectors
from tests.gateways.foreign import (
    Glean,
    Scripted,
    Time,
    a_connector,
    calling,
    said,
    the_credentials,
)

ORIGIN = "https://dataops.example"

TENANTS = {
    "glean": {},
    "glean that prefixes names": {"custom_prefix": True},
    "glean within its published limits": {"published_limits": True, "limits": PUBLISHED_LIMITS},
}


@pytest.fixture(params=sorted(TENANTS))
async def glean(request: pytest.FixtureRequest) -> Glean:
    opened = Glean(**TENANTS[request.param])  # type: ignore[arg-type]  # a table of keyword arguments
    await opened.provision(a_connector(), 3)
    return opened


async def test_the_adapter_of_connectors_is_that_of_the_estate_too(glean: Glean) -> None:
    estate: Estate = glean.connectors

    assert await estate.datasources()


async def test_what_we_declared_is_listed(glean: Glean) -> None:
    assert await glean.connectors.datasources() == [a_connector().datasource]


async def test_what_has_no_name_of_ours_is_not_even_asked_after(glean: Glean) -> None:
    wiki = replace(a_connector(), datasource="wiki")
    await glean.connectors.create(wiki)

    assert await glean.connectors.datasources() == [a_connector().datasource]


async def test_a_holding_tells_its_dataset_and_how_much_there_is(glean: Glean) -> None:
    connector = a_connector()

    held = await glean.connectors.holding(connector.datasource, ORIGIN)

    assert held == Holding(connector.datasource, connector.home_url, UUID(int=1), 3)


@pytest.mark.parametrize("origin", ["https://other.example", ""])
async def test_what_carries_anothers_mark_is_no_holding_of_ours(glean: Glean, origin: str) -> None:
    assert await glean.connectors.holding(a_connector().datasource, origin) is None


async def test_what_is_not_there_is_no_holding(glean: Glean) -> None:
    assert await glean.connectors.holding("nothing00000000", ORIGIN) is None


@pytest.mark.requirement("R84")
async def test_a_cleared_holding_is_empty(glean: Glean) -> None:
    held = await glean.connectors.holding(a_connector().datasource, ORIGIN)
    assert held is not None

    cleared = await glean.connectors.clear(held)

    assert cleared.is_emptied
    assert "deletes every document" in cleared.told
    assert await glean.connectors.indexed(a_connector()) == 0


async def test_a_holding_that_carries_another_mark_by_now_is_left_alone(glean: Glean) -> None:
    held = await glean.connectors.holding(a_connector().datasource, ORIGIN)
    assert held is not None
    await glean.declare(a_connector())

    cleared = await glean.connectors.clear(held)

    assert not cleared.is_emptied
    assert "does not carry our mark" in cleared.told
    assert await glean.connectors.indexed(a_connector()) == 3


async def test_a_listing_that_is_none_is_a_lie() -> None:
    connectors = GleanConnectors(calling(Scripted(said({}))), the_credentials(), Time().timing)

    with pytest.raises(SupplierLied, match="datasources"):
        await connectors.datasources()


async def test_a_listing_needs_the_client_token() -> None:
    glean = Glean()
    glean.faults.fail_next("/search/filters", status=401)

    with pytest.raises(SupplierRefused, match=r"search/filters\) answered 401"):
        await glean.connectors.datasources()
