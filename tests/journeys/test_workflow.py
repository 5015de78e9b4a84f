"""The workflow of a sandbox dataset, in the order of the design, and at its scale."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from domain.lifecycle import DatasetStatus
from registry.metrics import read_figures
from tests.journeys.scenes import COORDINATOR
from tests.running import ACME, RunningService

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

TYPES = ["gdrive", "jira", "salesforce", "servicenow", "slack"]
CLIENTS = 20
AT_ONCE = 4
"""How many clients ask at the same time, so that each is answered in the time of one test."""

STEPS = {
    "client metadata": ("journeys", "/journeys/"),
    "template": ("mock_data", "/templates"),
    "records": ("mock_data", "/generate-mock-data"),
    "connector": ("glean", "/adddatasource"),
    "upload": ("glean", "/bulkindexdocuments"),
    "validation": ("glean", "/rest/api/v1/search"),
}
"""Each step by the first foreign call that it needs."""


class Listening:
    """Writes down every call to a foreign system on its way there."""

    def __init__(self, app: ASGIApp, name: str, calls: list[tuple[str, str]]) -> None:
        self._app, self._name, self._calls = app, name, calls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._calls.append((self._name, scope["path"]))
        await self._app(scope, receive, send)


@pytest.mark.requirement("R44")
async def test_each_step_begins_when_the_one_before_has_given_what_it_needs(
    office: RunningService,
) -> None:
    calls: list[tuple[str, str]] = []
    local = office.service.stand_ins
    for name in ("journeys", "mock_data", "glean"):
        app = getattr(local, name)  # it may have been called, and takes no middleware any more
        app.middleware_stack = Listening(
            app.middleware_stack or app.build_middleware_stack(), name, calls
        )

    heard = await office.call(
        COORDINATOR, {"skill": "provision-datasets", **ACME, "dataset_types": ["github"]}
    )

    begun = {step: first_of(calls, *wanted) for step, wanted in STEPS.items()}
    assert heard.state == "COMPLETED"
    assert sorted(begun, key=lambda each: begun[each]) == list(STEPS)


def first_of(calls: list[tuple[str, str]], system: str, path: str) -> int:
    """Tell as which call of all a system was first asked for a path."""
    return next(at for at, (name, asked) in enumerate(calls) if name == system and path in asked)


@pytest.mark.requirement("R8")
@pytest.mark.timeout(300)  # a minute of work where others work beside it
async def test_a_hundred_datasets_of_twenty_clients_are_ready_side_by_side(
    office: RunningService,
) -> None:
    gate = asyncio.Semaphore(AT_ONCE)

    async def ask(number: int) -> str:
        async with gate:
            return (await office.call(COORDINATOR, a_request_of(number))).state

    states = await asyncio.gather(*(ask(number) for number in range(CLIENTS)))

    figures = await read_figures(office.service.database)
    page = (await office.http.get("/metrics")).text
    assert states == ["COMPLETED"] * CLIENTS
    assert figures.by_status[DatasetStatus.READY] == CLIENTS * len(TYPES) == 100
    assert 'dataops_datasets{status="ready"} 100.0' in page


def a_request_of(number: int) -> dict[str, Any]:
    """Ask for small datasets of a client of its own, who is introduced with the request."""
    return {
        "skill": "provision-datasets",
        "journey_id": f"journey-{number}",
        "client_id": f"client-{number}",
        "stage": "sandbox",
        "dataset_types": TYPES,
        "record_count": 10,
        "client": {
            "name": f"Client {number}",
            "code": f"C{number}",
            "industry": "retail",
            "use_case": "onboarding",
        },
    }
