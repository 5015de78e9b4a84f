"""Which probes count towards a connector's uptime: those of a connector that people may rely on."""

from __future__ import annotations

import pytest

from tests.domain.driving import failed, ready, take
from tests.domain.making import HEALTHY, ILL, after, evidence, order_failed, probed


def test_each_probe_counts_once_by_whether_it_passed() -> None:
    dataset = ready()

    take(dataset, probed(dataset, HEALTHY), after(minutes=1))
    take(dataset, probed(dataset, ILL), after(minutes=2))

    assert dataset.drain_probes() == (True, False)
    assert dataset.drain_probes() == ()


def test_a_probe_that_could_not_be_made_counts_as_one_that_failed() -> None:
    dataset = ready()

    take(dataset, order_failed(dataset), after(minutes=1))

    assert dataset.drain_probes() == (False,)


@pytest.mark.requirement("R96")
def test_the_probes_of_an_outage_count_while_it_lasts() -> None:
    dataset = ready()

    for minute, probe in enumerate([ILL, ILL, ILL, ILL, HEALTHY], 1):
        take(dataset, probed(dataset, probe), after(minutes=minute))

    assert dataset.drain_probes() == (False, False, False, False, True)


@pytest.mark.requirement("R96")
def test_a_connector_that_was_never_relied_on_counts_for_nothing() -> None:
    dataset = failed(evidence(probes=(ILL, ILL, HEALTHY)))

    take(dataset, probed(dataset, ILL), after(minutes=1))
    take(dataset, probed(dataset, HEALTHY), after(minutes=2))

    assert dataset.drain_probes() == ()


def test_a_gate_is_no_probe() -> None:
    assert ready().drain_probes() == ()
