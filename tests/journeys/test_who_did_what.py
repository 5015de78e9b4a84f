"""Who did what: each command leaves its entry under its principal, whatever door it came by."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from domain.audit import SYSTEM, ChainedEntry
from registry.trail import SqlAuditTrail
from tests.journeys.doors import AGENT_OF, DOORS, Door, over_events
from tests.journeys.scenes import COORDINATOR, TEARDOWN, VALIDATION
from tests.running import JIRA, SMALL, RunningService, running, tokens_file
from tests.service.cli.commanding import Cli, served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.xdist_group("who did what")  # one service serves them all

TENANT, HER, HIM = "default", "ada", "bob"

TOKENS = {"hers": f"{TENANT} {HER}", "his": f"{TENANT} {HIM}"}

COMMANDS: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("provision-datasets", {}, "registration"),
    ("validate-dataset", {}, "DatasetValidationStarted"),
    ("teardown-dataset", {}, "DatasetTeardownStarted"),
    ("restore-dataset", {}, "DatasetRestored"),
)
"""Each command, and what it does at once to its dataset."""


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    folder = tmp_path_factory.mktemp("guarded")
    with served(folder, DATAOPS_AUTH_TOKENS=tokens_file(folder, **TOKENS)) as found:
        yield found


def trail_at(cli: Cli, after: int = 0) -> list[dict[str, Any]]:
    """Read the trail as an auditor does."""
    words = ("audit", "list", "--after", str(after), "--json")
    env = {"AUDITORS": "his", "DATAOPS_TOKEN": "secret://env/AUDITORS"}
    return [json.loads(line) for line in cli.run(*words, **env).stdout.splitlines()]


async def trail_of(running: RunningService) -> list[ChainedEntry]:
    return list(await SqlAuditTrail(running.service.database).entries(TENANT, 0, 10_000))


@pytest.mark.parametrize("name", DOORS)
def test_every_command_is_written_down_under_whoever_gave_it(cli: Cli, name: str) -> None:
    door: Door = DOORS[name]
    client = "".join(each for each in name.lower() if each.isalpha())
    dataset = {"dataset_id": f"{client.upper()}-sandbox-jira"}
    before = len(trail_at(cli))

    for skill, more, _ in COMMANDS:
        given = _first_request(client) if skill == "provision-datasets" else {**dataset, **more}
        told = door(cli, skill, given, "hers")
        assert told.is_done or skill == "teardown-dataset", told.words

    hers = [each for each in trail_at(cli, before) if each["principal"] == HER]
    asked = [each for each in hers if each["action"] == "request"]
    done = [each for each in hers if each["action"] != "request"]
    assert [each["detail"]["skill"] for each in asked] == [skill for skill, _, _ in COMMANDS]
    assert [each["detail"]["agent"] for each in asked] == [
        AGENT_OF[each] for each, _, _ in COMMANDS
    ]
    assert [each["action"] for each in done] == [action for _, _, action in COMMANDS]
    assert len({each["dataset_id"] for each in done}) == 1
    others = {each["principal"] for each in trail_at(cli, before)} - {HER}
    assert others == {SYSTEM}


def test_what_an_event_asks_for_is_written_down_under_whoever_told_it(cli: Cli) -> None:
    before = len(trail_at(cli))

    told = over_events(cli, "provision-datasets", _first_request("herald"), "hers")

    assert told.is_done, told.words
    hers = [each for each in trail_at(cli, before) if each["principal"] == HER]
    assert [each["action"] for each in hers] == ["request", "registration"]
    assert hers[0]["detail"]["skill"] == "provision-datasets"
    assert {each["principal"] for each in trail_at(cli, before)} == {HER, SYSTEM}


def test_whoever_only_reads_leaves_nothing(cli: Cli) -> None:
    before = len(trail_at(cli))
    env = {"READER": "hers", "DATAOPS_TOKEN": "secret://env/READER"}

    for path in ("datasets", "events", "audit", "audit/verify", "templates"):
        headers = {"Authorization": "Bearer hers"}
        assert httpx.get(f"{cli.url}/api/v1/{path}", headers=headers).status_code == 200
    for words in (("datasets", "list"), ("templates", "list"), ("audit", "list")):
        assert cli.run(*words, **env).exit_code == 0

    assert len(trail_at(cli)) == before


def _first_request(client: str) -> dict[str, Any]:
    return {
        "journey_id": f"journey-{client}",
        "client_id": client,
        "stage": "sandbox",
        "dataset_types": ["jira"],
        "record_count": 10,
        "client": {
            "name": client,
            "code": client.upper(),
            "industry": "retail",
            "use_case": "onboarding",
        },
    }


async def test_a_request_called_off_is_written_down_under_whoever_did(tmp_path: Path) -> None:
    async with running(tmp_path, auth_tokens=tokens_file(tmp_path, **TOKENS)) as service:
        hers = await service.line_of("hers")
        service.glean_faults.fail_next("/bulkindexdocuments", times=1000)
        task = await hers.begin(COORDINATOR, SMALL)

        await hers.cancel(COORDINATOR, task.id)

        mine = [each.entry for each in await trail_of(service) if each.entry.principal == HER]
        told = [(each.action, each.to_status) for each in mine]
        assert told[-2:] == [("cancellation", None), ("DatasetTeardownStarted", "teardown")]
        assert {each.correlation for each in mine} == {task.id}


async def test_whoever_hurries_a_teardown_of_another_answers_for_it(tmp_path: Path) -> None:
    async with running(tmp_path, auth_tokens=tokens_file(tmp_path, **TOKENS)) as service:
        hers, his = await service.line_of("hers"), await service.line_of("his")
        await hers.call(COORDINATOR, SMALL)
        await hers.begin(TEARDOWN, {"skill": "teardown-dataset", "dataset_id": JIRA})

        await his.call(TEARDOWN, {"skill": "teardown-dataset", "dataset_id": JIRA, "force": True})

        mine = [each.entry for each in await trail_of(service) if each.entry.principal == HIM]
        assert sorted(each.action for each in mine) == ["DatasetTeardownHurried", "request"]


async def test_a_command_that_changes_nothing_is_a_decision_all_the_same(tmp_path: Path) -> None:
    async with running(tmp_path, auth_tokens=tokens_file(tmp_path, **TOKENS)) as service:
        hers, his = await service.line_of("hers"), await service.line_of("his")
        await hers.call(COORDINATOR, SMALL)
        await hers.begin(TEARDOWN, {"skill": "teardown-dataset", "dataset_id": JIRA})

        await his.begin(TEARDOWN, {"skill": "teardown-dataset", "dataset_id": JIRA})

        mine = [each.entry for each in await trail_of(service) if each.entry.principal == HIM]
        assert [each.action for each in mine] == ["request"]


async def test_what_is_asked_refused_or_sent_again_leaves_nothing(tmp_path: Path) -> None:
    async with running(tmp_path, auth_tokens=tokens_file(tmp_path, **TOKENS)) as service:
        hers = await service.line_of("hers")
        await hers.call(COORDINATOR, SMALL, "first")
        before = await trail_of(service)

        await hers.call(COORDINATOR, SMALL, "first")
        await hers.call(COORDINATOR, SMALL)
        await hers.call(COORDINATOR, {**SMALL, "skill": "plan-datasets"})
        await hers.call(COORDINATOR, {"skill": "dataset-status", "dataset_id": JIRA})
        await hers.call(VALIDATION, {"skill": "quality-report", "dataset_id": JIRA})
        await hers.call(TEARDOWN, {"skill": "restore-dataset", "dataset_id": JIRA})

        assert await trail_of(service) == before


async def test_what_the_service_does_by_itself_is_written_down_as_its_own(tmp_path: Path) -> None:
    async with running(tmp_path, auth_tokens=tokens_file(tmp_path, **TOKENS)) as service:
        hers = await service.line_of("hers")

        await hers.call(COORDINATOR, SMALL)

        own = [each.entry for each in await trail_of(service) if each.entry.principal == SYSTEM]
        assert [each.to_status for each in own] == ["provisioning", "validating", "ready"]
