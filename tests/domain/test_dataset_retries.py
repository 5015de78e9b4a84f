"""Failures: what is tried again by itself, after which pause, and what waits for people."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from domain.dataset import Dataset
from domain.events import (
    DatasetProvisioningFailed,
    DatasetReady,
    DatasetValidationAborted,
    DatasetValidationFailed,
    DatasetValidationStarted,
)
from domain.lifecycle import DatasetStatus, LifecycleStage, TeardownReason
from domain.ordering import Rest
from domain.quality import Severity
from domain.work import FailureKind, FindTemplate, ProbeConnector, ProvisionDataset, ValidateDataset
from tests.domain.driving import (
    a_dataset,
    commit,
    failed,
    in_grace,
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
    HEALTHY,
    ILL,
    NEAR_MISS,
    NOW,
    after,
    connector_restored,
    evidence,
    examined,
    found,
    order_failed,
    probed,
    provisioned,
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


def validating_late() -> Dataset:
    """A dataset whose validation begins when little is left of its hour."""
    dataset = provisioning()
    take(dataset, provisioned(dataset), after(minutes=55))
    return dataset


def asked_again() -> Dataset:
    """A READY dataset that somebody has validated again."""
    dataset = ready()
    dataset.revalidate("asked for by ada", NOW)
    commit(dataset)
    return dataset


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

    take(dataset, order_failed(dataset), after(minutes=59, seconds=55))

    assert dataset.status is DatasetStatus.FAILED


def test_a_retry_just_before_the_end_of_the_hour_is_still_made() -> None:
    dataset = provisioning()

    take(dataset, order_failed(dataset), after(minutes=59, seconds=54))

    assert dataset.status is DatasetStatus.PROVISIONING


@pytest.mark.requirement("R12")
def test_an_order_has_no_more_time_than_is_left_of_the_hour() -> None:
    dataset = provisioning()

    assert order_of(dataset, ProvisionDataset).deadline == after(minutes=30)
    assert order_of(dataset, ProvisionDataset, after(minutes=45)).deadline == after(minutes=60)


def test_an_order_of_a_dataset_that_was_ready_has_its_full_time() -> None:
    dataset = ready()
    dataset.revalidate("asked for by ada", after(minutes=55))

    order = order_of(dataset, ValidateDataset, after(minutes=55))

    assert order.deadline == after(minutes=65)


@pytest.mark.requirement("R15")
def test_a_validation_has_ten_minutes_with_all_its_retries() -> None:
    dataset = validating()
    first = order_of(dataset, ValidateDataset)
    unavailable(dataset, 360)

    again = order_of(dataset, ValidateDataset, after(minutes=7))

    assert (first.deadline, again.deadline) == (after(minutes=10), after(minutes=10))


@pytest.mark.requirement("R15")
@pytest.mark.parametrize("make", [validating, asked_again])
def test_a_validation_whose_time_is_over_ends_and_another_begins_by_itself(
    make: Callable[[], Dataset],
) -> None:
    dataset = make()

    ended = take(dataset, order_failed(dataset), after(minutes=9, seconds=55))

    assert (dataset.status, dataset.retries) == (DatasetStatus.FAILED, 1)
    assert ended == [DatasetValidationAborted(*dataset.ids, "The supplier did not answer.")]
    assert retried(dataset, 600) == [DatasetValidationStarted(*dataset.ids, "automatic retry")]
    assert order_of(dataset, ValidateDataset, after(minutes=10)).deadline == after(minutes=20)


@pytest.mark.requirement("R15")
def test_a_validation_nobody_hears_of_ends_after_ten_minutes() -> None:
    dataset = validating()

    early, ended = dataset.lapse(after(minutes=9, seconds=59)), dataset.lapse(after(minutes=10))

    assert (early, ended) == (False, True)
    assert dataset.trouble is not None
    assert dataset.trouble.message.endswith("was not validated within 10 minutes.")
    assert rest_of(dataset, after(minutes=10)).until == after(minutes=10, seconds=5)


def test_as_many_validations_are_begun_by_themselves_as_there_are_retries() -> None:
    dataset = validating()

    for minutes in (10, 21, 32):
        take(dataset, order_failed(dataset), after(minutes=minutes))
        retried(dataset, minutes * 60 + 80)
    take(dataset, order_failed(dataset), after(minutes=44))

    assert dataset.status is DatasetStatus.FAILED
    assert not dataset.lapse(after(days=1))


@pytest.mark.requirement("R12")
@pytest.mark.parametrize(
    ("make", "event"),
    [
        (a_dataset, DatasetProvisioningFailed),
        (provisioning, DatasetProvisioningFailed),
        (validating_late, DatasetValidationAborted),
    ],
)
def test_a_dataset_that_is_not_ready_within_the_hour_fails(
    make: Callable[[], Dataset], event: type
) -> None:
    dataset = make()

    assert not dataset.lapse(after(minutes=59, seconds=59))
    assert dataset.lapse(after(minutes=60))

    (told,) = commit(dataset)
    assert isinstance(told, event)
    assert dataset.trouble is not None
    assert "was not READY within 60 minutes" in dataset.trouble.message
    assert not dataset.lapse(after(days=1))


def test_somebody_who_has_it_tried_anew_starts_the_hour_anew() -> None:
    dataset = unfilled()
    dataset.revalidate("asked for by ada", after(hours=5))
    commit(dataset)

    take(dataset, order_failed(dataset), after(hours=5, minutes=50))

    assert dataset.status is DatasetStatus.PROVISIONING
    assert dataset.ready_by == after(hours=6)


def test_a_restored_dataset_that_was_never_ready_has_a_new_hour() -> None:
    dataset = failed()
    dataset.start_teardown(TeardownReason.MANUAL_REQUEST, after(hours=1))
    commit(dataset)

    dataset.restore(after(hours=5))

    assert not dataset.lapse(after(hours=5, minutes=9))
    assert dataset.ready_by == after(hours=6)


def test_a_connector_that_answers_again_gives_its_dataset_a_new_hour() -> None:
    dataset = failed(evidence(probes=(ILL, ILL, HEALTHY)))

    for minute in (181, 182):
        take(dataset, probed(dataset, HEALTHY), after(minutes=minute))

    assert dataset.status is DatasetStatus.VALIDATING
    assert not dataset.lapse(after(minutes=191))
    assert dataset.ready_by == after(minutes=242)


def test_an_hour_that_is_over_does_not_end_the_wait_for_a_sick_connector() -> None:
    dataset = failed(evidence(probes=(ILL, ILL, HEALTHY)))
    dataset.become(DatasetStatus.VALIDATING)

    assert not dataset.lapse(after(hours=3))
    assert order_of(dataset, ProbeConnector, after(hours=3)).deadline == after(hours=3, minutes=30)


def test_outages_do_not_use_up_the_tries_of_near_misses() -> None:
    dataset = validating()
    unavailable(dataset, 0, 10, 40)

    missed(dataset, 130)

    assert rest_of(dataset, after(seconds=130)).until == after(seconds=135)


def test_near_misses_do_not_use_up_the_tries_of_outages() -> None:
    dataset = failed(NEAR_MISS)
    retried(dataset, 5)
    missed(dataset, 6)
    retried(dataset, 26)

    unavailable(dataset, 27)

    assert dataset.status is DatasetStatus.VALIDATING
    assert rest_of(dataset, after(seconds=27)).until == after(seconds=32)


def test_outages_between_near_misses_do_not_renew_the_tries() -> None:
    dataset = failed(NEAR_MISS)
    for due in (5, 100, 200):
        retried(dataset, due)
        unavailable(dataset, due + 1)
        missed(dataset, due + 10)

    assert not dataset.lapse(after(days=1))


def test_a_near_miss_too_late_in_the_hour_is_not_tried_again() -> None:
    dataset = validating()

    take(dataset, examined(dataset, NEAR_MISS), after(minutes=59, seconds=58))

    assert not dataset.lapse(after(minutes=59, seconds=59))
    assert dataset.trouble is not None
    assert dataset.trouble.retry_at is None


def test_the_hour_is_no_matter_to_a_dataset_that_was_ready() -> None:
    dataset = ready()
    dataset.revalidate("asked for by ada", after(days=3))
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


# --- an outage that a good dataset meets ---------------------------------------------------------


def cut_off(make: Callable[[], Dataset], failure: FailureKind) -> Dataset:
    """A dataset that was READY and whose orders fail one minute long until it is FAILED."""
    dataset = make()
    for each in (0, 5, 25):
        take(dataset, order_failed(dataset, failure), after(hours=1, seconds=each))
    take(dataset, order_failed(dataset, failure), after(hours=1, minutes=2))
    assert dataset.status is DatasetStatus.FAILED
    return dataset


def asked_for() -> Dataset:
    dataset = ready()
    dataset.revalidate("asked for by ada", after(hours=1))
    commit(dataset)
    return dataset


def restored() -> Dataset:
    dataset = in_grace()
    dataset.restore(after(hours=1))
    commit(dataset)
    return dataset


OUTAGES = [each for each in FailureKind if each is not FailureKind.REFUSED]


@pytest.mark.parametrize("failure", OUTAGES)
def test_a_good_dataset_that_met_an_outage_is_probed_on(failure: FailureKind) -> None:
    dataset = cut_off(asked_for, failure)

    assert dataset.health.is_incident
    assert rest_of(dataset, after(hours=1, minutes=2)).until == after(hours=1, minutes=3)
    assert orders_of(dataset, after(hours=1, minutes=3)) is ProbeConnector


def test_a_good_dataset_comes_back_when_the_outage_is_over() -> None:
    dataset = cut_off(asked_for, FailureKind.UNAVAILABLE)

    for minute in (63, 64):
        take(dataset, probed(dataset, HEALTHY), after(minutes=minute))

    assert orders_of(dataset, after(minutes=64)) is ValidateDataset


def test_a_dataset_restored_in_an_outage_is_shown_again_when_that_is_over() -> None:
    dataset = cut_off(restored, FailureKind.UNAVAILABLE)
    for minute in (63, 64):
        take(dataset, probed(dataset, HEALTHY), after(minutes=minute))

    take(dataset, connector_restored(dataset), after(minutes=64))

    assert not dataset.is_hidden
    assert orders_of(dataset, after(minutes=64)) is ValidateDataset


def test_a_dataset_that_is_shown_again_has_the_full_time_for_its_gate() -> None:
    dataset = restored()

    take(dataset, connector_restored(dataset), after(hours=1, minutes=25))

    order = order_of(dataset, ValidateDataset, after(hours=1, minutes=25))
    assert order.deadline == after(hours=1, minutes=35)


def test_a_good_dataset_whose_order_is_refused_waits_for_somebody() -> None:
    dataset = asked_for()

    take(dataset, order_failed(dataset, FailureKind.REFUSED), after(hours=1))

    assert not dataset.health.is_incident
    assert rest_of(dataset, after(hours=1)).until is None


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


def test_a_failed_dataset_whose_connector_was_sick_is_probed_until_it_recovers() -> None:
    dataset = failed(evidence(probes=(ILL, ILL, HEALTHY)))

    for minute in (1, 2):
        order_of(dataset, ProbeConnector, after(minutes=minute))
        take(dataset, probed(dataset, HEALTHY), after(minutes=minute))

    assert dataset.status is DatasetStatus.VALIDATING
    assert orders_of(dataset, after(minutes=2)) is ValidateDataset


def test_an_order_refused_in_validation_aborts_it() -> None:
    dataset = validating()

    events = take(dataset, order_failed(dataset, FailureKind.REFUSED))

    assert events == [DatasetValidationAborted(*dataset.ids, "The supplier did not answer.")]


def test_a_failure_that_is_no_near_miss_is_never_tried_again() -> None:
    dataset = failed()

    assert not dataset.lapse(after(days=1))


def test_somebody_may_always_run_the_gate_again() -> None:
    dataset = failed()

    dataset.revalidate("asked for by ada", NOW)

    assert dataset.status is DatasetStatus.VALIDATING
    assert commit(dataset) == [DatasetValidationStarted(*dataset.ids, "asked for by ada")]
    assert dataset.trouble is None


def test_a_dataset_that_refused_to_be_filled_is_not_tried_again_by_itself() -> None:
    dataset = unfilled()

    assert not dataset.lapse(after(days=1))
    assert rest_of(dataset, NOW).until is None
