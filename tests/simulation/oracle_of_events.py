"""What the oracle knows of events: one outcome a request, in order, and none left out."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from domain.commands import ProvisionDatasets
from domain.lifecycle import DatasetStatus
from tests.simulation.callers import CallOff

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from uuid import UUID

    from tests.simulation.witness import Step, Witness

_S = DatasetStatus

_FAILURES = {"DatasetProvisioningFailed", "DatasetValidationFailed", "DatasetValidationAborted"}
_AGAIN = {"DatasetValidationStarted", "ConnectorHealthDegraded", "DatasetRestored"}

_EVENTS_OF = {
    _S.VALIDATING: _AGAIN | {"DatasetPopulated"},
    _S.READY: {"DatasetReady"},
    _S.FAILED: _FAILURES,
    _S.TEARDOWN: {"DatasetTeardownStarted"},
    _S.ARCHIVED: {"DatasetArchived"},
}
"""Which events tell of coming to a status; one of them is in the commit of each transition."""

_OUTCOMES = _FAILURES | {"DatasetProvisionCompleted", "DatasetTeardownStarted"}


def each_request_has_one_outcome(witness: Witness) -> Iterator[str]:
    """A message is one request however often it is sent, and tells once what came of it."""
    yield from _asked_once(witness)
    for dataset_id, steps in witness.lives.items():
        told = Counter(name for step in steps for name in step.row.names)
        came = Counter(each.row.dataset.status for each in steps if each.is_transition)
        expected = {
            "DatasetProvisionCompleted": min(came[_S.READY], 1),
            "DatasetReady": came[_S.READY],
            "DatasetTeardownStarted": came[_S.TEARDOWN],
            "DatasetArchived": min(came[_S.ARCHIVED], 1),
        }
        for name, times in expected.items():
            if told[name] != times:
                yield f"dataset {dataset_id.int} told {name} {told[name]} times, not {times}"
        if not _OUTCOMES & told.keys():
            yield f"dataset {dataset_id.int} came to no outcome"


def events_are_told_in_order_once_committed(witness: Witness) -> Iterator[str]:
    """Every event reaches a subscriber, a dataset's in their order, and none before its commit."""
    committed = {
        id(happening): commit.at for commit in witness.commits for happening in commit.happenings
    }
    outbox = {each.event_id: each for each in witness.world.rows.outbox}
    for heard in witness.heard:
        at = committed.get(id(outbox[heard.event_id].happening))
        if at is None or heard.at < at:
            yield f"{heard.name} is heard at {heard.at:.3f} and committed at {at}"
    first = dict.fromkeys(each.event_id for each in witness.heard)
    if list(first) != list(outbox):
        yield f"{len(first)} of {len(outbox)} events are heard, or in another order"
    for dataset_id, steps in witness.lives.items():
        told = [
            each.happening.name for each in outbox.values() if each.context.dataset_id == dataset_id
        ]
        if told != [name for step in steps for name in step.row.names]:
            yield f"dataset {dataset_id.int} has other events than its commits"


def the_ledger_is_complete(witness: Witness) -> Iterator[str]:
    """Versions follow each other, each transition has its event, each archive all of them."""
    for dataset_id, steps in witness.lives.items():
        versions = [each.row.dataset.version for each in steps]
        if versions != list(range(len(steps))):
            yield f"dataset {dataset_id.int} has versions {versions}"
        yield from (_silent(each) for each in steps if _is_silent(each))
        yield from _forgotten(witness, dataset_id, steps)


def _asked_once(witness: Witness) -> Iterator[str]:
    rows = witness.world.rows
    asked = Counter(
        each.context.correlation
        for each in rows.outbox
        if each.happening.name == "DatasetProvisionRequested"
    )
    provisions = [
        each
        for each in witness.messages
        if isinstance(each.wanted, ProvisionDatasets) and each.key in rows.requests
    ]
    for message in witness.messages:
        made = rows.requests.get(message.key)
        if message.request is not None and made is None and not isinstance(message.wanted, CallOff):
            yield f"message {message.key.message_id} was answered and is not kept"
        if made is not None and isinstance(message.wanted, ProvisionDatasets):
            born = [each for each in witness.lives.values() if _is_born_of(each, made.task_id)]
            if asked[made.task_id] != 1 or len(born) != len(message.wanted.dataset_types):
                yield f"message {message.key.message_id} made {len(born)} datasets"
    if any(times > 1 for times in asked.values()) or len(asked) != len(provisions):
        yield f"{len(provisions)} requests were told of {sum(asked.values())} times"


def _is_born_of(steps: Sequence[Step], task_id: str) -> bool:
    return steps[0].row.dataset.place.correlation == task_id


def _is_silent(step: Step) -> bool:
    """Whether a transition is told of by none of its events.

    That a FAILED dataset is filled once more has no event of its own.
    """
    reached, before = step.row.dataset.status, step.row.before
    if reached is _S.PROVISIONING:
        return before is _S.DISCOVERING and "DatasetProvisioningStarted" not in step.row.names
    return step.is_transition and reached in _EVENTS_OF and not _told_of(step)


def _silent(step: Step) -> str:
    return (
        f"{step.row.dataset.name} went from {step.row.before} to {step.row.dataset.status} silently"
    )


def _told_of(step: Step) -> bool:
    return bool(_EVENTS_OF[step.row.dataset.status] & set(step.row.names))


def _forgotten(witness: Witness, dataset_id: UUID, steps: Sequence[Step]) -> Iterator[str]:
    """Tell of archives that leave out an event that was committed before they were written."""
    for key, kept in witness.world.archive.ever.items():
        if not key.startswith(f"{dataset_id}/"):
            continue
        told = [name for each in steps if each.at <= kept.at for name in each.row.names]
        archived = [each["name"] for each in json.loads(kept.content)["events"]]
        if archived != told[: len(archived)] or "DatasetTeardownStarted" not in archived:
            yield f"an archive of dataset {dataset_id.int} holds {len(archived)} of {len(told)} events"
