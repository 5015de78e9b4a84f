"""Glean as a world of its own: datasources, their documents, and what was really done to them."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from domain.checks import TOP_HITS, Probe
from domain.errors import ConnectorNameTaken, SupplierRefused, SupplierUnavailable
from domain.search_ports import Found, Upload
from tests.simulation.virtual_time import clock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from domain.connector import ConnectorConfiguration
    from domain.record import Record
    from tests.simulation.line import Line

_TOO_SLOW_MS = 6000.0
_INDEXING_SECONDS = 0.05


ORDER: ContextVar[int] = ContextVar("order", default=0)
"""The number of the order in whose hand a call is made; 0 outside of any."""


class Deed(StrEnum):
    """What was done to a datasource, or seen of it."""

    CREATED = "created"
    UPLOADED = "uploaded"
    HIDDEN = "hidden"
    SHOWN = "shown"
    EMPTIED = "emptied"
    PROBED = "probed"
    COUNTED = "counted"
    SEARCHED = "searched"


@dataclass(frozen=True, slots=True)
class Deeds:
    """One entry of Glean's own history.

    `by` is the process; `mark` the home URL of the connector in whose name it was; `seen` the records that could be found
    (counted), the query and the ids found (searched), or whether all was well (probed). `order` is
    the number of the order in hand.
    """

    at: float
    by: str
    deed: Deed
    datasource: str
    mark: str
    seen: object = None
    order: int = 0


@dataclass
class Datasource:
    """One datasource: whose it is, what is in it by record id, and from when that is found.

    Until then `found_before` is found, as Glean keeps what it has until it has indexed anew.
    """

    mark: str
    display_name: str
    documents: dict[str, Record] = field(default_factory=dict)
    found_before: dict[str, Record] = field(default_factory=dict)
    found_from: float = 0.0
    is_hidden: bool = False

    def found(self, now: float) -> dict[str, Record]:
        """Give what is indexed; what was taken out is found no more at once."""
        if now >= self.found_from:
            return self.documents
        return {key: each for key, each in self.found_before.items() if key in self.documents}

    def change(self, documents: dict[str, Record], now: float) -> None:
        """Have other documents in it, to be found a little later."""
        self.found_before = self.found(now)
        self.documents, self.found_from = documents, now + _INDEXING_SECONDS


@dataclass
class Glean:
    """All datasources, their history, and until when nobody is at home."""

    now: Callable[[], float]
    datasources: dict[str, Datasource] = field(default_factory=dict)
    history: list[Deeds] = field(default_factory=list)
    away_until: float = 0.0

    def is_away(self) -> bool:
        """Whether nobody answers."""
        return self.now() < self.away_until

    def found(self, name: str) -> Sequence[Record]:
        """Give the records that are indexed."""
        source = self.datasources.get(name)
        return () if source is None else tuple(source.found(self.now()).values())

    def is_indexing(self, name: str) -> bool:
        """Whether the last change of a datasource is still to be found."""
        source = self.datasources.get(name)
        return source is not None and self.now() < source.found_from

    def note(
        self, by: str, deed: Deed, connector: ConnectorConfiguration, seen: object = None
    ) -> None:
        """Write down what was done to a connector or seen of it, if only in vain."""
        name, mark = connector.datasource, connector.home_url
        self.history.append(Deeds(self.now(), by, deed, name, mark, seen, ORDER.get()))


class GleanLine:
    """The port Connectors of one process."""

    def __init__(self, glean: Glean, line: Line) -> None:
        self._glean = glean
        self._line = line

    async def create(self, connector: ConnectorConfiguration, /) -> None:
        """Create the datasource. Raises ConnectorNameTaken where it has another mark."""
        await self._line.effect("create", lambda _: self._create(connector))

    async def upload(self, upload: Upload, /) -> None:
        """Put in page after page, then take out what belongs to no page."""
        kept: set[str] = set()
        async for page in upload.pages:
            await self._line.effect("a page", self._adding(upload.connector, page))
            kept.update(str(each["id"]) for each in page)
        await self._line.effect("the last page", lambda _: self._close(upload.connector, kept))

    async def indexed(self, connector: ConnectorConfiguration, /) -> int:
        """Count what can be found; asked wrongly, it has lost a document by then."""
        return await self._line.ask("the count", lambda wrong: self._count(connector, wrong))

    async def remaining(self, connector: ConnectorConfiguration, /) -> int:
        """Count what is left under our mark."""
        return await self._line.ask("what is left", lambda _: len(self._documents(connector)))

    async def settle(
        self, connector: ConnectorConfiguration, expected: int, deadline: datetime, /
    ) -> int:
        """Wait until as many can be found. Raises SupplierUnavailable when the time is up."""
        name, glean = connector.datasource, self._glean
        while glean.is_indexing(name) or len(glean.found(name)) != expected:
            if clock() >= deadline:
                message = f"{name} is not indexed in time."
                raise SupplierUnavailable(message)
            await asyncio.sleep(_INDEXING_SECONDS)
        await self._line.life.breathe()
        return expected

    async def probe(self, connector: ConnectorConfiguration, /, *, thorough: bool) -> Probe:
        """Knock; asked wrongly, the answer comes too late to be well."""
        try:
            return await self._line.ask("a probe", lambda wrong: self._probe(connector, wrong))
        except SupplierUnavailable as silence:
            self._note(Deed.PROBED, connector, False)
            return Probe(False, False, 0.0, str(silence))

    async def watch(self, connector: ConnectorConfiguration, /, *, thorough: bool) -> Probe:
        """Knock for the sweep, as for anybody."""
        return await self.probe(connector, thorough=thorough)

    async def search(self, connector: ConnectorConfiguration, query: str, /) -> Found:
        """Search; asked wrongly, it finds nothing."""
        return await self._line.ask("a search", lambda wrong: self._search(connector, query, wrong))

    async def hide(self, connector: ConnectorConfiguration, /) -> str:
        """Take the documents out of sight."""
        return await self._line.effect("hide", lambda _: self._sight(connector, Deed.HIDDEN))

    async def unhide(self, connector: ConnectorConfiguration, /) -> str:
        """Bring them back."""
        return await self._line.effect("unhide", lambda _: self._sight(connector, Deed.SHOWN))

    async def empty(self, connector: ConnectorConfiguration, /) -> str:
        """Delete every document; another's are left alone."""
        return await self._line.effect("empty", lambda _: self._empty(connector))

    def _create(self, connector: ConnectorConfiguration) -> None:
        sources, name = self._glean.datasources, connector.datasource
        source = sources.setdefault(name, Datasource(connector.home_url, connector.connector_name))
        if source.mark != connector.home_url:
            raise ConnectorNameTaken(name)
        self._note(Deed.CREATED, connector)

    def _adding(
        self, connector: ConnectorConfiguration, page: Sequence[Record]
    ) -> Callable[[bool], None]:
        """Give what puts a page in; done wrongly, it drops a document."""

        def add(wrong: bool) -> None:
            source = self._ours(connector)
            added = {str(each["id"]): each for each in page[wrong:]}
            source.change({**source.documents, **added}, self._glean.now())
            self._note(Deed.UPLOADED, connector)

        return add

    def _close(self, connector: ConnectorConfiguration, kept: set[str]) -> None:
        source = self._ours(connector)
        left = {key: each for key, each in source.documents.items() if key in kept}
        source.change(left, self._glean.now())
        self._note(Deed.UPLOADED, connector)

    def _count(self, connector: ConnectorConfiguration, wrong: bool) -> int:
        documents = self._documents(connector)
        if wrong and documents:
            documents.pop(next(iter(documents)))
        found = self._glean.found(connector.datasource)
        self._note(Deed.COUNTED, connector, found)
        return len(found)

    def _probe(self, connector: ConnectorConfiguration, wrong: bool) -> Probe:
        away = self._glean.is_away()
        self._note(Deed.PROBED, connector, not (wrong or away))
        if away:
            return Probe(False, False, 0.0, "nobody is at home")
        return Probe(True, True, _TOO_SLOW_MS if wrong else 12.5)

    def _search(self, connector: ConnectorConfiguration, query: str, wrong: bool) -> Found:
        if self._glean.is_away():
            raise SupplierUnavailable(query)
        source = self._glean.datasources.get(connector.datasource)
        sees = source is not None and not source.is_hidden and not wrong
        found = self._glean.found(connector.datasource) if sees else ()
        ids = tuple(str(each["id"]) for each in found if each["title"] == query)[:TOP_HITS]
        self._note(Deed.SEARCHED, connector, (query, ids))
        return Found(ids, 12.5)

    def _sight(self, connector: ConnectorConfiguration, deed: Deed) -> str:
        source = self._glean.datasources.get(connector.datasource)
        if source is not None and source.mark == connector.home_url:
            source.is_hidden = deed is Deed.HIDDEN
        self._note(deed, connector)
        return deed.value

    def _empty(self, connector: ConnectorConfiguration) -> str:
        documents = self._documents(connector)
        self._note(Deed.EMPTIED, connector, len(documents))
        documents.clear()
        return "emptied"

    def _documents(self, connector: ConnectorConfiguration) -> dict[str, Record]:
        source = self._glean.datasources.get(connector.datasource)
        return source.documents if source and source.mark == connector.home_url else {}

    def _ours(self, connector: ConnectorConfiguration) -> Datasource:
        source = self._glean.datasources.get(connector.datasource)
        if source is None or source.mark != connector.home_url:
            raise SupplierRefused(connector.datasource)
        return source

    def _note(self, deed: Deed, connector: ConnectorConfiguration, seen: object = None) -> None:
        self._glean.note(self._line.life.name, deed, connector, seen)
