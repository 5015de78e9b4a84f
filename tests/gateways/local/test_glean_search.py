"""The local Glean's search: what the person acting may see, the best match first."""

import string
import time
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateways.local.glean.search import expression, words_of
from tests.gateways.local.glean_client import CLIENT, JSON, GleanCaller, document

OVERRIDES = "/rest/api/v1/governance/documents/visibilityoverrides"


def _text(text: str) -> dict[str, str]:
    return {"mimeType": "text/plain", "textContent": text}


async def test_a_result_has_what_clients_read(glean: GleanCaller) -> None:
    created = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
    await glean.bulk([document("One", createdAt=created, updatedAt=created)])

    answer = await glean.search("text of one")

    page = answer.json()
    assert answer.headers["content-type"] == JSON
    assert page["hasMoreResults"] is False
    assert page["results"] == [
        {
            "url": "https://records.example.com/One",
            "title": "Title of One",
            "snippets": [{"mimeType": "text/plain", "text": "text of One"}],
            "document": {
                "id": "CUSTOM_ACME_Page_One",
                "datasource": "acme",
                "docType": "Page",
                "title": "Title of One",
                "url": "https://records.example.com/One",
                "metadata": {
                    "datasource": "acme",
                    "objectType": "Page",
                    "documentId": "CUSTOM_ACME_Page_One",
                    "createTime": "2026-01-01T00:00:00Z",
                    "updateTime": "2026-01-01T00:00:00Z",
                },
            },
        }
    ]


async def test_a_word_in_the_title_weighs_more_than_one_in_the_body(glean: GleanCaller) -> None:
    await glean.bulk(
        [
            document("body", title="Minutes", body=_text("a lighthouse on the coast")),
            document("title", title="The lighthouse", body=_text("a building on the coast")),
        ]
    )

    assert await glean.found("lighthouse") == ["title", "body"]


async def test_a_search_hardly_costs_more_for_what_stands_elsewhere(glean: GleanCaller) -> None:
    title = "A walk around the old harbour and its three lighthouses on a windy day in late autumn"
    pages = [document(f"{number}", title=title, body=_text(title)) for number in range(100)]
    await glean.bulk(pages)
    alone = await _cost(glean, title)

    await _fill_another(glean, pages, 100)

    assert await _cost(glean, title) < 4 * alone


async def test_documents_with_all_words_are_preferred_to_some(glean: GleanCaller) -> None:
    await glean.bulk(
        [
            document("both", title="Harbour", body=_text("with a lighthouse")),
            document("one", title="Harbour", body=_text("without")),
        ]
    )

    assert await glean.found("harbour lighthouse") == ["both"]
    assert await glean.found("harbour castle") == ["one", "both"]


async def test_inflected_words_are_found(glean: GleanCaller) -> None:
    await glean.bulk([document("one", title="Validating the alarms")])

    assert await glean.found("validated alarm") == ["one"]


async def test_a_query_nobody_wrote_about_finds_nothing(glean: GleanCaller) -> None:
    await glean.bulk([document("one")])

    assert await glean.found("xylophone") == []


async def test_an_empty_query_finds_all(glean: GleanCaller) -> None:
    await glean.bulk([document("one"), document("two")])

    assert await glean.found(" ?! ") == ["one", "two"]


async def test_pages_follow_one_another(glean: GleanCaller) -> None:
    names = [f"doc{number}" for number in range(5)]
    await glean.bulk([document(name) for name in names])

    first = (await glean.search("title", pageSize=2)).json()
    second = (await glean.search("title", pageSize=2, cursor=first["cursor"])).json()
    third = (await glean.search("title", pageSize=2, cursor=second["cursor"])).json()

    pages = [first, second, third]
    found = [each["url"].rpartition("/")[2] for page in pages for each in page["results"]]
    assert sorted(found) == names
    assert [page["hasMoreResults"] for page in pages] == [True, True, False]
    assert "cursor" not in third


@pytest.mark.parametrize("cursor", ["nonsense", "YmVmb3JlOjE=", "YWZ0ZXI6LTE="])
async def test_a_cursor_of_somebody_else_is_refused(glean: GleanCaller, cursor: str) -> None:
    answer = await glean.search("title", cursor=cursor)

    assert answer.status_code == 400
    assert answer.json()["errorMessages"]


async def test_a_filter_keeps_other_datasources_out(glean: GleanCaller) -> None:
    await glean.declare("other")
    await glean.bulk([document("mine")])
    other = document("theirs", datasource="other")
    await glean.index("indexdocument", {"document": other})

    filtered = await glean.found("title")
    by_name = await glean.found(
        "title", requestOptions={"facetBucketSize": 1, "datasourceFilter": "OTHER"}
    )
    everything = await glean.found("title", requestOptions=None)
    unknown = await glean.found(
        "title", requestOptions={"facetBucketSize": 1, "datasourcesFilter": ["unknown"]}
    )

    assert (filtered, by_name) == (["mine"], ["theirs"])
    assert sorted(everything) == ["mine", "theirs"]
    assert unknown == []


@pytest.mark.parametrize(
    "options",
    [{}, {"facetBucketSize": 1, "facetFilters": [{"fieldName": "type", "values": []}]}],
)
async def test_options_it_cannot_honour_are_refused(
    glean: GleanCaller, options: dict[str, object]
) -> None:
    answer = await glean.search("title", requestOptions=options)

    assert answer.status_code == 400


async def test_a_search_names_the_person_it_acts_for(glean: GleanCaller) -> None:
    answer = await glean.search("title", acting="")

    assert answer.status_code == 400


async def test_a_hidden_document_is_found_again_once_shown(glean: GleanCaller) -> None:
    await glean.bulk([document("one"), document("two")])
    doc_id = "CUSTOM_ACME_Page_one"

    hidden = await _override(glean, doc_id, "HIDE_FROM_ALL")
    while_hidden = await glean.found("title")
    told = await glean.http.get(OVERRIDES, params={"docIds": [doc_id, "other"]}, headers=CLIENT)
    await _override(glean, doc_id, "NONE")

    assert hidden.json() == {
        "results": [{"docId": doc_id, "override": "HIDE_FROM_ALL", "success": True}]
    }
    assert while_hidden == ["two"]
    assert told.json()["visibilityOverrides"] == [
        {"docId": doc_id, "override": "HIDE_FROM_ALL"},
        {"docId": "other", "override": "NONE"},
    ]
    assert sorted(await glean.found("title")) == ["one", "two"]


@pytest.mark.parametrize(
    ("doc_id", "override"),
    [("CUSTOM_ACME_Page_missing", "HIDE_FROM_ALL"), ("CUSTOM_ACME_Page_one", "HIDE_FROM_GROUPS")],
)
async def test_an_override_that_cannot_be_laid_says_so(
    glean: GleanCaller, doc_id: str, override: str
) -> None:
    await glean.bulk([document("one")])

    answer = await _override(glean, doc_id, override)

    (result,) = answer.json()["results"]
    assert result["success"] is False
    assert result["errorText"]


async def test_overrides_need_a_client_token(glean: GleanCaller) -> None:
    reading = await glean.http.get(OVERRIDES)
    writing = await glean.http.post(OVERRIDES, json={})

    assert (reading.status_code, writing.status_code) == (401, 401)


@example(query='"')
@example(query="AND (")
@example(query="NEAR/3 title:* -x")
@example(query="nul \0 byte")
@example(query="{body} : x")
@given(query=st.text(max_size=60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
async def test_no_query_breaks_the_search(glean: GleanCaller, query: str) -> None:
    answer = await glean.search(query)

    assert answer.status_code == 200


@given(
    words=st.lists(
        st.sampled_from(["AND", "OR", "NOT", "NEAR"]) | st.text(string.ascii_letters, min_size=1),
        min_size=1,
        max_size=6,
    ),
    sign=st.sampled_from([" ", '"', "*", "^", ":", "(", "-", "\0", "+"]),
)
def test_every_word_is_quoted_and_no_sign_survives(words: list[str], sign: str) -> None:
    asked = expression(sign.join(words), ["acme"], operator="AND")

    quoted = " AND ".join(f'"{word}"' for word in words)
    assert words_of(sign.join(words)) == words
    assert asked == f'datasource : ("acme") AND {{title body}} : ({quoted})'


async def _fill_another(glean: GleanCaller, pages: list[dict[str, Any]], times: int) -> None:
    """Put the same documents so many times into another datasource."""
    await glean.declare("other")
    for number in range(times):
        body = {
            "uploadId": "other",
            "datasource": "other",
            "isFirstPage": number == 0,
            "isLastPage": number == times - 1,
            "documents": [
                each | {"datasource": "other", "id": f"{number}x{each['id']}"} for each in pages
            ],
        }
        (await glean.index("bulkindexdocuments", body)).raise_for_status()


async def _cost(glean: GleanCaller, query: str) -> float:
    """The least CPU seconds that any of ten searches takes."""
    costs = []
    for _ in range(10):
        began = time.thread_time()
        await glean.search(query)
        costs.append(time.thread_time() - began)
    return min(costs)


async def _override(glean: GleanCaller, doc_id: str, override: str) -> httpx.Response:
    body = {"visibilityOverrides": [{"docId": doc_id, "override": override}]}
    return await glean.http.post(OVERRIDES, json=body, headers=CLIENT)
