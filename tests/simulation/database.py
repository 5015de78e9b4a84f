"""The database as a world of its own: rows, leases, the outbox, and every commit as it was made."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from domain.errors import CameBefore, Conflict, DuplicateDataset
from domain.lifecycle import ENDED
from domain.rules import LifecycleRules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from domain.commands import Request, RequestKey
    from domain.dataset import Dataset
    from domain.events import EventContext, Happening
    from domain.lifecycle import DatasetStatus
    from domain.quality import QualityScore


@dataclass(frozen=True, slots=True)
class Written:
    """One row as a commit leaves it, with the events of that commit, by name.

    `before` is the status the row had, None where there was no row.
    """

    dataset: Dataset
    before: DatasetStatus | None
    due_at: datetime | None
    happenings: tuple[Happening, ...] = ()

    @property
    def dataset_id(self) -> UUID:
        """Whose row it is."""
        return self.dataset.place.dataset_id

    @property
    def names(self) -> tuple[str, ...]:
        """The events' names, in order."""
        return tuple(each.name for each in self.happenings)


@dataclass(frozen=True, slots=True)
class Told:
    """An event in the outbox: its number, when it was committed, and of which version it is."""

    sequence: int
    event_id: UUID
    at: float
    happening: Happening
    context: EventContext
    version: int


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit: when, by which process, and what it wrote; `happenings` are all of its events.

    `opened_at` is when its transaction began: what the product calls now lies between the two.
    """

    at: float
    opened_at: float
    by: str
    written: tuple[Written, ...]
    happenings: tuple[Happening, ...] = ()


@dataclass
class Row:
    """A dataset's row, and who holds it."""

    dataset: Dataset
    due_at: datetime | None
    lease_owner: str | None = None
    lease_until: float = 0.0
    taken_over_at: datetime | None = None


@dataclass
class Draft:
    """What a transaction has written and not yet committed."""

    by: str
    opened_at: float
    written: list[Written] = field(default_factory=list)
    told: list[tuple[Happening, EventContext, int]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    called_off: list[str] = field(default_factory=list)


@dataclass
class Rows:
    """All there is in the database, and how it came about."""

    now: Callable[[], float]
    rules: LifecycleRules
    new_id: Callable[[], UUID]
    datasets: dict[UUID, Row] = field(default_factory=dict)
    commits: list[Commit] = field(default_factory=list)
    outbox: list[Told] = field(default_factory=list)
    requests: dict[RequestKey, Request] = field(default_factory=dict)
    scores: dict[UUID, list[QualityScore]] = field(default_factory=dict)
    called_off: set[str] = field(default_factory=set)

    def load(self, dataset_id: UUID) -> Dataset | None:
        """Read a row as an aggregate of its own."""
        row = self.datasets.get(dataset_id)
        if row is None:
            return None
        read = as_read(row.dataset, self.rules)
        read.note_takeover(row.taken_over_at)
        return read

    def active(self, written: Iterable[Written] = ()) -> Iterable[Dataset]:
        """Give the datasets that hold their places, as a transaction has written them by now."""
        rows = {dataset_id: row.dataset for dataset_id, row in self.datasets.items()}
        rows |= {each.dataset_id: each.dataset for each in written}
        return [each for each in rows.values() if each.status not in ENDED]

    def require_place(self, dataset: Dataset, written: Iterable[Written] = ()) -> None:
        """Hold the unique indexes. Raises DuplicateDataset."""
        for other in self.active(written) if dataset.status not in ENDED else ():
            if other.place.dataset_id != dataset.place.dataset_id and self._clash(dataset, other):
                message = f"{dataset.name} is taken: {other.place.dataset_id} is {other.status}."
                raise DuplicateDataset(message)

    def require_version(self, dataset: Dataset, version: int) -> None:
        """Hold the optimistic lock. Raises Conflict."""
        row = self.datasets.get(dataset.place.dataset_id)
        if row is None or row.dataset.version != version:
            message = f"{dataset.name} was changed by somebody else since version {version}."
            raise Conflict(message)

    def require_new(self, request: Request) -> None:
        """Hold one request a message. Raises CameBefore."""
        if request.key in self.requests:
            raise CameBefore(f"Message {request.key.message_id} came before.")

    def commit(self, draft: Draft) -> None:
        """Write all of it, or raise and write nothing."""
        for request in draft.requests:
            self.require_new(request)
        for each in draft.written:
            self._require(each)
        for each in draft.written:
            self._write(each)
        for request in draft.requests:
            self.requests[request.key] = request
        self.called_off.update(draft.called_off)
        for happening, context, version in draft.told:
            self._tell(happening, context, version)
        happenings = tuple(happening for happening, _, _ in draft.told)
        self.commits.append(
            Commit(self.now(), draft.opened_at, draft.by, tuple(draft.written), happenings)
        )

    def _require(self, each: Written) -> None:
        if each.before is not None:
            self.require_version(each.dataset, each.dataset.version - 1)
        elif each.dataset_id in self.datasets or self._generation_is_taken(each.dataset):
            raise Conflict(f"{each.dataset.name} has a generation that is taken.")
        self.require_place(each.dataset)

    def _write(self, each: Written) -> None:
        row = self.datasets.setdefault(each.dataset_id, Row(each.dataset, each.due_at))
        old, row.dataset, row.due_at = row.dataset, each.dataset, each.due_at
        if row.taken_over_at == each.dataset.taken_over_at:
            row.taken_over_at = None
        quality = each.dataset.quality
        if quality is not None and quality is not old.quality:
            self.scores.setdefault(each.dataset_id, []).append(quality)

    def _tell(self, happening: Happening, context: EventContext, version: int) -> None:
        number = len(self.outbox) + 1
        told = Told(number, self.new_id(), self.now(), happening, context, version)
        self.outbox.append(told)

    def _clash(self, dataset: Dataset, other: Dataset) -> bool:
        return slot_of(dataset) == slot_of(other) or name_of(dataset) == name_of(other)

    def _generation_is_taken(self, dataset: Dataset) -> bool:
        mine = (slot_of(dataset), dataset.place.generation)
        rows = self.datasets.values()
        taken = {(slot_of(each.dataset), each.dataset.place.generation) for each in rows}
        return mine in taken


def slot_of(dataset: Dataset) -> tuple[UUID, str, str]:
    """Give a dataset's client, stage and type."""
    place = dataset.place
    return place.client.client_id, place.stage.value, place.dataset_type


def name_of(dataset: Dataset) -> str:
    """Give a dataset's connector name, whatever its case."""
    return dataset.place.connector_name.casefold()


def as_read(dataset: Dataset, rules: LifecycleRules) -> Dataset:
    """Give an aggregate of its own, as if it were read from its row."""
    read = copy.copy(dataset)
    read.rules, read.happenings, read.probes = rules, [], ()
    return read
