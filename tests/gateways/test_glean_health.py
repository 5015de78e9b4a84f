"""A connector's health, and waiting until its documents can be found."""

from __future__ import annotations

from datetime import timedelta

import pytest
from starlette.types import Receive, Scope, Send

from domain.errors import InvalidInput, SupplierLied, SupplierUnavailable
from gateways.glean import GleanConnectors, GleanCredentials
from gateways.local.glean import FaultKind
from tests.gateways.foreign import (
    ADA,
    CLIENT_TOKEN,
    INDEXING_TOKEN,
    Glean,
    Said,
    Scripted,
    Time,
    a_connector,
    an_upload,
    calling,
    records,
    said,
    the_credentials,
)


async def test_a_sound_connector_answers_and_lets_us_in() -> None:
    glean, connector = Glean(), a_connector()
    await glean.provision(connector, 3)

    probe = await glean.connectors.probe(connector, thorough=True)

    assert (probe.connected, probe.authenticated, probe.message) == (True, True, "")


async def test_only_a_thorough_knock_costs_a_search() -> None:
    glean, connector = Glean(), a_connector()
    await glean.provision(connector, 3)
    glean.requests.clear()

    await glean.connectors.probe(connector, thorough=False)

    assert glean.paths() == [f"/debug/{connector.datasource}/status"]


@pytest.mark.parametrize("thorough", [True, False])
async def test_a_connector_that_nobody_may_see_is_not_healthy(*, thorough: bool) -> None:
    glean, connector = Glean(), a_connector()
    await glean.provision(connector, 3)
    await glean.set_visibility(connector, "NOT_ENABLED")

    probe = await glean.connectors.probe(connector, thorough=thorough)

    assert probe.connected
    assert not probe.authenticated
    assert "visible to nobody" in probe.message


async def test_a_connector_whose_old_documents_stay_is_not_healthy() -> None:
    glean, connector = Glean(), a_connector()
    await glean.provision(connector, 3)
    await glean.upload_cautiously(connector, "another")

    probe = await glean.connectors.probe(connector, thorough=False)

    assert probe.connected
    assert not probe.authenticated
    assert "holds back the deletion" in probe.message


async def test_an_upload_that_deletes_what_was_held_back_makes_a_connector_healthy() -> None:
    glean, connector = Glean(), a_connector()
    await glean.provision(connector, 3)
    await glean.upload_cautiously(connector, "another")
    glean.time.now += timedelta(minutes=1)
    await glean.connectors.upload(an_upload(connector, records(2), "upload-2"))

    probe = await glean.connectors.probe(connector, thorough=False)

    assert (probe.connected, probe.authenticated, probe.message) == (True, True, "")


async def test_a_revoked_indexing_token_is_not_let_in() -> None:
    glean, connector = Glean(), a_connector()
    await glean.provision(connector, 3)
    glean.faults.fail_next("/status", status=401)

    probe = await glean.connectors.probe(connector, thorough=False)

    assert probe.connected
    assert not probe.authenticated
    assert "401" in probe.message


async def test_a_token_that_glean_repeats_is_not_told() -> None:
    app = Scripted(Said(401, f"unknown token {INDEXING_TOKEN}".encode()))
    connectors = GleanConnectors(calling(app), the_credentials(), Time().timing)

    probe = await connectors.probe(a_connector(), thorough=False)

    assert "answered 401: unknown token …" in probe.message


async def test_a_client_token_of_the_wrong_kind_is_found_by_a_thorough_knock() -> None:
    wrong = GleanCredentials(lambda: INDEXING_TOKEN, lambda: INDEXING_TOKEN, ADA)
    glean, connector = Glean(credentials=wrong), a_connector()
    await glean.provision(connector, 3)

    probe = await glean.connectors.probe(connector, thorough=True)

    assert probe.connected
    assert not probe.authenticated
    assert "/search" in probe.message


@pytest.mark.parametrize("status", [400, 429, 500, 503])
async def test_an_answer_that_is_an_error_is_no_connection(status: int) -> None:
    glean, connector = Glean(), a_connector()
    await glean.provision(connector, 3)
    glean.faults.fail_next("/status", status=status)

    probe = await glean.connectors.probe(connector, thorough=False)

    assert not probe.connected
    assert not probe.authenticated
    assert f"answered {status}: injected fault" in probe.message
    assert glean.time.slept == []


async def test_a_connector_that_is_not_there_is_not_connected() -> None:
    probe = await Glean().connectors.probe(a_connector(), thorough=False)

    assert not probe.connected
    assert "does not exist" in probe.message


@pytest.mark.parametrize("kind", [FaultKind.HTML, FaultKind.TRUNCATED])
@pytest.mark.parametrize("path", ["/status", "/search"])
async def test_a_lie_is_no_connection(kind: FaultKind, path: str) -> None:
    glean, connector = Glean(), a_connector()
    await glean.provision(connector, 3)
    glean.faults.fail_next(path, kind=kind)

    probe = await glean.connectors.probe(connector, thorough=True)

    assert not probe.connected
    assert path in probe.message


async def test_a_broken_connection_is_a_probe_and_no_error() -> None:
    glean, connector = Glean(), a_connector()
    await glean.provision(connector, 3)
    glean.faults.fail_next("/search", kind=FaultKind.LOST)

    probe = await glean.connectors.probe(connector, thorough=True)

    assert not probe.connected
    assert "did not answer" in probe.message


async def test_a_knock_that_takes_too_long_is_cut_off() -> None:
    glean, connector = Glean(probe_seconds=0.02), a_connector()
    await glean.provision(connector, 3)
    glean.faults.fail_next("/status", kind=FaultKind.SLOW, delay_seconds=5)

    probe = await glean.connectors.probe(connector, thorough=False)

    assert not probe.connected
    assert "nothing came within 0.02 seconds" in probe.message


async def test_a_missing_token_is_a_probe_and_no_error() -> None:
    def missing() -> str:
        raise InvalidInput("The environment variable 'GLEAN' holds no secret.")

    glean = Glean(credentials=GleanCredentials(missing, lambda: CLIENT_TOKEN, ADA))

    probe = await glean.connectors.probe(a_connector(), thorough=False)

    assert not probe.connected
    assert "holds no secret" in probe.message


async def test_the_response_time_is_what_the_answer_took() -> None:
    time = Time()

    class Slow(Scripted):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await time.sleep(4.9)
            await super().__call__(scope, receive, send)

    app = Slow(said({"documents": {}}))
    connectors = GleanConnectors(calling(app), the_credentials(), time.timing)

    probe = await connectors.probe(a_connector(), thorough=False)

    assert probe.response_time_ms == pytest.approx(4900)


async def test_what_is_indexed_already_needs_no_waiting() -> None:
    glean, connector = Glean(), a_connector()
    await glean.provision(connector, 30)

    glean.requests.clear()

    count = await glean.connectors.settle(connector, 30, glean.time.now + timedelta(minutes=1))

    assert count == 30
    assert glean.time.slept == []
    assert glean.paths() == [f"/debug/{connector.datasource}/status"]


async def test_what_is_indexed_later_is_waited_for_ever_more_seldom() -> None:
    glean, connector = Glean(indexing_delay=timedelta(minutes=1)), a_connector()
    await glean.provision(connector, 30)

    count = await glean.connectors.settle(connector, 30, glean.time.now + timedelta(minutes=5))

    assert count == 30
    assert glean.time.slept[:4] == pytest.approx([0.1, 0.2, 0.4, 0.8])
    assert max(glean.time.slept) == 15.0


async def test_glean_is_asked_once_to_index_what_is_missing() -> None:
    glean, connector = Glean(indexing_delay=timedelta(minutes=1)), a_connector()
    await glean.provision(connector, 30)

    await glean.connectors.settle(connector, 30, glean.time.now + timedelta(minutes=5))

    assert glean.bodies("/processalldocuments") == [{"datasource": connector.datasource}]


@pytest.mark.parametrize("status", [400, 401, 429, 500])
async def test_glean_may_refuse_to_index_sooner(status: int) -> None:
    glean, connector = Glean(indexing_delay=timedelta(minutes=1)), a_connector()
    await glean.provision(connector, 30)
    glean.faults.fail_next("/processalldocuments", status=status)

    count = await glean.connectors.settle(connector, 30, glean.time.now + timedelta(minutes=5))

    assert count == 30
    assert glean.paths().count("/processalldocuments") == 1


async def test_at_the_deadline_some_missing_documents_are_named() -> None:
    glean, connector = Glean(), a_connector()
    await glean.connectors.create(connector)
    glean.faults.never_index(10)
    await glean.connectors.upload(an_upload(connector, records(300)))
    indexed = await glean.connectors.indexed(connector)

    with pytest.raises(SupplierUnavailable) as raised:
        await glean.connectors.settle(connector, 300, glean.time.now + timedelta(seconds=3))

    assert f"indexed {indexed} documents" in str(raised.value)
    assert str(raised.value).count("page0") == 5
    assert sum(glean.time.slept) == pytest.approx(3.0)


async def test_documents_of_the_upload_before_are_none_of_this_one() -> None:
    glean, connector = Glean(indexing_delay=timedelta(minutes=1)), a_connector()
    await glean.provision(connector, 3)
    await glean.connectors.settle(connector, 3, glean.time.now + timedelta(minutes=5))
    await glean.connectors.upload(an_upload(connector, records(3), "upload-2"))

    with pytest.raises(SupplierUnavailable) as raised:
        await glean.connectors.settle(connector, 3, glean.time.now)

    assert "is not through with the last upload, and the time is up" in str(raised.value)
    assert "page0000, page0001, page0002" in str(raised.value)


@pytest.mark.parametrize("state", [{}, {"processingState": "UNAVAILABLE"}])
async def test_where_glean_does_not_tell_of_an_upload_the_count_decides(
    state: dict[str, str],
) -> None:
    upload = {"uploadId": "upload-1", "status": "SUCCESSFUL", **state}
    counts = {"indexed": [{"objectType": "Page", "count": 3}]}
    app = Scripted(Said(), said({"documents": {"counts": counts, "bulkUploadHistory": [upload]}}))
    connectors = GleanConnectors(calling(app), the_credentials(), Time().timing)
    await connectors.upload(an_upload(a_connector(), records(3)))

    count = await connectors.settle(a_connector(), 3, Time().now)

    assert count == 3


@pytest.mark.parametrize(
    ("indexed_at", "is_missing"),
    [("2026-01-20T11:59:59Z", True), ("2026-01-20T12:00:00.5Z", False), (None, False)],
)
async def test_a_document_is_indexed_when_its_last_upload_is(
    indexed_at: str | None, *, is_missing: bool
) -> None:
    state = {
        "indexingStatus": "INDEXED",
        "lastUploadedAt": "2026-01-20T12:00:00Z",
        "lastIndexedAt": indexed_at,
    }
    documents = [{"docId": "page0000", "debugInfo": {"status": state}}]
    none = said({"documents": {}})
    app = Scripted(Said(), none, Said(), none, said({"documentStatuses": documents}))
    connectors = GleanConnectors(calling(app), the_credentials(), Time().timing)
    await connectors.upload(an_upload(a_connector(), records(1)))

    with pytest.raises(SupplierUnavailable) as raised:
        await connectors.settle(a_connector(), 1, Time().now)

    assert ("Missing are, among others: page0000." in str(raised.value)) is is_missing


async def test_few_missing_documents_are_all_named() -> None:
    glean, connector = Glean(), a_connector()
    await glean.connectors.create(connector)
    strange = [{**each, "object_type": "Unheard"} for each in records(2)]
    await glean.connectors.upload(an_upload(connector, strange))

    with pytest.raises(SupplierUnavailable, match="page0000, page0001"):
        await glean.connectors.settle(connector, 2, glean.time.now)


async def test_a_gap_nobody_can_look_into_is_told_all_the_same() -> None:
    glean, connector = Glean(), a_connector()
    await glean.provision(connector, 3)
    glean.faults.fail_next("/documents", status=500, times=9)

    with pytest.raises(SupplierUnavailable, match=r"indexed 3 documents .* where 5 were expected"):
        await glean.connectors.settle(connector, 5, glean.time.now)


async def test_more_documents_than_expected_are_not_settled() -> None:
    glean, connector = Glean(), a_connector()
    await glean.provision(connector, 3)
    await glean.index_one(connector, f"{connector.url_prefix}stranger")

    with pytest.raises(SupplierUnavailable, match="indexed 4 documents"):
        await glean.connectors.settle(connector, 3, glean.time.now)


async def test_documents_that_are_to_go_are_waited_for_as_well() -> None:
    glean, connector = Glean(indexing_delay=timedelta(seconds=10)), a_connector()
    await glean.provision(connector, 30)
    await glean.connectors.settle(connector, 30, glean.time.now + timedelta(minutes=1))
    await glean.connectors.upload(an_upload(connector, records(4), "upload-2"))

    count = await glean.connectors.settle(connector, 4, glean.time.now + timedelta(minutes=1))

    assert count == 4


async def test_waiting_ends_when_glean_lies() -> None:
    app = Scripted(Said(200, b"<html>", {"content-type": "text/html"}))
    connectors = GleanConnectors(calling(app), the_credentials(), Time().timing)

    with pytest.raises(SupplierLied):
        await connectors.settle(a_connector(), 3, Time().now)
