"""Being taken over: what somebody may still do who only stood still, a dataset waits out."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.dataset import Dataset
from domain.lifecycle import DatasetStatus, TeardownReason
from domain.work import FailureKind, RestoreConnector, ValidateDataset
from tests.domain.driving import (
    IN_STATUS,
    commit,
    in_grace,
    order_of,
    orders_of,
    ready,
    rest_of,
    take,
    torn_down,
)
from tests.domain.making import (
    NOW,
    RULES,
    a_receipt,
    after,
    connector_restored,
    order_failed,
    step_taken,
)

MANUAL = TeardownReason.MANUAL_REQUEST
LIMIT = RULES.order_limit


def disconnecting() -> Dataset:
    """A teardown whose next step is to hide the documents."""
    dataset = torn_down()
    take(dataset, step_taken(dataset))
    take(dataset, step_taken(dataset, receipt=a_receipt()))
    return dataset


def test_a_teardown_waits_for_the_order_of_a_process_that_was_taken_over() -> None:
    dataset = ready()
    dataset.note_takeover(NOW)

    dataset.start_teardown(MANUAL, after(minutes=1), skip_grace=True)

    assert dataset.teardown is not None
    assert dataset.teardown.quiet_at == NOW + LIMIT


def test_of_two_takeovers_the_later_counts() -> None:
    dataset = ready()
    dataset.note_takeover(after(minutes=1))

    dataset.note_takeover(NOW)

    assert dataset.busy_until == after(minutes=1) + LIMIT


@pytest.mark.parametrize("status", [each for each in IN_STATUS if each != "teardown"])
def test_no_order_hides_outside_of_a_teardown(status: DatasetStatus) -> None:
    dataset = IN_STATUS[status]()

    dataset.note_takeover(NOW)

    assert (dataset.busy_until, dataset.hides_until) == (NOW + LIMIT, None)


def test_what_was_never_taken_over_waits_for_nobody() -> None:
    dataset = ready()

    dataset.note_takeover(None)

    assert dataset.busy_until is None


def test_a_restored_dataset_is_shown_at_once_and_once_more_when_nobody_can_hide_it() -> None:
    dataset = disconnecting()
    dataset.note_takeover(NOW)
    take(dataset, step_taken(dataset))
    dataset.restore(after(minutes=1))
    commit(dataset)

    order_of(dataset, RestoreConnector, after(minutes=1))
    take(dataset, connector_restored(dataset), after(minutes=1))
    waiting = rest_of(dataset, after(minutes=1))
    order_of(dataset, RestoreConnector, NOW + LIMIT)
    take(dataset, connector_restored(dataset), NOW + LIMIT)

    assert waiting.until == NOW + LIMIT
    assert "an agent that was lost may yet hide it" in waiting.why
    assert orders_of(dataset, NOW + LIMIT) is ValidateDataset
    assert (dataset.is_hidden, dataset.trouble, dataset.hides_until) == (False, None, None)


def test_what_was_shown_before_the_wait_was_over_is_shown_again_after_it() -> None:
    dataset = disconnecting()
    dataset.note_takeover(NOW)
    take(dataset, step_taken(dataset))
    dataset.restore(after(minutes=1))
    commit(dataset)

    take(dataset, connector_restored(dataset), NOW + LIMIT + timedelta(seconds=1))

    assert orders_of(dataset, NOW + LIMIT + timedelta(seconds=1)) is RestoreConnector


def test_a_restored_dataset_waits_for_an_agent_that_was_lost_while_it_hid() -> None:
    dataset = disconnecting()
    take(dataset, order_failed(dataset, FailureKind.LOST))

    dataset.restore(after(seconds=10))

    assert dataset.hides_until == NOW + LIMIT


def test_an_agent_lost_before_it_could_hide_keeps_no_restored_dataset_waiting() -> None:
    dataset = torn_down()
    take(dataset, order_failed(dataset, FailureKind.LOST))

    dataset.restore(after(seconds=10))

    assert dataset.hides_until is None


def test_an_order_to_hide_may_be_out_when_a_dataset_is_restored() -> None:
    dataset = disconnecting()

    dataset.restore(after(minutes=1))

    assert dataset.hides_until == after(minutes=1) + LIMIT


def test_a_teardown_resting_before_it_hides_has_no_order_out() -> None:
    dataset = disconnecting()
    take(dataset, order_failed(dataset))

    dataset.restore(after(seconds=1))

    assert dataset.hides_until is None


def test_the_end_of_that_order_ends_a_restored_datasets_wait() -> None:
    dataset = disconnecting()
    order_version = dataset.version
    dataset.restore(after(minutes=1))
    commit(dataset)

    assert dataset.note_end_of(order_version, after(minutes=2))

    assert dataset.hides_until == after(minutes=2)
    assert not dataset.note_end_of(order_version, after(minutes=3))


def test_the_end_of_any_other_order_does_not_end_a_restored_datasets_wait() -> None:
    dataset = disconnecting()
    order_version = dataset.version
    dataset.restore(after(minutes=1))
    commit(dataset)

    assert not dataset.note_end_of(order_version - 1, after(minutes=2))

    assert dataset.hides_until == after(minutes=1) + LIMIT


def test_the_end_of_that_order_tells_nothing_of_one_that_was_taken_over_before() -> None:
    dataset = disconnecting()
    dataset.note_takeover(NOW)
    order_version = dataset.version
    dataset.restore(after(minutes=1))
    commit(dataset)

    assert dataset.note_end_of(order_version, after(minutes=2))

    assert dataset.hides_until == NOW + LIMIT


def test_a_dataset_restored_in_its_grace_period_waits_for_nobody() -> None:
    dataset = in_grace()
    dataset.restore(after(hours=1))
    commit(dataset)

    take(dataset, connector_restored(dataset), after(hours=1))

    assert not dataset.is_hidden
