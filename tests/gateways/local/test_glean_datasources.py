"""The local Glean's datasources: declared by an upsert, seen by nobody until let in."""

from typing import Any

import httpx
import pytest

from gateways.local.glean import create_app
from tests.gateways.local.glean_client import (
    ADA,
    CLIENT_TOKEN,
    INDEXING,
    INDEXING_TOKEN,
    JSON,
    Clock,
    GleanCaller,
    calling,
    document,
)


async def test_a_write_answers_exactly_200_with_nothing_in_it(glean: GleanCaller) -> None:
    answer = await glean.declare("another")

    assert (answer.status_code, answer.content) == (200, b"")
    assert "content-type" not in answer.headers


async def test_a_configuration_is_read_back_as_it_was_sent(glean: GleanCaller) -> None:
    await glean.declare("Acme", homeUrl="https://dataops.example.com/datasets/1", unknown="kept")

    answer = await glean.index("getdatasourceconfig", {"datasource": "ACME"})

    config = answer.json()
    assert answer.headers["content-type"] == JSON
    assert config["name"] == "Acme"
    assert config["homeUrl"] == "https://dataops.example.com/datasets/1"
    assert config["unknown"] == "kept"


async def test_declaring_again_overwrites_silently(glean: GleanCaller) -> None:
    await glean.declare("ACME", displayName="somebody else's")

    config = (await glean.index("getdatasourceconfig", {"datasource": "acme"})).json()

    assert config["displayName"] == "somebody else's"


async def test_some_tenants_put_custom_before_the_name(clock: Clock) -> None:
    app = create_app(
        None,
        clock=clock,
        indexing_token=INDEXING_TOKEN,
        client_token=CLIENT_TOKEN,
        custom_prefix=True,
    )
    async with calling(app) as caller:
        await caller.declare()

        config = (await caller.index("getdatasourceconfig", {"datasource": "acme"})).json()

    assert config["name"] == "CUSTOM_ACME"


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"name": "ACME-sandbox-confluence"}, "name"),
        ({"name": ""}, "name"),
        ({"datasourceCategory": "UNCATEGORIZED"}, "UNCATEGORIZED"),
        ({"datasourceCategory": "NOVELS"}, "datasourceCategory"),
        ({"urlRegex": None}, "urlRegex"),
        ({"urlRegex": "("}, "urlRegex"),
        ({"objectDefinitions": [{"name": "Blog Post"}]}, "objectDefinitions.0.name"),
        ({"objectDefinitions": [{"name": "Blog_Post"}]}, "objectDefinitions.0.name"),
    ],
)
async def test_what_glean_would_not_take_is_refused(
    glean: GleanCaller, wrong: dict[str, Any], named: str
) -> None:
    answer = await glean.declare(**({"name": "fresh"} | wrong))

    assert answer.status_code == 400
    assert named in answer.text


async def test_an_entity_datasource_needs_no_url_regex(glean: GleanCaller) -> None:
    answer = await glean.declare("people", urlRegex=None, isEntityDatasource=True)

    assert answer.status_code == 200


async def test_an_unknown_datasource_is_refused_everywhere(glean: GleanCaller) -> None:
    answers = [
        await glean.index("getdatasourceconfig", {"datasource": "nobody"}),
        await glean.index("betausers", {"datasource": "nobody", "emails": [ADA]}),
        await glean.index("debug/nobody/status"),
        await glean.index("processalldocuments", {"datasource": "nobody"}),
    ]

    assert [answer.status_code for answer in answers] == [400, 400, 400, 400]


async def test_a_new_datasource_is_seen_by_nobody(glean: GleanCaller) -> None:
    await glean.http.post(
        "/_control/visibility", json={"datasource": "acme", "visibility": "NOT_ENABLED"}
    )

    await glean.bulk([document("one")])

    assert (await glean.status())["datasourceVisibility"] == "NOT_ENABLED"
    assert await glean.found("title") == []


async def test_beta_users_see_it_and_others_do_not(glean: GleanCaller) -> None:
    await glean.bulk([document("one")])

    await glean.index("betausers", {"datasource": "acme", "emails": ["Ben@Example.com"]})

    assert (await glean.status())["datasourceVisibility"] == "ENABLED_FOR_TEST_GROUP"
    assert await glean.found("title", acting="ben@example.com") == ["one"]
    assert await glean.found("title", acting=ADA) == ["one"]
    assert await glean.found("title", acting="carla@example.com") == []


async def test_an_administrator_lets_everybody_in(glean: GleanCaller) -> None:
    await glean.bulk([document("one")])

    answer = await glean.http.post(
        "/_control/visibility", json={"datasource": "acme", "visibility": "ENABLED_FOR_ALL"}
    )

    assert answer.status_code == 200
    assert await glean.found("title", acting="carla@example.com") == ["one"]


async def test_beta_users_do_not_take_away_what_everybody_has(glean: GleanCaller) -> None:
    await glean.http.post(
        "/_control/visibility", json={"datasource": "acme", "visibility": "ENABLED_FOR_ALL"}
    )

    await glean.index("betausers", {"datasource": "acme", "emails": [ADA]})

    assert (await glean.status())["datasourceVisibility"] == "ENABLED_FOR_ALL"


async def test_processing_runs_once_in_three_hours_for_a_datasource(
    glean: GleanCaller, clock: Clock
) -> None:
    await glean.declare("other")

    first = await glean.index("processalldocuments", {"datasource": "acme"})
    again = await glean.index("processalldocuments", {"datasource": "ACME"})
    other = await glean.index("processalldocuments", {"datasource": "other"})
    everything = await glean.http.post("/api/index/v1/processalldocuments", headers=INDEXING)
    clock.advance(hours=3, seconds=1)
    later = await glean.index("processalldocuments", {"datasource": "acme"})

    answers = (first, again, other, everything, later)
    assert [answer.status_code for answer in answers] == [200, 429, 200, 200, 200]
    assert len((await glean.status())["documents"]["processingHistory"]) == 3


async def test_the_control_door_is_shut_unless_asked_for(clock: Clock) -> None:
    app = create_app(None, clock=clock, indexing_token="i", client_token="c")

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://g") as http:
        answer = await http.get("/_control/faults")
    await app.state.aclose()

    assert answer.status_code == 404
