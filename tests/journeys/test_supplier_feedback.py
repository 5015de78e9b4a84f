"""The supplier hears of each verdict once, by the service's own schedule, and nobody waits for it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from gateways.local import mock_data
from service.app import build_app
from service.assembly import assembled
from service.settings import Settings
from tests.clocks import SteppedClock
from tests.journeys.scenes import COORDINATOR, VALIDATION, at_a_socket
from tests.running import BASE, JIRA, PATIENCE_SECONDS, SMALL, RunningService, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from starlette.types import Receive, Scope, Send

HEARD = "/mock-data/templates/generic_jira/feedback"


@asynccontextmanager
async def another_process(data: Path, *, minutes: int, **settings: Any) -> AsyncIterator[None]:
    """Run a second service over the same folder, so many minutes later."""
    clock = SteppedClock()
    clock.advance(timedelta(minutes=minutes))
    async with assembled(Settings(data=data, **settings), BASE, clock) as service:
        app = build_app(service, [])
        async with app.router.lifespan_context(app):
            yield


async def heard(office: RunningService, count: int) -> list[dict[str, Any]]:
    """Wait until the local supplier has heard so often of the template; gives all it heard."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            told = (await office.http.get(HEARD)).json()
            if told["count"] >= count:
                return list(told["feedback"])


@pytest.mark.requirement("R4")
async def test_the_supplier_hears_of_a_verdict_with_use_and_quality(
    office: RunningService, tmp_path: Path
) -> None:
    dataset = (await office.call(COORDINATOR, SMALL)).dataset

    async with another_process(tmp_path, minutes=1):
        (said,) = await heard(office, 1)

    assert said["dataset_id"] == dataset["dataset_id"]
    assert said["usage"]["records_generated"] == dataset["record_count"]
    assert said["quality"]["overall_score"] == dataset["quality_score"]
    assert {each["check_type"] for each in said["quality"]["checks"]} == {
        "schema",
        "completeness",
        "connector_health",
        "sample_queries",
    }


async def test_each_validation_is_heard_of_once(office: RunningService, tmp_path: Path) -> None:
    await office.call(COORDINATOR, SMALL)
    await office.call(VALIDATION, {"skill": "validate-dataset", "dataset_id": JIRA})

    async with another_process(tmp_path, minutes=1):
        said = await heard(office, 2)
    await office.call(VALIDATION, {"skill": "validate-dataset", "dataset_id": JIRA})
    async with another_process(tmp_path, minutes=2):
        again = await heard(office, 3)

    assert [each["usage"]["validations"] for each in said] == [2, 1]
    assert [each["usage"]["validations"] for each in again] == [3, 2, 1]


async def test_a_supplier_that_breaks_over_feedback_holds_up_no_dataset(tmp_path: Path) -> None:
    local, told = mock_data.create_app(), asyncio.Event()

    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].endswith("/feedback"):
            told.set()
            raise ConnectionResetError
        await local(scope, receive, send)

    supplier = Starlette(routes=[Mount("/", broken)])
    async with at_a_socket(supplier) as url, running(tmp_path, mock_data_url=url) as office:
        first = await office.call(COORDINATOR, SMALL)
        async with another_process(tmp_path, minutes=1, mock_data_url=url):
            await told.wait()
            second = await office.call(COORDINATOR, {**SMALL, "dataset_types": ["slack"]})

    assert (first.state, second.state) == ("COMPLETED", "COMPLETED")
