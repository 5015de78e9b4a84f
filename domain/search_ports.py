"""The search engine's ports: its connectors, and all it holds, known to us or not."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.checks import Probe
from domain.connector import ConnectorConfiguration
from domain.orphans import Holding
from domain.record import Record


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found: the ids of the records in rank order, and the time it took."""

    record_ids: tuple[str, ...]
    response_time_ms: float


@dataclass(frozen=True, slots=True)
class Clearing:
    """What became of a holding that was to be cleared: what was done, or why it was left alone."""

    is_emptied: bool
    told: str


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

    async def clear(self, holding: Holding, /) -> Clearing:
        """Delete every document of a holding for good.

        One that is gone, or carries another mark by now, is left alone, and that is success.
        """
        ...


class Datasources(Protocol):
    """What lies behind the search engine, ours or not; nothing is ever changed.

    Raises, from every method: SupplierUnavailable, SupplierRefused.
    """

    async def home_of(self, datasource: str, /) -> str:
        """Give a datasource's home page, which is empty where it has none. Raises NotFound."""
        ...

    def documents(self, datasource: str, /) -> AsyncGenerator[Sequence[Record], None]:
        """List what a search shows of a datasource's documents, page by page."""
        ...
