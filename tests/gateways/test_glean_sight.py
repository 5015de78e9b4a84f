"""Out of sight and back: every document hidden, none forgotten, and the truth told about it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from domain.errors import SupplierUnavailable
from gateways.glean import GleanConnectors, HiddenDocuments
from gateways.local.glean import FaultKind
from tests.gateways.foreign import (
    Glean,
    Scripted,
    Time,
    a_connector,
    an_upload,
    calling,
    said,
    the_credentials,
)


async def test_hidden_documents_are_found_by_no_search() -> None:
    glean, connector = Glean(), a_connector()
    await glean.provision(connector, 230)

    told = await glean.connectors.hide(connector)

    assert told == "Glean hides 230 of 230 indexed documents from everybody."
    assert (await glean.connectors.search(connector, "pump")).record_ids == ()


async def test_hidden_documents_come_back() -> None:
    glean, connector = Glean(), a_connector()
    await glean.provision(connector, 230)
    await glean.connectors.hide(connector)

    told = await glean.connectors.unhide(connector)

    assert told == "Glean shows all 230 hidden documents again."
    assert len((await glean.connectors.search(connector, "pump")).record_ids) == 10


async def test_hiding_twice_forgets_nothing() -> None:
    glean, connector = Glean(), a_connector()
    await glean.provision(connector, 30)
    await glean.connectors.hide(connector)

    told = await glean.connectors.hide(connector)

    assert told == "Glean hides 30 of 30 indexed documents from everybody."
    assert await glean.connectors.unhide(connector) == "Glean shows all 30 hidden documents again."


async def test_a_restart_between_hiding_and_showing_loses_nothing(tmp_path: Path) -> None:
    glean, connector = Glean(hidden=HiddenDocuments(tmp_path / "hidden")), a_connector()
    await glean.provision(connector, 30)
    await glean.connectors.hide(connector)
    restarted = GleanConnectors(
        glean.client,
        the_credentials(),
        glean.time.timing,
        hidden=HiddenDocuments(tmp_path / "hidden"),
    )

    told = await restarted.unhide(connector)

    assert told == "Glean shows all 30 hidden documents again."
    assert list((tmp_path / "hidden").iterdir()) == []


async def test_what_was_never_hidden_needs_no_showing(tmp_path: Path) -> None:
    glean, connector = Glean(hidden=HiddenDocuments(tmp_path)), a_connector()
    await glean.provision(connector, 3)

    told = await glean.connectors.unhide(connector)

    assert "No document" in told


async def test_a_hiding_that_broke_off_is_finished_by_the_next() -> None:
    glean, connector = Glean(), a_connector()
    await glean.provision(connector, 230)
    glean.faults.fail_next("/visibilityoverrides", status=503, times=4, after=1)
    with pytest.raises(SupplierUnavailable):
        await glean.connectors.hide(connector)

    await glean.connectors.hide(connector)

    assert (await glean.connectors.search(connector, "pump")).record_ids == ()
    assert await glean.connectors.unhide(connector) == "Glean shows all 230 hidden documents again."


async def test_a_lost_answer_to_hiding_is_no_harm() -> None:
    glean, connector = Glean(), a_connector()
    await glean.provision(connector, 30)
    glean.faults.fail_next("/visibilityoverrides", kind=FaultKind.LOST)

    told = await glean.connectors.hide(connector)

    assert told == "Glean hides 30 of 30 indexed documents from everybody."


async def test_documents_that_would_not_be_hidden_are_told_of() -> None:
    connector = a_connector()
    hits = [{"url": "https://x", "document": {"id": name}} for name in ("one", "two", "")]
    app = Scripted(
        said({"name": "x", "homeUrl": connector.home_url}),
        said({"results": [*hits, {"url": "https://y"}], "hasMoreResults": True, "cursor": None}),
        said({"results": [{"success": True}, {"success": False}]}),
        said({"documents": {"counts": {"indexed": [{"count": 3}]}}}),
    )
    connectors = GleanConnectors(calling(app), the_credentials(), Time().timing)

    told = await connectors.hide(connector)

    assert told == (
        "Glean hides 1 of 3 indexed documents from everybody. Some it would not hide: "
        "Glean gave no reason"
    )


async def test_documents_that_would_not_come_back_are_told_of_and_kept_in_mind() -> None:
    glean, connector = Glean(), a_connector()
    await glean.provision(connector, 3)
    await glean.connectors.hide(connector)
    await glean.connectors.upload(an_upload(connector, []))

    told = await glean.connectors.unhide(connector)

    assert "shows 0 of 3 hidden documents again, but not all: there is no such document" in told
    assert "shows 0 of 3" in await glean.connectors.unhide(connector)


async def test_a_cursor_that_leads_nowhere_ends_the_listing() -> None:
    connector = a_connector()
    found = {
        "results": [{"url": "https://x", "document": {"id": "one"}}],
        "hasMoreResults": True,
        "cursor": "again",
    }
    app = Scripted(
        said({"name": "x", "homeUrl": connector.home_url}),
        said(found),
        said(found),
        said({"results": [{"success": True}]}),
        said({"documents": {"counts": {"indexed": [{"count": 1}]}}}),
    )
    connectors = GleanConnectors(calling(app), the_credentials(), Time().timing)

    told = await connectors.hide(connector)

    assert told == "Glean hides 1 of 1 indexed documents from everybody."


async def test_what_is_emptied_needs_no_showing() -> None:
    glean, connector = Glean(), a_connector()
    await glean.provision(connector, 3)
    await glean.connectors.hide(connector)
    await glean.connectors.empty(connector)

    told = await glean.connectors.unhide(connector)

    assert "No document" in told


async def test_what_is_not_there_is_neither_hidden_nor_shown() -> None:
    connectors = Glean().connectors

    told = [await connectors.hide(a_connector()), await connectors.unhide(a_connector())]

    assert all("there was nothing to do" in each for each in told)


async def test_what_is_not_ours_is_neither_hidden_nor_shown() -> None:
    glean, connector = Glean(), a_connector()
    await glean.provision(connector, 30)
    await glean.declare(connector)

    told = [await glean.connectors.hide(connector), await glean.connectors.unhide(connector)]

    assert all("left alone" in each for each in told)
    assert "/governance/documents/visibilityoverrides" not in glean.paths()


async def test_a_list_that_cannot_be_kept_hides_nothing(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where the folder should be")
    glean, connector = Glean(hidden=HiddenDocuments(tmp_path / "taken")), a_connector()
    await glean.provision(connector, 3)

    with pytest.raises(SupplierUnavailable, match="cannot be used"):
        await glean.connectors.hide(connector)

    assert len((await glean.connectors.search(connector, "pump")).record_ids) == 3


async def test_a_place_where_no_folder_can_be_made_hides_nothing_either(tmp_path: Path) -> None:
    hidden = HiddenDocuments(tmp_path / "hidden")
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "acme.new").mkdir()

    with pytest.raises(SupplierUnavailable, match="Check the folder"):
        hidden.keep("acme", ["one"])


async def test_the_list_is_forced_to_the_disk_before_anything_is_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, forced = tmp_path / "hidden", list[int]()
    force = os.fsync

    def noting(descriptor: int) -> None:
        forced.append(os.fstat(descriptor).st_ino)
        force(descriptor)

    monkeypatch.setattr(os, "fsync", noting)

    HiddenDocuments(folder).keep("acme", ["one"])

    list_and_ways = (tmp_path, folder / "acme.json", folder)
    assert forced == [each.stat().st_ino for each in list_and_ways]


@pytest.mark.parametrize("content", ["[", "", '{"a": 1}', "[1]", '"one"', "null"])
async def test_a_damaged_list_is_no_empty_one(tmp_path: Path, content: str) -> None:
    connector = a_connector()
    (tmp_path / f"{connector.datasource}.json").write_text(content)
    glean = Glean(hidden=HiddenDocuments(tmp_path))
    await glean.provision(connector, 3)

    with pytest.raises(SupplierUnavailable, match="cannot be used"):
        await glean.connectors.unhide(connector)


async def test_a_list_that_cannot_be_forgotten_is_told_in_our_words(tmp_path: Path) -> None:
    connector = a_connector()
    glean = Glean(hidden=HiddenDocuments(tmp_path))
    await glean.provision(connector, 3)
    (tmp_path / f"{connector.datasource}.json").mkdir()

    with pytest.raises(SupplierUnavailable, match=r"cannot be used: .* Check the folder"):
        await glean.connectors.empty(connector)
