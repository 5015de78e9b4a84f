"""Every connectors adapter: create, fill, find, hide, empty; each of it twice as well as once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.errors import ConnectorNameTaken
from gateways.glean import PUBLISHED_LIMITS
from tests.gateways.foreign import Glean, a_connector, a_record, an_upload, records

TENANTS = {
    "glean": {},
    "glean that prefixes names": {"custom_prefix": True},
    "glean that takes its time": {"indexing_delay": timedelta(seconds=20)},
    "glean within its published limits": {"published_limits": True, "limits": PUBLISHED_LIMITS},
}


@pytest.fixture(params=sorted(TENANTS))
def glean(request: pytest.FixtureRequest) -> Glean:
    return Glean(**TENANTS[request.param])  # type: ignore[arg-type]  # a table of keyword arguments


async def filled(glean: Glean, count: int) -> None:
    connector = a_connector()
    await glean.provision(connector, count)
    deadline = glean.time.now + timedelta(minutes=10)
    await glean.connectors.settle(connector, count, deadline)


@pytest.mark.requirement("R7")
async def test_what_is_uploaded_can_be_counted_and_found(glean: Glean) -> None:
    await filled(glean, 320)

    found = await glean.connectors.search(a_connector(), "Infusion pump procedure number 211")

    assert found.record_ids[0] == "page0211"
    assert await glean.connectors.indexed(a_connector()) == 320


@pytest.mark.requirement("R85")
async def test_creating_twice_is_as_creating_once(glean: Glean) -> None:
    await filled(glean, 20)

    await glean.connectors.create(a_connector())

    assert await glean.connectors.indexed(a_connector()) == 20


async def test_uploading_twice_is_as_uploading_once(glean: Glean) -> None:
    await filled(glean, 120)

    await glean.connectors.upload(an_upload(a_connector(), records(120), "upload-2"))

    deadline = glean.time.now + timedelta(minutes=10)
    assert await glean.connectors.settle(a_connector(), 120, deadline) == 120


@pytest.mark.parametrize("ids", ["page{:04d}", "other{:04d}"])
async def test_an_upload_of_equal_size_is_settled_when_its_own_content_can_be_found(
    glean: Glean, ids: str
) -> None:
    await filled(glean, 120)
    renewed = [a_record(n, id=ids.format(n), title=f"Dosing guide part {n}") for n in range(120)]
    await glean.connectors.upload(an_upload(a_connector(), renewed, "upload-2"))

    await glean.connectors.settle(a_connector(), 120, glean.time.now + timedelta(minutes=10))

    found = await glean.connectors.search(a_connector(), "Dosing guide part 7")
    assert found.record_ids[0] == ids.format(7)
    assert (await glean.connectors.search(a_connector(), "Infusion")).record_ids == ()


async def test_a_name_without_our_mark_is_taken(glean: Glean) -> None:
    await glean.declare(a_connector())

    with pytest.raises(ConnectorNameTaken):
        await glean.connectors.create(a_connector())


async def test_a_filled_connector_is_healthy(glean: Glean) -> None:
    await filled(glean, 20)

    probe = await glean.connectors.probe(a_connector(), thorough=True)

    assert (probe.connected, probe.authenticated) == (True, True)


async def test_a_connector_that_was_never_created_is_a_probe_and_no_error(glean: Glean) -> None:
    probe = await glean.connectors.probe(a_connector(), thorough=True)

    assert not probe.connected
    assert probe.message


@pytest.mark.requirement("R20")
async def test_hidden_documents_go_and_come_back(glean: Glean) -> None:
    await filled(glean, 120)

    await glean.connectors.hide(a_connector())
    hidden = await glean.connectors.search(a_connector(), "pump")
    await glean.connectors.unhide(a_connector())
    shown = await glean.connectors.search(a_connector(), "pump")

    assert (len(hidden.record_ids), len(shown.record_ids)) == (0, 10)


async def test_an_emptied_connector_holds_nothing(glean: Glean) -> None:
    await filled(glean, 120)

    await glean.connectors.empty(a_connector())

    deadline = glean.time.now + timedelta(minutes=10)
    assert await glean.connectors.settle(a_connector(), 0, deadline) == 0


async def test_nothing_is_emptied_without_our_mark(glean: Glean) -> None:
    await filled(glean, 20)
    await glean.declare(a_connector())

    await glean.connectors.empty(a_connector())

    assert await glean.connectors.indexed(a_connector()) == 20


async def test_what_never_existed_is_hidden_shown_and_emptied_with_success(glean: Glean) -> None:
    connectors = glean.connectors

    told = [
        await connectors.hide(a_connector()),
        await connectors.unhide(a_connector()),
        await connectors.empty(a_connector()),
    ]

    assert all(told)
