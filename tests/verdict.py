"""The verdict on a storm: every dataset was made, once and in order, and nothing else is anywhere."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from agents.auditor import Auditor
from registry.trail import SqlAuditTrail
from service.archives import opened_archive
from service.settings import Settings
from tests.processes import name_of
from tests.registry.databases import open_house
from tests.rows import rows_in

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Hashable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from tests.processes import Cluster
    from tests.storm import Client, Storm

MADE_ONCE = [
    "DatasetProvisioningStarted",
    "DatasetPopulated",
    "DatasetProvisionCompleted",
    "DatasetReady",
]
"""The story of a dataset that became READY: in order, and nothing of it was told twice."""

_HELD = """
SELECT name, json_extract(config, '$.homeUrl'), (
    SELECT count(*) FROM document WHERE datasource = datasource.name AND gone_at IS NULL
) FROM datasource
"""


async def faults_after(storm: Storm) -> list[str]:
    """Name all that is not as if nothing had happened meanwhile, a sentence each.

    What Glean holds is read from its stand-in's own file, and not told by the service.
    """
    process = storm.processes[0]
    datasets, events = await process.datasets(), await process.events()
    held = await asyncio.to_thread(_held, storm.town.folder)
    asked = {
        (client.request["journey_id"], kind): client.records
        for client in storm.clients
        for kind in client.types
    }
    return [
        *_of_clients(storm.clients),
        *_of_datasets(datasets, asked),
        *_of_events(events, datasets, storm.clients),
        *_of_glean(held, datasets, asked),
        *[each async for each in _of_trails(storm.town)],
    ]


def stories(events: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Tell the events of each dataset by their names, in the order in which they were told."""
    found: dict[str, list[str]] = {}
    for each in events:
        if "subject" in each:
            found.setdefault(each["subject"], []).append(name_of(each))
    return found


def _of_clients(clients: Sequence[Client]) -> Iterator[str]:
    for each in clients:
        if each.seen[-1:] != ["TASK_STATE_COMPLETED"] or not each.is_monotonic:
            yield f"Client {each.number} has read {each.seen}, and at last {each.told}."


def _of_datasets(
    datasets: Sequence[dict[str, Any]], asked: dict[tuple[str, str], int]
) -> Iterator[str]:
    found = [(*_place(each), each["status"]) for each in datasets]
    yield from _apart("Dataset", found, [(*each, "ready") for each in asked])


def _of_events(
    events: Sequence[dict[str, Any]],
    datasets: Sequence[dict[str, Any]],
    clients: Sequence[Client],
) -> Iterator[str]:
    numbers = [int(each["sequence"]) for each in events]
    if numbers != list(range(1, len(events) + 1)):
        yield f"Events are numbered {numbers}."
    requests = [
        each["journeyref"] for each in events if name_of(each) == "DatasetProvisionRequested"
    ]
    yield from _apart("Request", requests, [each.request["journey_id"] for each in clients])
    told = [(dataset_id, *story) for dataset_id, story in stories(events).items()]
    yield from _apart("Story", told, [(each["dataset_id"], *MADE_ONCE) for each in datasets])


def _of_glean(
    held: Sequence[tuple[str, str, int]],
    datasets: Sequence[dict[str, Any]],
    asked: dict[tuple[str, str], int],
) -> Iterator[str]:
    owned = [
        (each["datasource"], each["dataset_id"], asked.get(_place(each), 0))
        for each in datasets
        if each["status"] == "ready"
    ]
    yield from _apart("Connector", held, owned)


async def _of_trails(town: Cluster) -> AsyncIterator[str]:
    """Look through the audit trails past the service, and hold them to their checkpoints."""
    settings = Settings(data=town.folder, database_url=town.database)
    async with open_house(town.database) as house, AsyncExitStack() as stack:
        archive = opened_archive(settings, stack)
        auditor = Auditor(SqlAuditTrail(house.database), archive, settings.retention)
        verdicts = [await auditor.verify(tenant) for tenant in await auditor.tenants()]
    if not any(each.entries for each in verdicts):
        yield "Nobody has written down who did what."
    for each in verdicts:
        if not each.is_intact:
            yield f"The audit trail of {each.tenant} is broken: {each.findings}."


def _held(folder: Path) -> list[tuple[str, str, int]]:
    """Give each datasource of Glean, whose it is by its mark, and how many documents are in it."""
    rows = rows_in(f"sqlite:///{folder / 'glean.db'}", _HELD)
    return [
        (str(name), str(home).rpartition("/")[2], int(str(documents)))
        for name, home, documents in rows
    ]


def _place(dataset: dict[str, Any]) -> tuple[str, str]:
    return dataset["journey_ref"], dataset["dataset_type"]


def _apart(what: str, found: Iterable[Hashable], wanted: Iterable[Hashable]) -> Iterator[str]:
    is_there, should_be = Counter(found), Counter(wanted)
    yield from (f"{what} {each} is missing." for each in (should_be - is_there).elements())
    yield from (f"{what} {each} is too much." for each in (is_there - should_be).elements())
