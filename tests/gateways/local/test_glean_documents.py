"""The local Glean's documents: accepted at once, indexed when it is time, or never."""

from base64 import b64encode

import pytest

from tests.gateways.local.glean_client import ADA, Clock, GleanCaller, document


async def test_adding_documents_leaves_the_others(glean: GleanCaller) -> None:
    await glean.bulk([document("one")])

    await glean.index("indexdocuments", {"datasource": "acme", "documents": [document("two")]})
    await glean.index("indexdocument", {"document": document("three")})

    assert sorted(await glean.found("title")) == ["one", "three", "two"]


async def test_ids_differ_by_more_than_case(glean: GleanCaller) -> None:
    await glean.bulk([document("one", title="first")])

    await glean.bulk([document("ONE", title="second")], "second")

    assert await glean.counts() == (1, 1)
    assert await glean.found("second") == ["ONE"]
    assert await glean.found("first") == []


async def test_the_last_of_two_in_one_page_counts(glean: GleanCaller) -> None:
    await glean.bulk([document("one", title="first"), document("ONE", title="second")])

    assert await glean.counts() == (1, 1)
    assert await glean.found("second") == ["ONE"]


@pytest.mark.parametrize(
    "fields",
    [
        {"id": "with_underscore"},
        {"id": ""},
        {"id": "x" * 201},
        {"title": None},
        {"body": {"mimeType": "text/plain", "textContent": "a", "binaryContent": "YQ=="}},
        {"body": {"mimeType": "text/plain", "binaryContent": "no base64!"}},
        {"body": {"textContent": "a body without a type"}},
    ],
)
async def test_a_document_out_of_shape_is_refused(
    glean: GleanCaller, fields: dict[str, object]
) -> None:
    answer = await glean.bulk([document("one") | fields])

    assert answer.status_code == 400
    assert await glean.counts() == (0, 0)


@pytest.mark.parametrize(
    "fields", [{"objectType": "Novel"}, {"viewURL": "https://elsewhere.example.com/one"}]
)
async def test_what_was_not_declared_is_accepted_and_never_indexed(
    glean: GleanCaller, fields: dict[str, object]
) -> None:
    answer = await glean.bulk([document("one") | fields])

    assert answer.status_code == 200
    assert await glean.counts() == (1, 0)
    assert await glean.found("title") == []


async def test_a_document_comes_into_sight_after_the_delay(
    slow_glean: GleanCaller, clock: Clock
) -> None:
    await slow_glean.bulk([document("one")])
    before = await slow_glean.counts()

    clock.advance(seconds=61)

    assert before == (1, 0)
    assert await slow_glean.counts() == (1, 1)
    assert await slow_glean.found("title") == ["one"]


async def test_the_old_text_is_found_until_the_new_one_is_indexed(
    slow_glean: GleanCaller, clock: Clock
) -> None:
    await slow_glean.bulk([document("one", title="autumn")])
    clock.advance(minutes=2)

    await slow_glean.bulk([document("one", title="winter")], "second")
    meanwhile = (await slow_glean.found("autumn"), await slow_glean.found("winter"))
    clock.advance(minutes=2)

    assert meanwhile == (["one"], [])
    assert await slow_glean.found("autumn") == []
    assert await slow_glean.found("winter") == ["one"]


async def test_deleting_what_is_not_there_is_a_success(glean: GleanCaller) -> None:
    await glean.bulk([document("one")])
    one = {"datasource": "acme", "objectType": "Page", "id": "ONE"}

    first = await glean.index("deletedocument", one)
    again = await glean.index("deletedocument", one)

    assert (first.status_code, again.status_code) == (200, 200)
    assert await glean.counts() == (0, 0)


async def test_an_older_version_is_a_conflict(glean: GleanCaller) -> None:
    await glean.index("indexdocument", {"document": document("one"), "version": 5})

    older = await glean.index("indexdocument", {"document": document("one"), "version": 4})
    newer = await glean.index("indexdocument", {"document": document("one"), "version": 6})
    deleted = await glean.index(
        "deletedocument", {"datasource": "acme", "objectType": "Page", "id": "one", "version": 5}
    )

    assert (older.status_code, newer.status_code, deleted.status_code) == (409, 200, 409)


async def test_only_the_listed_readers_find_a_document(glean: GleanCaller) -> None:
    await glean.index("betausers", {"datasource": "acme", "emails": ["ben@example.com"]})

    await glean.bulk(
        [document("one", permissions={"allowedUsers": [{"email": "Ben@example.com"}]})]
    )

    assert await glean.found("title", acting="ben@example.com") == ["one"]
    assert await glean.found("title", acting=ADA) == []


@pytest.mark.parametrize(
    "permissions",
    [{}, {"allowAllDatasourceUsersAccess": True}, {"allowedGroups": ["never-pushed"]}],
)
async def test_a_document_opened_to_nobody_we_know_is_found_by_nobody(
    glean: GleanCaller, permissions: dict[str, object]
) -> None:
    await glean.bulk([document("one", permissions=permissions)])

    assert await glean.found("title") == []
    assert await glean.counts() == (1, 1)


async def test_new_permissions_hold_from_now_on(glean: GleanCaller) -> None:
    await glean.bulk([document("one"), document("two")])

    by_id = await glean.index(
        "updatepermissions",
        {"datasource": "acme", "objectType": "Page", "id": "ONE", "permissions": {}},
    )
    by_url = await glean.index(
        "updatepermissions",
        {
            "datasource": "acme",
            "viewURL": "https://records.example.com/two",
            "permissions": {"allowedUsers": [{"email": ADA}]},
        },
    )

    assert (by_id.status_code, by_url.status_code) == (200, 200)
    assert await glean.found("title") == ["two"]


@pytest.mark.parametrize("named", [{}, {"objectType": "Page", "id": "missing"}])
async def test_permissions_need_a_document_to_belong_to(
    glean: GleanCaller, named: dict[str, str]
) -> None:
    answer = await glean.index(
        "updatepermissions", {"datasource": "acme", "permissions": {}} | named
    )

    assert answer.status_code == 400


@pytest.mark.parametrize(("person", "has_access"), [("BEN@example.com", True), (ADA, False)])
async def test_access_can_be_asked_for(glean: GleanCaller, person: str, has_access: bool) -> None:
    await glean.bulk(
        [document("one", permissions={"allowedUsers": [{"email": "ben@example.com"}]})]
    )

    answer = await glean.index(
        "checkdocumentaccess",
        {"datasource": "acme", "objectType": "Page", "docId": "one", "userEmail": person},
    )

    assert answer.json() == {"hasAccess": has_access}


async def test_a_document_tells_where_it_stands(slow_glean: GleanCaller, clock: Clock) -> None:
    await slow_glean.bulk([document("one")])
    asked = {"objectType": "Page", "docId": "ONE"}

    before = await slow_glean.index("debug/acme/document", asked)
    clock.advance(minutes=2)
    after = await slow_glean.index("debug/acme/document", asked)

    assert before.headers["content-type"] == "application/json; charset=UTF-8"
    assert before.json()["status"] == {
        "uploadStatus": "UPLOADED",
        "lastUploadedAt": "2026-01-20T12:00:00Z",
        "indexingStatus": "NOT_INDEXED",
    }
    assert after.json() == {
        "status": {
            "uploadStatus": "UPLOADED",
            "lastUploadedAt": "2026-01-20T12:00:00Z",
            "indexingStatus": "INDEXED",
            "lastIndexedAt": "2026-01-20T12:01:00Z",
        },
        "uploadedPermissions": {"allowAnonymousAccess": True},
    }


async def test_many_documents_tell_where_they_stand_in_the_order_asked(glean: GleanCaller) -> None:
    await glean.bulk([document("one"), document("two", objectType="Novel")])
    asked = [("Page", "missing"), ("Novel", "two"), ("Page", "one")]

    answer = await glean.index(
        "debug/acme/documents",
        {"debugDocuments": [{"objectType": kind, "docId": name} for kind, name in asked]},
    )

    told = [
        (each["docId"], each["debugInfo"]["status"]["indexingStatus"])
        for each in answer.json()["documentStatuses"]
    ]
    assert told == [("missing", "NOT_INDEXED"), ("two", "NOT_INDEXED"), ("one", "INDEXED")]


async def test_markup_and_bytes_are_read_as_text(glean: GleanCaller) -> None:
    markup = {"mimeType": "text/html", "textContent": "<p class='novel'>a lighthouse</p>"}
    content = {"mimeType": "text/plain", "binaryContent": b64encode(b"a harbour").decode()}

    await glean.bulk([document("one", body=markup), document("two", summary=content, body=None)])

    assert await glean.found("lighthouse") == ["one"]
    assert await glean.found("harbour") == ["two"]
    assert await glean.found("novel") == []


async def test_a_body_that_is_no_json_is_refused(glean: GleanCaller) -> None:
    answer = await glean.http.post(
        "/api/index/v1/bulkindexdocuments",
        content=b'{"uploadId": "\\ud800"',
        headers={"authorization": "Bearer indexing-token"},
    )

    assert answer.status_code == 400
