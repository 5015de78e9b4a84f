"""A caller's task as a projection: its state and artifact follow from its datasets' rows."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import structlog
from a2a.types import TaskState

from domain.approvals import ApprovalStatus
from domain.lifecycle import DatasetStatus
from domain.quality import percent
from domain.view import describe, describe_approval
from protocol.aims import RESTING, TRANSITION_STAGE, Scene
from protocol.lookout import Lookout

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from uuid import UUID

    from domain.approvals import Approval
    from domain.commands import Move, Request
    from domain.dataset import Dataset
    from domain.journey_documents import MoveDocument
    from domain.ports import Changes
    from domain.record import Json, JsonObject
    from domain.repository import ProgressLog, Registry, Standing
    from domain.succession import MoveOutcome
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
        return self.state != TaskState.TASK_STATE_WORKING and not self.waits

    @property
    def waits(self) -> bool:
        """Whether the task waits until somebody consents."""
        return self.state == TaskState.TASK_STATE_INPUT_REQUIRED


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

        Where they are settled but for somebody's consent, what is asked for is given at once.
        `is_over` tells whether there is another reason to follow no longer.
        """
        seen: dict[UUID, Dataset] = {}
        told, next_at = None, 0.0
        while not is_over():
            wait = self._changes.handle()
            showing = await self.surely(
                request.task_id, partial(self._look, request, seen, next_at)
            )
            if showing is not None and showing.waits:
                return showing
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
        may_be_settled = all(each.status in RESTING for each in standings.values())
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
        return _showing(Scene(request, datasets, await self._approvals(request)), standings)

    async def _approvals(self, request: Request) -> Sequence[Approval]:
        asked = request.undertaking.approvals
        if not asked:
            return ()
        return await self._registry.approvals_by_id(request.principal.tenant, asked)


def _pause(next_at: float) -> float:
    """Give the seconds to wait: until there may be more to tell, and no longer than a poll."""
    left = next_at - time.monotonic()
    return min(left, POLL_SECONDS) if left > 0 else POLL_SECONDS


def _showing(scene: Scene, standings: Mapping[UUID, Standing]) -> Showing:
    if scene.request.is_cancelled:
        sentence = f"Called off. {_sentence(scene.datasets)}"
        return Showing(sentence, _results(scene), TaskState.TASK_STATE_CANCELED)
    state, sentence = scene.state, _sentence(scene.datasets)
    if state == TaskState.TASK_STATE_WORKING:
        return Showing(sentence, _standing(scene.datasets, standings), state)
    if state == TaskState.TASK_STATE_INPUT_REQUIRED:
        return Showing(f"{sentence} {_asked(scene)}", _results(scene), state)
    return Showing(f"{sentence}{_refused(scene)}{_emptied(scene)}", _results(scene), state)


def _asked(scene: Scene) -> str:
    """Name the approvals that are waited for, and how they are given."""
    named = ", ".join(_named(each, scene.request) for each in scene.awaited)
    return (
        f"To be approved first: {named}. Send resolve-approval for each, in this task or as a new "
        "message; the task goes on by itself."
    )


def _named(approval: Approval, request: Request) -> str:
    """Name an approval; of one that was pending before the request, what it is for all the same."""
    if approval.task_id == request.task_id:
        return f"{approval.connector_name} ({approval.approval_id})"
    grace = "without" if approval.force else "with"
    return (
        f"{approval.connector_name} ({approval.approval_id}; {approval.asked_by} asked for it "
        f"before, for {approval.reason} {grace} a grace period, and nothing else is approved by it)"
    )


_KEEPS = {
    ApprovalStatus.REFUSED: "refused its teardown.",
    ApprovalStatus.WITHDRAWN: "called off the request that asked for its approval. Ask anew.",
}


def _refused(scene: Scene) -> str:
    """Tell what could not be made, whose end was refused, and whose is asked for no more."""
    moves = scene.request.undertaking.moves
    unmade = [f"{each.dataset_type}: {each.refusal}" for each in moves if each.refusal]
    kept = [
        f"{each.connector_name} stays: {each.resolved_by} {_KEEPS[each.status]}"
        for each in scene.approvals
        if each.status in _KEEPS
    ]
    return "".join(f" {each}" for each in [*unmade, *kept])


def _emptied(scene: Scene) -> str:
    """Tell how many datasources a cleanup has emptied; nothing where it has none."""
    count = len(scene.request.undertaking.datasources)
    return f" {count} stray datasources are being emptied." if count else ""


def _sentence(datasets: Sequence[Dataset]) -> str:
    if not datasets:
        return "There is no dataset to change."
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


def _results(scene: Scene) -> JsonObject:
    more: dict[str, Json] = {}
    if scene.approvals:
        more["approvals"] = [describe_approval(each) for each in scene.approvals]
    if scene.request.skill == TRANSITION_STAGE:
        moves = scene.request.undertaking.moves
        more["moves"] = [_moved(each, scene.outcome_of(each)) for each in moves]
    if scene.request.undertaking.datasources:
        more["datasources"] = list(scene.request.undertaking.datasources)
    return {"datasets": [describe(each) for each in scene.datasets], **more}


def _moved(move: Move, outcome: MoveOutcome) -> MoveDocument:
    return {
        "dataset_type": move.dataset_type,
        "before": str(move.before),
        "successor": str(move.successor) if move.successor else None,
        "outcome": outcome.value,
        "refusal": move.refusal or None,
    }


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
