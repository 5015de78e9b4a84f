"""Webhooks end to end: what happens to a dataset reaches whoever subscribed, whatever becomes of him."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from registry.repository import SqlRegistry
from tests.journeys.scenes import at_the_api
from tests.postgres_databases import a_fresh_database
from tests.processes import PATIENCE, cluster, name_of
from tests.running import SMALL, running
from tests.subscribers import is_signed, keep_secret, subscriber

COORDINATOR = "lifecycle-coordinator"


@pytest.mark.requirement("R7", "R61", "R88")
async def test_a_subscriber_hears_of_each_event_in_order_signed_and_as_the_replay_has_it(
    tmp_path: Path,
) -> None:
    secret = keep_secret(tmp_path / "hooks")
    async with (
        subscriber() as hook,
        running(tmp_path / "data", webhook_loopback=True, webhook_secrets=tmp_path / "hooks") as it,
        at_the_api(it) as http,
    ):
        made = await http.post("/api/v1/subscriptions", json={"url": hook.url, "secrets": [secret]})
        await it.call(COORDINATOR, SMALL)
        await hook.until(lambda: "DatasetReady" in hook.events)
        replayed = await http.get("/events/replay")

    assert made.status_code == 201
    assert hook.events == [each["type"].split(".")[-2] for each in replayed.json()]
    assert b"[%s]" % b",".join(each.body for each in hook.calls) == replayed.content
    assert all(is_signed(each) for each in hook.calls)


async def test_the_outbox_is_read_once_for_the_stream_and_the_webhooks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, places = keep_secret(tmp_path / "hooks"), list[int]()
    events = SqlRegistry.events

    async def noting(self: SqlRegistry, tenant: str, after: int, limit: int) -> Any:
        places.append(after)
        return await events(self, tenant, after, limit)

    async with (
        subscriber() as hook,
        running(tmp_path / "data", webhook_loopback=True, webhook_secrets=tmp_path / "hooks") as it,
        at_the_api(it) as http,
    ):
        await it.call(COORDINATOR, SMALL)
        monkeypatch.setattr(SqlRegistry, "events", noting)
        given = {"url": hook.url, "secrets": [secret], "after": 0}
        (await http.post("/api/v1/subscriptions", json=given)).raise_for_status()
        await hook.until(lambda: "DatasetReady" in hook.events)
        async with http.stream("GET", "/events?after=0") as stream:
            async for line in stream.aiter_lines():
                if line.startswith("data:"):
                    break

    assert places.count(0) == 1


@pytest.mark.timeout(240)
@pytest.mark.requirement("R61", "R88")
@pytest.mark.parametrize("end", ["killed", "frozen"])
async def test_when_the_process_that_delivers_dies_another_goes_on_and_nothing_is_lost(
    tmp_path: Path, end: str
) -> None:
    secret = keep_secret(tmp_path / "hooks")
    settings = {"webhook_loopback": "true", "webhook_secrets": str(tmp_path / "hooks")}
    async with (
        subscriber() as hook,
        cluster(tmp_path, a_fresh_database(), **settings) as town,
    ):
        hook.answer = lambda _: None
        one = await town.start()
        async with httpx.AsyncClient(base_url=one.url, timeout=PATIENCE, trust_env=False) as http:
            given = {"url": hook.url, "secrets": [secret]}
            (await http.post("/api/v1/subscriptions", json=given)).raise_for_status()
        await one.begin(SMALL, "the-one-message")
        await hook.until(lambda: len(hook.calls) == 1)
        two = await town.start()
        one.kill() if end == "killed" else one.stop()
        hook.answer = None

        await hook.until(lambda: "DatasetReady" in hook.events)

        told = dict.fromkeys(each.headers["webhook-id"] for each in hook.calls)
        events = await two.events()

    assert list(told) == [each["id"] for each in events]
    assert name_of(events[-1]) == "DatasetReady"
    first, again = hook.calls[:2]
    assert first.headers["webhook-id"] == again.headers["webhook-id"]
    assert first.event["data"] == again.event["data"]
