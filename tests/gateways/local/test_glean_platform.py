"""The local Glean's platform API: the same documents as its search, in other words."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.gateways.local.glean_client import ADA, CLIENT, INDEXING, JSON, GleanCaller, document

PROBLEM = "application/problem+json"


async def _search(
    glean: GleanCaller, query: str, *, acting: str = ADA, **body: Any
) -> httpx.Response:
    headers = CLIENT | {"x-glean-actas": acting}
    return await glean.http.post("/api/search", json={"query": query} | body, headers=headers)


def _names(page: dict[str, Any]) -> list[str]:
    return [each["url"].rpartition("/")[2] for each in page["results"]]


async def test_a_page_has_all_that_clients_require(glean: GleanCaller) -> None:
    created = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
    await glean.bulk([document("one", createdAt=created), document("two", title="")])

    answer = await _search(glean, "text of one", datasources=["ACME"])

    page = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (200, JSON)
    assert page.pop("request_id")
    assert page == {
        "results": [
            {
                "url": "https://records.example.com/one",
                "title": "Title of one",
                "datasource": "acme",
                "snippets": ["text of one"],
                "document_type": "Page",
                "created_at": "2026-01-01T00:00:00Z",
            }
        ],
        "has_more": False,
        "next_cursor": None,
        "warnings": [],
    }


async def test_a_document_without_a_title_is_untitled(glean: GleanCaller) -> None:
    await glean.bulk([document("one", title="")])

    page = (await _search(glean, "text")).json()

    assert [each["title"] for each in page["results"]] == ["Untitled"]


async def test_pages_follow_one_another(glean: GleanCaller) -> None:
    await glean.bulk([document(f"doc{number}") for number in range(5)])

    first = (await _search(glean, "title", page_size=3)).json()
    second = (await _search(glean, "title", page_size=3, cursor=first["next_cursor"])).json()

    assert sorted(_names(first) + _names(second)) == [f"doc{number}" for number in range(5)]
    assert (first["has_more"], second["has_more"]) == (True, False)
    assert second["next_cursor"] is None


async def test_both_searches_find_the_same(glean: GleanCaller) -> None:
    await glean.bulk([document(f"doc{number}", title=f"Pump {number}") for number in range(9)])

    page = (await _search(glean, "pump 3 or 4")).json()

    assert _names(page) == await glean.found("pump 3 or 4")


async def test_only_the_datasources_that_were_named_are_searched(glean: GleanCaller) -> None:
    await glean.declare("other")
    await glean.bulk([document("mine")])
    await glean.index("indexdocument", {"document": document("theirs", datasource="other")})

    named = (await _search(glean, "title", datasources=["other"])).json()
    everywhere = (await _search(glean, "title")).json()

    assert _names(named) == ["theirs"]
    assert sorted(_names(everywhere)) == ["mine", "theirs"]


async def test_a_person_finds_only_what_they_may_see(glean: GleanCaller) -> None:
    await glean.bulk([document("one")])

    page = (await _search(glean, "title", acting="stranger@example.com")).json()

    assert page["results"] == []


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"datasources": ["nobody"]}, "invalid_datasource"),
        ({"cursor": "nonsense"}, "invalid_cursor"),
        ({"filters": [{"field": "type", "values": ["Page"]}]}, "invalid_filter"),
        ({"time_range": {"start": "2026-01-01T00:00:00Z"}}, "invalid_filter"),
        ({"page_size": "many"}, "invalid_request"),
    ],
)
async def test_what_it_cannot_search_for_is_a_problem_with_a_code(
    glean: GleanCaller, wrong: dict[str, Any], code: str
) -> None:
    answer = await _search(glean, "title", **wrong)

    problem = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (400, PROBLEM)
    assert (problem["status"], problem["code"]) == (400, code)
    assert all(problem[each] for each in ("type", "title", "detail", "request_id"))


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [({}, 401, "authentication_required"), (INDEXING, 403, "insufficient_permissions")],
)
async def test_whoever_may_not_search_is_told_so_as_a_problem(
    glean: GleanCaller, headers: dict[str, str], status: int, code: str
) -> None:
    answer = await glean.http.post("/api/search", json={"query": "title"}, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_the_filters_list_what_the_person_acting_sees(glean: GleanCaller) -> None:
    await glean.declare("other")
    await glean.index("adddatasource", {"name": "hidden", "urlRegex": ".*"})

    answer = await glean.http.get("/api/search/filters", headers=CLIENT)

    names = [each["datasource"] for each in answer.json()["datasources"]]
    assert names == ["acme", "other"]


async def test_the_platform_api_answers_errors_as_problems(glean: GleanCaller) -> None:
    answer = await glean.http.get("/api/search/filters")

    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "authentication_required"
