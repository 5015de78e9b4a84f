"""The shared repository on SQL: transactions to write in, and reads that no writer holds up."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from uuid import UUID

from domain.approvals import Approval, ApprovalStatus
from domain.commands import Principal, Request, RequestKey
from domain.dataset import Dataset
from domain.events import RecordedEvent
from domain.journey import Client
from domain.repository import DatasetFilter, Page, QualityRun
from registry.approvals import (
    read_approvals,
    read_approvals_by_id,
    read_open,
    resolve_approval,
)
from registry.datasets import find_dataset
from registry.outbox import read_events, read_last_sequence
from registry.places import find_client
from registry.queries import read_by_ids, read_page, resolve_dataset
from registry.requests import (
    find_request,
    find_request_of_task,
    find_unsettled,
    mark_closed,
    mark_settled,
)
from registry.unit_of_work import SqlTransaction
from registry.validations import read_history

if TYPE_CHECKING:
    from registry.database import Database


class SqlRegistry:
    """The shared repository; all of it is seen through one tenant at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def transaction(self, principal: Principal, /) -> AsyncIterator[SqlTransaction]:
        """Open a transaction on behalf of a principal; it commits unless an error passes."""
        async with self._database.writing(principal.tenant) as session:
            yield SqlTransaction(session, principal)
        self._database.on_commit()

    async def dataset(self, tenant: str, dataset_id: UUID, /) -> Dataset:
        """Read a dataset. Raises NotFound."""
        async with self._database.reading(tenant) as session:
            found, _ = await find_dataset(session, dataset_id)
        return found

    async def dataset_id_of(self, tenant: str, ref: str, /) -> UUID:
        """Resolve a reference: a UUID, or a connector name (the newest). Raises NotFound."""
        async with self._database.reading(tenant) as session:
            return await resolve_dataset(session, ref)

    async def datasets(
        self, tenant: str, wanted: DatasetFilter, size: int, token: str | None, /
    ) -> Page:
        """Read a page of 1 to 100 datasets, newest first. Raises InvalidInput."""
        async with self._database.reading(tenant) as session:
            return await read_page(session, wanted, size, token)

    async def datasets_by_id(self, tenant: str, ids: Collection[UUID], /) -> Sequence[Dataset]:
        """Read datasets by id, in the order of the ids; unknown ones are left out."""
        async with self._database.reading(tenant) as session:
            return await read_by_ids(session, ids)

    async def client(self, tenant: str, ref: str, /) -> Client:
        """Read a client by id or reference, as last seen. Raises NotFound."""
        async with self._database.reading(tenant) as session:
            return await find_client(session, ref)

    async def unsettled_requests(self, limit: int, /) -> Sequence[Request]:
        """Read requests of every tenant whose task has not ended, oldest first."""
        async with self._database.reads.connect() as connection:
            return await find_unsettled(connection, limit)

    async def approval_id_of(self, tenant: str, ref: str, /) -> UUID:
        """Resolve a reference: a UUID, or the name of a connector. Raises NotFound."""
        async with self._database.reading(tenant) as session:
            return await resolve_approval(session, ref)

    async def open_approvals(self, tenant: str, limit: int, /) -> Sequence[Approval]:
        """Read what waits for consent, oldest first: pending, and its dataset has not ended."""
        async with self._database.reading(tenant) as session:
            return await read_open(session, limit)

    async def approvals(
        self, tenant: str, status: ApprovalStatus | None, limit: int, /
    ) -> Sequence[Approval]:
        """Read approvals, of one status or of all, newest first."""
        async with self._database.reading(tenant) as session:
            return await read_approvals(session, status, limit)

    async def approvals_by_id(self, tenant: str, ids: Collection[UUID], /) -> Sequence[Approval]:
        """Read approvals by id, oldest first; unknown ones are left out."""
        async with self._database.reading(tenant) as session:
            return await read_approvals_by_id(session, ids)

    async def quality_history(self, tenant: str, dataset_id: UUID, /) -> Sequence[QualityRun]:
        """Read every validation of a dataset, oldest first."""
        async with self._database.reading(tenant) as session:
            return await read_history(session, dataset_id)

    async def events(
        self, tenant: str, after: int, limit: int, /, *, dataset_id: UUID | None = None
    ) -> Sequence[RecordedEvent]:
        """Read the outbox in order, from behind the sequence `after`."""
        async with self._database.reading(tenant) as session:
            return await read_events(session, after, limit, dataset_id)

    async def last_sequence(self, tenant: str, /) -> int:
        """Tell the sequence of the newest event; 0 before the first."""
        async with self._database.reading(tenant) as session:
            return await read_last_sequence(session)

    async def request(self, principal: Principal, key: RequestKey, /) -> Request | None:
        """Find the request a message made before. Raises InvalidInput when its body differs."""
        async with self._database.reading(principal.tenant) as session:
            return await find_request(session, principal, key)

    async def request_of_task(self, tenant: str, task_id: str, /) -> Request | None:
        """Find the request a task shows."""
        async with self._database.reading(tenant) as session:
            return await find_request_of_task(session, task_id)

    async def close_request(self, tenant: str, task_id: str, /) -> bool:
        """Let a request be called off no more; tells whether it never was."""
        async with self._database.writing(tenant) as session:
            return await mark_closed(session, task_id)

    async def settle_request(self, tenant: str, task_id: str, /) -> None:
        """Write down that a request's task has ended."""
        async with self._database.writing(tenant) as session:
            await mark_settled(session, task_id)
