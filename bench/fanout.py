"""Fan-out: 500 who listen and 50 webhooks, and how much provisioning slows because of them."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import sys
import tempfile
import time
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import httpx

from bench.acme import Cost
from bench.setting import bench

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bench.setting import Bench

LISTENERS = 500
WEBHOOKS = 50
ROUNDS = 8
"""How many pairs there are of one side alone and one before everybody; each pair is one ratio."""

REQUESTS = 3
"""How many requests for two datasets follow each other on a side, so that it takes about as long as
the pause between two tellings of such a crowd."""

PATIENCE_SECONDS = 300.0


async def measure() -> list[dict[str, Any]]:
    """Provision in turns alone and with everybody listening; tell the ratio, and what was heard."""
    alone: list[Cost] = []
    before_all: list[Cost] = []
    async with _service() as (setting, folder):
        await _provision(setting, "warmup")
        for number in range(ROUNDS):
            alone.append(await _side(setting, f"alone{number}"))
            async with _crowd(setting, folder) as told:
                before_all.append(await _side(setting, f"crowd{number}"))
    pairs = list(zip(before_all, alone, strict=True))
    slowed = sorted(crowded.wall / quiet.wall - 1 for crowded, quiet in pairs)
    return [
        {
            "what": f"provisioning before {LISTENERS} listeners and {WEBHOOKS} webhooks, at most 0.10 slower",
            "slowed": round(median(slowed), 3),
            "slowed_least_and_most": [round(slowed[0], 3), round(slowed[-1], 3)],
            "cpu_more": round(median(crowded.cpu / quiet.cpu - 1 for crowded, quiet in pairs), 3),
            "alone_ms": round(median(each.wall for each in alone) * 1000, 1),
            "before_all_ms": round(median(each.wall for each in before_all) * 1000, 1),
            "rounds": ROUNDS,
            "datasets_a_round": 2 * REQUESTS,
            **told,
        }
    ]


@asynccontextmanager
async def _service() -> AsyncIterator[tuple[Bench, Path]]:
    with tempfile.TemporaryDirectory(prefix="dataops-hooks-") as hooks:
        async with bench(webhook_loopback="true", webhook_secrets=hooks) as setting:
            key = base64.b64encode(secrets.token_bytes(32)).decode()
            theirs = Path(hooks) / "default"
            await asyncio.to_thread(theirs.mkdir)
            await asyncio.to_thread((theirs / "key").write_text, f"whsec_{key}")
            yield setting, theirs


@asynccontextmanager
async def _crowd(setting: Bench, folder: Path) -> AsyncIterator[dict[str, Any]]:
    """Let everybody listen from a process of its own; afterwards each has heard everything."""
    told: dict[str, Any] = {}
    listening = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.listeners",
        setting.served.url,
        str(LISTENERS),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    output, source = listening.stdout, listening.stdin
    if output is None or source is None:
        message = "The listeners have no pipes."
        raise RuntimeError(message)
    port = int(await output.readline())
    async with httpx.AsyncClient(base_url=setting.served.url, trust_env=False) as http:
        names = [await _subscribe(http, folder, port) for _ in range(WEBHOOKS)]
        since = await _newest(setting)
        yield told
        caught_up = await _wait_for_all(http, setting)
        for name in names:
            await http.delete(f"/api/v1/subscriptions/{name}")
    events = await _newest(setting) - since
    source.write(f"{events * LISTENERS}\n".encode())
    heard = json.loads(await output.readline())
    await listening.wait()
    told |= {"events": events, **heard, "webhooks_caught_up_s": round(caught_up, 1)}
    if heard["calls"] < events * WEBHOOKS or heard["frames"] < events * LISTENERS:
        message = f"Of {events} events not all were heard: {heard}."
        raise RuntimeError(message)


async def _subscribe(http: httpx.AsyncClient, folder: Path, port: int) -> str:
    body = {"url": f"http://127.0.0.1:{port}/", "secrets": [f"secret://file/{folder}/key"]}
    answer = await http.post("/api/v1/subscriptions", json=body)
    return str(answer.raise_for_status().json()["subscription_id"])


async def _wait_for_all(http: httpx.AsyncClient, setting: Bench) -> float:
    """Wait until every webhook has acknowledged everything; gives how long it took."""
    started = time.perf_counter()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            found = (await http.get("/api/v1/subscriptions")).json()["subscriptions"]
            newest = await _newest(setting)
            if all(each["position"] == newest for each in found):
                return time.perf_counter() - started
            await asyncio.sleep(0.5)


async def _newest(setting: Bench) -> int:
    return await setting.served.service.registry.last_sequence("default")


async def _side(setting: Bench, name: str) -> Cost:
    started = time.perf_counter(), time.process_time()
    for number in range(REQUESTS):
        await _provision(setting, f"{name}x{number}")
    return Cost(time.perf_counter() - started[0], time.process_time() - started[1])


async def _provision(setting: Bench, client: str) -> None:
    ending = await setting.provision(client, ["confluence", "github"])
    if {each["status"] for each in ending.data["datasets"]} != {"ready"}:
        message = f"The request of {client} ended otherwise: {ending.sentence}"
        raise RuntimeError(message)
