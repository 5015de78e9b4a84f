"""Enquiries and dossiers: what is told, to whom, and what is kept of a dataset."""

from __future__ import annotations

import asyncio
import hashlib
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from agents.dossiers import gather_dossier
from domain.lifecycle import DatasetStatus
from protocol.auth import ANONYMOUS
from protocol.schemas import schemas
from tests.archived import archives_in
from tests.builders import TENANT, a_dataset_in
from tests.published import strictly
from tests.running import (
    ACME,
    BASE,
    JIRA,
    PATIENCE_SECONDS,
    SMALL,
    RunningService,
    running,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COORDINATOR = "lifecycle-coordinator"
VALIDATION = "data-validation"
TEARDOWN = "data-teardown"
PROVISIONING = "dataset-provisioning"
CONNECTOR = {"skill": "configure-connector", "stage": "sandbox", "dataset_type": "github"}
VERIFY = {"skill": "verify-archive", "dataset_id": JIRA}


async def _teardown(service: RunningService) -> dict[str, Any]:
    """Provision a dataset and tear it down at once."""
    await service.call(COORDINATOR, SMALL)
    down = {"skill": "teardown-dataset", "dataset_id": JIRA, "force": True}
    return (await service.call(TEARDOWN, down)).dataset


async def test_a_report_shows_the_last_run_unless_another_is_named(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await service.call(COORDINATOR, SMALL)
        await service.call(VALIDATION, {"skill": "validate-dataset", "dataset_id": JIRA})

        last = await service.call(VALIDATION, {"skill": "quality-report", "dataset_id": JIRA})
        first = await service.call(
            VALIDATION, {"skill": "quality-report", "dataset_id": JIRA, "run": 1}
        )

        assert (last.data["run"], first.data["run"], last.data["runs"]) == (2, 1, 2)
        assert {each["check_type"] for each in last.data["checks"]} >= {"sample_queries"}


async def test_a_dataset_without_a_connector_cannot_be_knocked_at(tmp_path: Path) -> None:
    async with running(tmp_path, mock_data_url="http://127.0.0.1:9", retry_delays=()) as service:
        await service.call(COORDINATOR, SMALL)

        heard = await service.call(VALIDATION, {"skill": "check-connector", "dataset_id": JIRA})

        assert heard.state == "REJECTED"
        assert "no connector yet" in heard.sentence


async def test_a_connector_that_does_not_answer_well_is_told_of(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await service.call(COORDINATOR, SMALL)
        service.glean_faults.fail_next("/status", status=403, times=9)
        service.glean_faults.fail_next("/search", status=403, times=9)

        heard = await service.call(VALIDATION, {"skill": "check-connector", "dataset_id": JIRA})

        assert heard.state == "COMPLETED"
        assert "does not answer well" in heard.sentence


def _exchanged(content: bytes) -> bytes:
    """Write another archive in the place of one, with a header that fits."""
    header = json.loads(content.partition(b"\n")[0])
    other = b"{}"
    digest = hashlib.sha256(other).hexdigest()
    changed = {**header, "sha256": digest, "size_bytes": len(other)}
    return json.dumps(changed).encode() + b"\n" + other


async def test_an_archive_is_verified_by_its_digest(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await _teardown(service)

        heard = await service.call(TEARDOWN, VERIFY)

        assert heard.data["verified"] is True
        assert heard.data["damage"] is None
        assert heard.data["actual_sha256"] == heard.data["expected_sha256"]


@pytest.mark.parametrize(
    ("damage", "told", "is_readable"),
    [
        (lambda content: content + b" ", "its digest is", True),
        (lambda content: b"scribble\n" + content, "its header cannot be read", False),
        (_exchanged, "not the one that was written down", True),
    ],
)
async def test_a_damaged_archive_is_not_verified(
    tmp_path: Path, damage: Callable[[bytes], bytes], told: str, *, is_readable: bool
) -> None:
    async with running(tmp_path) as service:
        await _teardown(service)
        (path,) = archives_in(tmp_path)
        path.chmod(0o600)
        path.write_bytes(damage(path.read_bytes()))

        heard = await service.call(TEARDOWN, VERIFY)

        assert (heard.state, heard.data["verified"]) == ("COMPLETED", False)
        assert "is damaged" in heard.sentence
        assert told in heard.data["damage"]
        assert (heard.data["actual_sha256"] is not None) is is_readable
        assert heard.data["actual_sha256"] != heard.data["expected_sha256"]
        strictly(schemas(BASE)["verify-archive.output"]).validate(heard.data)


async def test_a_missing_archive_is_our_failure_and_no_wrong_question(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await _teardown(service)
        (path,) = archives_in(tmp_path)
        path.unlink()

        heard = await service.call(TEARDOWN, VERIFY)

        assert heard.state == "FAILED"
        assert JIRA in heard.sentence
        assert "has lost its archive" in heard.sentence


async def test_an_archive_whose_time_was_over_is_told_of_as_purged(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await _teardown(service)
        service.clock.advance(timedelta(days=92))
        registry = service.service.registry
        dataset_id = await registry.dataset_id_of(ANONYMOUS.tenant, JIRA)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (await registry.dataset(ANONYMOUS.tenant, dataset_id)).purged_at is None:
                wait = service.service.bell.handle()
                service.service.engine.ring(dataset_id)
                await wait(0.2)

        heard = await service.call(TEARDOWN, VERIFY)

        assert heard.state == "REJECTED"
        assert "was purged" in heard.sentence


async def test_an_archive_holds_configuration_history_usage_and_events(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await _teardown(service)

        (path,) = archives_in(tmp_path)

        _, content = path.read_bytes().split(b"\n", 1)
        kept = json.loads(content)
        assert kept["configuration"]["connector_name"] == JIRA
        assert kept["configuration"]["template_version"]
        assert kept["usage"]["records_generated"] == 10
        assert kept["usage"]["sample_queries_run"] > 0
        assert kept["usage"]["searches_by_people"] is None
        assert [each["run"] for each in kept["quality_history"]] == [1]
        assert "DatasetReady" in {each["name"] for each in kept["events"]}


async def test_a_dossier_of_a_dataset_never_filled_knows_no_figures(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        dataset = a_dataset_in(DatasetStatus.DISCOVERING)

        dossier = await gather_dossier(service.service.registry, dataset)

        assert dossier.usage["records_generated"] is None
        assert dossier.usage["validations"] == 0
        assert "authentication" not in dossier.configuration
        assert dossier.dataset_id == dataset.place.dataset_id
        assert dataset.place.tenant == TENANT


@pytest.mark.parametrize(
    ("wanted", "count"),
    [({"dataset_type": "jira"}, 1), ({"industry": "healthcare"}, 2), ({"industry": "none"}, 0)],
)
async def test_templates_are_listed_by_what_is_asked_for(
    tmp_path: Path, wanted: dict[str, str], count: int
) -> None:
    async with running(tmp_path) as service:
        heard = await service.call("dataset-discovery", {"skill": "list-templates", **wanted})

        assert len(heard.data["templates"]) == count


async def test_a_connector_is_shown_and_not_made(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await service.call(COORDINATOR, SMALL)
        wanted = {"client_id": ACME["client_id"], "stage": "pilot", "dataset_type": "github"}

        heard = await service.call(
            "dataset-provisioning", {"skill": "configure-connector", **wanted}
        )

        assert heard.data["connector_name"] == "ACME-pilot-github"
        assert "dataset_id" not in heard.data
        listed = await service.call(COORDINATOR, {"skill": "list-datasets"})
        assert len(listed.data["datasets"]) == 1


async def test_a_client_without_any_dataset_is_known_by_its_journey(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        heard = await service.call(PROVISIONING, {**CONNECTOR, **ACME})

        assert heard.state == "COMPLETED"
        assert heard.data["connector_name"] == "ACME-sandbox-github"


async def test_a_client_nobody_has_asked_for_yet_is_asked_for_by_its_journey(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as service:
        heard = await service.call(PROVISIONING, {**CONNECTOR, "client_id": "acme-healthcare"})

        assert heard.state == "REJECTED"
        assert "acme-healthcare" in heard.sentence
        assert "journey_id" in heard.sentence


async def test_a_journey_of_another_client_shows_no_connector(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        heard = await service.call(PROVISIONING, {**CONNECTOR, **ACME, "client_id": "globex"})

        assert heard.state == "REJECTED"
        assert "belongs to client acme-healthcare, not to globex" in heard.sentence
