"""Connectors on Glean: created with our mark, filled, searched, and never anybody else's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest

from domain.errors import (
    ConnectorNameTaken,
    OutcomeUnknown,
    SupplierLied,
    SupplierRefused,
    SupplierUnavailable,
)
from domain.journey import JourneyStage
from domain.record import Record
from domain.search_ports import Upload
from gateways.glean import PUBLISHED_LIMITS, GleanConnectors, GleanCredentials
from gateways.local.glean import FaultKind
from gateways.secrets import resolve
from tests.gateways.foreign import (
    ADA,
    CLIENT_TOKEN,
    INDEXING_TOKEN,
    Glean,
    Said,
    Scripted,
    Time,
    a_connector,
    a_record,
    an_upload,
    calling,
    page,
    records,
    said,
    the_credentials,
)


def scripted(app: Scripted) -> GleanConnectors:
    return GleanConnectors(calling(app), the_credentials(), Time().timing)


def upload_overtaken(glean: Glean) -> Upload:
    """An upload beside which another is opened before its last page is sent."""

    async def pages() -> AsyncIterator[Sequence[Record]]:
        yield records(100)
        yield records(100)
        await glean.open_upload(a_connector(), "another")

    return Upload(a_connector(), "upload-1", pages())


# --- readers ----------------------------------------------------------------------------------


@pytest.mark.requirement("R50")
async def test_a_sandbox_is_read_by_its_whole_test_group_and_by_nobody_else() -> None:
    glean, connector = Glean(), a_connector()
    await glean.provision(connector, 3)
    await glean.let_in(connector, "ben@example.com")

    seen = [
        await glean.seen_by(reader, connector, "Infusion pump procedure")
        for reader in (ADA, "ben@example.com", "carla@example.com")
    ]

    assert [len(each) for each in seen] == [3, 3, 0]


# --- create -----------------------------------------------------------------------------------


async def test_a_new_datasource_carries_our_mark_and_our_settings() -> None:
    glean, connector = Glean(), a_connector()

    await glean.connectors.create(connector)

    assert await glean.configuration(connector) == {
        "name": connector.datasource,
        "displayName": "ACME-sandbox-confluence",
        "datasourceCategory": "KNOWLEDGE_HUB",
        "homeUrl": connector.home_url,
        "urlRegex": r"^https://dataops\.example/datasets/"
        r"00000000\-0000\-0000\-0000\-000000000001/records/[a-z0-9]+$",
        "objectDefinitions": [{"name": "Page", "docCategory": "KNOWLEDGE_HUB"}],
        "isTestDatasource": True,
        "isUserReferencedByEmail": True,
    }


async def test_creating_it_again_declares_nothing_again() -> None:
    glean, connector = Glean(), a_connector()
    await glean.connectors.create(connector)
    glean.requests.clear()

    await glean.connectors.create(connector)

    assert glean.paths() == ["/getdatasourceconfig", "/betausers"]


async def test_our_own_datasource_is_brought_up_to_date() -> None:
    glean, connector = Glean(), a_connector()
    await glean.declare(connector, homeUrl=connector.home_url)

    await glean.connectors.create(connector)

    assert (await glean.configuration(connector))["displayName"] == "ACME-sandbox-confluence"


async def test_a_tenant_that_prefixes_names_is_understood() -> None:
    glean, connector = Glean(custom_prefix=True), a_connector()

    await glean.connectors.create(connector)

    assert (await glean.configuration(connector))["name"].startswith("CUSTOM_ACME")


async def test_a_foreign_datasource_of_our_name_is_left_as_it_is() -> None:
    glean, connector = Glean(), a_connector()
    await glean.declare(connector)

    with pytest.raises(ConnectorNameTaken) as raised:
        await glean.connectors.create(connector)

    assert (await glean.configuration(connector))["displayName"] == "Somebody else's wiki"
    assert connector.datasource in str(raised.value)
    assert "Somebody else's wiki" in str(raised.value)
    assert "administrator" in str(raised.value)


async def test_another_dataset_of_ours_is_foreign_too() -> None:
    glean, connector = Glean(), a_connector()
    await glean.connectors.create(a_connector(dataset=2))

    with pytest.raises(ConnectorNameTaken):
        await glean.connectors.create(connector)


async def test_a_lost_answer_to_the_declaration_is_looked_up_and_not_sent_again() -> None:
    glean, connector = Glean(), a_connector()
    glean.faults.fail_next("/adddatasource", kind=FaultKind.LOST)

    await glean.connectors.create(connector)

    assert glean.paths().count("/adddatasource") == 1


async def test_a_declaration_that_did_not_arrive_is_sent_again() -> None:
    glean, connector = Glean(), a_connector()
    glean.faults.fail_next("/adddatasource", status=502)

    await glean.connectors.create(connector)

    assert glean.paths().count("/adddatasource") == 2


async def test_a_declaration_that_never_arrives_has_an_unknown_outcome() -> None:
    glean = Glean()
    glean.faults.fail_next("/adddatasource", status=504, times=3)

    with pytest.raises(OutcomeUnknown):
        await glean.connectors.create(a_connector())


async def test_a_stranger_who_declares_while_our_answer_is_lost_keeps_the_name() -> None:
    stranger = said({"name": "x", "homeUrl": "https://wiki.example.org"})
    absent, lost = Said(400), Said(breaks=True)
    connectors = scripted(Scripted(absent, absent, lost, stranger))

    with pytest.raises(ConnectorNameTaken):
        await connectors.create(a_connector())


async def test_a_stranger_who_overwrites_us_at_once_is_noticed() -> None:
    stranger = said({"name": "x", "homeUrl": "https://wiki.example.org"})
    absent, done = Said(400), Said()
    app = Scripted(absent, absent, done, stranger)

    with pytest.raises(ConnectorNameTaken):
        await scripted(app).create(a_connector())

    assert not any(path.endswith("/betausers") for _, path in app.asked)


async def test_what_was_declared_and_is_not_there_yet_is_looked_for_later() -> None:
    absent, done = Said(400), Said()
    connectors = scripted(Scripted(absent, absent, done, absent))

    with pytest.raises(SupplierUnavailable, match="does not show it yet"):
        await connectors.create(a_connector())


async def test_a_refused_look_at_a_datasource_that_exists_is_no_absence() -> None:
    app = Scripted(Said(400, b"app not allowed"), said({"documents": {}}))

    with pytest.raises(SupplierRefused, match="refuses its configuration: app not allowed"):
        await scripted(app).create(a_connector())

    assert len(app.asked) == 2


async def test_a_refused_look_repeats_no_token() -> None:
    app = Scripted(Said(400, f"{INDEXING_TOKEN} may not".encode()), said({"documents": {}}))

    with pytest.raises(SupplierRefused, match="configuration: … may not"):
        await scripted(app).create(a_connector())


async def test_without_a_test_user_nobody_is_let_in() -> None:
    glean = Glean(credentials=GleanCredentials(lambda: INDEXING_TOKEN, lambda: CLIENT_TOKEN, ""))

    await glean.connectors.create(a_connector())

    assert "/betausers" not in glean.paths()


async def test_the_two_tokens_go_where_they_belong() -> None:
    glean, connector = Glean(), a_connector()
    await glean.provision(connector, 3)

    await glean.connectors.search(connector, "pump")

    tokens = {each.url.path.split("/")[1]: each.headers["authorization"] for each in glean.requests}
    assert tokens == {"api": f"Bearer {INDEXING_TOKEN}", "rest": f"Bearer {CLIENT_TOKEN}"}
    assert glean.requests[-1].headers["x-glean-actas"] == ADA


async def test_a_token_that_cannot_be_found_is_told_without_its_reference_being_used() -> None:
    glean = Glean(
        credentials=GleanCredentials(
            lambda: resolve("secret://env/NO_SUCH_TOKEN", {}), lambda: CLIENT_TOKEN, ADA
        )
    )

    with pytest.raises(SupplierRefused, match="NO_SUCH_TOKEN"):
        await glean.connectors.create(a_connector())


@pytest.mark.parametrize("token", ["s3cret\nagain", "s3cret\x01", "s3crét", "s3cret again", ""])
@pytest.mark.parametrize("kind", ["indexing token", "client token"])
async def test_a_token_that_no_header_takes_is_refused_and_not_shown(kind: str, token: str) -> None:
    tokens = {"indexing token": INDEXING_TOKEN, "client token": CLIENT_TOKEN, kind: token}
    credentials = GleanCredentials(
        lambda: tokens["indexing token"], lambda: tokens["client token"], ADA
    )
    glean = Glean(credentials=credentials)

    probe = await glean.connectors.probe(a_connector(), thorough=True)

    assert not probe.connected
    assert f"the {kind} holds signs that no token has" in probe.message
    assert "s3cr" not in probe.message
    assert glean.requests == []


# --- upload -----------------------------------------------------------------------------------


async def test_an_upload_begins_and_ends_with_its_flags() -> None:
    glean, connector = Glean(), a_connector()
    await glean.connectors.create(connector)

    await glean.connectors.upload(an_upload(connector, records(620)))

    pages = glean.bodies("/bulkindexdocuments")
    assert [len(each["documents"]) for each in pages] == [100, 100, 100, 100, 100, 100, 20]
    assert [each["isFirstPage"] for each in pages] == [True] + [False] * 6
    assert [each["forceRestartUpload"] for each in pages] == [True] + [False] * 6
    assert [each["isLastPage"] for each in pages] == [False] * 6 + [True]
    assert [each["disableStaleDocumentDeletionCheck"] for each in pages] == [False] * 6 + [True]
    assert {each["uploadId"] for each in pages} == {"upload-1"}
    assert await glean.connectors.indexed(connector) == 620


async def test_an_upload_of_one_page_is_first_and_last_at_once() -> None:
    glean, connector = Glean(), a_connector()

    await glean.provision(connector, 100)

    assert len(glean.bodies("/bulkindexdocuments")) == 1
    assert await glean.connectors.indexed(connector) == 100


async def test_an_upload_replaces_what_was_there() -> None:
    glean, connector = Glean(), a_connector()
    await glean.provision(connector, 50)

    await glean.connectors.upload(an_upload(connector, records(7), "upload-2"))

    assert await glean.connectors.indexed(connector) == 7


async def test_an_upload_of_nothing_leaves_nothing() -> None:
    glean, connector = Glean(), a_connector()
    await glean.provision(connector, 5)

    await glean.connectors.upload(an_upload(connector, [], "upload-2"))

    assert await glean.connectors.indexed(connector) == 0


async def test_an_upload_that_broke_off_is_started_anew() -> None:
    glean, connector = Glean(), a_connector()
    await glean.connectors.create(connector)
    glean.faults.fail_next("/bulkindexdocuments", status=413, after=1)
    with pytest.raises(SupplierRefused):
        await glean.connectors.upload(an_upload(connector, records(250)))

    await glean.connectors.upload(an_upload(connector, records(250), "upload-2"))

    assert await glean.connectors.indexed(connector) == 250


async def test_large_documents_make_smaller_pages() -> None:
    glean, connector = Glean(), a_connector()
    await glean.connectors.create(connector)
    large = [a_record(number, body="x" * 2_000_000) for number in range(5)]

    await glean.connectors.upload(an_upload(connector, large))

    pages = [each for each in glean.requests if each.url.path.endswith("/bulkindexdocuments")]
    assert [len(each["documents"]) for each in glean.bodies("/bulkindexdocuments")] == [2, 2, 1]
    assert max(len(each.content) for each in pages) < 5 * 2**20


async def test_a_lost_answer_to_the_last_page_is_looked_up_and_not_sent_again() -> None:
    glean, connector = Glean(), a_connector()
    await glean.connectors.create(connector)
    glean.faults.fail_next("/bulkindexdocuments", kind=FaultKind.LOST, after=2)

    await glean.connectors.upload(an_upload(connector, records(300)))

    assert glean.paths().count("/bulkindexdocuments") == 3
    assert await glean.connectors.indexed(connector) == 300


async def test_a_last_page_that_did_not_arrive_is_sent_again() -> None:
    glean, connector = Glean(), a_connector()
    await glean.connectors.create(connector)
    glean.faults.fail_next("/bulkindexdocuments", status=502, after=2)

    await glean.connectors.upload(an_upload(connector, records(300)))

    assert glean.paths().count("/bulkindexdocuments") == 4
    assert await glean.connectors.indexed(connector) == 300


@pytest.mark.parametrize("lost_page", [0, 1])
async def test_a_lost_page_before_the_last_is_sent_again(lost_page: int) -> None:
    glean, connector = Glean(), a_connector()
    await glean.connectors.create(connector)
    glean.faults.fail_next("/bulkindexdocuments", kind=FaultKind.LOST, after=lost_page)

    await glean.connectors.upload(an_upload(connector, records(300)))

    assert await glean.connectors.indexed(connector) == 300


@pytest.mark.parametrize("failing_page", [0, 2, 6])
async def test_a_refused_page_ends_the_upload(failing_page: int) -> None:
    glean, connector = Glean(), a_connector()
    await glean.connectors.create(connector)
    glean.faults.fail_next("/bulkindexdocuments", status=400, after=failing_page)

    with pytest.raises(SupplierRefused, match="answered 400"):
        await glean.connectors.upload(an_upload(connector, records(650)))


async def test_a_page_that_meets_another_upload_may_be_sent_later() -> None:
    glean, connector = Glean(), a_connector()
    await glean.connectors.create(connector)
    overtaken = upload_overtaken(glean)

    with pytest.raises(SupplierUnavailable, match="answered 409: upload another is open"):
        await glean.connectors.upload(overtaken)


async def test_a_sign_in_page_in_answer_to_a_page_is_a_lie() -> None:
    glean, connector = Glean(), a_connector()
    await glean.connectors.create(connector)
    glean.faults.fail_next("/bulkindexdocuments", kind=FaultKind.HTML)

    with pytest.raises(SupplierLied):
        await glean.connectors.upload(an_upload(connector, records(3)))


async def test_glean_being_down_all_the_time_is_unavailability() -> None:
    glean, connector = Glean(), a_connector()
    await glean.connectors.create(connector)
    glean.faults.fail_next("/bulkindexdocuments", status=503, times=99)

    with pytest.raises(SupplierUnavailable):
        await glean.connectors.upload(an_upload(connector, records(3)))

    assert len(glean.time.slept) == 3


# --- search -----------------------------------------------------------------------------------


async def test_a_search_gives_record_ids_the_best_first() -> None:
    glean, connector = Glean(), a_connector()
    await glean.provision(connector, 40)

    found = await glean.connectors.search(connector, "Infusion pump procedure number 17")

    assert found.record_ids[0] == "page0017"
    assert found.response_time_ms == 0.0


async def test_a_search_gives_ten_hits_at_most() -> None:
    glean, connector = Glean(), a_connector()
    await glean.provision(connector, 40)

    found = await glean.connectors.search(connector, "pump")

    assert len(found.record_ids) == 10


async def test_a_document_that_is_not_ours_keeps_its_rank_under_an_id_of_its_own() -> None:
    hits = [
        {"url": "https://wiki.example.org/1", "document": {"id": "WIKI_1"}},
        {"url": "https://wiki.example.org/2"},
        {"url": "https://go/x", "document": {"url": f"{a_connector().url_prefix}page0001"}},
        {"url": f"{a_connector().url_prefix}page0002", "document": None},
    ]

    found = await scripted(Scripted(said({"results": hits}))).search(a_connector(), "pump")

    assert found.record_ids == ("WIKI_1", "https://wiki.example.org/2", "page0001", "page0002")


@pytest.mark.parametrize("nothing", [{}, {"results": None}, {"results": []}])
async def test_a_search_may_find_nothing(nothing: dict[str, object]) -> None:
    found = await scripted(Scripted(said(nothing))).search(a_connector(), "pump")

    assert found.record_ids == ()


@pytest.mark.parametrize(
    "lie",
    [page(), said({"results": [{}]}), said({"results": "none"}), Said(200, b'{"resu')],
    ids=["a page", "no url", "no list", "truncated"],
)
async def test_a_search_that_answers_nonsense_is_a_lie(lie: Said) -> None:
    with pytest.raises(SupplierLied):
        await scripted(Scripted(lie)).search(a_connector(), "pump")


async def test_a_truncated_answer_is_a_lie() -> None:
    glean, connector = Glean(), a_connector()
    await glean.provision(connector, 5)
    glean.faults.fail_next("/search", kind=FaultKind.TRUNCATED)

    with pytest.raises(SupplierLied, match="broken JSON"):
        await glean.connectors.search(connector, "pump")


async def test_a_count_that_is_no_number_is_a_lie() -> None:
    counts = {"documents": {"counts": {"indexed": [{"objectType": "Page", "count": "many"}]}}}

    with pytest.raises(SupplierLied, match=r"documents\.counts\.indexed\.0\.count"):
        await scripted(Scripted(said(counts))).indexed(a_connector())


async def test_counts_that_are_null_are_none() -> None:
    empty = {"documents": {"counts": {"indexed": None}, "bulkUploadHistory": None}}

    assert await scripted(Scripted(said(empty))).indexed(a_connector()) == 0


# --- empty ------------------------------------------------------------------------------------


async def test_emptying_deletes_every_document_and_says_what_remains() -> None:
    glean, connector = Glean(), a_connector()
    await glean.provision(connector, 30)

    told = await glean.connectors.empty(connector)

    assert await glean.connectors.indexed(connector) == 0
    assert "definition remains" in told
    page = glean.bodies("/bulkindexdocuments")[-1]
    assert page == {
        "uploadId": f"empty-{connector.dataset_id}",
        "datasource": connector.datasource,
        "isFirstPage": True,
        "isLastPage": True,
        "forceRestartUpload": True,
        "disableStaleDocumentDeletionCheck": True,
        "documents": [],
    }


async def test_emptying_twice_is_as_emptying_once() -> None:
    glean, connector = Glean(), a_connector()
    await glean.provision(connector, 30)
    await glean.connectors.empty(connector)

    await glean.connectors.empty(connector)

    assert await glean.connectors.indexed(connector) == 0


async def test_what_is_not_there_needs_no_emptying() -> None:
    told = await Glean().connectors.empty(a_connector())

    assert "there was nothing to do" in told


@pytest.mark.parametrize("home", ["https://wiki.example.org", None, ""])
async def test_nothing_without_our_mark_is_ever_emptied(home: str | None) -> None:
    glean, connector = Glean(), a_connector()
    await glean.provision(connector, 30)
    await glean.declare(connector, homeUrl=home)

    told = await glean.connectors.empty(connector)

    assert "left alone" in told
    assert await glean.connectors.indexed(connector) == 30


async def test_another_generation_is_not_emptied_either() -> None:
    glean = Glean()
    await glean.provision(a_connector(dataset=2), 30)

    told = await glean.connectors.empty(a_connector(dataset=1))

    assert "left alone" in told
    assert await glean.connectors.indexed(a_connector()) == 30


async def test_a_lost_answer_to_the_emptying_is_no_harm() -> None:
    glean, connector = Glean(), a_connector()
    await glean.provision(connector, 30)
    glean.faults.fail_next("/bulkindexdocuments", kind=FaultKind.LOST)

    await glean.connectors.empty(connector)

    assert await glean.connectors.indexed(connector) == 0


# --- limits -----------------------------------------------------------------------------------


async def test_within_the_published_limits_nothing_is_ever_turned_away() -> None:
    glean = Glean(limits=PUBLISHED_LIMITS, published_limits=True)
    connector = a_connector()
    await glean.provision(connector, 4000)

    for number in range(12):
        await glean.connectors.search(connector, f"procedure {number}")

    paths = glean.paths()
    assert (paths.count("/bulkindexdocuments"), paths.count("/search")) == (40, 12)
    assert glean.time.slept == [1.0, 1.0, 1.0]


async def test_a_pilot_is_read_by_whom_its_records_name() -> None:
    glean, connector = Glean(), a_connector(JourneyStage.PILOT)
    await glean.provision(connector, 3)

    found = await glean.connectors.search(connector, "pump")

    document = glean.bodies("/bulkindexdocuments")[0]["documents"][0]
    assert document["permissions"] == {"allowedUsers": [{"email": ADA}], "allowedGroups": []}
    assert len(found.record_ids) == 3
