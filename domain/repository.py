"""The shared repository's ports: transactions, reads, progress and leases."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from domain.commands import Principal, Request, RequestKey
from domain.consents import ConsentReads, ConsentWrites
from domain.dataset import Dataset
from domain.events import DatasetProvisionRequested, EventContext, RecordedEvent
from domain.journey import Client, ClientId, Journey, JourneyStage
from domain.lifecycle import DatasetStatus
from domain.orphans import Stray
from domain.record import JsonObject
from domain.work import Progress


@dataclass(frozen=True, slots=True)
class Slot:
    """The place only one active dataset may hold (seed: Client-Stage Uniqueness)."""

    client_id: ClientId
    stage: JourneyStage
    dataset_type: str


class Transaction(ConsentWrites, Protocol):
    """One commit: every change of state with its events and its audit entry, or nothing."""

    async def dataset(self, dataset_id: UUID, /) -> Dataset:
        """Load a dataset. Raises NotFound, for another tenant's as well."""
        ...

    async def add(self, dataset: Dataset, /) -> None:
        """Add a new dataset, due at once.

        Raises DuplicateDataset naming the one that holds its slot or its connector's name.
        """
        ...

    async def save(self, dataset: Dataset, due_at: datetime | None, /) -> None:
        """Write a changed dataset with its happenings; its version rises by one.

        `due_at` is when the engine looks at it again (None: only when asked). Raises Conflict
        when somebody wrote first, DuplicateDataset when its slot is taken.
        """
        ...

    async def holder(self, slot: Slot, /) -> Dataset | None:
        """Give the active dataset in a slot."""
        ...

    async def next_generation(self, slot: Slot, /) -> int:
        """Tell the generation a new dataset in a slot will be, counting from 1."""
        ...

    async def active_of(self, journey: str, /) -> Sequence[Dataset]:
        """Load a journey's datasets that have not ended, oldest first; by its id or reference."""
        ...

    async def wake(self, dataset_id: UUID, /) -> None:
        """Let the engine look at a dataset now, unless it has ended; its version stays."""
        ...

    async def note_completion(self, journey: str, /) -> None:
        """Write down that a journey was told to be completed; an unknown one is nothing."""
        ...

    async def keep_journey(self, journey: Journey, /) -> None:
        """Write down a journey and its client as last seen (seed: Stage Association)."""
        ...

    async def keep_request(self, request: Request, /) -> None:
        """Write down an accepted request. Raises CameBefore when its message did."""
        ...

    async def condemn(self, strays: Collection[Stray], /) -> None:
        """Have strays emptied, on the word of whom the transaction is for."""
        ...

    async def call_off(self, task_id: str, /) -> bool:
        """Call the request of a task off; tells whether that could still be done.

        It cannot once the request is closed: what its task ends with is decided then.
        """
        ...

    async def publish(
        self, event: DatasetProvisionRequested, context: EventContext, at: datetime, /
    ) -> None:
        """Put an event that belongs to no single dataset into the outbox."""
        ...


@dataclass(frozen=True, slots=True)
class DatasetFilter:
    """Which datasets are listed; None leaves a field open. References are ids or slugs."""

    journey: str | None = None
    client: str | None = None
    stage: JourneyStage | None = None
    status: DatasetStatus | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of datasets, newest first, and the token of the next (None: the last page)."""

    datasets: tuple[Dataset, ...]
    next_token: str | None


@dataclass(frozen=True, slots=True)
class QualityRun:
    """One validation of a dataset as history keeps it."""

    run: int
    executed_at: datetime
    verdict: JsonObject


class Registry(ConsentReads, Protocol):
    """The shared repository; all of it is seen through one tenant at a time."""

    def transaction(self, principal: Principal, /) -> AbstractAsyncContextManager[Transaction]:
        """Open a transaction on behalf of a principal; it commits unless an error passes."""
        ...

    async def dataset(self, tenant: str, dataset_id: UUID, /) -> Dataset:
        """Read a dataset. Raises NotFound."""
        ...

    async def dataset_id_of(self, tenant: str, ref: str, /) -> UUID:
        """Resolve a reference: a UUID, or a connector name (the newest). Raises NotFound."""
        ...

    async def datasets(
        self, tenant: str, wanted: DatasetFilter, size: int, token: str | None, /
    ) -> Page:
        """Read a page of at most `size` datasets. Raises InvalidInput for a foreign token."""
        ...

    async def datasets_by_id(self, tenant: str, ids: Collection[UUID], /) -> Sequence[Dataset]:
        """Read datasets by id, in the order of the ids; unknown ones are left out."""
        ...

    async def client(self, tenant: str, ref: str, /) -> Client:
        """Read a client by id or reference, as last seen. Raises NotFound."""
        ...

    async def unsettled_requests(self, limit: int, /) -> Sequence[Request]:
        """Read requests of every tenant whose task has not ended, oldest first."""
        ...

    async def quality_history(self, tenant: str, dataset_id: UUID, /) -> Sequence[QualityRun]:
        """Read every validation of a dataset, oldest first."""
        ...

    async def events(
        self, tenant: str, after: int, limit: int, /, *, dataset_id: UUID | None = None
    ) -> Sequence[RecordedEvent]:
        """Read the outbox in order, from behind the sequence `after`."""
        ...

    async def last_sequence(self, tenant: str, /) -> int:
        """Tell the sequence of the newest event; 0 before the first."""
        ...

    async def request(self, principal: Principal, key: RequestKey, /) -> Request | None:
        """Find the request a message made before. Raises InvalidInput when its body differs."""
        ...

    async def request_of_task(self, tenant: str, task_id: str, /) -> Request | None:
        """Find the request a task shows."""
        ...

    async def close_request(self, tenant: str, task_id: str, /) -> bool:
        """Let a request be called off no more; tells whether it never was."""
        ...

    async def settle_request(self, tenant: str, task_id: str, /) -> None:
        """Write down that a request's task has ended."""
        ...


FOLLOW = timedelta(seconds=6)
"""How long a request is taken to be followed by a process of which nothing was heard since."""


@dataclass(frozen=True, slots=True)
class Followed:
    """A request whose task a process carries on: whose, which, and the agent it was sent to."""

    tenant: str
    task_id: str
    agent: str


class Follows(Protocol):
    """Which process carries which request's task, in the database's own time.

    A request begins followed by the process that took it in, for `FOLLOW`.
    """

    async def keep(self, owner: str, ttl: timedelta, /) -> list[Followed]:
        """Renew the owner's leases and take up those that are over; gives all it has now."""
        ...

    async def leave(self, owner: str, /) -> None:
        """Let others take up at once what the owner followed."""
        ...


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a dataset stands: version and status of its row, and how far its order has come."""

    version: int
    status: DatasetStatus
    progress: Progress | None


class ProgressLog(Protocol):
    """Live progress: a row outside the dataset's version, written a few times a second."""

    async def note(self, tenant: str, dataset_id: UUID, progress: Progress, /) -> None:
        """Write down how far a dataset's order has come."""
        ...

    async def standings(self, tenant: str, ids: Collection[UUID], /) -> dict[UUID, Standing]:
        """Tell where each dataset stands; unknown ones are left out."""
        ...


@dataclass(frozen=True, slots=True)
class Claim:
    """A lease on one due dataset: nobody else takes a turn with it until it ends."""

    tenant: str
    dataset_id: UUID
    owner: str


@dataclass(frozen=True, slots=True)
class Room:
    """How many turns may be claimed: in all, and how many a client may have under way anywhere."""

    turns: int
    a_client: int


class Leases(Protocol):
    """Leases on dataset rows, in the database's own time."""

    async def claim(self, owner: str, ttl: timedelta, room: Room, now: datetime, /) -> list[Claim]:
        """Claim datasets that are due at `now` and not leased, as far as there is room.

        Clients come in turns, each with what has been due longest, so that one who asks for much
        keeps nobody waiting.
        """
        ...

    async def beat(self, owner: str, ids: Collection[UUID], ttl: timedelta, /) -> set[UUID]:
        """Renew leases; gives those still held."""
        ...

    async def release(self, claim: Claim, due_at: datetime | None, version: int, /) -> None:
        """Give a lease back; `due_at` is kept only where the row is still at `version`."""
        ...

    async def next_due(self, /) -> datetime | None:
        """Tell when the next unleased dataset is due."""
        ...
