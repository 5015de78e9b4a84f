"""The seed's invariants, held against commands, outcomes and time in any order."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from domain.dataset import Dataset
from domain.errors import IllegalTransition, StaleOutcome
from domain.events import (
    DatasetArchived,
    DatasetProvisionCompleted,
    DatasetReady,
    DomainEvent,
)
from domain.journey import JourneyStage
from domain.lifecycle import ENDED, TRANSITIONS, DatasetStatus, TeardownReason, TeardownStep
from domain.repository import Slot
from domain.state import Wish
from domain.teardown import IRREVERSIBLE
from domain.view import describe
from domain.work import FailureKind, Order, Outcome, Probed, Rest, StepTaken
from tests.domain.driving import (
    IN_STATUS,
    a_dataset,
    commit,
    snapshot,
)
from tests.domain.making import (
    BAD,
    HEALTHY,
    ILL,
    NEAR_MISS,
    NOW,
    a_place,
    a_receipt,
    a_template,
    archive_purged,
    connector_restored,
    evidence,
    examined,
    found,
    key_of,
    order_failed,
    probed,
    provisioned,
)

Answer = Callable[[Dataset], Outcome]

# What an honest agent may answer to each kind of order.
ANSWERS: dict[str, list[Answer]] = {
    "find_template": [found, lambda each: found(each, a_template(version="2.0.0"))],
    "provision_dataset": [provisioned],
    "validate_dataset": [
        examined,
        lambda each: examined(each, NEAR_MISS),
        lambda each: examined(each, BAD),
        lambda each: examined(each, evidence(queries=())),
    ],
    "probe_connector": [probed, lambda each: probed(each, ILL)],
    "take_step": [
        lambda each: StepTaken(key_of(each), present_step(each), "done", a_receipt()),
    ],
    "restore_connector": [connector_restored],
    "purge_archive": [archive_purged],
}
FAILURES: list[Answer] = [
    lambda each: order_failed(each, FailureKind.UNAVAILABLE),
    lambda each: order_failed(each, FailureKind.REFUSED),
    lambda each: order_failed(each, FailureKind.UNAVAILABLE, timedelta(minutes=2)),
]
FORGED: list[Answer] = [
    answer for kind, answers in ANSWERS.items() if kind != "take_step" for answer in answers
]

NOW_AND_EVER = NOW + timedelta(days=365_000)

Spans = st.sampled_from(
    [
        timedelta(0),
        timedelta(seconds=5),
        timedelta(seconds=61),
        timedelta(minutes=11),
        timedelta(hours=25),
        timedelta(days=92),
    ]
)


def present_step(dataset: Dataset) -> TeardownStep:
    assert dataset.teardown is not None
    return dataset.teardown.step


class ALifetime(RuleBasedStateMachine):
    """One dataset, driven by whatever may come."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.dataset = a_dataset(wish=Wish(lifetime=None))
        self.seen = self.dataset.status
        self.was_archived = False
        self.was_emptied = False
        self.events: list[DomainEvent] = []

    # --- what may happen ------------------------------------------------------------------------

    @rule(pick=st.integers(0, 9))
    def an_agent_answers_the_next_order(self, pick: int) -> None:
        order = self.dataset.next_order(self.now)
        if isinstance(order, Rest):
            self.now = max(order.until or self.now, self.now)
            return
        answers = [*ANSWERS[order.kind] * 2, *FAILURES[:1]]
        self._apply(answers[pick % len(answers)])

    @rule(pick=st.integers(0, 9))
    def an_agent_answers_at_its_best(self, pick: int) -> None:
        order = self.dataset.next_order(self.now)
        if isinstance(order, Rest):
            self.now = max(order.until or self.now, self.now)
            return
        self._apply(ANSWERS[order.kind][0])

    @rule(answer=st.sampled_from(FORGED + FAILURES))
    def an_outcome_comes_that_nobody_asked_for(self, answer: Answer) -> None:
        if isinstance(self.dataset.next_order(self.now), Rest):
            return
        self._apply(answer)

    @rule(answer=st.sampled_from(FORGED + FAILURES), age=st.sampled_from([-1, 1, 7]))
    def an_outcome_comes_at_another_version(self, answer: Answer, age: int) -> None:
        before = snapshot(self.dataset)
        outcome = answer(self.dataset)
        late = replace(outcome, key=key_of(self.dataset, version=self.dataset.version + age))

        with pytest.raises(StaleOutcome):
            self.dataset.apply(late, self.now)

        assert self.dataset == before

    @rule(span=Spans)
    def time_passes(self, span: timedelta) -> None:
        self.now += span
        while self.dataset.lapse(self.now):
            self._committed()
        following = self.dataset.next_order(self.now)
        assert not isinstance(following, Rest) or (following.until or NOW_AND_EVER) > self.now

    @rule(reason=st.sampled_from(TeardownReason), force=st.booleans())
    def somebody_tears_it_down(self, reason: TeardownReason, force: bool) -> None:
        self._try(lambda: self.dataset.start_teardown(reason, self.now, skip_grace=force))

    @precondition(lambda self: self.dataset.status is DatasetStatus.TEARDOWN)
    @rule()
    def somebody_restores_it(self) -> None:
        self._try(lambda: self.dataset.restore(self.now))

    @rule()
    def somebody_has_it_validated(self) -> None:
        self._try(lambda: self.dataset.revalidate("asked for by ada"))

    @rule(age=st.integers(0, 2))
    def an_order_ends(self, age: int) -> None:
        self._try(lambda: self.dataset.note_end_of(self.dataset.version - age, self.now))

    # --- what must hold -------------------------------------------------------------------------

    @invariant()
    def quality_threshold(self) -> None:
        if self.dataset.status is DatasetStatus.READY:
            assert self.dataset.quality is not None
            assert self.dataset.quality.overall_score >= Fraction(95, 100)
            assert not self.dataset.quality.failed_checks

    @invariant()
    def archive_immutability(self) -> None:
        self.was_archived |= self.dataset.status is DatasetStatus.ARCHIVED
        if self.was_archived:
            assert self.dataset.status is DatasetStatus.ARCHIVED
            assert self.dataset.archive is not None
            assert self.dataset.archived_at is not None

    @invariant()
    def connector_naming(self) -> None:
        if self.dataset.connector is not None:
            assert self.dataset.connector.connector_name == self.dataset.place.connector_name
            assert str(self.dataset.place.dataset_id) in self.dataset.connector.home_url

    @invariant()
    def stage_association(self) -> None:
        assert self.dataset.place == a_place()

    @invariant()
    def what_was_emptied_never_comes_back(self) -> None:
        teardown = self.dataset.teardown
        self.was_emptied |= teardown is not None and teardown.step in IRREVERSIBLE
        assert not self.was_emptied or self.dataset.status in ENDED

    @invariant()
    def a_teardown_is_known_exactly_while_it_lasts_and_after_it(self) -> None:
        assert (self.dataset.teardown is not None) == (self.dataset.status in ENDED)

    @invariant()
    def what_is_to_be_done_is_always_known(self) -> None:
        following = self.dataset.next_order(self.now)
        assert isinstance(following, Rest | Order)
        if not isinstance(following, Rest):
            assert following.deadline > self.now
            assert following.key.version == self.dataset.version

    @invariant()
    def it_can_always_be_shown(self) -> None:
        assert json.dumps(describe(self.dataset))

    @invariant()
    def what_happens_once_is_told_once(self) -> None:
        for kind in (DatasetProvisionCompleted, DatasetArchived):
            assert sum(isinstance(each, kind) for each in self.events) <= 1

    # --- how ------------------------------------------------------------------------------------

    def _apply(self, answer: Answer) -> None:
        outcome = answer(self.dataset)
        self._try(lambda: self.dataset.apply(outcome, self.now))

    def _try(self, act: Callable[[], object]) -> None:
        """Act and commit; what is refused has changed nothing."""
        before = snapshot(self.dataset)
        try:
            act()
        except (IllegalTransition, ValueError):
            assert self.dataset == before
            return
        if self.dataset != before:
            self._committed()

    def _committed(self) -> None:
        """Commit, having taken one edge of the table or none."""
        status = self.dataset.status
        assert status is self.seen or status in TRANSITIONS[self.seen]
        self.seen = status
        happened = commit(self.dataset)
        ready = [each for each in happened if isinstance(each, DatasetReady)]
        assert not ready or status is DatasetStatus.READY
        self.events += happened


TestALifetime = ALifetime.TestCase
TestALifetime.settings = settings(max_examples=80, stateful_step_count=50)

# --- the places datasets hold --------------------------------------------------------------------


def slot_of(dataset: Dataset) -> Slot:
    place = dataset.place
    return Slot(place.client.client_id, place.stage, place.dataset_type)


def test_client_stage_uniqueness_every_generation_wants_the_same_slot() -> None:
    first, second = a_dataset(generation=1), a_dataset(generation=2)

    assert slot_of(first) == slot_of(second)
    assert first.place.connector_name == second.place.connector_name


def test_client_stage_uniqueness_another_stage_or_type_is_another_slot() -> None:
    slots = {
        slot_of(a_dataset(stage=stage, dataset_type=dataset_type))
        for stage in JourneyStage
        for dataset_type in ("confluence", "github")
    }

    assert len(slots) == 6


def test_client_stage_uniqueness_a_failed_dataset_keeps_its_slot() -> None:
    active = {status for status in IN_STATUS if status not in ENDED}

    assert DatasetStatus.FAILED in active
    assert {DatasetStatus.TEARDOWN, DatasetStatus.ARCHIVED}.isdisjoint(active)


def test_a_probe_from_before_a_restart_is_as_stale_as_any() -> None:
    dataset = IN_STATUS[DatasetStatus.READY]()
    early = Probed(key_of(dataset), HEALTHY)
    dataset.apply(early, NOW)
    commit(dataset)
    before = snapshot(dataset)

    with pytest.raises(StaleOutcome):
        dataset.apply(early, NOW)

    assert dataset == before
