"""The ports: what the domain needs of the world, each a Protocol that adapters fulfil."""

from __future__ import annotations

from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeAlias
from uuid import UUID

from domain.archive import ArchiveLock, ArchiveReceipt
from domain.catalogue import ScannedPage
from domain.checks import RecordFault
from domain.journey import Journey
from domain.recipe import Extract, Recipe
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


@dataclass(frozen=True, slots=True)
class Reading:
    """A run of records that is about to be read, once.

    `version` tells what it is read from, as 64 hexadecimal digits: another version, other records;
    None where the records are made up and the recipe says it all. `total` counts the records;
    `masked` counts what was masked of them so far, by kind.
    """

    version: str | None
    total: int
    pages: AsyncIterator[Sequence[Record]]
    masked: Mapping[str, int] = field(default_factory=dict)


class Source(Protocol):
    """Where the records of pilots and of production come from (A37); it is only ever read.

    No message of an error repeats anything of a record.
    Raises, from every method: NotFound, SupplierUnavailable, SupplierRefused, SupplierLied.
    """

    async def locate(self, extract: Extract, /) -> str:
        """Tell where an extract lies, for people. Raises NotFound when the source has none."""
        ...

    async def open(self, extract: Extract, /) -> Reading:
        """Begin to read all of an extract, in pages of at most 100, in the order it has there.

        Its `total` and `version` are known before the first page. The pages raise
        SupplierUnavailable when the records change while they are read.
        """
        ...


class Journeys(Protocol):
    """Journey Orchestration, as far as we ask it; ids that are slugs there are made a tenant's.

    Raises, from every method: SupplierUnavailable, SupplierRefused, SupplierLied.
    """

    async def journey(self, tenant: str, ref: str, /) -> Journey:
        """Give a journey by its reference or id. Raises NotFound when there is none."""
        ...

    async def vouch(self) -> None:
        """See that it is Journey Orchestration that answers, and not whoever is in its place.

        That it knows no journey is to be believed only then.

        Raises:
            SupplierUnavailable: nobody answers.
            SupplierRefused, SupplierLied: whoever does lists no journeys.
        """
        ...

    async def introduce(self, tenant: str, journey: Journey, /) -> Journey:
        """Make a journey and its client known, where the other side takes introductions.

        Gives the journey as it now is. Raises RequestRejected when it disagrees with what is
        known already, or when introductions are not taken.
        """
        ...


class Folders(Protocol):
    """Folders of files with records, of which a tenant may read those below its root."""

    def scan(self, tenant: str, name: str, /) -> AsyncGenerator[ScannedPage, None]:
        """Read a folder or a file in pages of at most 100 records; broken lines stop nothing.

        Raises, with the first page: NotFound, NotAllowed outside the root, RequestRejected where
        no root is set.
        """
        ...


Validate: TypeAlias = Callable[[Record], Iterator[RecordFault]]
"""Yields the faults of one record; nothing when it is valid."""


class RecordSchema(Protocol):
    """JSON Schema 2020-12 with formats asserted."""

    def compiled(self, schema: JsonObject, /) -> Validate:
        """Compile a schema. Raises InvalidInput when it is none."""
        ...


class Packs(Protocol):
    """Template packs, as people write them."""

    def read(self, pack: JsonObject, /) -> DatasetTemplate:
        """Read a pack as the template it describes. Raises InvalidInput, field by field."""
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

    async def lock_of(self, location: str, /) -> ArchiveLock:
        """Tell how an archive is locked, as it stands there. Raises NotFound, or ArchiveDamaged."""
        ...

    async def lock(self, location: str, wanted: ArchiveLock, /) -> ArchiveLock:
        """Lock an archive for longer, put a legal hold on it or take it off.

        Gives the lock as it reads back; a time that is not later changes nothing. Raises
        NotFound, or ArchiveDamaged.
        """
        ...

    async def purge(self, location: str, now: datetime, /) -> None:
        """Remove an archive whose lock is over; one that is gone already is success.

        Raises SupplierRefused before the lock is over, and under a legal hold.
        """
        ...


class Anchors(Archive, Protocol):
    """An archive that can be looked through: where checkpoints of the audit trail are kept."""

    async def locations(self, prefix: str, /) -> Sequence[str]:
        """Give the location of every archive whose key is below a prefix, in the keys' order."""
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
