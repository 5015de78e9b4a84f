"""The verdict on a storm: every dataset was made, once and in order, and nothing else is anywhere."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

from tests.audited import flaws_in
from tests.processes import name_of
from tests.rows import rows_in

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from tests.storm import Client, Storm

MADE_ONCE = [
    "DatasetProvisioningStarted",
    "DatasetPopulated",
    "DatasetProvisionCompleted",
    "DatasetReady",
]
"""The story of a dataset that became READY: in order, and nothing of it was told twice."""

COMPLETED, REJECTED = "TASK_STATE_COMPLETED", "TASK_STATE_REJECTED"

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
    town = storm.town
    held = await asyncio.to_thread(_held, town.folder)
    asked = {
        (client.request["journey_id"], kind): client.records
        for client in storm.clients
        for kind in client.types
    }
    return [
        *_of_clients(storm.clients),
        *_of_rivals(storm.clients, datasets),
        *_of_datasets(datasets, asked),
        *_of_events(events, datasets, storm.clients),
        *_of_glean(held, datasets, asked),
        *await flaws_in(town.database, town.folder),
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
        if each.errors or not each.is_monotonic:
            yield f"{each.message_id} has read {each.seen}, at last {each.told}, and {each.errors}."


def _of_rivals(clients: Sequence[Client], datasets: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Of all who ask for the same, one gets it, and the others hear which datasets there are."""
    for journey in {each.request["journey_id"]: None for each in clients}:
        rivals = [each for each in clients if each.request["journey_id"] == journey]
        ends = Counter(each.seen[-1] for each in rivals)
        if ends != Counter([COMPLETED, *[REJECTED] * (len(rivals) - 1)]):
            yield f"Those who asked for {journey} came to {ends}: {[each.told for each in rivals]}."
        names = [each["connector_name"] for each in datasets if each["journey_ref"] == journey]
        for each in rivals:
            if each.seen[-1] == REJECTED and not _is_told_of_one(each, names):
                yield f"{each.message_id} was rejected, and told {each.told}."


def _is_told_of_one(rejected: Client, names: Sequence[str]) -> bool:
    sentence = str(rejected.told)
    return "DuplicateDataset" in sentence and any(each in sentence for each in names)


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
    yield from _apart("Request", requests, {each.request["journey_id"] for each in clients})
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
