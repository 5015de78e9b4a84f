"""ACME's request against the bare minimum: the same documents and queries by plain httpx."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

import httpx

from bench.setting import bench
from gateways.glean_documents import document
from protocol.auth import ANONYMOUS

if TYPE_CHECKING:
    from bench.setting import Bench
    from domain.dataset import Dataset

ROUNDS = 11


@dataclass(frozen=True, slots=True)
class Cost:
    """Wall and CPU seconds of one round; server and client share the process on both sides."""

    wall: float
    cpu: float


async def measure() -> list[dict[str, Any]]:
    """Measure both sides in turns and give two ratios, wall and CPU."""
    ours: list[Cost] = []
    bare: list[Cost] = []
    async with bench() as setting:
        await setting.provision("warmup", ["confluence", "github"])
        for number in range(ROUNDS):
            client = f"client{number}"
            ours.append(await _ours(setting, client))
            bare.append(await _bare(setting, client))
    return [
        _ratio("acme wall: request to both READY / plain httpx", "wall", ours, bare),
        _ratio("acme cpu: request to both READY / plain httpx", "cpu", ours, bare),
    ]


async def _ours(setting: Bench, client: str) -> Cost:
    started = time.perf_counter(), time.process_time()
    ending = await setting.provision(client, ["confluence", "github"])
    cost = Cost(time.perf_counter() - started[0], time.process_time() - started[1])
    statuses = {each["status"] for each in ending.data["datasets"]}
    if statuses != {"ready"}:
        message = f"The request of {client} ended with {statuses}: {ending.sentence}"
        raise RuntimeError(message)
    return cost


async def _bare(setting: Bench, client: str) -> Cost:
    """Push the same ready-made documents to the same Glean and run the same queries."""
    service = setting.served.service
    loads = []
    for kind in ("confluence", "github"):
        name = f"{client}-sandbox-{kind}"
        found = await service.registry.dataset_id_of(ANONYMOUS.tenant, name)
        dataset = await service.registry.dataset(ANONYMOUS.tenant, found)
        loads.append((dataset, await _documents(setting, dataset)))
    url = f"{setting.served.url}/glean"
    async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
        started = time.perf_counter(), time.process_time()
        for dataset, pages in loads:
            await _push(http, setting, dataset, pages)
        return Cost(time.perf_counter() - started[0], time.process_time() - started[1])


async def _documents(setting: Bench, dataset: Dataset) -> list[list[dict[str, Any]]]:
    content, connector, template = dataset.content, dataset.connector, dataset.template
    if content is None or connector is None or template is None:
        message = f"{dataset.name} has no content."
        raise RuntimeError(message)
    body = {"template_id": template.key, "record_count": content.record_count, "seed": content.seed}
    async with httpx.AsyncClient(base_url=setting.served.url, trust_env=False) as http:
        answer = await http.post("/mock-data/generate-mock-data", json=body)
    records = answer.raise_for_status().json()["records"]
    act_as = setting.served.service.settings.glean_act_as
    documents = [document(each, connector, act_as) for each in records]
    return [documents[at : at + 100] for at in range(0, len(documents), 100)]


async def _push(
    http: httpx.AsyncClient, setting: Bench, dataset: Dataset, pages: list[list[dict[str, Any]]]
) -> None:
    local = setting.served.service.stand_ins
    indexing = {"Authorization": f"Bearer {local.indexing_token}"}
    client = {
        "Authorization": f"Bearer {local.client_token}",
        "X-Glean-ActAs": setting.served.service.settings.glean_act_as,
    }
    connector, content = dataset.connector, dataset.content
    if connector is None or content is None:
        return
    for number, page in enumerate(pages):
        upload = {
            "uploadId": "bare",
            "datasource": connector.datasource,
            "documents": page,
            "isFirstPage": number == 0,
            "isLastPage": number == len(pages) - 1,
            "forceRestartUpload": number == 0,
        }
        path = "/api/index/v1/bulkindexdocuments"
        (await http.post(path, json=upload, headers=indexing)).raise_for_status()
    for query in content.queries:
        search = {
            "query": query.query,
            "pageSize": 10,
            "requestOptions": {"facetBucketSize": 1, "datasourcesFilter": [connector.datasource]},
        }
        (await http.post("/rest/api/v1/search", json=search, headers=client)).raise_for_status()


def _ratio(what: str, unit: str, ours: list[Cost], bare: list[Cost]) -> dict[str, Any]:
    """Give the median of the rounds' ratios: both terms of one were taken within a second."""
    top = [getattr(each, unit) for each in ours]
    bottom = [getattr(each, unit) for each in bare]
    ratios = [above / below for above, below in zip(top, bottom, strict=True)]
    return {
        "what": what,
        "ratio": round(median(ratios), 2),
        "spread": [round(min(ratios), 2), round(max(ratios), 2)],
        "ours_ms": round(median(top) * 1000, 1),
        "bare_ms": round(median(bottom) * 1000, 1),
        "rounds": ROUNDS,
    }
