"""The connector health rule: READY is taken away, operations are told, and nobody talks it back."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from domain.lifecycle import DatasetStatus
from tests.journeys.scenes import (
    COORDINATOR,
    ONE,
    TEARDOWN,
    VALIDATION,
    at_all_doors,
    at_the_api,
    dataset_of,
    events_of,
    names_of,
    probe_once,
    until_asked,
    until_status,
)
from tests.running import GITHUB, RunningService, running
from tests.subscribers import keep_secret, subscriber

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from tests.journeys.doors import Door, Told

STATUS = "/status"
"""How the path ends on which a connector is probed."""


async def fall_ill(office: RunningService) -> None:
    """Let a READY dataset's connector fail three probes in a row."""
    await office.call(COORDINATOR, ONE)
    office.glean_faults.fail_next(STATUS, times=1000)
    for _ in range(3):
        await probe_once(office, GITHUB)


@pytest.mark.requirement("R74", "R18")
async def test_operations_are_told_by_log_and_event_when_ready_is_taken_away(
    tmp_path: Path,
) -> None:
    with capture_logs() as lines:
        async with running(tmp_path) as office:
            await fall_ill(office)
            dataset = await dataset_of(office, GITHUB)
            (told,) = [
                each
                for each in await events_of(office, GITHUB)
                if each.name == "ConnectorHealthDegraded"
            ]

    (line,) = [each for each in lines if each["event"] == "connector.degraded"]
    assert dataset.status is DatasetStatus.VALIDATING
    assert line["log_level"] == "warning"
    assert line["dataset_id"] == told.fields["dataset_id"] == str(dataset.place.dataset_id)


@pytest.mark.requirement("R74")
async def test_operations_are_told_by_webhook_when_ready_is_taken_away(tmp_path: Path) -> None:
    secret, hooks = keep_secret(tmp_path / "hooks"), tmp_path / "hooks"
    async with (
        subscriber() as hook,
        running(tmp_path / "data", webhook_loopback=True, webhook_secrets=hooks) as office,
        at_the_api(office) as http,
    ):
        wanted = {"url": hook.url, "secrets": [secret], "kinds": ["ConnectorHealthDegraded"]}
        (await http.post("/api/v1/subscriptions", json=wanted)).raise_for_status()
        await fall_ill(office)

        await hook.until(lambda: bool(hook.events))

    assert hook.events == ["ConnectorHealthDegraded"]


@pytest.mark.requirement("R74", "R68")
async def test_a_dataset_whose_connector_is_ill_is_not_talked_back_to_ready(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as office:
        await fall_ill(office)

        await office.line.begin(VALIDATION, {"skill": "validate-dataset", "dataset_id": GITHUB})
        refused = await office.call(TEARDOWN, {"skill": "restore-dataset", "dataset_id": GITHUB})
        await probe_once(office, GITHUB)

        assert refused.state == "REJECTED"
        assert (await dataset_of(office, GITHUB)).status is DatasetStatus.VALIDATING
        office.glean_faults.clear()
        for _ in range(2):
            await probe_once(office, GITHUB)
        await until_status(office, GITHUB, DatasetStatus.READY)


@pytest.mark.requirement("R74", "R68")
async def test_no_door_talks_a_dataset_back_to_ready_whose_connector_is_ill(
    tmp_path: Path, door: Door
) -> None:
    async with at_all_doors(tmp_path, retry_delays=()) as (office, cli):
        await fall_ill(office)

        def through(skill: str) -> Awaitable[Told]:
            return asyncio.to_thread(door, cli, skill, {"dataset_id": GITHUB})

        await through("check-connector")
        restored = await through("restore-dataset")
        validating = asyncio.ensure_future(through("validate-dataset"))
        await until_asked(office, "validate-dataset")
        meanwhile = (await dataset_of(office, GITHUB)).status
        office.clock.advance(timedelta(minutes=11))
        await until_status(office, GITHUB, DatasetStatus.FAILED)
        validated = [await validating, await through("validate-dataset")]

        assert "only a dataset in TEARDOWN can be" in restored.words
        assert meanwhile is DatasetStatus.VALIDATING
        assert [each.is_done for each in (restored, *validated)] == [False] * 3
        assert "answered 503: injected fault" in validated[1].words
        assert (await dataset_of(office, GITHUB)).status is DatasetStatus.FAILED
        assert (await names_of(office, GITHUB)).count("DatasetReady") == 1
        office.glean_faults.clear()
        assert (await through("validate-dataset")).is_done
