"""Failures: what is tried again by itself, after which pause, and what waits for people."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from domain.dataset import Dataset
from domain.events import (
    DatasetProvisioningFailed,
    DatasetReady,
    DatasetValidationFailed,
    DatasetValidationStarted,
)
from domain.lifecycle import DatasetStatus, LifecycleStage
from domain.quality import Severity
from domain.work import FailureKind, FindTemplate, ProvisionDataset, Rest, ValidateDataset
from tests.domain.driving import (
    a_dataset,
    commit,
    failed,
    only,
    order_of,
    orders_of,
    provisioning,
    ready,
    rest_of,
    take,
    unfilled,
    validating,
)
from tests.domain.making import (
    NEAR_MISS,
    NOW,
    after,
    examined,
    found,
    order_failed,
)


def unavailable(dataset: Dataset, *moments: float) -> None:
    """Let orders fail for want of a supplier, so many seconds after the beginning."""
    for each in moments:
        take(dataset, order_failed(dataset), after(seconds=each))


def missed(dataset: Dataset, seconds: float) -> None:
    """Let a dataset miss its gate by little."""
    take(dataset, examined(dataset, NEAR_MISS), after(seconds=seconds))


def retried(dataset: Dataset, seconds: float) -> list[object]:
    """Let a retry fall due."""
    assert dataset.lapse(after(seconds=seconds))
    return [*commit(dataset)]


# --- a supplier that does not answer -------------------------------------------------------------


@pytest.mark.parametrize("make", [a_dataset, provisioning, validating])
def test_a_supplier_that_is_away_leaves_the_dataset_where_it_is(
    make: Callable[[], Dataset],
) -> None:
    dataset = make()
    status = dataset.status

    events = take(dataset, order_failed(dataset))

    assert (dataset.status, events) == (status, [])
    assert rest_of(dataset) == Rest(
        after(seconds=5), "tried again then: The supplier did not answer."
    )


def test_the_same_order_is_given_again_after_the_pause() -> None:
    dataset = provisioning()
    unavailable(dataset, 0)

    order = order_of(dataset, ProvisionDataset, after(seconds=5))

    assert order.key.attempt == 1


def test_the_pauses_grow() -> None:
    dataset = a_dataset()

    pauses = []
    for moment in (0, 100, 200):
        unavailable(dataset, moment)
        until = rest_of(dataset, after(seconds=moment)).until
        assert until is not None
        pauses.append((until - after(seconds=moment)).total_seconds())

    assert pauses == [5, 20, 80]


def test_a_supplier_may_ask_for_a_longer_pause() -> None:
    dataset = a_dataset()

    take(dataset, order_failed(dataset, retry_after=timedelta(minutes=3)))

    assert rest_of(dataset).until == after(minutes=3)


def test_a_supplier_may_not_shorten_the_pause() -> None:
    dataset = a_dataset()

    take(dataset, order_failed(dataset, retry_after=timedelta(seconds=1)))

    assert rest_of(dataset).until == after(seconds=5)


def test_used_up_retries_fail_the_dataset() -> None:
    dataset = provisioning()
    unavailable(dataset, 0, 10, 40)

    events = take(dataset, order_failed(dataset), after(seconds=200))

    assert dataset.status is DatasetStatus.FAILED
    assert dataset.lifecycle_stage is LifecycleStage.PROVISIONING
    assert events == [DatasetProvisioningFailed(*dataset.ids, "The supplier did not answer.")]
    assert rest_of(dataset).until is None


def test_success_forgets_the_retries() -> None:
    dataset = a_dataset()
    unavailable(dataset, 0, 10, 40)

    take(dataset, found(dataset), after(seconds=130))

    take(dataset, order_failed(dataset), after(seconds=131))
    assert rest_of(dataset, after(seconds=131)).until == after(seconds=136)


def test_no_retry_goes_beyond_the_hour_of_provisioning() -> None:
    dataset = provisioning()

    take(dataset, order_failed(dataset), after(minutes=59, seconds=56))

    assert dataset.status is DatasetStatus.FAILED


def test_a_retry_at_the_very_end_of_the_hour_is_still_made() -> None:
    dataset = provisioning()

    take(dataset, order_failed(dataset), after(minutes=59, seconds=55))

    assert dataset.status is DatasetStatus.PROVISIONING


def test_the_hour_is_no_matter_to_a_dataset_that_was_ready() -> None:
    dataset = ready()
    dataset.revalidate("asked for by ada")
    commit(dataset)

    take(dataset, order_failed(dataset), after(days=3))

    assert dataset.status is DatasetStatus.VALIDATING
    assert rest_of(dataset, after(days=3)).until == after(days=3, seconds=5)


def test_a_refusal_fails_at_once() -> None:
    dataset = provisioning()

    events = take(dataset, order_failed(dataset, FailureKind.REFUSED))

    assert dataset.status is DatasetStatus.FAILED
    assert dataset.trouble is not None
    assert (dataset.trouble.failed_in, dataset.trouble.severity) == (
        DatasetStatus.PROVISIONING,
        Severity.ERROR,
    )
    assert [type(each) for each in events] == [DatasetProvisioningFailed]


def test_a_refusal_while_discovering_fails_in_discovery() -> None:
    dataset = a_dataset()

    take(dataset, order_failed(dataset, FailureKind.REFUSED))

    assert dataset.lifecycle_stage is LifecycleStage.DISCOVERY


def test_an_order_called_off_is_given_again() -> None:
    dataset = a_dataset()

    take(dataset, order_failed(dataset, FailureKind.CANCELLED))

    assert orders_of(dataset, after(seconds=5)) is FindTemplate


def test_validation_that_could_not_be_made_is_tried_again_in_place() -> None:
    dataset = validating()
    unavailable(dataset, 0)

    assert orders_of(dataset, after(seconds=4)) is Rest
    assert orders_of(dataset, after(seconds=5)) is ValidateDataset


# --- a near miss ---------------------------------------------------------------------------------


def test_a_near_miss_fails_with_a_warning_and_is_tried_again_by_itself() -> None:
    dataset = validating()

    events = take(dataset, examined(dataset, NEAR_MISS))

    assert dataset.status is DatasetStatus.FAILED
    assert dataset.trouble is not None
    assert dataset.trouble.severity is Severity.WARNING
    assert only(DatasetValidationFailed, events).failed_checks == ("connector_health",)
    assert rest_of(dataset) == Rest(after(seconds=5), "failed; tried again by itself then")


def test_a_near_miss_waits_until_its_retry_is_due() -> None:
    dataset = failed(NEAR_MISS)

    assert not dataset.lapse(after(seconds=4.999))
    assert dataset.status is DatasetStatus.FAILED


def test_the_retry_of_a_near_miss_runs_the_gate_again() -> None:
    dataset = failed(NEAR_MISS)

    events = retried(dataset, 5)

    assert dataset.status is DatasetStatus.VALIDATING
    assert events == [DatasetValidationStarted(*dataset.ids, "automatic retry")]
    assert orders_of(dataset, after(seconds=5)) is ValidateDataset


def test_a_retry_that_passes_is_ready_and_forgets_its_trouble() -> None:
    dataset = failed(NEAR_MISS)
    retried(dataset, 5)

    events = take(dataset, examined(dataset), after(seconds=6))

    assert DatasetReady in map(type, events)
    assert dataset.trouble is None


def test_near_misses_are_tried_three_times_and_then_stay_failed() -> None:
    dataset = failed(NEAR_MISS)
    for due in (5, 25, 105):
        retried(dataset, due)
        missed(dataset, due)

    assert dataset.status is DatasetStatus.FAILED
    assert not dataset.lapse(after(days=1))
    assert rest_of(dataset, after(days=1)).until is None


def test_a_failure_that_is_no_near_miss_is_never_tried_again() -> None:
    dataset = failed()

    assert not dataset.lapse(after(days=1))


def test_somebody_may_always_run_the_gate_again() -> None:
    dataset = failed()

    dataset.revalidate("asked for by ada")

    assert dataset.status is DatasetStatus.VALIDATING
    assert commit(dataset) == [DatasetValidationStarted(*dataset.ids, "asked for by ada")]
    assert dataset.trouble is None


def test_a_dataset_that_refused_to_be_filled_is_not_tried_again_by_itself() -> None:
    dataset = unfilled()

    assert not dataset.lapse(after(days=1))
    assert rest_of(dataset, NOW).until is None
