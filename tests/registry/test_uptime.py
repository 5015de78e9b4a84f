"""Uptime: what each day's probes came to, counted over a rolling month."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from domain.checks import Probe
from domain.dataset import Dataset
from domain.lifecycle import DatasetStatus
from domain.work import Probed
from registry.measure_tables import connector_uptime
from registry.metrics import read_figures
from registry.uptime import prune_uptime
from tests.builders import NOW, a_dataset, a_dataset_in, apply, key_of
from tests.registry.databases import House

WELL = Probe(connected=True, authenticated=True, response_time_ms=12.5)
SILENT = Probe(connected=False, authenticated=False, response_time_ms=5000, message="no answer")


async def knock(house: House, dataset: Dataset, *probes: Probe) -> None:
    """Let a dataset's connector be probed, each probe in a commit of its own."""
    for each in probes:
        minutes = (house.hands.now - dataset.place.requested_at) / timedelta(minutes=1)
        apply(dataset, Probed(key_of(dataset), each), after_minutes=minutes + 10)
        await house.save(dataset)


@pytest.mark.requirement("R96")
async def test_uptime_is_the_share_of_the_probes_that_passed(house: House) -> None:
    dataset = await house.keep(a_dataset_in(DatasetStatus.READY))

    await knock(house, dataset, WELL, SILENT, WELL, WELL)

    figures = await read_figures(house.database)
    assert (figures.probes, figures.probes_passed, figures.uptime) == (4, 3, 0.75)


@pytest.mark.requirement("R96")
async def test_an_outage_counts_for_as_long_as_it_lasts(house: House) -> None:
    dataset = await house.keep(a_dataset_in(DatasetStatus.READY))

    await knock(house, dataset, *[SILENT] * 5, WELL)

    assert dataset.status is DatasetStatus.VALIDATING
    assert (await read_figures(house.database)).uptime == pytest.approx(1 / 6)


async def test_without_a_probe_there_is_no_uptime(house: House) -> None:
    await house.keep(a_dataset_in(DatasetStatus.READY))

    figures = await read_figures(house.database)

    assert (figures.probes, figures.uptime) == (0, None)


@pytest.mark.requirement("R96")
async def test_the_days_of_the_last_month_count_and_no_others(house: House) -> None:
    dataset = await house.keep(a_dataset_in(DatasetStatus.READY))
    await knock(house, dataset, SILENT)
    house.hands.move(days=29)
    await knock(house, dataset, WELL)
    a_month = (await read_figures(house.database)).uptime

    house.hands.move(days=1)

    assert a_month == 0.5
    assert (await read_figures(house.database)).uptime == 1


async def test_each_day_has_a_row_in_utc(house: House) -> None:
    dataset = await house.keep(a_dataset_in(DatasetStatus.READY))
    await knock(house, dataset, WELL, WELL)
    house.hands.move(hours=15)
    await knock(house, dataset, SILENT)

    async with house.database.reads.connect() as connection:
        found = select(connector_uptime.c.day, connector_uptime.c.probes, connector_uptime.c.passed)
        rows = (await connection.execute(found.order_by(connector_uptime.c.day))).all()

    assert [tuple(each) for each in rows] == [
        (date(2026, 3, 2), 2, 2),
        (date(2026, 3, 3), 1, 0),
    ]


async def test_what_nobody_counts_any_more_is_pruned(house: House) -> None:
    dataset = await house.keep(a_dataset_in(DatasetStatus.READY))
    await knock(house, dataset, SILENT)
    house.hands.move(days=40)
    await knock(house, dataset, WELL)

    pruned = await prune_uptime(house.database, NOW + timedelta(days=40))

    assert pruned == 1
    assert (await read_figures(house.database)).uptime == 1


async def test_the_figures_of_a_tenant_are_its_own(house: House) -> None:
    dataset = await house.keep(a_dataset_in(DatasetStatus.READY))
    await knock(house, dataset, WELL)
    await house.keep(a_dataset_in(DatasetStatus.FAILED, a_dataset("github")))

    ours = await read_figures(house.database, "default")
    theirs = await read_figures(house.database, "globex")

    assert (ours.probes, ours.first_attempts, ours.events) == (1, 2, ours.events)
    assert ours.events > 0
    assert (theirs.probes, theirs.first_attempts, theirs.events, theirs.scored) == (0, 0, 0, 0)
    assert theirs.first_pass_rate is None
