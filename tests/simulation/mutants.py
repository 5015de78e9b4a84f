"""Mutants: the product with one thing taken away that an invariant rests on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import agents.coordinator
import domain.checks
import domain.gate
import domain.ordering
import domain.outcomes
import domain.state
from agents.dossiers import gather_dossier
from agents.teardown import DataTeardownAgent
from domain.archive import ArchiveReceipt
from domain.dataset import Dataset
from domain.events import DatasetRestored
from domain.lifecycle import DatasetStatus
from domain.quality import Severity, score_quality
from domain.state import DatasetState
from domain.teardown import Teardown
from domain.work import ConnectorRestored, Provisioned, StepTaken
from tests.simulation.database import Rows, name_of, slot_of
from tests.simulation.transaction import SimulatedTransaction

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from domain.commands import Request
    from domain.events import EventContext, Happening
    from domain.quality import DataQualityCheck, QualityPolicy, QualityScore
    from domain.work import Outcome, TakeStep

Change = tuple[object, str, object]
"""Where something is replaced, its name there, and what takes its place."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """What is taken away, as a sentence, and the invariant that must miss it.

    `story` is the one in which it is missed only where somebody stands still; where there is none,
    the short search must do.
    """

    name: str
    invariant: str
    changes: tuple[Change, ...]
    story: str | None = None

    @contextmanager
    def let_loose(self) -> Iterator[None]:
        """Put the changes in, and the product back afterwards."""
        with ExitStack() as stack:
            for place, name, changed in self.changes:
                stack.callback(setattr, place, name, vars(place)[name])
                setattr(place, name, changed)
            yield


def _nothing(*_: object, **__: object) -> None:
    """Hold nobody to anything."""


def _never(*_: object) -> bool:
    return False


def _judged(**lenience: Any) -> Callable[[Sequence[DataQualityCheck], QualityPolicy], QualityScore]:
    def judge(checks: Sequence[DataQualityCheck], policy: QualityPolicy) -> QualityScore:
        return score_quality(checks, replace(policy, **_lenient(policy, **lenience)))

    return judge


def _lenient(
    policy: QualityPolicy, *, least: Fraction = Fraction(95, 100), critical: bool = True
) -> dict[str, Any]:
    thresholds = {
        check: replace(each, critical=each.critical and critical)
        for check, each in policy.thresholds.items()
    }
    return {"ready_threshold": least, "thresholds": thresholds}


def _clash_by_slot(_: Rows, dataset: Dataset, other: Dataset) -> bool:
    return slot_of(dataset) == slot_of(other)


def _clash_by_name_alone(_: Rows, dataset: Dataset, other: Dataset) -> bool:
    is_same_slot = slot_of(dataset) == slot_of(other)
    return not is_same_slot and name_of(dataset) == name_of(other)


async def _keep_at_once(transaction: SimulatedTransaction, request: Request) -> None:
    transaction._rows.require_new(request)  # noqa: SLF001 - a mutant reaches where it must not
    transaction._rows.requests[request.key] = request  # noqa: SLF001 - the same


def _complete_again(dataset: DatasetState, score: QualityScore, now: datetime) -> None:
    dataset.ready_at = None
    _pass_gate(dataset, score, now)


_pass_gate = domain.gate._pass_gate  # noqa: SLF001 - what the mutant wraps
_write = SimulatedTransaction._write  # noqa: SLF001 - the same
_tell = Rows._tell  # noqa: SLF001 - the same
_happen = DatasetState.happen


def _quiet_now(_: Dataset, now: datetime) -> datetime:
    return now


def _tell_before_the_commit(
    transaction: SimulatedTransaction,
    dataset: Dataset,
    before: DatasetStatus | None,
    due_at: datetime | None,
) -> None:
    _write(transaction, dataset, before, due_at)
    for each in transaction._draft.told:  # noqa: SLF001 - a mutant reaches where it must not
        transaction._rows._tell(*each)  # noqa: SLF001 - the same


def _tell_once(rows: Rows, happening: Happening, context: EventContext, version: int) -> None:
    if all(each.happening is not happening for each in rows.outbox):
        _tell(rows, happening, context, version)


async def _forge_a_receipt(_: DataTeardownAgent, order: TakeStep) -> Outcome:
    assert order.dossier is not None
    assert order.locked_until is not None
    receipt = ArchiveReceipt(order.dossier.key, "ab" * 32, 1, order.locked_until)
    return StepTaken(order.key, order.step, "archived, or so it says", receipt)


def _kept_no_longer(_: ArchiveReceipt, archived_at: datetime, __: timedelta) -> datetime:
    return archived_at


def _disconnected_without_grace(teardown: Teardown, now: datetime, _: timedelta) -> Teardown:
    return replace(teardown, grace_until=now)


def _ready_unseen(dataset: DatasetState, outcome: Provisioned, now: datetime) -> None:
    _provisioned(dataset, outcome, now)
    dataset.status = DatasetStatus.READY


_provisioned = domain.outcomes._provisioned  # noqa: SLF001 - what the mutant wraps


def _see_as_visible(dataset: DatasetState, *_: object) -> None:
    dataset.is_hidden, dataset.trouble = False, None


def _meaning(outcome: type, means: Callable[..., None]) -> Change:
    table = domain.outcomes._MEANING  # noqa: SLF001 - the table a mutant writes into
    return domain.outcomes, "_MEANING", MappingProxyType({**table, outcome: means})


def _restore_in_silence(dataset: DatasetState, event: Any, **extensions: Any) -> None:
    if not isinstance(event, DatasetRestored):
        _happen(dataset, event, **extensions)


def _give_up_when_taken_over(dataset: Dataset, now: datetime) -> bool:
    if dataset.taken_over_at is None or dataset.status is not DatasetStatus.PROVISIONING:
        return _lapse(dataset, now)
    dataset.fail(dataset.troubled("It was taken over.", Severity.ERROR))
    return True


_lapse = Dataset.lapse


async def _gather_the_last_event(registry: Any, dataset: Dataset) -> Any:
    return await gather_dossier(registry, dataset, most_events=1)


MUTANTS = (
    Mutant(
        "a gate that lets 0.90 pass",
        "I1",
        ((domain.checks, "score_quality", _judged(least=Fraction(90, 100))),),
    ),
    Mutant(
        "a gate for which no check is critical",
        "I1",
        ((domain.checks, "score_quality", _judged(critical=False)),),
    ),
    Mutant(
        "a registry without the unique index over slots",
        "I2",
        ((Rows, "_clash", _clash_by_name_alone), (Rows, "_generation_is_taken", _never)),
    ),
    Mutant(
        "a registry without the unique index over names",
        "I3",
        ((Rows, "_clash", _clash_by_slot),),
    ),
    Mutant(
        "an aggregate that refuses no edge",
        "I4",
        ((domain.state, "require_transition", _nothing),),
    ),
    Mutant(
        "a request that is kept before its datasets are",
        "I5",
        ((SimulatedTransaction, "keep_request", _keep_at_once),),
    ),
    Mutant(
        "an aggregate that completes whenever it is READY",
        "I5",
        ((domain.gate, "_pass_gate", _complete_again),),
    ),
    Mutant(
        "a teardown that waits for no agent that may be at work",
        "I6",
        ((Dataset, "_quiet_at", _quiet_now),),
    ),
    Mutant(
        "an outbox that is written before the commit",
        "I7",
        ((SimulatedTransaction, "_write", _tell_before_the_commit), (Rows, "_tell", _tell_once)),
    ),
    Mutant(
        "a teardown agent that says it archived and did not",
        "I8",
        ((DataTeardownAgent, "_archive_metadata", _forge_a_receipt),),
    ),
    Mutant(
        "an aggregate that keeps an archive no longer than it must be made",
        "I9",
        (
            (domain.ordering, "kept_until", _kept_no_longer),
            (domain.outcomes, "kept_until", _kept_no_longer),
        ),
    ),
    Mutant(
        "a teardown without a grace period",
        "I10",
        ((Teardown, "disconnected", _disconnected_without_grace),),
    ),
    Mutant(
        "an aggregate that is READY as soon as it is filled",
        "I11",
        (_meaning(Provisioned, _ready_unseen),),
    ),
    Mutant(
        "a registry that checks no version",
        "I12",
        ((Rows, "require_version", _nothing),),
    ),
    Mutant(
        "an aggregate that is restored in silence",
        "I12",
        ((DatasetState, "happen", _restore_in_silence),),
    ),
    Mutant(
        "a dossier that holds the last event only",
        "I12",
        ((agents.coordinator, "gather_dossier", _gather_the_last_event),),
    ),
    Mutant(
        "an aggregate that is never told it was taken over",
        "I6",
        ((DatasetState, "note_takeover", _nothing),),
        "tear_down",
    ),
    Mutant(
        "an aggregate that is never told it was taken over while it was hidden",
        "I13",
        ((DatasetState, "note_takeover", _nothing),),
        "restore_late",
    ),
    Mutant(
        "an aggregate that gives up on what was taken over",
        "I14",
        ((Dataset, "lapse", _give_up_when_taken_over),),
        "provision",
    ),
    Mutant(
        "a restore that reckons with no agent that may be hiding",
        "I13",
        ((Teardown, "may_be_hiding", _never),),
        "restore",
    ),
    Mutant(
        "an aggregate that is visible for good once it is shown",
        "I13",
        (_meaning(ConnectorRestored, _see_as_visible),),
        "restore",
    ),
)
"""At least one an invariant; the search must catch each by the invariant it breaks."""
