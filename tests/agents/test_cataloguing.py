"""Cataloguing over real parts: what a scan keeps, when it ends, and whose datasources it sees."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from agents.cataloguing import Cataloguer, Scannable
from agents.discovery import Templates
from domain.commands import Principal
from domain.errors import NotFound, RequestRejected
from domain.findings import ScanLimits
from domain.lifecycle import DatasetStatus
from gateways.folders import DiscoveryFolders
from gateways.local.mock_data import create_app
from gateways.mock_data import MockDataClient
from registry.catalogue import SqlCatalogue
from tests.builders import TENANT, a_dataset, a_dataset_in
from tests.gateways.foreign import Glean, Time, a_connector, calling
from tests.registry.databases import ME, OTHERS, House, a_fresh_file, open_house


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(a_fresh_file(tmp_path)) as opened:
        yield opened


def cataloguer(
    house: House,
    root: Path | None = None,
    glean: Glean | None = None,
    supplier: MockDataClient | None = None,
    monotonic: Callable[[], float] = lambda: 0.0,
    **limits: Any,
) -> Cataloguer:
    tenant = glean or Glean()
    supplier = supplier or MockDataClient(calling(create_app()), tenant.time.timing)
    sources = Scannable(
        house.registry, tenant.connectors, DiscoveryFolders(root), Templates(supplier)
    )
    catalogue, clock = SqlCatalogue(house.database), house.hands.tell
    return Cataloguer(
        sources,
        catalogue,
        clock,
        house.database.ids,
        ScanLimits(**limits),
        monotonic=monotonic,
    )


def export(folder: Path, count: int) -> Path:
    (folder / "acme").mkdir(exist_ok=True)
    lines = (f'{{"id": "r{number}", "n": {number}}}\n' for number in range(count))
    (folder / "acme" / "jira.jsonl").write_text("".join(lines))
    return folder


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ({"records": 250}, "250 records"),
        ({"size_bytes": 1000}, "1000 bytes"),
        ({"seconds": 3.0}, "3 seconds"),
    ],
)
async def test_a_scan_ends_at_its_limit_keeps_what_it_has_and_says_so(
    house: House, tmp_path: Path, limits: dict[str, Any], told: str
) -> None:
    a_second_a_page = map(float, itertools.count())
    desk = cataloguer(
        house, export(tmp_path, 2000), monotonic=lambda: next(a_second_a_page), **limits
    )

    found = await desk.discover(ME, "folder:acme")

    assert found["scan"]["stopped_by"] == told
    assert 0 < found["record_count"] <= 250


async def test_a_scan_without_any_time_keeps_nothing(house: House, tmp_path: Path) -> None:
    with pytest.raises(RequestRejected, match="not one record"):
        await cataloguer(house, export(tmp_path, 3), seconds=0.0).discover(ME, "folder:acme")


async def test_a_scan_within_its_limits_sees_everything(house: House, tmp_path: Path) -> None:
    found = await cataloguer(house, export(tmp_path, 2000)).discover(ME, "folder:acme")

    assert found["scan"]["stopped_by"] is None
    assert found["record_count"] == 2000
    number = next(each for each in found["types"][0]["fields"] if each["path"] == "n")
    assert (number.get("least"), number.get("most"), number["is_distinct_exact"]) == (
        0.0,
        1999.0,
        False,
    )


async def test_who_discovered_what_and_when_is_kept(house: House, tmp_path: Path) -> None:
    desk = cataloguer(house, export(tmp_path, 3))

    found = await desk.discover(ME, "folder:acme")

    (kept,) = (await desk.discoveries(ME, None, 10))["discoveries"]
    shown = await desk.discovery(ME, UUID(found["discovery_id"]))
    assert (kept["source"], kept["discovered_by"]) == ("folder:acme", ME.subject)
    assert kept["discovered_at"] == house.hands.now.isoformat()
    assert shown["types"] == found["types"]
    assert shown["scan"] == found["scan"]


async def test_two_discoveries_may_be_compared_in_either_order(
    house: House, tmp_path: Path
) -> None:
    desk = cataloguer(house, export(tmp_path, 3))
    first = UUID((await desk.discover(ME, "folder:acme"))["discovery_id"])
    house.hands.move(hours=1)
    (tmp_path / "acme" / "jira.jsonl").write_text('{"id": "r1", "m": 1}\n')
    second = UUID((await desk.discover(ME, "folder:acme"))["discovery_id"])

    forward = await desk.difference(ME, second, None)
    backward = await desk.difference(ME, first, second)

    assert forward["since"] == str(first)
    assert {(each["path"], each["change"]) for each in forward["changes"]} == {
        ("m", "added"),
        ("n", "removed"),
    }
    assert {(each["path"], each["change"]) for each in backward["changes"]} == {
        ("m", "removed"),
        ("n", "added"),
    }


async def a_foreign_datasource(glean: Glean) -> str:
    """Lay a datasource that no dataset of ours fills, and let the test user see it."""
    connector = a_connector()
    await glean.declare(connector, urlRegex=".*")
    for number in range(3):
        await glean.index_one(connector, f"https://wiki.example.org/{number}")
    await glean._index(  # noqa: SLF001 - as an administrator would let the test user in
        "betausers",
        {"datasource": connector.datasource, "emails": [glean.connectors._api.act_as]},  # noqa: SLF001
    )
    return connector.datasource


async def test_a_foreign_datasource_is_read_and_nothing_of_it_is_changed(house: House) -> None:
    glean = Glean()
    datasource = await a_foreign_datasource(glean)
    before = len(glean.requests)

    found = await cataloguer(house, glean=glean).discover(ME, f"glean:{datasource}")

    assert found["types"][0]["dataset_type"] == datasource
    written = {"/adddatasource", "/bulkindexdocuments", "/updatepermissions", "/betausers"}
    assert written.isdisjoint(glean.paths()[before:])


async def test_a_foreign_datasource_that_says_of_nobody_whose_it_is_is_the_default_tenants_alone(
    house: House,
) -> None:
    glean = Glean()
    datasource = await a_foreign_datasource(glean)
    before = len(glean.bodies("/search"))

    with pytest.raises(NotFound, match="that you may look through"):
        await cataloguer(house, glean=glean).discover(OTHERS, f"glean:{datasource}")

    assert len(glean.bodies("/search")) == before


async def test_the_supplier_is_asked_once_for_the_template_whose_samples_are_looked_through(
    house: House,
) -> None:
    asked: list[str] = []
    client = calling(create_app())

    async def note(request: httpx.Request) -> None:
        asked.append(request.url.path)

    client.event_hooks["request"].append(note)
    supplier = MockDataClient(client, Time().timing)

    found = await cataloguer(house, supplier=supplier).discover(ME, "samples:generic_jira")

    assert found["drafts"][0]["dataset_type"] == "jira"
    assert asked == ["/templates", "/mock-data/generic_jira"]


async def test_a_datasource_of_another_tenants_dataset_is_not_there(house: House) -> None:
    theirs = a_dataset_in(DatasetStatus.READY, a_dataset(tenant=OTHERS.tenant))
    await house.keep(theirs, OTHERS)
    glean, connector = Glean(), theirs.connector
    assert connector is not None
    await glean.provision(connector, 3)
    desk = cataloguer(house, glean=glean)

    with pytest.raises(NotFound, match="that you may look through") as refused:
        await desk.discover(ME, f"glean:{connector.datasource}")
    found = await desk.discover(OTHERS, f"glean:{connector.datasource}")

    assert str(theirs.place.dataset_id) not in str(refused.value)
    assert found["types"][0]["dataset_type"] == "confluence"


async def test_a_dataset_without_a_connector_has_nothing_to_look_through(house: House) -> None:
    await house.keep(a_dataset())

    with pytest.raises(NotFound, match="has no connector yet"):
        await cataloguer(house).discover(ME, "glean:ACME-sandbox-confluence")


async def test_a_discovery_that_is_not_there_is_not_found(house: House) -> None:
    with pytest.raises(NotFound, match="There is no discovery"):
        await cataloguer(house).difference(Principal(TENANT, "ada"), UUID(int=5), None)
