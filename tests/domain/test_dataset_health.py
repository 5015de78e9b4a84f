"""Health: three failures demote, two successes run the gate again, ten minutes are our patience."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.checks import Probe
from domain.dataset import Dataset
from domain.errors import IllegalTransition
from domain.events import (
    ConnectorHealthDegraded,
    ConnectorUnwatched,
    DatasetReady,
    DatasetValidationAborted,
    DatasetValidationFailed,
    DatasetValidationStarted,
)
from domain.lifecycle import DatasetStatus
from domain.ordering import Rest
from domain.rules import LifecycleRules
from domain.state import Wish
from domain.work import FailureKind, ProbeConnector, ValidateDataset
from tests.domain.driving import (
    IN_STATUS,
    commit,
    demoted,
    failed,
    given_up,
    only,
    order_of,
    orders_of,
    ready,
    rest_of,
    snapshot,
    take,
    validating,
)
from tests.domain.making import (
    BAD,
    HEALTHY,
    ILL,
    NEAR_MISS,
    NOW,
    SICK,
    a_connector,
    after,
    evidence,
    examined,
    order_failed,
    probed,
)


def knock(dataset: Dataset, probe: Probe, *minutes: float) -> list[object]:
    """Probe a dataset at these minutes."""
    events: list[object] = []
    for each in minutes:
        events += take(dataset, probed(dataset, probe), after(minutes=each))
    return events


# --- ready ---------------------------------------------------------------------------------------


@pytest.mark.requirement("R17")
def test_a_ready_dataset_is_probed_every_minute() -> None:
    dataset = ready()

    assert rest_of(dataset) == Rest(after(minutes=1), "ready; the next health probe is due then")
    assert order_of(dataset, ProbeConnector, after(minutes=1)).connector == a_connector()


def test_a_healthy_probe_changes_no_status() -> None:
    dataset = ready()

    events = knock(dataset, HEALTHY, 1)

    assert (dataset.status, events) == (DatasetStatus.READY, [])
    assert rest_of(dataset, after(minutes=1)).until == after(minutes=2)


@pytest.mark.parametrize("count", [1, 2])
def test_fewer_than_three_failures_do_not_demote(count: int) -> None:
    dataset = ready()

    events = knock(dataset, ILL, *range(1, count + 1))

    assert (dataset.status, events) == (DatasetStatus.READY, [])


@pytest.mark.requirement("R18", "R74")
def test_three_failures_in_a_row_demote() -> None:
    dataset = ready()

    events = knock(dataset, ILL, 1, 2, 3)

    assert dataset.status is DatasetStatus.VALIDATING
    event = only(ConnectorHealthDegraded, events)
    assert event.incident_id == dataset.health.incident_id
    assert event.error_message.endswith("has a sick connector: no answer.")


def test_a_success_between_failures_begins_the_count_anew() -> None:
    dataset = ready()
    knock(dataset, ILL, 1, 2)
    knock(dataset, HEALTHY, 3)

    knock(dataset, ILL, 4, 5)

    assert dataset.status is DatasetStatus.READY


@pytest.mark.parametrize("failure", [FailureKind.UNAVAILABLE, FailureKind.REFUSED])
def test_a_probe_that_could_not_be_made_counts_as_a_failure(failure: FailureKind) -> None:
    dataset = ready()

    for minute in (1, 2, 3):
        take(dataset, order_failed(dataset, failure), after(minutes=minute))

    assert dataset.status is DatasetStatus.VALIDATING
    assert dataset.health.last_message == "The supplier did not answer."


def test_a_slow_answer_counts_as_a_failure() -> None:
    dataset = ready()
    slow = Probe(connected=True, authenticated=True, response_time_ms=5000.0)

    events = knock(dataset, slow, 1, 2, 3)

    assert "it answered in 5000 ms" in only(ConnectorHealthDegraded, events).error_message


# --- ill -----------------------------------------------------------------------------------------


def test_an_ill_dataset_is_probed_before_its_gate_runs() -> None:
    dataset = demoted()

    assert rest_of(dataset, after(minutes=3)) == Rest(
        after(minutes=4), "its connector is ill; the next probe is due then"
    )
    assert orders_of(dataset, after(minutes=4)) is ProbeConnector


def test_one_success_does_not_run_the_gate() -> None:
    dataset = demoted()

    knock(dataset, HEALTHY, 4)

    assert orders_of(dataset, after(minutes=5)) is ProbeConnector


@pytest.mark.requirement("R18")
def test_two_successes_in_a_row_run_the_whole_gate() -> None:
    dataset = demoted()

    knock(dataset, HEALTHY, 4, 5)

    assert orders_of(dataset, after(minutes=5)) is ValidateDataset


def test_a_failure_between_successes_begins_the_count_anew() -> None:
    dataset = demoted()
    knock(dataset, HEALTHY, 4)
    knock(dataset, ILL, 5)

    knock(dataset, HEALTHY, 6)

    assert orders_of(dataset, after(minutes=7)) is ProbeConnector


def test_an_unreachable_agent_while_ill_is_one_more_failed_probe() -> None:
    dataset = demoted()
    knock(dataset, HEALTHY, 4)

    take(dataset, order_failed(dataset, FailureKind.REFUSED), after(minutes=5))

    assert dataset.status is DatasetStatus.VALIDATING
    assert dataset.health.successes == 0


@pytest.mark.requirement("R15")
def test_an_incidents_gate_has_ten_minutes_from_the_recovery_and_is_then_probed_for() -> None:
    dataset = demoted()
    knock(dataset, HEALTHY, 4, 5)
    order = order_of(dataset, ValidateDataset, after(minutes=8))

    take(dataset, order_failed(dataset), after(minutes=15))

    assert order.deadline == after(minutes=15)
    assert (dataset.status, dataset.health.is_incident) == (DatasetStatus.FAILED, True)
    assert orders_of(dataset, after(minutes=16)) is ProbeConnector


def test_passing_the_gate_closes_the_incident() -> None:
    dataset = demoted()
    knock(dataset, HEALTHY, 4, 5)

    events = take(dataset, examined(dataset), after(minutes=5))

    assert dataset.status is DatasetStatus.READY
    assert [type(each) for each in events] == [DatasetReady]
    assert not dataset.health.is_incident


def test_the_next_illness_is_another_incident() -> None:
    dataset = demoted()
    first = dataset.health.incident_id
    knock(dataset, HEALTHY, 4, 5)
    take(dataset, examined(dataset), after(minutes=5))

    events = knock(dataset, ILL, 6, 7, 8)

    assert only(ConnectorHealthDegraded, events).incident_id != first


@pytest.mark.requirement("R74")
def test_one_incident_id_lasts_over_the_whole_episode() -> None:
    dataset = demoted()
    incident = dataset.health.incident_id

    knock(dataset, HEALTHY, 4, 5)
    take(dataset, examined(dataset, NEAR_MISS), after(minutes=5))
    dataset.lapse(after(minutes=5, seconds=5))
    commit(dataset)
    events = knock(dataset, ILL, 6, 7, 8)

    assert dataset.health.incident_id == incident
    assert events == []


def test_a_gate_that_fails_on_health_demands_both_successes_again() -> None:
    dataset = demoted()
    knock(dataset, HEALTHY, 4, 5)
    take(dataset, examined(dataset, NEAR_MISS), after(minutes=5))

    dataset.lapse(after(minutes=5, seconds=5))
    commit(dataset)

    assert dataset.status is DatasetStatus.VALIDATING
    assert orders_of(dataset, after(minutes=6)) is ProbeConnector


def test_a_gate_that_fails_on_something_else_closes_the_incident() -> None:
    dataset = demoted()
    knock(dataset, HEALTHY, 4, 5)

    take(dataset, examined(dataset, BAD), after(minutes=5))

    assert dataset.status is DatasetStatus.FAILED
    assert not dataset.health.is_incident


@pytest.mark.parametrize(("make", "thorough"), [(ready, False), (demoted, True), (given_up, True)])
def test_the_search_is_tried_only_while_an_incident_is_open(
    make: Callable[[], Dataset], thorough: bool
) -> None:
    assert order_of(make(), ProbeConnector, after(minutes=20)).thorough is thorough


def test_the_pauses_between_the_gates_of_one_incident_double_up_to_an_hour() -> None:
    dataset = demoted()
    gates = []

    for minute in range(4, 400):
        knock(dataset, HEALTHY, minute)
        if orders_of(dataset, after(minutes=minute)) is ValidateDataset:
            gates.append(minute)
            take(dataset, examined(dataset, SICK), after(minutes=minute))

    assert gates == [5, 9, 17, 33, 65, 129, 193, 257, 321, 385]


def test_a_gate_somebody_asks_for_begins_the_row_anew() -> None:
    dataset = demoted()
    for minutes in ([4, 5], [6, 7, 8, 9]):
        knock(dataset, HEALTHY, *minutes)
        take(dataset, examined(dataset, SICK), after(minutes=minutes[-1]))
    dataset.revalidate("asked for by ada", after(minutes=10))
    commit(dataset)
    take(dataset, order_failed(dataset, FailureKind.REFUSED), after(minutes=10))

    knock(dataset, HEALTHY, 11, 12, 13, 14)

    assert dataset.status is DatasetStatus.VALIDATING


# --- patience ------------------------------------------------------------------------------------


def test_an_illness_within_ten_minutes_is_waited_for() -> None:
    dataset = demoted()

    assert not dataset.lapse(after(minutes=12, seconds=59))
    assert dataset.status is DatasetStatus.VALIDATING


@pytest.mark.requirement("R18")
def test_an_illness_of_ten_minutes_fails_the_dataset() -> None:
    dataset = demoted()

    assert dataset.lapse(after(minutes=13))

    assert dataset.status is DatasetStatus.FAILED
    told = only(DatasetValidationAborted, commit(dataset))
    assert told.error_message.endswith("stayed ill: no answer.")


def test_an_illness_given_up_on_is_no_verdict_and_changes_none() -> None:
    dataset = demoted()
    verdict = dataset.quality

    dataset.lapse(after(minutes=13))

    assert DatasetValidationFailed not in map(type, commit(dataset))
    assert dataset.quality == verdict


def test_an_illness_given_up_on_is_given_up_on_once() -> None:
    dataset = given_up()

    assert not dataset.lapse(after(hours=1))


def test_a_dataset_given_up_on_is_still_probed() -> None:
    dataset = given_up()

    order = order_of(dataset, ProbeConnector, after(minutes=13))
    knock(dataset, ILL, 13)

    assert order.connector == a_connector()
    assert rest_of(dataset, after(minutes=13)) == Rest(
        after(minutes=14), "failed in an incident; the next probe is due then"
    )


def test_an_unreachable_agent_leaves_a_dataset_given_up_on_as_it_is() -> None:
    dataset = given_up()

    take(dataset, order_failed(dataset, FailureKind.REFUSED), after(minutes=14))

    assert dataset.status is DatasetStatus.FAILED
    assert orders_of(dataset, after(minutes=15)) is ProbeConnector


def test_two_successes_take_a_dataset_given_up_on_back_to_its_gate() -> None:
    dataset = given_up()

    events = knock(dataset, HEALTHY, 14, 15)

    assert dataset.status is DatasetStatus.VALIDATING
    assert events == [DatasetValidationStarted(*dataset.ids, "its connector answers again")]
    assert orders_of(dataset, after(minutes=15)) is ValidateDataset


def test_a_recovered_dataset_becomes_ready_again() -> None:
    dataset = given_up()
    knock(dataset, HEALTHY, 14, 15)

    take(dataset, examined(dataset), after(minutes=15))

    assert dataset.status is DatasetStatus.READY
    assert not dataset.health.is_incident


def test_a_relapse_after_recovery_is_given_the_full_patience_once_more() -> None:
    dataset = given_up()
    knock(dataset, HEALTHY, 14, 15)
    take(dataset, examined(dataset, NEAR_MISS), after(minutes=15))
    dataset.lapse(after(minutes=15, seconds=5))
    commit(dataset)

    still_waiting = not dataset.lapse(after(minutes=24, seconds=59))
    given_up_again = dataset.lapse(after(minutes=25))

    assert (still_waiting, given_up_again) == (True, True)
    assert dataset.status is DatasetStatus.FAILED


def test_a_relapse_after_somebody_asked_is_given_the_full_patience_too() -> None:
    dataset = given_up()
    dataset.revalidate("asked for by ada", after(minutes=14))
    commit(dataset)
    take(dataset, examined(dataset, NEAR_MISS), after(minutes=14))
    dataset.lapse(after(minutes=14, seconds=5))
    commit(dataset)

    still_waiting = not dataset.lapse(after(minutes=23, seconds=59))
    given_up_again = dataset.lapse(after(minutes=24))

    assert (still_waiting, given_up_again) == (True, True)
    assert dataset.status is DatasetStatus.FAILED


def test_a_patience_that_is_over_wakes_nobody_any_more() -> None:
    dataset = demoted()
    knock(dataset, HEALTHY, 4, 5)
    take(dataset, examined(dataset, SICK), after(minutes=5))

    knock(dataset, ILL, *range(6, 15))

    assert dataset.status is DatasetStatus.FAILED
    assert rest_of(dataset, after(minutes=14)).until == after(minutes=15)


def test_a_recovered_connector_whose_gate_cannot_be_run_ends_failed_and_is_still_probed() -> None:
    dataset = demoted()
    knock(dataset, HEALTHY, 4, 5)
    take(dataset, order_failed(dataset, FailureKind.REFUSED), after(minutes=5))

    take(dataset, order_failed(dataset), after(minutes=6))

    assert dataset.status is DatasetStatus.FAILED
    assert dataset.lifecycle_stage == "validation"
    assert orders_of(dataset, after(minutes=7)) is ProbeConnector


def test_an_illness_without_a_message_is_told_plainly() -> None:
    dataset = demoted()
    knock(dataset, HEALTHY, 4)

    dataset.lapse(after(minutes=13))

    assert only(DatasetValidationAborted, commit(dataset)).error_message.endswith(
        "no probe passed."
    )


# --- asked for -----------------------------------------------------------------------------------


def test_a_ready_dataset_is_validated_again_when_asked() -> None:
    dataset = ready()

    assert dataset.revalidate("asked for by ada", NOW)

    assert dataset.status is DatasetStatus.VALIDATING
    assert commit(dataset) == [DatasetValidationStarted(*dataset.ids, "asked for by ada")]
    assert orders_of(dataset) is ValidateDataset


def test_asking_in_an_incident_runs_the_gate_at_once_and_keeps_it_open() -> None:
    dataset = given_up()
    incident = dataset.health.incident_id

    dataset.revalidate("asked for by ada", after(minutes=13))

    assert dataset.health.incident_id == incident
    assert orders_of(dataset, after(minutes=13)) is ValidateDataset


def test_a_dataset_validated_in_vain_during_an_outage_is_probed_on() -> None:
    dataset = given_up()
    dataset.revalidate("asked for by ada", after(minutes=13))
    commit(dataset)

    take(dataset, order_failed(dataset, FailureKind.REFUSED), after(minutes=14))

    assert dataset.status is DatasetStatus.FAILED
    assert orders_of(dataset, after(minutes=20)) is ProbeConnector


def test_a_recovered_incident_is_not_given_up_while_its_gate_waits() -> None:
    dataset = demoted()
    for minute in (4, 5):
        take(dataset, probed(dataset), after(minutes=minute))
    take(dataset, order_failed(dataset), after(minutes=12))

    assert not dataset.lapse(after(minutes=14))


@pytest.mark.parametrize("make", [ready, demoted, given_up])
def test_a_lost_agent_says_nothing_of_the_connector(make: Callable[[], Dataset]) -> None:
    dataset = make()
    before = snapshot(dataset)

    events = take(dataset, order_failed(dataset, FailureKind.LOST), after(minutes=13))

    assert (dataset.status, events) == (before.status, [])
    assert dataset.health == replace(before.health, silences=1, next_probe_at=after(minutes=14))


def lose(dataset: Dataset, *minutes: float) -> list[object]:
    """Lose the probes of these minutes."""
    events: list[object] = []
    for each in minutes:
        events += take(dataset, order_failed(dataset, FailureKind.LOST), after(minutes=each))
    return events


def test_a_row_of_lost_probes_is_told_once_and_counts_as_one_failure() -> None:
    dataset = ready()

    before, told, later = (lose(dataset, *row) for row in ((1, 2, 3, 4), (5,), (6, 7, 8)))

    assert (before, later) == ([], [])
    message = only(ConnectorUnwatched, told).error_message
    assert message.endswith("5 probes in a row were lost. The supplier did not answer.")
    assert (dataset.status, dataset.health.failures) == (DatasetStatus.READY, 1)


@pytest.mark.requirement("R18", "R74")
def test_three_rows_of_lost_probes_demote_for_nobody_watches() -> None:
    dataset = ready()
    lose(dataset, *range(1, 15))
    before = dataset.status

    events = lose(dataset, 15)

    degraded = only(ConnectorHealthDegraded, events)
    assert (before, dataset.status) == (DatasetStatus.READY, DatasetStatus.VALIDATING)
    assert degraded.error_message.endswith(
        "has a sick connector: 15 probes in a row were lost. The supplier did not answer."
    )


def test_a_good_probe_between_rows_of_lost_ones_makes_up_for_them() -> None:
    dataset = ready()
    lose(dataset, *range(1, 15))
    knock(dataset, HEALTHY, 15)

    lose(dataset, *range(16, 26))

    assert (dataset.status, dataset.health.failures) == (DatasetStatus.READY, 2)


def test_a_probe_that_was_not_made_is_as_one_that_was_lost() -> None:
    dataset = ready()
    held_back = Probe(False, False, 3.0, "Glean answered 429: slow down", is_made=False)

    told = knock(dataset, held_back, 1, 2, 3, 4, 5)

    assert only(ConnectorUnwatched, told).error_message.endswith("429: slow down")
    assert (dataset.status, dataset.health.failures) == (DatasetStatus.READY, 1)


@pytest.mark.parametrize("heard", [HEALTHY, ILL])
def test_a_probe_that_is_heard_of_begins_the_row_of_lost_ones_anew(heard: Probe) -> None:
    dataset = ready()
    lose(dataset, 1, 2, 3, 4)
    knock(dataset, heard, 5)

    before, told = lose(dataset, 6, 7, 8, 9), lose(dataset, 10)

    assert before == []
    assert [type(each) for each in told] == [ConnectorUnwatched]


def test_an_ill_dataset_is_looked_at_when_our_patience_ends_if_that_is_sooner() -> None:
    dataset = demoted(rules=LifecycleRules(incident_patience=timedelta(seconds=30)))

    assert rest_of(dataset, after(minutes=3)).until == after(minutes=3, seconds=30)


def test_an_ill_dataset_is_looked_at_when_its_lifetime_ends_if_that_is_sooner() -> None:
    dataset = demoted(wish=Wish(lifetime=timedelta(minutes=3, seconds=20)))

    assert rest_of(dataset, after(minutes=3)).until == after(minutes=3, seconds=20)


def test_asking_while_it_is_ill_changes_nothing() -> None:
    dataset = demoted()
    before = snapshot(dataset)

    changed = dataset.revalidate("asked for by ada", after(minutes=4))

    assert not changed
    assert dataset == before
    assert orders_of(dataset, after(minutes=4)) is ProbeConnector


def test_a_gate_refused_in_an_incident_is_not_run_again_after_every_single_probe() -> None:
    dataset = given_up()
    dataset.revalidate("asked for by ada", after(minutes=13))
    commit(dataset)
    take(dataset, order_failed(dataset, FailureKind.REFUSED), after(minutes=14))

    knock(dataset, HEALTHY, 15)

    assert dataset.status is DatasetStatus.FAILED


def test_a_sick_gate_outside_an_incident_opens_one() -> None:
    dataset = failed(evidence(probes=(ILL, ILL, HEALTHY)))

    assert dataset.health.is_incident
    assert rest_of(dataset).until == after(minutes=1)
    assert orders_of(dataset, after(minutes=1)) is ProbeConnector


def test_asking_while_it_is_validated_changes_nothing() -> None:
    dataset = validating()
    before = snapshot(dataset)

    changed = dataset.revalidate("asked for by ada", NOW)

    assert not changed
    assert dataset == before


@pytest.mark.parametrize(
    "status",
    [
        DatasetStatus.DISCOVERING,
        DatasetStatus.PROVISIONING,
        DatasetStatus.TEARDOWN,
        DatasetStatus.ARCHIVED,
    ],
)
def test_a_dataset_on_its_way_in_or_out_is_not_validated(status: DatasetStatus) -> None:
    dataset = IN_STATUS[status]()
    before = snapshot(dataset)

    with pytest.raises(IllegalTransition, match="only a dataset in READY or FAILED can be"):
        dataset.revalidate("asked for by ada", NOW)

    assert dataset == before


def test_a_failure_outside_an_incident_is_not_probed() -> None:
    dataset = failed(evidence(queries=()))

    assert rest_of(dataset, after(days=1)).until is None
