"""A caller's task as a projection: its state and artifact follow from its datasets' rows."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import structlog
from a2a.types import TaskState

from domain.lifecycle import DatasetStatus, TeardownStep
from domain.quality import percent
from domain.view import describe
from protocol.lookout import Lookout

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from uuid import UUID

    from domain.commands import Request
    from domain.dataset import Dataset
    from domain.ports import Changes
    from domain.record import JsonObject
    from domain.repository import ProgressLog, Registry, Standing
    from domain.teardown import Teardown

log = structlog.get_logger("tasks")

_S = DatasetStatus

Seen = TypeVar("Seen")

STATUS_SECONDS = 0.3
"""The least time between two updates of what is not the end."""

POLL_SECONDS = 0.5
"""How long a follower waits at most: changes of another process ring no bell here."""


@dataclass(frozen=True, slots=True)
class Showing:
    """What a task shows just now: a sentence, an object, and its state.

    While datasets are on their way the object is short: where each stands and how far it has
    come. `is_news` tells a change of status from mere progress, which no history need keep.
    """

    sentence: str
    data: JsonObject
    state: TaskState
    is_news: bool = True

    @property
    def is_final(self) -> bool:
        """Whether the task ends with this."""
        return self.state != TaskState.TASK_STATE_WORKING


class Projection:
    """Follows the datasets of a request and tells what its task shows."""

    def __init__(self, registry: Registry, progress: ProgressLog, changes: Changes) -> None:
        """Read from these; the bell of this process says when."""
        self._registry = registry
        self._lookout = Lookout(progress)
        self._changes = changes

    async def follow(
        self,
        request: Request,
        tell: Callable[[Showing], Awaitable[None]],
        is_over: Callable[[], bool],
    ) -> Showing:
        """Tell how the datasets come on, a few times a second at most, until they are settled.

        `is_over` tells whether there is another reason to follow no longer.
        """
        seen: dict[UUID, Dataset] = {}
        told, next_at = None, 0.0
        while not is_over():
            wait = self._changes.handle()
            showing = await self.surely(
                request.task_id, partial(self._look, request, seen, next_at)
            )
            if showing is not None and showing.is_final:
                return await self.surely(request.task_id, partial(self._end, request, showing))
            if showing is not None and showing != told:
                is_news = told is None or showing.sentence != told.sentence
                told, next_at = showing, time.monotonic() + STATUS_SECONDS
                await tell(replace(showing, is_news=is_news))
            await wait(_pause(next_at))
        return await self.surely(request.task_id, partial(self._end, request, None))

    async def _end(self, request: Request, seen: Showing | None) -> Showing:
        """Give what a task ends with: what was seen, or that it was called off before."""
        if await self._registry.close_request(request.principal.tenant, request.task_id) and seen:
            return seen
        return await self.showing(replace(request, is_cancelled=True))

    async def showing(self, request: Request) -> Showing:
        """Tell what a request's task shows just now."""
        standings = await self._lookout.standings(request.principal.tenant, request.dataset_ids)
        return await self._read(request, {}, standings)

    async def surely(self, task_id: str, look: Callable[[], Awaitable[Seen]]) -> Seen:
        """Look until it can be done: the rows are the truth, whatever keeps us from them."""
        while True:
            wait = self._changes.handle()
            try:
                return await look()
            except Exception:
                log.exception("task.unseen", task_id=task_id)
            await wait(POLL_SECONDS)

    async def _look(
        self, request: Request, seen: dict[UUID, Dataset], next_at: float
    ) -> Showing | None:
        """Look where the datasets stand; None where it is too soon to tell of any but the end."""
        standings = await self._lookout.standings(request.principal.tenant, request.dataset_ids)
        may_be_settled = all(each.status in _RESTING for each in standings.values())
        if not may_be_settled and time.monotonic() < next_at:
            return None
        return await self._read(request, seen, standings)

    async def _read(
        self, request: Request, seen: dict[UUID, Dataset], standings: Mapping[UUID, Standing]
    ) -> Showing:
        """Read the datasets of which another version was seen."""
        moved = [
            each
            for each, standing in standings.items()
            if each not in seen or seen[each].version != standing.version
        ]
        if moved:
            read = await self._registry.datasets_by_id(request.principal.tenant, moved)
            seen.update((each.place.dataset_id, each) for each in read)
        datasets = [seen[each] for each in request.dataset_ids if each in seen]
        return _showing(request, datasets, standings)


def _pause(next_at: float) -> float:
    """Give the seconds to wait: until there may be more to tell, and no longer than a poll."""
    left = next_at - time.monotonic()
    return min(left, POLL_SECONDS) if left > 0 else POLL_SECONDS


def _showing(
    request: Request, datasets: Sequence[Dataset], standings: Mapping[UUID, Standing]
) -> Showing:
    if request.is_cancelled:
        state = TaskState.TASK_STATE_CANCELED
        return Showing(f"Called off. {_sentence(datasets)}", _results(datasets), state)
    state = _state(request.skill, datasets)
    if state != TaskState.TASK_STATE_WORKING:
        return Showing(_sentence(datasets), _results(datasets), state)
    return Showing(_sentence(datasets), _standing(datasets, standings), state)


def _state(skill: str, datasets: Sequence[Dataset]) -> TaskState:
    if not all(_is_settled(skill, each) for each in datasets):
        return TaskState.TASK_STATE_WORKING
    done = bool(datasets) and all(_is_done(skill, each) for each in datasets)
    return TaskState.TASK_STATE_COMPLETED if done else TaskState.TASK_STATE_FAILED


_TEARDOWN = "teardown-dataset"
_OF_ARCHIVES = frozenset({"extend-retention", "hold-archive", "release-archive"})
_RESTING = frozenset({_S.READY, _S.FAILED, _S.TEARDOWN, _S.ARCHIVED})


def _is_settled(skill: str, dataset: Dataset) -> bool:
    """Tell whether a task waits no longer; it waits for no grace period, but for all else.

    A teardown that has been hindered too often is not waited for either: it goes on trying.
    """
    if skill in _OF_ARCHIVES:
        return not dataset.is_lock_owed or _is_locked_in_vain(dataset)
    if skill != _TEARDOWN or dataset.status is not _S.TEARDOWN:
        return dataset.status in _RESTING
    return _is_in_grace(dataset) or _is_stuck(dataset)


def _is_done(skill: str, dataset: Dataset) -> bool:
    if skill in _OF_ARCHIVES:
        return not dataset.is_lock_owed
    if skill != _TEARDOWN:
        return dataset.status is _S.READY
    return dataset.status is _S.ARCHIVED or _is_in_grace(dataset)


def _is_in_grace(dataset: Dataset) -> bool:
    teardown = dataset.teardown
    if dataset.status is not _S.TEARDOWN or teardown is None:
        return False
    has_grace = bool(dataset.rules.grace_period) and not teardown.skip_grace
    return has_grace and teardown.step is TeardownStep.GRACE


def _is_stuck(dataset: Dataset) -> bool:
    """Whether a step of a teardown has failed as often as any order is tried by itself."""
    teardown = dataset.teardown
    return teardown is not None and teardown.retries > len(dataset.rules.retry_delays)


def _is_locked_in_vain(dataset: Dataset) -> bool:
    """Whether its archive could not be locked as often as any order is tried by itself."""
    return dataset.retries > len(dataset.rules.retry_delays)


def _sentence(datasets: Sequence[Dataset]) -> str:
    if len(datasets) == 1:
        return _one(datasets[0])
    counts = Counter(each.status.value for each in datasets)
    told = ", ".join(f"{count} {status}" for status, count in counts.items())
    return f"{len(datasets)} datasets: {told}."


def _one(dataset: Dataset) -> str:
    name = dataset.place.connector_name
    if dataset.trouble is not None:
        return f"{name} is {dataset.status.value}: {dataset.trouble.message}"
    if dataset.teardown is not None and dataset.status is _S.TEARDOWN:
        return f"{name} is being torn down ({_where(dataset, dataset.teardown)})."
    score = dataset.quality_score
    scored = f" with a quality score of {percent(score)}" if score is not None else ""
    return f"{name} is {dataset.status.value}{scored}."


def _where(dataset: Dataset, teardown: Teardown) -> str:
    """Tell the step a teardown is at, what hinders it, and until when it can be undone."""
    told = [teardown.step.value]
    if teardown.message:
        told.append(f"which failed: {teardown.message.rstrip('.')}")
    if teardown.retry_at is not None:
        told.append(f"tried again at {teardown.retry_at.isoformat(timespec='seconds')}")
    if dataset.restorable_until is not None:
        told.append(f"restorable until {dataset.restorable_until.isoformat(timespec='seconds')}")
    return "; ".join(told)


def _results(datasets: Sequence[Dataset]) -> JsonObject:
    return {"datasets": [describe(each) for each in datasets]}


def _standing(datasets: Sequence[Dataset], standings: Mapping[UUID, Standing]) -> JsonObject:
    shown: list[JsonObject] = []
    for dataset in datasets:
        place = dataset.place
        made = standings[place.dataset_id].progress
        shown.append(
            {
                "dataset_id": str(place.dataset_id),
                "connector_name": place.connector_name,
                "status": dataset.status.value,
                "progress": asdict(made) if made else None,
            }
        )
    return {"datasets": shown}
