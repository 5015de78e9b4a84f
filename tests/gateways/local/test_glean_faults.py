"""The local Glean's faults, tokens and limits: it fails on purpose the way a tenant fails."""

import json
import time
from collections.abc import AsyncIterator

import pytest

from gateways.local.glean import FaultKind, Faults, create_app
from gateways.local.glean.faults import AnswerLost
from tests.gateways.local.glean_client import (
    ADA,
    CLIENT_TOKEN,
    INDEXING_TOKEN,
    JSON,
    Clock,
    GleanCaller,
    calling,
    document,
)


@pytest.fixture
def faults(glean: GleanCaller) -> Faults:
    planned: Faults = glean.app.state.faults
    return planned


async def test_a_planned_status_strikes_as_often_as_planned(
    glean: GleanCaller, faults: Faults
) -> None:
    faults.fail_next("/bulkindexdocuments", status=429, times=2, retry_after="7")

    answers = [await glean.bulk([document("one")]) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["retry-after"] == "7"


async def test_a_fault_carries_any_header_and_any_body(glean: GleanCaller, faults: Faults) -> None:
    told = {"errorMessages": [{"errorMessage": "outside of the permitted addresses"}]}
    faults.fail_next("/search", status=403, headers={"Content-Type": JSON}, body=json.dumps(told))
    faults.fail_next("/status", status=429, headers={"retry-after-ms": "1500"})

    refused, later = await glean.search("title"), await glean.index("debug/acme/status")

    assert (refused.status_code, refused.headers["content-type"]) == (403, JSON)
    assert refused.json() == told
    assert later.headers["retry-after-ms"] == "1500"
    assert later.text == "injected fault"


async def test_a_fault_can_let_some_calls_pass_first(glean: GleanCaller, faults: Faults) -> None:
    faults.fail_next("/indexdocument", status=500, after=1)

    answers = [await glean.index("indexdocument", {"document": document("one")}) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 500, 200]


async def test_other_paths_are_spared(glean: GleanCaller, faults: Faults) -> None:
    faults.fail_next("/search")

    answer = await glean.bulk([document("one")])

    assert answer.status_code == 200
    assert (await glean.search("title")).status_code == 503


async def test_cleared_faults_do_not_strike(glean: GleanCaller, faults: Faults) -> None:
    faults.fail_next("/search")
    faults.fail_next("/status", after=3)

    faults.clear()

    assert faults.planned() == ()
    assert (await glean.search("title")).status_code == 200


async def test_a_lost_answer_comes_after_the_change(glean: GleanCaller, faults: Faults) -> None:
    faults.fail_next("/bulkindexdocuments", kind=FaultKind.LOST)

    with pytest.raises(AnswerLost):
        await glean.bulk([document("one")])

    assert await glean.counts() == (1, 1)


async def test_a_sign_in_page_comes_with_200(glean: GleanCaller, faults: Faults) -> None:
    faults.fail_next("/status", kind=FaultKind.HTML)

    answer = await glean.index("debug/acme/status")

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html")


async def test_an_answer_can_break_off_in_the_middle(glean: GleanCaller, faults: Faults) -> None:
    faults.fail_next("/status", kind=FaultKind.TRUNCATED)
    faults.fail_next("/bulkindexdocuments", kind=FaultKind.TRUNCATED)

    answers = [await glean.index("debug/acme/status"), await glean.bulk([document("one")])]

    for answer in answers:
        assert answer.status_code == 200
        with pytest.raises(ValueError, match="line 1"):
            answer.json()
    assert await glean.counts() == (1, 1)


async def test_an_answer_can_be_slow(glean: GleanCaller, faults: Faults) -> None:
    faults.fail_next("/status", kind=FaultKind.SLOW, delay_seconds=0.05)
    started = time.monotonic()

    answer = await glean.index("debug/acme/status")

    assert answer.status_code == 200
    assert time.monotonic() - started >= 0.05


async def test_a_share_of_the_documents_is_never_indexed(
    glean: GleanCaller, faults: Faults
) -> None:
    faults.never_index(percent=20)

    await glean.bulk([document(f"doc{number}") for number in range(100)])

    uploaded, indexed = await glean.counts()
    assert uploaded == 100
    assert 70 <= indexed <= 90


async def test_faults_come_through_the_control_door_too(glean: GleanCaller) -> None:
    await glean.http.post(
        "/_control/faults",
        json={
            "path_suffix": "/search",
            "status": 502,
            "times": 5,
            "headers": {"via": "a proxy"},
            "body": "bad gateway",
        },
    )
    await glean.http.post("/_control/faults", json={"never_index_percent": 100})

    planned = (await glean.http.get("/_control/faults")).json()["faults"]
    struck = await glean.search("title")
    await glean.http.delete("/_control/faults")
    spared = await glean.search("title")

    assert [(each["path_suffix"], each["times"]) for each in planned] == [("/search", 5)]
    assert (struck.status_code, struck.text, spared.status_code) == (502, "bad gateway", 200)
    assert struck.headers["via"] == "a proxy"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("faults", {"path_suffix": "/search", "times": 0}),
        ("visibility", {"datasource": "nobody", "visibility": "NOT_ENABLED"}),
    ],
)
async def test_the_control_door_refuses_what_it_does_not_understand(
    glean: GleanCaller, path: str, body: dict[str, object]
) -> None:
    answer = await glean.http.post(f"/_control/{path}", json=body)

    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("", 401),
        ("Basic YTpi", 401),
        ("Bearer somebody-elses", 401),
        (f"Bearer {CLIENT_TOKEN}", 403),
        (f"Bearer {INDEXING_TOKEN}", 200),
    ],
)
async def test_indexing_takes_indexing_tokens_only(
    glean: GleanCaller, authorization: str, status: int
) -> None:
    answer = await glean.http.post(
        "/api/index/v1/debug/acme/status", headers={"authorization": authorization}
    )

    assert answer.status_code == status


@pytest.mark.parametrize(
    ("token", "status"), [("unknown", 401), (INDEXING_TOKEN, 403), (CLIENT_TOKEN, 200)]
)
async def test_search_takes_client_tokens_only(glean: GleanCaller, token: str, status: int) -> None:
    answer = await glean.http.post(
        "/rest/api/v1/search",
        json={"query": "title"},
        headers={"authorization": f"Bearer {token}", "x-glean-actas": ADA},
    )

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json; charset=UTF-8"


@pytest.fixture
async def limited(clock: Clock) -> AsyncIterator[GleanCaller]:
    app = create_app(
        None,
        clock=clock,
        indexing_token=INDEXING_TOKEN,
        client_token=CLIENT_TOKEN,
        published_limits=True,
    )
    async with calling(app) as caller:
        await caller.declare()
        yield caller


async def test_five_searches_a_second_and_no_more(limited: GleanCaller, clock: Clock) -> None:
    answers = [await limited.search("title") for _ in range(6)]
    clock.advance(seconds=1)
    later = await limited.search("title")

    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert answers[-1].headers["retry-after"] == "1"
    assert later.status_code == 200


async def test_six_hundred_added_documents_a_minute_and_no_more(limited: GleanCaller) -> None:
    page = {"datasource": "acme", "documents": [document(f"doc{n}") for n in range(300)]}

    answers = [await limited.index("indexdocuments", page) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[-1].headers["retry-after"] == "60"


async def test_limits_are_not_enforced_unless_asked_for(glean: GleanCaller) -> None:
    answers = [await glean.search("title") for _ in range(10)]

    assert {answer.status_code for answer in answers} == {200}
