"""The front desk: plans that bind, lifetimes, restoring, and others who are away."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agents.persistence import MOST_TRIES
from agents.requests import Requests
from domain.commands import Principal
from domain.errors import Conflict
from domain.repository import DatasetFilter
from gateways.local.glean.faults import FaultKind
from tests.running import ACME, JIRA, SMALL, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    from domain.repository import Registry, Transaction

COORDINATOR = "lifecycle-coordinator"
NEWCOMER = {
    "skill": "provision-datasets",
    "journey_id": "journey-globex-1",
    "client_id": "globex",
    "stage": "sandbox",
    "dataset_types": ["jira"],
    "record_count": 10,
    "client": {"name": "Globex", "code": "GLX", "industry": "energy", "use_case": "search"},
}
NOWHERE = "http://127.0.0.1:9"
"""Where nobody answers."""


async def test_a_dry_run_is_a_plan_and_changes_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        dry = await service.call(COORDINATOR, {**SMALL, "dry_run": True})

        plan = await service.call(COORDINATOR, {**SMALL, "skill": "plan-datasets"})

        assert dry.data == plan.data
        assert (await service.call(COORDINATOR, {"skill": "list-datasets"})).data["datasets"] == []
        assert await service.service.registry.last_sequence("default") == 0


async def test_a_plan_says_what_would_be_made_and_why(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        plan = await service.call(COORDINATOR, {**SMALL, "skill": "plan-datasets"})

        entry = plan.dataset
        assert entry["connector_name"] == JIRA
        assert entry["template_id"] == "generic_jira"
        assert (entry["record_count"], entry["generation"], entry["conflict"]) == (10, 1, None)
        assert entry["reasons"]
        assert plan.data["journey_ref"] == ACME["journey_id"]


async def test_a_plan_names_the_dataset_in_its_way(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        made = await service.call(COORDINATOR, SMALL)

        plan = await service.call(COORDINATOR, {**SMALL, "skill": "plan-datasets"})

        assert plan.dataset["conflict"] == made.dataset["dataset_id"]
        assert "1 conflict" in plan.sentence


async def test_a_request_that_quotes_a_fresh_plan_is_accepted(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        plan = await service.call(COORDINATOR, {**SMALL, "skill": "plan-datasets"})

        made = await service.call(COORDINATOR, {**SMALL, "plan_digest": plan.data["plan_digest"]})

        assert made.state == "COMPLETED"


async def test_a_request_that_quotes_a_stale_plan_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        plan = await service.call(COORDINATOR, {**SMALL, "skill": "plan-datasets"})
        quoting = {**SMALL, "record_count": 11, "plan_digest": plan.data["plan_digest"]}

        heard = await service.call(COORDINATOR, quoting)

        assert heard.state == "REJECTED"
        assert "stale" in heard.sentence


async def test_a_client_may_be_introduced_with_its_first_request(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        planned = await service.call(COORDINATOR, {**NEWCOMER, "dry_run": True})

        made = await service.call(COORDINATOR, NEWCOMER)

        assert planned.dataset["connector_name"] == "GLX-sandbox-jira"
        assert made.dataset["connector_name"] == "GLX-sandbox-jira"


async def test_an_introduction_that_disagrees_is_rejected(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        given = {**NEWCOMER, "journey_id": ACME["journey_id"]}

        heard = await service.call(COORDINATOR, given)

        assert heard.state == "REJECTED"


async def test_a_completed_journey_gets_no_datasets(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        done = await service.http.post(f"/journeys/journeys/{ACME['journey_id']}/complete")
        assert done.is_success

        heard = await service.call(COORDINATOR, SMALL)

        assert heard.state == "REJECTED"
        assert "is completed" in heard.sentence


@pytest.mark.requirement("R19")
async def test_an_ephemeral_dataset_is_torn_down_by_itself(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await service.call(COORDINATOR, {**SMALL, "ephemeral": {"ttl": "2h"}})

        service.clock.advance(timedelta(hours=2, minutes=1))

        ended = await service.settled(JIRA, "archived")
        assert ended["teardown_reason"] == "manual_request"


async def test_a_dataset_is_restored_inside_its_grace_period(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await service.call(COORDINATOR, SMALL)
        await service.call("data-teardown", {"skill": "teardown-dataset", "dataset_id": JIRA})

        heard = await service.call(
            "data-teardown", {"skill": "restore-dataset", "dataset_id": JIRA}
        )

        assert heard.state == "COMPLETED"
        assert heard.dataset["status"] == "ready"


async def test_a_dataset_with_a_successor_is_not_restored(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        first = (await service.call(COORDINATOR, SMALL)).dataset["dataset_id"]
        await service.call("data-teardown", {"skill": "teardown-dataset", "dataset_id": first})
        successor = (await service.call(COORDINATOR, SMALL)).dataset

        heard = await service.call(
            "data-teardown", {"skill": "restore-dataset", "dataset_id": first}
        )

        assert successor["generation"] == 2
        assert heard.state == "REJECTED"
        assert successor["dataset_id"] in heard.sentence


async def test_an_emptied_dataset_is_not_restored(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await service.call(COORDINATOR, SMALL)
        await service.call(
            "data-teardown", {"skill": "teardown-dataset", "dataset_id": JIRA, "force": True}
        )

        heard = await service.call(
            "data-teardown", {"skill": "restore-dataset", "dataset_id": JIRA}
        )

        assert heard.state == "REJECTED"
        assert "archived" in heard.sentence.lower()


async def test_a_teardown_under_way_is_hurried_by_force(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await service.call(COORDINATOR, SMALL)
        await service.call("data-teardown", {"skill": "teardown-dataset", "dataset_id": JIRA})

        heard = await service.call(
            "data-teardown", {"skill": "teardown-dataset", "dataset_id": JIRA, "force": True}
        )

        assert heard.dataset["status"] == "archived"


async def test_a_journey_service_out_of_reach_fails_the_request_clearly(tmp_path: Path) -> None:
    async with running(tmp_path, journeys_url=NOWHERE) as service:
        heard = await service.call(COORDINATOR, SMALL)

        assert heard.state == "FAILED"
        assert "Journey Orchestration" in heard.sentence
        assert "cannot be reached" in heard.sentence


async def test_a_supplier_out_of_reach_is_waited_for_and_then_named(tmp_path: Path) -> None:
    async with running(tmp_path, mock_data_url=NOWHERE, retry_delays=()) as service:
        heard = await service.call(COORDINATOR, SMALL)

        assert heard.state == "FAILED"
        assert heard.dataset["status"] == "failed"
        assert "cannot be reached" in heard.sentence


async def test_a_search_engine_that_is_down_for_a_while_is_waited_for(tmp_path: Path) -> None:
    async with running(tmp_path, retry_delays=("10ms",)) as service:
        service.glean_faults.fail_next("/adddatasource", status=503, times=1)

        heard = await service.call(COORDINATOR, SMALL)

        assert heard.state == "COMPLETED"


class _Contended:
    """A registry in which somebody else writes first, a few times."""

    def __init__(self, registry: Registry, conflicts: int) -> None:
        self._registry = registry
        self.conflicts = conflicts

    @asynccontextmanager
    async def transaction(self, principal: Principal) -> AsyncIterator[Transaction]:
        async with self._registry.transaction(principal) as transaction:
            yield transaction
            if self.conflicts:
                self.conflicts -= 1
                raise Conflict("somebody else wrote first")


class _Quiet:
    """A coordinator with nothing outstanding, and an engine nobody listens to."""

    def interrupt(self, dataset_id: UUID) -> None:
        """Nothing is outstanding."""

    def ring(self, dataset_id: UUID) -> None:
        """Nobody listens."""


@pytest.mark.parametrize(("conflicts", "gets_through"), [(2, True), (MOST_TRIES, False)])
async def test_a_request_is_called_off_even_while_somebody_else_writes(
    tmp_path: Path, conflicts: int, gets_through: bool
) -> None:
    async with running(tmp_path) as service:
        service.glean_faults.fail_next("/bulkindexdocuments", kind=FaultKind.SLOW, delay_seconds=60)
        task = await service.line.begin(COORDINATOR, SMALL)
        await service.settled(JIRA, "provisioning")
        known = await service.service.registry.request_of_task("default", task.id)
        assert known is not None
        contended = _Contended(service.service.registry, conflicts)
        desk = _desk(service.service.desks.front, contended)

        if gets_through:
            await desk.cancel(known)
        else:
            with pytest.raises(Conflict):
                await desk.cancel(known)

        page = await service.service.registry.datasets("default", DatasetFilter(), 1, None)
        is_ended = page.datasets[0].teardown is not None
        assert is_ended is gets_through


def _desk(front: Any, registry: Any) -> Requests:
    """Make a second desk beside the service's own, over another registry."""
    quiet: Any = _Quiet()
    return Requests(
        front._registration,  # noqa: SLF001 - the second desk asks whom the first one asks
        front._planner,  # noqa: SLF001 - as above
        registry=registry,
        coordinator=quiet,
        engine=quiet,
        clock=front._clock,  # noqa: SLF001 - as above
        orphans=front._orphans,  # noqa: SLF001 - as above
    )
