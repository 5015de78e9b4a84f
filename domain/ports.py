"""The ports: what the domain needs of the world, each a Protocol that adapters fulfil."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias
from uuid import UUID

from domain.archive import ArchiveReceipt
from domain.checks import Probe, RecordFault
from domain.connector import ConnectorConfiguration
from domain.journey import Journey
from domain.orphans import Holding
from domain.recipe import Recipe
from domain.record import JsonObject, Record
from domain.template import DatasetTemplate
from domain.work import Order, Outcome, Progress

Clock: TypeAlias = Callable[[], datetime]
"""Tells the time, aware and in UTC."""

OnProgress: TypeAlias = Callable[[Progress], Awaitable[None]]
"""Takes note of how far an order has come."""


class MockData(Protocol):
    """The supplier of templates and records (seed: Customer-Supplier, Anti-Corruption Layer).

    Raises, from every method: SupplierUnavailable, SupplierRefused, SupplierLied.
    """

    async def catalogue(self) -> Sequence[DatasetTemplate]:
        """Give every usable template the supplier tells of, by key; empty where it tells of none."""
        ...

    async def templates_for(self, industry: str, use_case: str, /) -> Sequence[DatasetTemplate]:
        """Give the templates of an industry and use case; empty where there are none."""
        ...

    async def samples(self, template_key: str, /) -> Sequence[Record]:
        """Give the supplier's fixed sample of a template. Raises NotFound."""
        ...

    def generate(self, recipe: Recipe, /) -> AsyncIterator[Sequence[Record]]:
        """Generate a recipe's records in pages of at most 100, in order.

        The same recipe gives the same records. Raises NotFound when its template is gone.
        """
        ...


class Journeys(Protocol):
    """Journey Orchestration, as far as we ask it; ids that are slugs there are made a tenant's.

    Raises, from every method: SupplierUnavailable, SupplierRefused, SupplierLied.
    """

    async def journey(self, tenant: str, ref: str, /) -> Journey:
        """Give a journey by its reference or id. Raises NotFound when there is none."""
        ...

    async def introduce(self, tenant: str, journey: Journey, /) -> Journey:
        """Make a journey and its client known, where the other side takes introductions.

        Gives the journey as it now is. Raises RequestRejected when it disagrees with what is
        known already, or when introductions are not taken.
        """
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found: the ids of the records in rank order, and the time it took."""

    record_ids: tuple[str, ...]
    response_time_ms: float


@dataclass(frozen=True, slots=True)
class Upload:
    """A full replacement of a connector's documents.

    `upload_id` is fixed before page one and never serves again for other content: what is told
    of it later is told of this upload.
    """

    connector: ConnectorConfiguration
    upload_id: str
    pages: AsyncIterator[Sequence[Record]]


class Connectors(Protocol):
    """The search engine's connectors.

    Every effect is idempotent: doing it again after a lost answer changes nothing more.
    Raises, from every method: SupplierUnavailable, OutcomeUnknown, SupplierRefused.
    """

    async def create(self, connector: ConnectorConfiguration, /) -> None:
        """Create the connector, or bring ours up to date.

        Raises ConnectorNameTaken when a datasource of the name exists without our mark.
        """
        ...

    async def upload(self, upload: Upload, /) -> None:
        """Replace the connector's documents by these pages of at most 100 records."""
        ...

    async def indexed(self, connector: ConnectorConfiguration, /) -> int:
        """Count the documents that can be found."""
        ...

    async def remaining(self, connector: ConnectorConfiguration, /) -> int:
        """Count the documents left under our mark; 0 when the connector is absent or not ours."""
        ...

    async def settle(
        self, connector: ConnectorConfiguration, expected: int, deadline: datetime, /
    ) -> int:
        """Wait until `expected` documents can be found, at most until the deadline.

        After an upload they are its own: as many that were there before it do not count.
        Gives the count reached. Raises SupplierUnavailable when the time is up; the message
        names some of the documents that are missing.
        """
        ...

    async def probe(self, connector: ConnectorConfiguration, /, *, thorough: bool) -> Probe:
        """Knock once; a failure is a Probe that says so, never an error.

        A thorough knock tries the search as well and so costs search quota.
        """
        ...

    async def watch(self, connector: ConnectorConfiguration, /, *, thorough: bool) -> Probe:
        """Knock for the sweep, which gives way to all others and asks of what many share once.

        That is whether the tokens still serve. A thorough knock tries the search as well, where
        there is quota to spare. A Probe that was not made says nothing of the connector.
        """
        ...

    async def search(self, connector: ConnectorConfiguration, query: str, /) -> Found:
        """Search the connector's documents; the first ten hits."""
        ...

    async def hide(self, connector: ConnectorConfiguration, /) -> str:
        """Take the documents out of sight, reversibly; tells what was really done."""
        ...

    async def unhide(self, connector: ConnectorConfiguration, /) -> str:
        """Bring hidden documents back into sight; tells what was really done."""
        ...

    async def empty(self, connector: ConnectorConfiguration, /) -> str:
        """Delete every document for good; tells what was done and what remains.

        A connector that does not exist, or is not ours, is left alone, and that is success.
        """
        ...


class Estate(Protocol):
    """What the search engine holds, whether or not anybody here still knows of it.

    It may take its time: whoever asks gives way to all others. Raises, from every method:
    SupplierUnavailable, SupplierRefused.
    """

    async def datasources(self, /) -> Sequence[str]:
        """Name the datasources that may be ours by the form of their names."""
        ...

    async def holding(self, datasource: str, origin: str, /) -> Holding | None:
        """Tell what a datasource holds; None where it does not carry a mark of this origin."""
        ...

    async def clear(self, holding: Holding, /) -> str:
        """Delete every document of a holding for good; tells what was done and what remains.

        One that is gone, or carries another mark by now, is left alone, and that is success.
        """
        ...


Validate: TypeAlias = Callable[[Record], Iterator[RecordFault]]
"""Yields the faults of one record; nothing when it is valid."""


class RecordSchema(Protocol):
    """JSON Schema 2020-12 with formats asserted."""

    def compiled(self, schema: JsonObject, /) -> Validate:
        """Compile a schema. Raises InvalidInput when it is none."""
        ...


class Archive(Protocol):
    """Where archives are kept: created once, never changed, not removed before their time.

    Raises, from every method: SupplierUnavailable, SupplierRefused.
    """

    async def put(self, key: str, content: bytes, locked_until: datetime, /) -> ArchiveReceipt:
        """Keep the content under a key, durably; the same content again is the same receipt.

        Raises SupplierRefused when the key holds other content.
        """
        ...

    async def read(self, location: str, /) -> bytes:
        """Give an archive's bytes. Raises NotFound, or ArchiveDamaged."""
        ...

    async def purge(self, location: str, now: datetime, /) -> None:
        """Remove an archive whose lock is over; one that is gone already is success.

        Raises SupplierRefused before the lock is over.
        """
        ...


class StageAgent(Protocol):
    """A stage agent: it carries out orders, knows no protocol, and decides nothing."""

    async def perform(self, order: Order, progress: OnProgress, /) -> Outcome:
        """Carry out an order meant for this agent; idempotent, and over before its deadline.

        Suppliers' errors become an OrderFailed outcome; cancellation is let through.
        """
        ...


class Delegate(Protocol):
    """Hands an order to the one agent it is meant for, wherever that agent runs."""

    async def delegate(self, order: Order, progress: OnProgress, /) -> Outcome:
        """Give the agent's outcome, or OrderFailed (lost) when we do not hear from it.

        A lost agent may have begun, and may be at work until the order's deadline.
        """
        ...


class Changes(Protocol):
    """A bell inside one process: commits ring it, followers wait on it."""

    def ring(self) -> None:
        """Tell every follower that something has changed."""
        ...

    def handle(self) -> Callable[[float], Awaitable[None]]:
        """Give a wait for the next ring; taken before the read it guards, none is missed.

        Its argument is the longest wait in seconds.
        """
        ...


class Engine(Protocol):
    """What drives datasets: it only rings the bell; the rows say what is due."""

    def ring(self, dataset_id: UUID, /) -> None:
        """Look at a dataset now."""
        ...
