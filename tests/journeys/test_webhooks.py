"""Webhooks end to end: what happens to a dataset reaches whoever subscribed, whatever becomes of him."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from protocol.transport import StreamingTransport
from service.app import build_app
from service.pages import pages
from tests.running import BASE, SMALL, RunningService, running
from tests.subscribers import is_signed, keep_secret, subscriber

COORDINATOR = "lifecycle-coordinator"


def api(service: RunningService) -> httpx.AsyncClient:
    transport = StreamingTransport(build_app(service.service, pages(service.service)))
    return httpx.AsyncClient(transport=transport, base_url=BASE)


@pytest.mark.requirement("R61", "R88")
async def test_a_subscriber_hears_of_each_event_in_order_signed_and_as_the_replay_has_it(
    tmp_path: Path,
) -> None:
    secret = keep_secret(tmp_path / "hooks")
    async with (
        subscriber() as hook,
        running(tmp_path / "data", webhook_loopback=True, webhook_secrets=tmp_path / "hooks") as it,
        api(it) as http,
    ):
        made = await http.post("/api/v1/subscriptions", json={"url": hook.url, "secrets": [secret]})
        await it.call(COORDINATOR, SMALL)
        await hook.until(lambda: "DatasetReady" in hook.events)
        replayed = await http.get("/events/replay")

    assert made.status_code == 201
    assert hook.events == [each["type"].split(".")[-2] for each in replayed.json()]
    assert b"[%s]" % b",".join(each.body for each in hook.calls) == replayed.content
    assert all(is_signed(each) for each in hook.calls)
