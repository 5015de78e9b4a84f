"""Tenants: each works as if it were alone, also where both name the same client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.running import JIRA, SMALL, running, tokens_file

if TYPE_CHECKING:
    from pathlib import Path

COORDINATOR = "lifecycle-coordinator"

NEWCOMER = {
    "journey_id": "journey-initech-1",
    "client_id": "initech",
    "client": {
        "name": "Initech",
        "code": "INIT",
        "industry": "healthcare",
        "use_case": "developer_productivity",
    },
}


async def test_two_tenants_have_datasets_of_the_same_client_side_by_side(tmp_path: Path) -> None:
    tokens = tokens_file(tmp_path, ours="default ada", theirs="globex bob")
    async with running(tmp_path, auth_tokens=tokens) as service:
        ours, theirs = await service.line_of("ours"), await service.line_of("theirs")

        first = await ours.call(COORDINATOR, SMALL)
        second = await theirs.call(COORDINATOR, SMALL)

        assert (first.state, second.state) == ("COMPLETED", "COMPLETED")
        assert first.dataset["connector_name"] == second.dataset["connector_name"] == JIRA
        assert first.dataset["datasource"] != second.dataset["datasource"]
        listed = await theirs.call(COORDINATOR, {"skill": "list-datasets"})
        assert [each["dataset_id"] for each in listed.data["datasets"]] == [
            second.dataset["dataset_id"]
        ]


async def test_a_plan_of_any_tenant_can_be_carried_out(tmp_path: Path) -> None:
    tokens = tokens_file(tmp_path, theirs="globex bob")
    async with running(tmp_path, auth_tokens=tokens) as service:
        theirs = await service.line_of("theirs")
        asked = {**SMALL, **NEWCOMER}
        plan = await theirs.call(COORDINATOR, {**asked, "skill": "plan-datasets"})

        made = await theirs.call(COORDINATOR, {**asked, "plan_digest": plan.data["plan_digest"]})

        assert made.state == "COMPLETED"
