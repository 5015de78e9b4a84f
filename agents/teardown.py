"""The teardown agent: step by step out of sight, archived, emptied, and proven gone."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, TypeVar

from agents.answering import answer, misdirected
from domain.errors import SupplierLied, SupplierUnavailable
from domain.lifecycle import TeardownStep
from domain.work import (
    AgentName,
    ArchiveLocked,
    ArchivePurged,
    ConnectorRestored,
    LockArchive,
    PurgeArchive,
    RestoreConnector,
    StepTaken,
    TakeStep,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from domain.connector import ConnectorConfiguration
    from domain.ports import Archive, Clock, OnProgress
    from domain.search_ports import Connectors
    from domain.template import SampleQuery
    from domain.work import Order, Outcome

T = TypeVar("T")

NOTHING = "there never was a connector, so nothing had to be done"


class DataTeardownAgent:
    """Takes datasets down (seed: DataTeardownAgent, DataTeardownService)."""

    name = AgentName.TEARDOWN

    def __init__(self, connectors: Connectors, archive: Archive, clock: Clock) -> None:
        """Empty connectors and keep what remains in the archive."""
        self._connectors = connectors
        self._archive = archive
        self._clock = clock
        self._steps: dict[TeardownStep, Callable[[TakeStep], Coroutine[None, None, Outcome]]] = {
            TeardownStep.PAUSE_SYNC: self._pause,
            TeardownStep.ARCHIVE_METADATA: self._archive_metadata,
            TeardownStep.DISCONNECT: self._disconnect,
            TeardownStep.EMPTY_CONNECTOR: self._empty,
            TeardownStep.VERIFY_EMPTIED: self._verify,
        }

    async def perform(self, order: Order, progress: OnProgress, /) -> Outcome:
        """Carry out a TakeStep, a RestoreConnector, a LockArchive or a PurgeArchive order."""
        del progress
        if isinstance(order, TakeStep) and order.step in self._steps:
            return await answer(order, self._steps[order.step](order), self._clock)
        if isinstance(order, RestoreConnector):
            return await answer(order, self._restore(order), self._clock)
        if isinstance(order, LockArchive):
            return await answer(order, self._lock(order), self._clock)
        if isinstance(order, PurgeArchive):
            return await answer(order, self._purge(order), self._clock)
        return misdirected(order, self.name)

    async def _pause(self, order: TakeStep) -> Outcome:
        """Nothing to call: a push datasource is fed by us alone, and the feeding has ended."""
        return _taken(order, "paused by dataops: nothing feeds the connector any more")

    async def _archive_metadata(self, order: TakeStep) -> Outcome:
        dossier = _present(order.dossier, "dossier")
        content = dossier.content()
        until = _present(order.locked_until, "locked_until")
        receipt = await self._archive.put(dossier.key, content, until)
        kept = await self._archive.read(receipt.location)
        if hashlib.sha256(kept).hexdigest() != receipt.sha256:
            message = f"Archive {receipt.location} reads back other bytes than were written."
            raise SupplierLied(message)
        detail = f"{receipt.size_bytes} bytes archived and read back from {receipt.location}"
        return StepTaken(order.key, order.step, detail, receipt)

    async def _disconnect(self, order: TakeStep) -> Outcome:
        if order.connector is None:
            return _taken(order, NOTHING)
        return _taken(order, await self._connectors.hide(order.connector))

    async def _empty(self, order: TakeStep) -> Outcome:
        if order.connector is None:
            return _taken(order, NOTHING)
        return _taken(order, await self._connectors.empty(order.connector))

    async def _verify(self, order: TakeStep) -> Outcome:
        if order.connector is None:
            return _taken(order, NOTHING)
        await self._require_empty(order, order.connector)
        for query in order.queries:
            await self._require_unfound(order.connector, query)
        return _taken(order, f"0 documents left; {len(order.queries)} sample queries find none")

    async def _require_empty(self, order: TakeStep, connector: ConnectorConfiguration) -> None:
        """Hold the connector to be empty; from the second look on, empty it anew.

        The first leaves it the time to delete. What is there still may have come after the
        emptying, from an agent that had been given up, and would stay for ever.
        """
        left = await self._connectors.remaining(connector)
        if not left:
            return
        if order.key.attempt > 0:
            await self._connectors.empty(connector)
        message = f"Connector {connector.connector_name} still holds {left} documents."
        raise SupplierUnavailable(message)

    async def _require_unfound(self, connector: ConnectorConfiguration, query: SampleQuery) -> None:
        found = (await self._connectors.search(connector, query.query)).record_ids
        if not found or (query.expected_id not in found and await self._is_anothers(connector)):
            return
        message = f"Connector {connector.connector_name} still answers {query.query!r}."
        raise SupplierUnavailable(message)

    async def _is_anothers(self, connector: ConnectorConfiguration) -> bool:
        """Whether documents are found where none is left under our mark: a stranger's then."""
        return await self._connectors.indexed(connector) > 0

    async def _restore(self, order: RestoreConnector) -> Outcome:
        return ConnectorRestored(order.key, await self._connectors.unhide(order.connector))

    async def _lock(self, order: LockArchive) -> Outcome:
        return ArchiveLocked(order.key, await self._archive.lock(order.location, order.lock))

    async def _purge(self, order: PurgeArchive) -> Outcome:
        await self._archive.purge(order.location, self._clock())
        return ArchivePurged(order.key)


def _taken(order: TakeStep, detail: str) -> StepTaken:
    return StepTaken(order.key, order.step, detail)


def _present(value: T | None, what: str) -> T:
    if value is None:
        message = f"The order to archive a dataset came without its {what}."
        raise SupplierLied(message)
    return value
