"""Teardown: the seed's steps in order, a day of grace, and no step ever given up."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.errors import IllegalTransition
from domain.events import (
    DatasetTeardownHurried,
    DatasetTeardownStarted,
    DatasetTeardownStepDone,
)
from domain.lifecycle import DatasetStatus, TeardownReason, TeardownStep
from domain.ordering import Rest
from domain.rules import LifecycleRules
from domain.teardown import Teardown
from domain.work import FailureKind, StepTaken, TakeStep
from tests.domain.driving import (
    IN_STATUS,
    a_dataset,
    archived,
    commit,
    emptying,
    failed,
    in_grace,
    order_of,
    provisioning,
    ready,
    rest_of,
    snapshot,
    take,
    torn_down,
)
from tests.domain.making import (
    NOW,
    QUERIES,
    RULES,
    a_receipt,
    after,
    key_of,
    order_failed,
    step_taken,
)

MANUAL = TeardownReason.MANUAL_REQUEST


def step_of(teardown: Teardown | None) -> TeardownStep:
    assert teardown is not None
    return teardown.step


# --- the steps -----------------------------------------------------------------------------------


@pytest.mark.requirement("R19", "R59")
@pytest.mark.parametrize("reason", list(TeardownReason))
def test_a_teardown_tells_its_reason(reason: TeardownReason) -> None:
    dataset = ready()

    dataset.start_teardown(reason, NOW)

    assert dataset.status is DatasetStatus.TEARDOWN
    assert commit(dataset) == [DatasetTeardownStarted(*dataset.ids, reason)]


@pytest.mark.parametrize("status", list(DatasetStatus)[:5])
def test_every_active_dataset_can_be_torn_down(status: DatasetStatus) -> None:
    dataset = IN_STATUS[status]()

    dataset.start_teardown(MANUAL, NOW)

    assert dataset.status is DatasetStatus.TEARDOWN


def test_an_archived_dataset_is_not_torn_down_again() -> None:
    dataset = archived()

    with pytest.raises(IllegalTransition, match="nothing: it is the end"):
        dataset.start_teardown(MANUAL, NOW)


@pytest.mark.requirement("R20")
def test_the_steps_are_taken_in_the_seeds_order() -> None:
    dataset = torn_down()
    taken = []

    for receipt in (None, a_receipt(), None):
        taken.append(order_of(dataset, TakeStep).step)
        take(dataset, step_taken(dataset, receipt=receipt))
    dataset.lapse(after(hours=24))
    for _ in range(2):
        taken.append(order_of(dataset, TakeStep, after(hours=24)).step)
        take(dataset, step_taken(dataset), after(hours=24))

    assert taken == [
        TeardownStep.PAUSE_SYNC,
        TeardownStep.ARCHIVE_METADATA,
        TeardownStep.DISCONNECT,
        TeardownStep.EMPTY_CONNECTOR,
        TeardownStep.VERIFY_EMPTIED,
    ]
    assert dataset.status is DatasetStatus.ARCHIVED


def test_each_step_is_told_with_what_it_meant() -> None:
    dataset = torn_down()

    events = take(dataset, step_taken(dataset))

    assert events == [DatasetTeardownStepDone(*dataset.ids, TeardownStep.PAUSE_SYNC, "done")]


def test_a_step_is_ordered_with_what_it_needs() -> None:
    dataset = torn_down()

    order = order_of(dataset, TakeStep)

    assert order.connector == dataset.connector
    assert order.queries == QUERIES
    assert order.locked_until == NOW + timedelta(days=91)


def test_a_dataset_without_a_connector_is_torn_down_all_the_same() -> None:
    dataset = a_dataset()
    dataset.start_teardown(MANUAL, NOW)

    order = order_of(dataset, TakeStep)

    assert (order.connector, order.queries) == (None, ())


def test_another_step_than_the_present_one_is_refused() -> None:
    dataset = torn_down()
    hasty = StepTaken(key_of(dataset), TeardownStep.VERIFY_EMPTIED, "done")
    before = snapshot(dataset)

    with pytest.raises(IllegalTransition, match="its teardown stands elsewhere"):
        dataset.apply(hasty, NOW)

    assert dataset == before


def test_disconnecting_hides_the_documents() -> None:
    assert not torn_down().is_hidden
    assert in_grace().is_hidden


# --- grace ---------------------------------------------------------------------------------------


@pytest.mark.requirement("R20")
def test_nothing_is_emptied_during_the_day_of_grace() -> None:
    dataset = in_grace()

    assert not dataset.lapse(after(hours=23, minutes=59))
    assert rest_of(dataset) == Rest(
        after(hours=24), "in its grace period; it can still be restored"
    )


def test_after_the_day_of_grace_the_connector_is_emptied() -> None:
    dataset = in_grace()

    assert dataset.lapse(after(hours=24))

    assert order_of(dataset, TakeStep, after(hours=24)).step is TeardownStep.EMPTY_CONNECTOR


def test_a_forced_teardown_leaves_the_grace_out_and_nothing_else() -> None:
    dataset = in_grace(skip_grace=True)

    assert dataset.archive == a_receipt()
    assert dataset.lapse(NOW)
    assert order_of(dataset, TakeStep).step is TeardownStep.EMPTY_CONNECTOR


def test_forcing_hurries_a_teardown_that_has_begun() -> None:
    dataset = in_grace()

    dataset.start_teardown(MANUAL, after(hours=1), skip_grace=True)

    assert dataset.lapse(after(hours=1))


def test_forcing_is_told_at_the_step_it_was_asked_at() -> None:
    dataset = torn_down()

    dataset.start_teardown(MANUAL, NOW, skip_grace=True)

    assert commit(dataset) == [DatasetTeardownHurried(*dataset.ids, TeardownStep.PAUSE_SYNC)]


@pytest.mark.parametrize(
    ("skip_grace", "told"),
    [(False, "its grace period is over"), (True, "its grace period is left out")],
)
def test_the_end_of_the_grace_period_is_told(skip_grace: bool, told: str) -> None:
    dataset = in_grace(skip_grace=skip_grace)

    dataset.lapse(after(hours=24))

    assert commit(dataset) == [DatasetTeardownStepDone(*dataset.ids, TeardownStep.GRACE, told)]


def test_asking_again_changes_nothing() -> None:
    dataset = in_grace()
    before = snapshot(dataset)

    changed = dataset.start_teardown(TeardownReason.ORPHAN_CLEANUP, after(hours=1))

    assert not changed
    assert dataset == before


def test_a_teardown_tells_that_it_has_begun() -> None:
    assert ready().start_teardown(MANUAL, NOW)


def test_a_teardown_is_hurried_once() -> None:
    dataset = in_grace()
    hurried = dataset.start_teardown(MANUAL, after(hours=1), skip_grace=True)
    before = snapshot(dataset)

    again = dataset.start_teardown(MANUAL, after(hours=2), skip_grace=True)

    assert (hurried, again) == (True, False)
    assert dataset == before


def test_a_teardown_past_its_grace_is_not_hurried() -> None:
    dataset = emptying()
    before = snapshot(dataset)

    assert not dataset.start_teardown(MANUAL, after(hours=25), skip_grace=True)
    assert dataset == before


def test_forcing_does_not_prolong_a_grace_that_is_over() -> None:
    dataset = in_grace()

    dataset.start_teardown(MANUAL, after(hours=30), skip_grace=True)

    assert dataset.teardown is not None
    assert dataset.teardown.grace_until == after(hours=24)


def test_the_grace_period_is_configurable() -> None:
    dataset = in_grace(rules=LifecycleRules(grace_period=timedelta(hours=1)))

    assert rest_of(dataset).until == after(hours=1)


# --- an order that is still out (A19) ------------------------------------------------------------


def test_nothing_is_emptied_while_an_order_may_still_be_filling() -> None:
    dataset = provisioning()

    dataset.start_teardown(MANUAL, NOW, skip_grace=True)

    assert dataset.teardown is not None
    assert dataset.teardown.quiet_at == NOW + RULES.order_limit


def test_the_end_of_that_order_ends_the_wait() -> None:
    dataset = provisioning()
    order_version = dataset.version
    dataset.start_teardown(MANUAL, NOW, skip_grace=True)
    commit(dataset)

    assert dataset.note_end_of(order_version, after(minutes=2))

    assert dataset.teardown is not None
    assert dataset.teardown.quiet_at == after(minutes=2)


def test_the_end_of_any_other_order_does_not_end_the_wait() -> None:
    dataset = provisioning()
    dataset.start_teardown(MANUAL, NOW, skip_grace=True)
    before = snapshot(dataset)

    assert not dataset.note_end_of(dataset.version + 1, after(minutes=2))
    assert dataset == before


def test_the_end_of_an_order_is_no_matter_once_the_wait_is_over() -> None:
    dataset = provisioning()
    dataset.start_teardown(MANUAL, NOW)

    assert not dataset.note_end_of(dataset.version, after(hours=1))


def test_the_end_of_an_order_is_no_matter_without_a_teardown() -> None:
    dataset = provisioning()

    assert not dataset.note_end_of(dataset.version, NOW)


def test_a_dataset_resting_before_its_next_try_has_no_order_out() -> None:
    dataset = provisioning()
    take(dataset, order_failed(dataset))

    dataset.start_teardown(MANUAL, NOW, skip_grace=True)

    assert dataset.teardown is not None
    assert dataset.teardown.quiet_at == NOW


def test_an_agent_we_have_lost_may_be_at_work_though_the_dataset_rests() -> None:
    dataset = provisioning()
    take(dataset, order_failed(dataset, FailureKind.LOST), after(minutes=1))

    dataset.start_teardown(MANUAL, after(minutes=1), skip_grace=True)

    assert dataset.teardown is not None
    assert dataset.teardown.quiet_at == after(minutes=1) + RULES.order_limit


def test_the_end_of_another_order_tells_nothing_of_a_lost_agent() -> None:
    dataset = provisioning()
    take(dataset, order_failed(dataset, FailureKind.LOST), after(minutes=1))
    order_version = dataset.version
    dataset.start_teardown(MANUAL, after(minutes=5), skip_grace=True)
    commit(dataset)

    assert dataset.note_end_of(order_version, after(minutes=6))

    assert dataset.teardown is not None
    assert dataset.teardown.quiet_at == after(minutes=1) + RULES.order_limit


def test_an_order_to_show_the_documents_again_may_still_be_out() -> None:
    dataset = in_grace()
    dataset.restore(after(hours=1))
    commit(dataset)

    dataset.start_teardown(MANUAL, after(hours=1), skip_grace=True)

    assert dataset.teardown is not None
    assert dataset.teardown.quiet_at == after(hours=1) + RULES.order_limit


def test_the_grace_period_counts_from_the_disconnection() -> None:
    dataset = torn_down()
    take(dataset, step_taken(dataset))
    take(dataset, step_taken(dataset, receipt=a_receipt()))

    take(dataset, step_taken(dataset), after(hours=30))

    assert rest_of(dataset, after(hours=30)).until == after(hours=54)


def test_a_teardown_hurried_before_the_disconnection_has_no_grace() -> None:
    dataset = torn_down()
    dataset.start_teardown(MANUAL, NOW, skip_grace=True)
    take(dataset, step_taken(dataset))
    take(dataset, step_taken(dataset, receipt=a_receipt()))

    take(dataset, step_taken(dataset), after(hours=1))

    assert dataset.lapse(after(hours=1))


def test_a_dataset_whose_retry_has_fallen_due_may_have_an_order_out() -> None:
    dataset = provisioning()
    take(dataset, order_failed(dataset))

    dataset.start_teardown(MANUAL, after(seconds=5), skip_grace=True)

    assert dataset.teardown is not None
    assert dataset.teardown.quiet_at == after(seconds=5) + RULES.order_limit


def test_a_ready_dataset_has_nothing_to_wait_for() -> None:
    dataset = torn_down(skip_grace=True)

    assert dataset.teardown is not None
    assert dataset.teardown.quiet_at == NOW


# --- steps that fail -----------------------------------------------------------------------------


@pytest.mark.parametrize("failure", list(FailureKind))
def test_a_failed_step_is_taken_again_and_never_given_up(failure: FailureKind) -> None:
    dataset = torn_down()

    events = take(dataset, order_failed(dataset, failure))

    assert (dataset.status, events) == (DatasetStatus.TEARDOWN, [])
    assert rest_of(dataset) == Rest(
        after(seconds=30), "pause_sync is tried again: The supplier did not answer."
    )
    assert order_of(dataset, TakeStep, after(seconds=30)).key.attempt == 1


def test_the_pauses_between_failed_steps_double_up_to_an_hour() -> None:
    dataset = torn_down()
    pauses = []

    for _ in range(9):
        take(dataset, order_failed(dataset))
        until = rest_of(dataset).until
        assert until is not None
        pauses.append((until - NOW).total_seconds())

    assert pauses == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]


def test_a_supplier_may_ask_for_a_longer_pause_before_a_step() -> None:
    dataset = torn_down()

    take(dataset, order_failed(dataset, retry_after=timedelta(minutes=5)))

    assert rest_of(dataset).until == after(minutes=5)


def test_a_step_that_succeeds_at_last_forgets_its_failures() -> None:
    dataset = torn_down()
    take(dataset, order_failed(dataset))

    take(dataset, step_taken(dataset), after(seconds=30))

    assert dataset.teardown is not None
    assert (dataset.teardown.retries, dataset.teardown.retry_at) == (0, None)


def test_a_failed_dataset_keeps_nothing_of_its_trouble_in_teardown() -> None:
    dataset = failed()

    dataset.start_teardown(MANUAL, NOW)

    assert dataset.trouble is None
    assert step_of(dataset.teardown) is TeardownStep.PAUSE_SYNC


def test_the_last_step_has_none_behind_it() -> None:
    teardown = Teardown(MANUAL, NOW, NOW, 1, step=TeardownStep.VERIFY_EMPTIED)

    assert teardown.advanced().step is TeardownStep.VERIFY_EMPTIED
