"""What skills answer is what their published output schemas say, and nothing besides."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pytest

from protocol.schemas import schemas
from protocol.shapes import Shapes
from protocol.skills import SKILLS
from tests.published import strictly
from tests.running import ACME, BASE, JIRA, SMALL, RunningService, running

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator

COORDINATOR = "lifecycle-coordinator"
VALIDATION = "data-validation"
TEARDOWN = "data-teardown"
LIST = {"skill": "list-datasets"}


def _published(skill: str) -> Draft202012Validator:
    return strictly(schemas(BASE)[f"{skill}.output"])


async def _listed(service: RunningService) -> dict[str, Any]:
    return (await service.call(COORDINATOR, LIST)).data


@pytest.mark.parametrize("skill", SKILLS)
def test_every_output_schema_refuses_an_empty_answer(skill: str) -> None:
    assert not _published(skill).is_valid({})


async def test_a_dry_run_answers_as_published_for_plans(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        planned = await service.call(COORDINATOR, {**SMALL, "dry_run": True})

        _published("provision-datasets").validate(planned.data)
        _published("plan-datasets").validate(planned.data)


async def test_a_plan_that_conflicts_answers_as_published(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await service.call(COORDINATOR, SMALL)

        planned = await service.call(COORDINATOR, {**SMALL, "skill": "plan-datasets"})

        assert planned.data["datasets"][0]["conflict"]
        _published("plan-datasets").validate(planned.data)


async def test_a_dataset_that_failed_its_gate_answers_as_published(tmp_path: Path) -> None:
    async with running(tmp_path, retry_delays=()) as service:
        await service.call(COORDINATOR, SMALL)
        service.glean_faults.fail_next("/status", status=500, times=1000)

        heard = await service.call(VALIDATION, {"skill": "validate-dataset", "dataset_id": JIRA})
        report = await service.call(VALIDATION, {"skill": "quality-report", "dataset_id": JIRA})

        assert (heard.state, heard.dataset["status"]) == ("FAILED", "failed")
        _published("validate-dataset").validate(heard.data)
        _published("quality-report").validate(report.data)
        _published("list-datasets").validate(await _listed(service))


async def test_a_dataset_that_waits_for_its_supplier_answers_as_published(tmp_path: Path) -> None:
    async with running(tmp_path, mock_data_url="http://127.0.0.1:9") as service:
        await service.line.begin(COORDINATOR, SMALL)
        wait = service.service.bell.handle()
        listed = await _listed(service)
        while "error" not in listed["datasets"][0]:
            await wait(0.5)
            wait = service.service.bell.handle()
            listed = await _listed(service)

        _published("list-datasets").validate(listed)


async def test_a_dataset_in_its_grace_period_answers_as_published(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await service.call(COORDINATOR, SMALL)

        heard = await service.call(TEARDOWN, {"skill": "teardown-dataset", "dataset_id": JIRA})

        assert heard.dataset["restorable_until"]
        _published("teardown-dataset").validate(heard.data)


async def test_an_archived_dataset_answers_as_published(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await service.call(COORDINATOR, SMALL)
        ended = {"skill": "teardown-dataset", "dataset_id": JIRA, "force": True}

        heard = await service.call(TEARDOWN, ended)

        assert heard.dataset["status"] == "archived"
        _published("teardown-dataset").validate(heard.data)


async def test_a_transition_whose_types_cannot_be_made_answers_as_published(
    tmp_path: Path,
) -> None:
    moving = {"skill": "transition-stage", "journey_id": ACME["journey_id"], "to_stage": "pilot"}
    async with running(tmp_path) as service:
        await service.call(COORDINATOR, SMALL)

        heard = await service.call(COORDINATOR, {**moving, "mode": "MAKE_BEFORE_BREAK"})

        assert heard.data["moves"][0]["refusal"]
        assert heard.dataset["gives_way_until"]
        _published("transition-stage").validate(heard.data)
        _published("list-datasets").validate(await _listed(service))


async def test_a_teardown_that_waits_for_consent_answers_as_published(tmp_path: Path) -> None:
    given = {"skill": "teardown-dataset", "dataset_id": JIRA, "reason": "orphan_cleanup"}
    async with running(tmp_path, protect_stages=("sandbox",)) as service:
        await service.call(COORDINATOR, SMALL)

        heard = await service.call(TEARDOWN, given)

        assert heard.state == "INPUT_REQUIRED"
        _published("teardown-dataset").validate(heard.data)


async def test_a_page_that_leads_on_answers_as_published(tmp_path: Path) -> None:
    asked = {**ACME, "skill": "provision-datasets", "dataset_types": ["jira", "slack"]}
    async with running(tmp_path) as service:
        await service.call(COORDINATOR, {**asked, "record_count": 10})

        page = await service.call(COORDINATOR, {**LIST, "page_size": 1})

        assert page.data["next_page_token"]
        _published("list-datasets").validate(page.data)


@pytest.mark.parametrize("kind", [set[str], Annotated[str, "anything"]])
def test_of_what_is_never_written_no_schema_is_made(kind: Any) -> None:
    with pytest.raises(TypeError, match="No schema can be made"):
        Shapes("#/$defs/").schema_of(kind)
