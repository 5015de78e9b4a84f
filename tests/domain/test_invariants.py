"""The seed's invariants, held by a small fleet against commands, agents, lies and time."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from domain.archive import ArchiveLock
from domain.checks import CompletenessEvidence, Evidence, SchemaEvidence
from domain.dataset import Dataset
from domain.errors import IllegalTransition, InvalidInput, StaleOutcome
from domain.events import DatasetArchived, DatasetProvisionCompleted, DatasetReady
from domain.journey import ClientId, JourneyId, JourneyStage
from domain.lifecycle import TRANSITIONS, DatasetStatus, TeardownReason, TeardownStep
from domain.ordering import Rest, kept_for, lock_of
from domain.state import DatasetPlace, Wish
from domain.view import describe
from domain.work import (
    ConnectorRestored,
    Examined,
    FailureKind,
    Order,
    Outcome,
    ProvisionDataset,
    RestoreConnector,
    StepTaken,
    TakeStep,
    ValidateDataset,
)
from tests.domain.driving import (
    a_dataset,
    archived,
    commit,
    demoted,
    in_grace,
    ready,
    snapshot,
    take,
)
from tests.domain.making import (
    BAD,
    DIGEST,
    ILL,
    NEAR_MISS,
    NOW,
    RULES,
    SICK,
    a_client,
    a_place,
    a_receipt,
    a_template,
    after,
    archive_locked,
    archive_purged,
    connector_restored,
    evidence,
    examined,
    found,
    key_of,
    order_failed,
    probed,
    provisioned,
    queries,
)

Answer = Callable[[Dataset, datetime], Outcome]
Slot = tuple[int, JourneyStage, str]

CLIENTS = (
    a_client(),
    a_client(client_id=ClientId(UUID(int=8)), ref="acme-west", code="ACME-west"),
)
STAGES = (JourneyStage.SANDBOX, JourneyStage.PILOT)
TYPES = ("confluence", "github")


def short_lived(**place: Any) -> Dataset:
    """A READY dataset that was asked for for an hour."""
    return ready(wish=Wish(lifetime=timedelta(hours=1)), **place)


def outlived(**place: Any) -> Dataset:
    """An archived dataset whose lifetime was over long ago."""
    return archived(wish=Wish(lifetime=timedelta(hours=26)), **place)


def relapsed(**place: Any) -> Dataset:
    """A dataset whose connector recovered from an incident and was sick again at the gate."""
    dataset = demoted(**place)
    for minute in (4, 5):
        take(dataset, probed(dataset), after(minutes=minute))
    take(dataset, examined(dataset, SICK), after(minutes=5))
    return dataset


BEGINNINGS: list[Callable[..., Dataset]] = [
    a_dataset,
    ready,
    demoted,
    in_grace,
    short_lived,
    outlived,
    relapsed,
]
SLOTS: list[Slot] = [(who, stage, kind) for who in range(2) for stage in STAGES for kind in TYPES]
MOST = 9
"""How many datasets a fleet has at most."""

PASS = evidence()
LIES = (
    evidence(schema=SchemaEvidence(500, 500, "cd" * 32)),
    evidence(schema=SchemaEvidence(100, 100, DIGEST)),
    evidence(schema=SchemaEvidence(500, 900, DIGEST)),
    evidence(completeness=CompletenessEvidence(501, 4900, 5000)),
    evidence(completeness=CompletenessEvidence(500, 9000, 5000)),
    evidence(queries=queries(1) * 10),
    evidence(queries=tuple(replace(each, rank=0) for each in queries(10))),
    evidence(queries=tuple(replace(each, expected_id="other") for each in queries(10))),
    evidence(probes=()),
)
"""What an agent may say that is not so, or proves nothing."""


def archived_with(dataset: Dataset, lock: timedelta | None, now: datetime) -> Outcome:
    """Answer a step; a lock of None is no receipt at all."""
    receipt = None if lock is None else a_receipt(locked_until=now + lock)
    return StepTaken(key_of(dataset), present_step(dataset), "done", receipt)


def gate(seen: Evidence) -> Answer:
    return lambda each, now: examined(each, replace(seen, executed_at=now))


def wanted_lock(dataset: Dataset, now: datetime) -> ArchiveLock:
    """The lock that an order asks for, or any where there is nothing to lock."""
    return lock_of(dataset, now) if dataset.archive else ArchiveLock(now)


FULL = RULES.grace_period + RULES.retention

# What agents may answer to each kind of order; the first is the best there is.
ANSWERS: dict[str, list[Answer]] = {
    "find_template": [
        lambda each, _: found(each),
        lambda each, _: found(each, a_template(dataset_type="zendesk")),
    ],
    "provision_dataset": [
        lambda each, _: provisioned(each),
        lambda each, _: provisioned(each, record_count=300, documents=300),
    ],
    "validate_dataset": [gate(each) for each in (PASS, NEAR_MISS, BAD, *LIES)],
    "probe_connector": [lambda each, _: probed(each), lambda each, _: probed(each, ILL)],
    "take_step": [
        lambda each, now: archived_with(each, FULL, now),
        lambda each, now: archived_with(each, None, now),
        lambda each, now: archived_with(each, RULES.retention, now),
    ],
    "restore_connector": [lambda each, _: connector_restored(each)],
    "lock_archive": [
        lambda each, now: archive_locked(each, wanted_lock(each, now)),
        lambda each, now: archive_locked(each, ArchiveLock(now)),
    ],
    "purge_archive": [lambda each, _: archive_purged(each)],
}
FAILURES: list[Answer] = [
    lambda each, _: order_failed(each, FailureKind.UNAVAILABLE),
    lambda each, _: order_failed(each, FailureKind.REFUSED),
    lambda each, _: order_failed(each, FailureKind.LOST),
    lambda each, _: order_failed(each, FailureKind.CANCELLED),
    lambda each, _: order_failed(each, FailureKind.UNAVAILABLE, timedelta(minutes=2)),
]
UNASKED: list[Answer] = [
    *(each for kind, answers in ANSWERS.items() if kind != "take_step" for each in answers[:2]),
    *(
        lambda each, _, step=step: StepTaken(key_of(each), step, "done", a_receipt())
        for step in TeardownStep
    ),
]

Spans = st.sampled_from(
    [
        timedelta(0),
        timedelta(seconds=5),
        timedelta(seconds=61),
        timedelta(minutes=11),
        timedelta(minutes=29),
        timedelta(hours=25),
        timedelta(days=92),
    ]
)
Picks = st.integers(0, MOST - 1)


def present_step(dataset: Dataset) -> TeardownStep:
    assert dataset.teardown is not None
    return dataset.teardown.step


def lapsed(dataset: Dataset, now: datetime) -> Dataset:
    """A copy of a dataset with which time has done all that it can."""
    copy = snapshot(dataset)
    while copy.lapse(now):
        commit(copy)
    return copy


class Witness:
    """What really happened to one dataset, as the world outside it knows."""

    def __init__(self, dataset: Dataset, slot: Slot) -> None:
        self.dataset = dataset
        self.slot = slot
        self.place: DatasetPlace = dataset.place
        self.status = dataset.status
        self.passed_last = dataset.status is DatasetStatus.READY
        self.may_be_hidden = dataset.is_hidden
        self.disconnected_at = NOW if dataset.is_hidden else None
        self.wants_no_grace = False
        self.writing_until = NOW
        self.archived: Dataset | None = None
        self.kept_until = NOW
        self.told: list[type] = []

    @property
    def is_active(self) -> bool:
        return self.dataset.status not in {DatasetStatus.TEARDOWN, DatasetStatus.ARCHIVED}


class AFleet(RuleBasedStateMachine):
    """Datasets of two clients, two stages and two types, driven by whatever may come."""

    def __init__(self) -> None:
        super().__init__()
        self.now = after(minutes=6)
        self.fleet: list[Witness] = []

    # --- how datasets come to be ----------------------------------------------------------------

    @initialize(slots=st.permutations(SLOTS))
    def there_is_one_of_each_beginning(self, slots: list[Slot]) -> None:
        for make, slot in zip(BEGINNINGS, slots, strict=False):
            dataset = make(**self._fields(slot))
            self.fleet.append(Witness(dataset, slot))

    @precondition(lambda self: len(self.fleet) < MOST)
    @rule(slot=st.sampled_from(SLOTS))
    def somebody_asks_for_a_dataset(self, slot: Slot) -> None:
        if not self._is_held(slot):
            dataset = a_dataset(**self._fields(slot), requested_at=self.now)
            self.fleet.append(Witness(dataset, slot))

    # --- what may happen to them ----------------------------------------------------------------

    @rule(pick=Picks, choice=st.integers(0, 30))
    def an_agent_answers_the_next_order(self, pick: int, choice: int) -> None:
        witness = self._one(pick)
        order = witness.dataset.next_order(self.now)
        if not isinstance(order, Rest):
            answers = [*ANSWERS[order.kind], *FAILURES]
            self._answer(witness, order, answers[choice % len(answers)])

    @rule(pick=Picks, times=st.integers(1, 6))
    def agents_do_their_best_for_a_while(self, pick: int, times: int) -> None:
        witness = self._one(pick)
        for _ in range(times):
            order = witness.dataset.next_order(self.now)
            if isinstance(order, Rest):
                return
            self._answer(witness, order, ANSWERS[order.kind][0])

    @rule(pick=Picks, answer=st.sampled_from(UNASKED))
    def an_outcome_comes_that_nobody_asked_for(self, pick: int, answer: Answer) -> None:
        witness = self._one(pick)
        outcome = answer(witness.dataset, self.now)
        self._try(witness, lambda: self._apply(witness, outcome))

    @rule(pick=Picks, answer=st.sampled_from(UNASKED), age=st.sampled_from([-1, 1, 7]))
    def an_outcome_comes_at_another_version(self, pick: int, answer: Answer, age: int) -> None:
        dataset = self._one(pick).dataset
        before = snapshot(dataset)
        outcome = answer(dataset, self.now)
        late = replace(outcome, key=key_of(dataset, version=dataset.version + age))

        with pytest.raises(StaleOutcome):
            dataset.apply(late, self.now)

        assert dataset == before

    @rule(span=Spans)
    def time_passes(self, span: timedelta) -> None:
        self.now += span
        for witness in self.fleet:
            self._lapse(witness)

    @rule(pick=Picks, reason=st.sampled_from(TeardownReason), force=st.booleans())
    def somebody_tears_one_down(self, pick: int, reason: TeardownReason, force: bool) -> None:
        witness = self._one(pick)
        order = witness.dataset.next_order(self.now)
        if isinstance(order, ProvisionDataset | RestoreConnector):
            witness.writing_until = max(witness.writing_until, order.deadline)
        witness.wants_no_grace |= force
        self._try(
            witness,
            lambda: witness.dataset.start_teardown(reason, self.now, skip_grace=force),
        )

    @rule(pick=Picks)
    def somebody_restores_one(self, pick: int) -> None:
        witness = self._one(pick)
        if not self._is_held(witness.slot):
            self._try(witness, lambda: self._restore(witness))

    @rule(pick=Picks)
    def somebody_has_one_validated(self, pick: int) -> None:
        witness = self._one(pick)
        self._try(witness, lambda: witness.dataset.revalidate("asked for by ada", self.now))

    @rule(pick=Picks, days=st.sampled_from([-1, 1, 40, 200]))
    def somebody_has_an_archive_kept_for_longer(self, pick: int, days: int) -> None:
        witness = self._one(pick)
        until = self.now + timedelta(days=days)
        self._try(witness, lambda: witness.dataset.extend_retention(until, self.now))

    @rule(pick=Picks, is_held=st.booleans())
    def somebody_holds_an_archive_or_releases_it(self, pick: int, is_held: bool) -> None:
        dataset = self._one(pick).dataset
        hold, release = dataset.hold_archive, dataset.release_archive
        act = (lambda: hold("a case", "ada", self.now)) if is_held else (lambda: release(self.now))
        self._try(self._one(pick), act)

    # --- the seed's five ------------------------------------------------------------------------

    @invariant()
    def client_stage_uniqueness(self) -> None:
        active = [each.slot for each in self.fleet if each.is_active]
        assert len(active) == len(set(active))

    @invariant()
    def quality_threshold(self) -> None:
        for witness in self.fleet:
            if witness.dataset.status is DatasetStatus.READY:
                assert witness.passed_last
                assert witness.dataset.quality is not None
                assert witness.dataset.quality.overall_score >= Fraction(95, 100)

    @invariant()
    def connector_naming(self) -> None:
        connectors = [each.dataset.connector for each in self.fleet if each.dataset.connector]
        assert len({each.datasource for each in connectors}) == len(connectors)
        assert len({each.connector_id for each in connectors}) == len(connectors)
        active = [each for each in self.fleet if each.is_active and each.dataset.connector]
        names = {each.dataset.place.connector_name.casefold() for each in active}
        assert len(names) == len(active)
        for witness in self.fleet:
            who, stage, kind = witness.slot
            name = f"{CLIENTS[who].code}-{stage.value}-{kind}"
            made = witness.dataset.connector
            assert made is None or made.connector_name == name

    @invariant()
    def archive_immutability(self) -> None:
        for witness in self.fleet:
            if witness.archived is None:
                continue
            kept, dataset = witness.archived, witness.dataset
            assert dataset == replace(
                kept,
                version=dataset.version,
                trouble=dataset.trouble,
                busy_until=dataset.busy_until,  # an agent's answer about the lock may be lost
                purged_at=dataset.purged_at,
                retain_until=dataset.retain_until,
                legal_hold=dataset.legal_hold,
                is_lock_owed=dataset.is_lock_owed,
            )
            assert dataset.archive is not None
            assert dataset.archived_at is not None
            assert witness.kept_until <= kept_for(dataset)
            witness.kept_until = kept_for(dataset)
            if dataset.purged_at is not None:
                assert dataset.legal_hold is None
                assert dataset.purged_at >= kept_for(dataset)
                assert dataset.purged_at >= dataset.archived_at + timedelta(days=90)
                assert dataset.purged_at >= dataset.archive.locked_until

    @invariant()
    def stage_association(self) -> None:
        for witness in self.fleet:
            place, order = witness.dataset.place, witness.dataset.next_order(self.now)
            assert place == witness.place
            assert (place.client, place.stage, place.dataset_type) == (
                CLIENTS[witness.slot[0]],
                *witness.slot[1:],
            )
            connector = getattr(order, "connector", None)
            assert connector is None or connector.dataset_id == place.dataset_id

    # --- and what follows from them -------------------------------------------------------------

    @invariant()
    def nothing_is_emptied_before_its_grace_is_over_or_while_an_agent_may_be_at_work(self) -> None:
        for witness in self.fleet:
            order = witness.dataset.next_order(self.now)
            if isinstance(order, TakeStep) and order.step is TeardownStep.EMPTY_CONNECTOR:
                grace = timedelta(0) if witness.wants_no_grace else timedelta(hours=24)
                assert witness.disconnected_at is not None
                assert self.now >= witness.disconnected_at + grace
                assert self.now >= witness.writing_until

    @invariant()
    def nothing_is_validated_while_its_documents_may_be_out_of_sight(self) -> None:
        for witness in self.fleet:
            order = witness.dataset.next_order(self.now)
            assert not (isinstance(order, ValidateDataset) and witness.may_be_hidden)

    @invariant()
    def no_dataset_rests_until_a_time_gone_by(self) -> None:
        for witness in self.fleet:
            following = lapsed(witness.dataset, self.now).next_order(self.now)
            until = following.until if isinstance(following, Rest) else None
            assert until is None or until > self.now

    @invariant()
    def no_sick_dataset_is_waited_for_without_an_end(self) -> None:
        for witness in self.fleet:
            health = witness.dataset.health
            if witness.dataset.status is DatasetStatus.VALIDATING and health.is_ill(RULES):
                assert health.patience_ends(RULES) is not None

    @invariant()
    def every_order_has_time_left_and_belongs_to_the_present_version(self) -> None:
        for witness in self.fleet:
            order = witness.dataset.next_order(self.now)
            if isinstance(order, Order):
                assert self.now < order.deadline <= self.now + RULES.order_limit
                assert order.key == replace(key_of(witness.dataset), attempt=order.key.attempt)

    @invariant()
    def what_happens_once_is_told_once(self) -> None:
        for witness in self.fleet:
            assert witness.told.count(DatasetProvisionCompleted) <= 1
            assert witness.told.count(DatasetArchived) <= 1

    @invariant()
    def everything_can_always_be_shown(self) -> None:
        assert all(json.dumps(describe(each.dataset)) for each in self.fleet)

    # --- how ------------------------------------------------------------------------------------

    def _one(self, pick: int) -> Witness:
        return self.fleet[pick % len(self.fleet)]

    def _is_held(self, slot: Slot) -> bool:
        """What the registry's unique index says."""
        return any(each.slot == slot and each.is_active for each in self.fleet)

    def _fields(self, slot: Slot) -> dict[str, Any]:
        who, stage, kind = slot
        number = len(self.fleet) + 1
        return {
            "dataset_id": UUID(int=number),
            "journey_id": JourneyId(UUID(int=90 + who)),
            "client": CLIENTS[who],
            "stage": stage,
            "dataset_type": kind,
            "generation": 1 + sum(each.slot == slot for each in self.fleet),
        }

    def _answer(self, witness: Witness, order: Order, answer: Answer) -> None:
        """Carry an order out as its agent would, and commit what comes of it."""
        if isinstance(order, TakeStep) and order.step is TeardownStep.DISCONNECT:
            witness.may_be_hidden = True
        outcome = answer(witness.dataset, self.now)
        is_lost = getattr(outcome, "failure", None) is FailureKind.LOST
        if is_lost and isinstance(order, ProvisionDataset | RestoreConnector):
            witness.writing_until = max(witness.writing_until, order.deadline)
        self._apply(witness, outcome)
        self._committed(witness)

    def _apply(self, witness: Witness, outcome: Outcome) -> None:
        step = witness.dataset.teardown.step if witness.dataset.teardown else None
        witness.dataset.apply(outcome, self.now)
        if isinstance(outcome, Examined):
            witness.passed_last = replace(outcome.evidence, executed_at=NOW) == PASS
        if isinstance(outcome, ConnectorRestored):
            witness.may_be_hidden = False
        if isinstance(outcome, StepTaken) and step is TeardownStep.DISCONNECT:
            witness.may_be_hidden, witness.disconnected_at = True, self.now

    def _lapse(self, witness: Witness) -> None:
        """Let time do what it does; what ends by its lifetime wants no grace period."""
        was_active = witness.is_active
        while witness.dataset.lapse(self.now):
            self._committed(witness)
        witness.wants_no_grace |= was_active and not witness.is_active

    def _restore(self, witness: Witness) -> None:
        witness.dataset.restore(self.now)
        witness.wants_no_grace = False

    def _try(self, witness: Witness, act: Callable[[], object]) -> None:
        """Act and commit; what is refused has changed nothing."""
        before = snapshot(witness.dataset)
        try:
            act()
        except (IllegalTransition, InvalidInput):
            assert witness.dataset == before
            return
        if witness.dataset != before:
            self._committed(witness)

    def _committed(self, witness: Witness) -> None:
        """Commit, having taken one edge of the table or none."""
        status = witness.dataset.status
        assert status is witness.status or status in TRANSITIONS[witness.status]
        witness.status = status
        happened = [type(each) for each in commit(witness.dataset)]
        assert DatasetReady not in happened or status is DatasetStatus.READY
        witness.told += happened
        if status is DatasetStatus.ARCHIVED and witness.archived is None:
            witness.archived = snapshot(witness.dataset)


TestAFleet = AFleet.TestCase
TestAFleet.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_what_was_emptied_never_comes_back() -> None:
    dataset = in_grace()
    dataset.lapse(after(hours=24))
    commit(dataset)

    with pytest.raises(IllegalTransition, match="its grace period is over"):
        dataset.restore(after(hours=24))


def test_no_agent_can_end_a_grace_period() -> None:
    dataset = in_grace()
    before = snapshot(dataset)
    forged = StepTaken(key_of(dataset), TeardownStep.GRACE, "done")

    with pytest.raises(IllegalTransition, match="its teardown stands elsewhere"):
        dataset.apply(forged, NOW)

    assert dataset == before


def test_a_place_is_fixed_at_birth() -> None:
    dataset = demoted()

    assert dataset.place == a_place()
