"""Webhooks are made, shown, enabled and removed over HTTP, each tenant's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog

from domain.commands import Principal
from domain.deliveries import Left
from domain.lifecycle import DatasetStatus
from registry.deliveries import SqlDeliveries
from registry.subscriptions import SqlSubscriptions
from service.subscribing import PATH
from tests.builders import NOW, TENANT
from tests.published import strictly
from tests.registry.test_subscriptions import TTL, a_letter, a_webhook
from tests.service.consoles import Console
from tests.subscribers import keep_secret

URL = "https://hooks.example.com/dataops"
STRANGER = Principal("globex", "bob")


@pytest.fixture
def secret(tmp_path: Path) -> str:
    return keep_secret(tmp_path / "webhooks")


async def made(console: Console, secret: str, **more: Any) -> dict[str, Any]:
    answer = await console.http.post(PATH, json={"url": URL, "secrets": [secret], **more})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def with_letters(console: Console) -> str:
    """Keep a webhook with two dead letters; gives where it is shown."""
    await console.keep(DatasetStatus.READY)
    database, webhook = console.house.database, a_webhook()
    await SqlSubscriptions(database).add(webhook)
    (claimed,) = await SqlDeliveries(database).claim("me", TTL, 1, NOW)
    through = replace(claimed, position=await console.house.registry.last_sequence(TENANT))
    left = Left(through, [a_letter(1), a_letter(2)])
    await SqlDeliveries(database).release("me", [left])
    return f"{PATH}/{webhook.subscription_id}"


async def test_a_webhook_is_made_and_begins_behind_what_has_happened(
    console: Console, secret: str
) -> None:
    await console.keep(DatasetStatus.READY)
    newest = await console.house.registry.last_sequence("default")

    answer = await console.http.post(PATH, json={"url": URL, "secrets": [secret]})

    shown = answer.json()
    assert (answer.status_code, shown["position"], shown["state"]) == (201, newest, "active")
    assert (await console.http.get(answer.headers["location"])).json() == shown
    assert (await console.http.get(PATH)).json() == {"subscriptions": [shown]}


@pytest.mark.parametrize(("after", "position"), [(0, 0), (1, 1), (10**9, None)])
async def test_a_webhook_may_begin_elsewhere_but_not_in_the_future(
    console: Console, secret: str, after: int, position: int | None
) -> None:
    await console.keep(DatasetStatus.READY)
    newest = await console.house.registry.last_sequence("default")

    shown = await made(console, secret, after=after)

    assert shown["position"] == (newest if position is None else position)


async def test_kinds_are_taken_by_name_or_by_full_type(console: Console, secret: str) -> None:
    kinds = ["DatasetReady", "io.dataops.lifecycle.DatasetArchived.v1", "DatasetReady"]

    shown = await made(console, secret, kinds=kinds, journey="journey-acme-2026")

    assert shown["kinds"] == ["DatasetReady", "DatasetArchived"]
    assert shown["journey"] == "journey-acme-2026"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"url": "http://hooks.example.com/"}, "url"),
        ({"url": "https://127.0.0.1/"}, "url"),
        ({"url": "https://169.254.169.254/latest/meta-data"}, "url"),
        ({"url": "https://hooks.example.com:22/"}, "url"),
        ({"url": 7}, "url"),
        ({"kinds": ["DatasetBaked"]}, "kinds"),
        ({"secrets": []}, "secrets"),
        ({"secrets": ["secret://env/PATH"]}, "secrets.0"),
        ({"secrets": ["secret://env/GLEAN_INDEXING_TOKEN"]}, "secrets.0"),
        ({"secrets": ["secret://env/WEBHOOK_GLOBEX__HOOK"]}, "secrets.0"),
        ({"secrets": ["secret://env/WEBHOOK_DEFAULT__NOT_THERE"]}, "secrets.0"),
        ({"secrets": ["secret://file//etc/passwd"]}, "secrets.0"),
        ({"secrets": ["whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]}, "secrets.0"),
        ({"secrets": ["secret://file/\0"]}, "secrets.0"),
        ({"secrets": ["secret://env/WEBHOOK_DEFAULT__\n"]}, "secrets.0"),
        ({"secrets": [""]}, "secrets.0"),
        ({"secrets": ["secret://file/" + "x" * 300]}, "secrets.0"),
        ({"secrets": ["secret://file/" + "x" * 500]}, "secrets.0"),
        ({"after": -1}, "after"),
        ({"journey": ""}, "journey"),
        ({"journey": "journey\0"}, "journey"),
        ({"headers": {"X": "1"}}, "headers"),
    ],
)
async def test_what_cannot_be_is_told_by_field(
    console: Console, secret: str, given: dict[str, Any], field: str
) -> None:
    answer = await console.http.post(PATH, json={"url": URL, "secrets": [secret], **given})

    problem = answer.json()
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [each["field"] for each in problem["errors"]] == [field]
    assert "AAAAAAAA" not in answer.text
    assert (await console.http.get(PATH)).json() == {"subscriptions": []}


@pytest.mark.parametrize("way", ["../globex/key", "../../webhooks/globex/key", "link"])
async def test_a_tenant_points_to_no_secret_of_another_however_it_is_written(
    console: Console, tmp_path: Path, way: str
) -> None:
    theirs = keep_secret(tmp_path / "webhooks", "globex").removeprefix("secret://file/")
    own = tmp_path / "webhooks" / "default"
    own.mkdir()
    (own / "link").symlink_to(theirs)

    answer = await console.http.post(
        PATH, json={"url": URL, "secrets": [f"secret://file/{own}/{way}"]}
    )

    assert answer.status_code == 422


async def test_a_secret_of_the_environment_is_found_under_its_tenants_name(
    console: Console, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = Path(secret.removeprefix("secret://file/")).read_text()  # noqa: ASYNC240 - a line
    monkeypatch.setenv("WEBHOOK_DEFAULT__HOOK", content)

    shown = await made(console, "secret://env/WEBHOOK_DEFAULT__HOOK")

    assert shown["secrets"] == ["secret://env/WEBHOOK_DEFAULT__HOOK"]


async def test_a_webhook_is_removed(console: Console, secret: str) -> None:
    shown = await made(console, secret)
    path = f"{PATH}/{shown['subscription_id']}"

    answer = await console.http.delete(path)

    assert (answer.status_code, answer.content) == (204, b"")
    assert (await console.http.get(path)).status_code == 404
    assert (await console.http.delete(path)).status_code == 404


async def test_secrets_are_replaced_by_two_and_then_by_the_new_one(
    console: Console, secret: str, tmp_path: Path
) -> None:
    new = keep_secret(tmp_path / "webhooks", name="new")
    path = f"{PATH}/{(await made(console, secret))['subscription_id']}/secrets"

    both = await console.http.put(path, json={"secrets": [new, secret]})
    three = await console.http.put(path, json={"secrets": [new, secret, secret]})
    stranger = await console.http.put(path, json={"secrets": ["secret://env/HOME"]})

    assert both.json()["secrets"] == [new, secret]
    assert (three.status_code, stranger.status_code) == (422, 422)


async def test_a_disabled_webhook_is_enabled(console: Console, secret: str) -> None:
    await console.keep(DatasetStatus.READY)
    shown = await made(console, secret, after=0)
    deliveries = SqlDeliveries(console.house.database)
    (claimed,) = await deliveries.claim("me", TTL, 1, NOW)
    await deliveries.release("me", [Left(claimed.disabled("it answered 410"))])
    path = f"{PATH}/{shown['subscription_id']}"
    disabled = (await console.http.get(path)).json()

    answer = await console.http.post(f"{path}/enable")

    assert (disabled["state"], disabled["why"]) == ("disabled", "it answered 410")
    assert answer.json() == shown


async def test_dead_letters_are_listed_page_by_page_and_asked_for_again(console: Console) -> None:
    path = await with_letters(console)

    first = (await console.http.get(f"{path}/dead-letters?limit=1")).json()
    rest = await console.http.get(f"{path}/dead-letters?after={first['next_after']}")
    one = await console.http.post(f"{path}/dead-letters/replay", json={"sequences": [2]})
    shown = (await console.http.get(f"{path}/dead-letters")).json()["dead_letters"]
    every = await console.http.post(f"{path}/dead-letters/replay")

    assert [each["sequence"] for each in first["dead_letters"]] == [1]
    assert [each["sequence"] for each in rest.json()["dead_letters"]] == [2]
    assert rest.json()["next_after"] is None
    assert (one.status_code, one.json()) == (202, {"replaying": 1})
    assert [each["replaying"] for each in shown] == [False, True]
    assert every.json() == {"replaying": 2}


async def test_another_tenant_sees_and_touches_nothing(console: Console, tmp_path: Path) -> None:
    path = await with_letters(console)
    theirs = keep_secret(tmp_path / "webhooks", "globex")

    async with console.seen_by(STRANGER) as stranger:
        found = [
            await stranger.get(path),
            await stranger.delete(path),
            await stranger.post(f"{path}/enable"),
            await stranger.put(f"{path}/secrets", json={"secrets": [theirs]}),
            await stranger.get(f"{path}/dead-letters"),
            await stranger.post(f"{path}/dead-letters/replay"),
        ]
        listed = (await stranger.get(PATH)).json()

    assert {each.status_code for each in found} == {404}
    assert listed == {"subscriptions": []}
    assert (await console.http.get(path)).status_code == 200


async def test_an_id_that_is_none_is_told_by_field(console: Console) -> None:
    answer = await console.http.get(f"{PATH}/hook")

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "subscription"


async def test_whoever_changes_something_is_written_into_the_log(
    console: Console, secret: str
) -> None:
    with structlog.testing.capture_logs() as logs:
        async with console.seen_by(Principal("default", "alice")) as alice:
            answer = await alice.post(PATH, json={"url": URL, "secrets": [secret]})
            path = answer.headers["location"]
            await alice.put(f"{path}/secrets", json={"secrets": [secret]})
            await alice.post(f"{path}/enable")
            await alice.post(f"{path}/dead-letters/replay")
            await alice.delete(path)

    assert [each["event"] for each in logs] == [
        "subscription.created",
        "subscription.secrets_changed",
        "subscription.enabled",
        "subscription.replayed",
        "subscription.removed",
    ]
    assert {(each["tenant"], each["principal"]) for each in logs} == {("default", "alice")}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("get", "", None),
        ("post", "", {"url": "http://x"}),
        ("get", "/{subscription}", None),
        ("post", "/{subscription}/enable", None),
        ("put", "/{subscription}/secrets", {"secrets": []}),
        ("get", "/{subscription}/dead-letters", None),
        ("post", "/{subscription}/dead-letters/replay", {}),
    ],
)
async def test_every_answer_is_as_the_openapi_document_says(
    console: Console, method: str, path: str, body: dict[str, Any] | None
) -> None:
    shown = await with_letters(console)
    document = (await console.http.get("/openapi.json")).json()
    name = shown.removeprefix(f"{PATH}/")

    answer = await console.http.request(method, PATH + path.format(subscription=name), json=body)

    responses = document["paths"][PATH + path][method]["responses"]
    ((media_type, content),) = responses[str(answer.status_code)]["content"].items()
    assert answer.headers["content-type"] == media_type
    strictly({**content["schema"], "components": document["components"]}).validate(answer.json())
