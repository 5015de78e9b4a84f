"""What the outbox owes its readers: with many who write, none is missed and none comes late."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from uuid import UUID

import pytest

from domain.dataset import Dataset
from domain.repository import Transaction
from tests.builders import TENANT, a_client, a_dataset, a_journey, fill, find_template
from tests.postgres_databases import a_fresh_database
from tests.registry.databases import DATABASES, ME, House, a_fresh, open_house

WRITERS = 12
"""More than a pool has connections, so that some always wait."""


@pytest.fixture(params=DATABASES)
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(a_fresh(request.param, tmp_path)) as opened:
        yield opened


def _one_of_many(number: int) -> Dataset:
    client = a_client(f"client-{number}", code=f"C{number}")
    return a_dataset(journey=a_journey(f"journey-{number}", client=client))


async def _write(house: House, dataset: Dataset) -> None:
    """Let a dataset happen, a commit a step, each with events of its own."""
    for step in (find_template, fill):
        async with house.registry.transaction(ME) as transaction:
            await _take(transaction, dataset, step)


async def _take(
    transaction: Transaction, dataset: Dataset, step: Callable[[Dataset], None]
) -> None:
    found = await transaction.dataset(dataset.place.dataset_id)
    step(found)
    await transaction.save(found, None)


async def _read(house: House, is_over: asyncio.Event) -> list[tuple[int, UUID]]:
    """Follow the outbox by its sequence, as a subscriber does, until all is written and read."""
    seen: list[tuple[int, UUID]] = []
    while True:
        was_over = is_over.is_set()
        after = seen[-1][0] if seen else 0
        events = await house.registry.events(TENANT, after, 10)
        seen += [(each.sequence, each.event_id) for each in events]
        if was_over and not events:
            return seen


async def test_a_reader_beside_many_writers_misses_nothing_and_reads_nothing_late(
    house: House,
) -> None:
    datasets = [await house.keep(_one_of_many(number)) for number in range(WRITERS)]
    is_over = asyncio.Event()
    reading = asyncio.create_task(_read(house, is_over))

    await asyncio.gather(*(_write(house, each) for each in datasets))

    is_over.set()
    seen = await reading
    written = await house.registry.events(TENANT, 0, 1000)
    assert seen == [(each.sequence, each.event_id) for each in written]
    assert [sequence for sequence, _ in seen] == list(range(1, len(seen) + 1))


async def test_what_was_written_first_and_committed_last_comes_last_and_keeps_nobody_waiting() -> (
    None
):
    """Only on PostgreSQL can two write at once."""
    async with open_house(a_fresh_database()) as house:
        first, slow, quick = [await house.keep(_one_of_many(number)) for number in range(3)]
        await _write(house, first)  # and keeps the template of all
        async with house.registry.transaction(ME) as stopped:
            await _take(stopped, slow, find_template)
            async with asyncio.timeout(5):
                await _write(house, quick)
            meanwhile = await house.registry.events(TENANT, 0, 100)

        late = await house.registry.events(TENANT, meanwhile[-1].sequence, 100)

    early = {each.place.dataset_id for each in (first, quick)}
    assert {each.context.dataset_id for each in meanwhile} == early
    assert {each.context.dataset_id for each in late} == {slow.place.dataset_id}
    numbers = [each.sequence for each in (*meanwhile, *late)]
    assert numbers == list(range(1, len(numbers) + 1))
