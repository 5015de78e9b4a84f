"""Logs are events with fields on stderr, and the metrics page tells only what is known."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
import structlog

from domain.lifecycle import DatasetStatus
from registry.metrics import read_figures
from service.observability import metrics_page, set_up_logs
from service.settings import Settings
from tests.builders import NOW, a_dataset, a_dataset_in
from tests.registry.databases import a_fresh_file, open_house


@pytest.mark.usefixtures("logs")
def test_a_log_line_for_machines_is_one_json_object(capfd: pytest.CaptureFixture[str]) -> None:
    set_up_logs(Settings(log_format="json"))

    structlog.get_logger().info("dataset.ready", dataset_id="d-1")

    out, err = capfd.readouterr()
    line = json.loads(err)
    assert out == ""
    assert (line["event"], line["dataset_id"], line["level"]) == ("dataset.ready", "d-1", "info")


@pytest.mark.usefixtures("logs")
def test_a_log_line_for_people_has_no_escapes_in_a_pipe(capfd: pytest.CaptureFixture[str]) -> None:
    set_up_logs(Settings())

    structlog.get_logger().info("dataset.ready", dataset_id="d-1")

    err = capfd.readouterr().err
    assert "dataset.ready" in err
    assert "\x1b" not in err


@pytest.mark.usefixtures("logs")
def test_what_is_below_the_level_is_not_logged(capfd: pytest.CaptureFixture[str]) -> None:
    set_up_logs(Settings(log_level="warning"))

    structlog.get_logger().info("dataset.ready")

    assert capfd.readouterr().err == ""


async def test_of_an_empty_registry_no_rate_is_told(tmp_path: Path) -> None:
    async with open_house(a_fresh_file(tmp_path)) as house:
        figures = await read_figures(house.database)

    page = metrics_page(figures, 0, NOW).decode()

    assert "dataops_first_pass_ratio" not in page
    assert "dataops_provisioning_seconds_p50" not in page
    assert 'dataops_datasets{status="ready"} 0.0' in page
    assert "dataops_oldest_due_seconds 0.0" in page


async def test_the_page_tells_what_waits_and_what_is_under_way(tmp_path: Path) -> None:
    async with open_house(a_fresh_file(tmp_path)) as house:
        await house.keep(a_dataset())
        figures = await read_figures(house.database)

    page = metrics_page(figures, 3, NOW + timedelta(seconds=90)).decode()

    assert "dataops_turns 3.0" in page
    assert "dataops_oldest_due_seconds 90.0" in page
    assert 'dataops_datasets{status="discovering"} 1.0' in page


async def test_the_page_tells_of_a_dataset_that_was_ready_in_time(tmp_path: Path) -> None:
    async with open_house(a_fresh_file(tmp_path)) as house:
        kept = await house.keep(a_dataset())
        await house.save(a_dataset_in(DatasetStatus.READY, kept))
        figures = await read_figures(house.database)

    page = metrics_page(figures, 0, NOW).decode()

    assert "dataops_first_pass_ratio 1.0" in page
    assert "dataops_template_coverage_ratio 1.0" in page
    assert "dataops_connector_healthy_ratio 1.0" in page
    assert "dataops_provisioning_seconds_p50 420.0" in page
