"""The provisioning agent: it makes the connector, fills it, and waits until it can be searched."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from agents.answering import answer, misdirected
from agents.intake import closing
from domain.connector import accepted
from domain.record import ContentDigest
from domain.sampling import derive_queries
from domain.search_ports import Upload
from domain.work import AgentName, Progress, ProvisionDataset, Provisioned

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from datetime import datetime

    from agents.intake import Intake
    from domain.ports import Clock, OnProgress, Reading
    from domain.record import Record
    from domain.search_ports import Connectors
    from domain.work import Order, Outcome

LAST_WORDS = timedelta(seconds=15)
"""What is kept of an order's time for finding out which documents were never indexed."""


class DatasetProvisioningAgent:
    """Creates and fills connectors (seed: DatasetProvisioningAgent, DatasetProvisioningService)."""

    name = AgentName.PROVISIONING

    def __init__(self, intake: Intake, connectors: Connectors, clock: Clock) -> None:
        """Take records in and put them into connectors."""
        self._intake = intake
        self._connectors = connectors
        self._clock = clock

    async def perform(self, order: Order, progress: OnProgress, /) -> Outcome:
        """Carry out a ProvisionDataset order."""
        if not isinstance(order, ProvisionDataset):
            return misdirected(order, self.name)
        return await answer(order, self._provision(order, progress), self._clock)

    async def _provision(self, order: ProvisionDataset, progress: OnProgress) -> Outcome:
        reading = await self._intake.open(order.recipe)
        load = _Load(order, reading, progress)
        async with closing(load.pages()) as pages:
            begun = await _begun(pages)
            await self._connectors.create(order.connector)
            await self._connectors.upload(Upload(order.connector, _upload_id(order), begun))
        deadline = _settled_by(order, self._clock())
        await self._connectors.settle(order.connector, load.documents, deadline)
        return load.outcome()


class _Load:
    """The records on their way through: digested, filtered, counted."""

    def __init__(self, order: ProvisionDataset, reading: Reading, progress: OnProgress) -> None:
        self._order = order
        self._reading = reading
        self._progress = progress
        self._digest = ContentDigest()
        self._size_bytes = 0
        self._titles: list[tuple[str, str]] = []

    @property
    def documents(self) -> int:
        """How many records the filters have let through."""
        return len(self._titles)

    async def pages(self) -> AsyncIterator[Sequence[Record]]:
        """Pass on what may be uploaded, page by page."""
        async with closing(self._reading.pages) as pages:
            async for page in pages:
                yield self._taken(page)
                done = self._digest.count
                await self._progress(Progress("uploading", done, self._reading.total))

    def _taken(self, page: Sequence[Record]) -> Sequence[Record]:
        sizes = {id(record): self._digest.add(record) for record in page}
        kept = accepted(self._order.connector.filters, page, before=self.documents)
        self._size_bytes += sum(sizes[id(each)] for each in kept)
        self._titles += [(str(each["id"]), str(each.get("title", ""))) for each in kept]
        return kept

    def outcome(self) -> Provisioned:
        """Sum up what was uploaded and indexed.

        A template's own queries expect records of its supplier, not of a client's source.
        """
        order, recipe = self._order, self._order.recipe
        queries = () if recipe.extract else recipe.template.sample_queries[: order.query_count]
        return Provisioned(
            key=order.key,
            record_count=self._digest.count,
            documents=self.documents,
            content_digest=self._digest.hexdigest(),
            size_bytes=self._size_bytes,
            queries=queries or derive_queries(self._titles, order.query_count),
            source_version=self._reading.version,
        )


async def _begun(
    pages: AsyncIterator[Sequence[Record]],
) -> AsyncIterator[Sequence[Record]]:
    """Wait for the first page: no connector is made for records that do not come (seed: R44)."""
    first = await anext(pages, None)
    return _after(first, pages)


async def _after(
    first: Sequence[Record] | None, rest: AsyncIterator[Sequence[Record]]
) -> AsyncIterator[Sequence[Record]]:
    if first is not None:
        yield first
    async for page in rest:
        yield page


def _settled_by(order: ProvisionDataset, now: datetime) -> datetime:
    """Keep a little of an order's time back, to say what is missing when the rest is up."""
    return order.deadline - min(LAST_WORDS, (order.deadline - now) / 4)


def _upload_id(order: ProvisionDataset) -> str:
    """One upload id a try, so that a try repeated after a crash starts its upload anew."""
    key = order.key
    return f"{order.connector.datasource}v{key.version}t{key.attempt}"
