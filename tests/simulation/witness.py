"""The witness: what the worlds and the database have seen, sorted by dataset."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from uuid import UUID

from domain.commands import ProvisionDatasets, TeardownDataset
from domain.lifecycle import DatasetStatus
from tests.builders import ADDRESS
from tests.simulation.callers import CallOff
from tests.simulation.glean import Deed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.simulation.callers import Message
    from tests.simulation.database import Commit, Written
    from tests.simulation.glean import Deeds
    from tests.simulation.subscriber import Heard
    from tests.simulation.world import World


A_MOMENT = 1e-3
"""Seconds by which two clocks may differ: one counts microseconds, the other in floats."""


@dataclass(frozen=True, slots=True)
class Step:
    """One commit of one dataset's row."""

    at: float
    opened_at: float
    by: str
    row: Written

    @property
    def is_transition(self) -> bool:
        """Whether the status changed."""
        return self.row.before is not self.row.dataset.status

    def enters(self, status: DatasetStatus) -> bool:
        """Whether the dataset came to a status by this."""
        return self.is_transition and self.row.dataset.status is status


@dataclass
class Witness:
    """All that an invariant may ask about."""

    world: World
    messages: Sequence[Message]
    heard: Sequence[Heard]

    @property
    def commits(self) -> Sequence[Commit]:
        """Give every commit in order."""
        return self.world.rows.commits

    @cached_property
    def lives(self) -> dict[UUID, list[Step]]:
        """Give by dataset its commits in order."""
        lives: dict[UUID, list[Step]] = {}
        for commit in self.commits:
            for each in commit.written:
                lives.setdefault(each.dataset_id, []).append(
                    Step(commit.at, commit.opened_at, commit.by, each)
                )
        return lives

    def deeds(self, *kinds: Deed) -> Iterator[tuple[UUID, Deeds]]:
        """Give what was done at Glean, with the dataset in whose name it was."""
        for each in self.world.glean.history:
            if each.deed in kinds:
                yield owner_of(each.mark), each

    def entry(self, dataset_id: UUID, status: DatasetStatus, before: float) -> Step | None:
        """Give the commit by which a dataset last came to a status, up to a time."""
        steps = self.lives.get(dataset_id, ())
        entries = [each for each in steps if each.enters(status) and each.at <= before]
        return entries[-1] if entries else None

    def is_hurried(self, dataset_id: UUID, since: float, until: float) -> bool:
        """Whether somebody wanted a dataset's end without grace while its teardown went on.

        Judged by what was asked for: a forced teardown, a call-off, a lifetime that is over.
        """
        return self._is_expired(dataset_id, until) or any(
            _hurries(each, dataset_id) and _overlaps(each, since, until) for each in self.messages
        )

    def _is_expired(self, dataset_id: UUID, at: float) -> bool:
        """Whether a dataset's lifetime may be over, counted from when it was first asked for."""
        made = self.world.rows.requests
        for message in self.messages:
            request, lifetime = made.get(message.key), _lifetime(message)
            if request is not None and lifetime is not None and dataset_id in request.dataset_ids:
                return message.sent_at + lifetime <= at + A_MOMENT
        return False


def owner_of(mark: str) -> UUID:
    """Tell the dataset that a datasource's mark names."""
    return UUID(mark.removeprefix(f"{ADDRESS}/datasets/"))


def _lifetime(message: Message) -> float | None:
    """Give the lifetime, in seconds, that a message asked for."""
    if not isinstance(message.wanted, ProvisionDatasets) or message.wanted.wish.lifetime is None:
        return None
    return message.wanted.wish.lifetime.total_seconds()


def _hurries(message: Message, dataset_id: UUID) -> bool:
    match message.wanted:
        case TeardownDataset(force=True) as wanted:
            return wanted.dataset_id == dataset_id
        case CallOff(request):
            return dataset_id in request.dataset_ids
        case _:
            return False


def _overlaps(message: Message, since: float, until: float) -> bool:
    """Whether a message may have been taken in between two times."""
    return message.sent_at <= until and (message.answered_at or until) >= since
