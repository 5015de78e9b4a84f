"""The metrics page tells only what is known, and of each success metric which it is."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import pytest

from domain.checks import Probe
from domain.dataset import Dataset
from domain.lifecycle import DatasetStatus
from domain.orphans import Holding, Stray
from domain.success import SUCCESS_METRICS
from domain.work import Probed
from registry.metrics import read_figures
from registry.orphans import SqlOrphanBook
from service.observability import metrics_page
from tests.builders import NOW, a_dataset, a_dataset_in, apply, key_of, postpone
from tests.registry.databases import House, a_fresh_file, open_house

SUCCESS = {
    "dataops_provisioning_seconds_p50": "R91",
    "dataops_provisioning_seconds_p95": "R91",
    "dataops_first_pass_ratio": "R92",
    "dataops_teardown_success_ratio": "R93",
    "dataops_template_coverage_ratio": "R94",
    "dataops_quality_score_average": "R95",
    "dataops_connector_uptime_ratio": "R96",
    "dataops_connectors_watched": "R96",
    "dataops_connectors_well": "R96",
    "dataops_connectors_up_ratio": "R96",
    "dataops_orphan_age_seconds": "R97",
    "dataops_orphan_scan_age_seconds": "R97",
    "dataops_retention_compliance_ratio": "R98",
}
SCANNED = timedelta(hours=1)
"""How long before the page a scan for orphans was."""


async def page_of(
    *datasets: Dataset, turns: int = 0, at: datetime = NOW, scanned: bool = False
) -> str:
    """Keep datasets in a registry of their own and give its metrics page."""
    with TemporaryDirectory() as folder:
        async with open_house(a_fresh_file(Path(folder))) as house:
            for each in datasets:
                await house.keep(each)
            if scanned:
                await scan(house, at - SCANNED)
            figures = await read_figures(house.database)
    return metrics_page(figures, turns, at).decode()


async def scan(house: House, moment: datetime) -> None:
    """Let a scan see every active dataset without a journey, and a datasource without a dataset."""
    book = SqlOrphanBook(house.database)
    fleet = await book.fleet(None, only_doubtful=False)
    await book.suspect(fleet.candidates, {each.dataset_id for each in fleet.candidates}, moment)
    holding = Holding("acmesandboxjira0a1b2c3d", "http://here/datasets/1", UUID(int=1), 3)
    await book.keep_strays([Stray("default", holding)], moment)
    await book.note_whole_scan(moment)


def value_of(page: str, name: str) -> float | None:
    """Give a figure of the page, None where it is left out."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", page, re.MULTILINE)
    return float(found[1]) if found else None


async def test_of_an_empty_registry_only_counts_are_told() -> None:
    page = await page_of()

    told = {name for name in SUCCESS if value_of(page, name) is not None}
    assert told == {"dataops_connectors_watched", "dataops_connectors_well"}
    assert value_of(page, 'dataops_datasets{status="ready"}') == 0
    assert value_of(page, "dataops_due") == 0
    assert value_of(page, "dataops_oldest_due_seconds") is None


async def test_the_page_tells_what_waits_and_what_is_under_way() -> None:
    page = await page_of(a_dataset(), turns=3, at=NOW + timedelta(seconds=90))

    assert value_of(page, "dataops_turns") == 3
    assert value_of(page, "dataops_due") == 1
    assert value_of(page, "dataops_oldest_due_seconds") == 90
    assert value_of(page, 'dataops_datasets{status="discovering"}') == 1


@pytest.mark.requirement("R97")
async def test_the_page_tells_each_success_metric_of_datasets_that_differ() -> None:
    page = await page_of(*datasets_that_differ(), scanned=True)

    assert {name: value_of(page, name) for name in SUCCESS} == {
        "dataops_provisioning_seconds_p50": 420,
        "dataops_provisioning_seconds_p95": 420,
        "dataops_first_pass_ratio": 4 / 5,
        "dataops_teardown_success_ratio": 1 / 2,
        "dataops_template_coverage_ratio": 1,
        "dataops_quality_score_average": pytest.approx((4 * 0.995 + 0.945) / 5),
        "dataops_connector_uptime_ratio": 0,
        "dataops_connectors_watched": 2,
        "dataops_connectors_well": 1,
        "dataops_connectors_up_ratio": 1 / 2,
        "dataops_orphan_age_seconds": 3600,
        "dataops_orphan_scan_age_seconds": 3600,
        "dataops_retention_compliance_ratio": 1,
    }
    assert (value_of(page, "dataops_orphans"), value_of(page, "dataops_strays")) == (3, 1)
    assert value_of(page, "dataops_stray_age_seconds") == 3600


async def test_the_page_says_of_each_success_metric_which_it_is() -> None:
    page = await page_of(*datasets_that_differ(), scanned=True)

    said = dict(re.findall(r"^# HELP (\w+) (R\d+): ", page, re.MULTILINE))
    assert said == SUCCESS


async def test_each_target_is_told_and_a_verdict_where_there_is_history() -> None:
    page = await page_of(*datasets_that_differ(), scanned=True)

    labels = [f'{{metric="{each.key}",number="{each.number}"}}' for each in SUCCESS_METRICS]
    targets = [value_of(page, f"dataops_success_target{each}") for each in labels]
    verdicts = [value_of(page, f"dataops_success_met{each}") for each in labels]
    assert targets == [3600, 0.95, 1, 1, 0.97, 0.995, 86400, 1]
    assert verdicts == [1, 0, 0, 1, 1, 0, 1, 1]


async def test_what_only_grows_is_told_as_a_counter() -> None:
    late = a_dataset_in(DatasetStatus.READY, a_dataset("slack"))
    late.ready_at = NOW + timedelta(hours=1)

    page = await page_of(late, *datasets_that_differ()[:2])

    assert "# TYPE dataops_provisioned_total counter" in page
    assert value_of(page, "dataops_provisioned_total") == 2
    assert value_of(page, "dataops_provisioned_late_total") == 1
    assert value_of(page, "dataops_first_attempts_total") == 3
    assert value_of(page, "dataops_first_passes_total") == 2


@pytest.mark.requirement("R91")
async def test_where_most_are_not_ready_in_time_the_target_is_missed_and_the_failures_told() -> (
    None
):
    late = [
        a_dataset_in(DatasetStatus.PROVISIONING, a_dataset(each, at=NOW - timedelta(hours=1)))
        for each in ("github", "slack")
    ]
    for each in late:
        each.lapse(NOW)

    page = await page_of(a_dataset_in(DatasetStatus.READY), *late)

    assert value_of(page, 'dataops_success_met{metric="provisioning_time",number="R91"}') == 0
    assert value_of(page, "dataops_provisioned_late_total") == 2
    assert value_of(page, "dataops_provisioning_failed") == 2


def datasets_that_differ() -> list[Dataset]:
    """Make datasets that are ready, failed, sick, stuck in teardown, and archived."""
    sick = a_dataset_in(DatasetStatus.READY, a_dataset("slack"))
    apply(
        sick, Probed(key_of(sick), Probe(connected=False, authenticated=False, response_time_ms=1))
    )
    stuck = a_dataset_in(DatasetStatus.TEARDOWN, a_dataset("jira"))
    postpone(stuck)
    return [
        a_dataset_in(DatasetStatus.READY),
        a_dataset_in(DatasetStatus.FAILED, a_dataset("github")),
        sick,
        stuck,
        a_dataset_in(DatasetStatus.ARCHIVED, a_dataset("gdrive")),
    ]
