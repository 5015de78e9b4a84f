"""The service over a bucket: provisioned, torn down, archived, kept, and purged when it is time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from domain.audit import CHECKPOINTS
from domain.lifecycle import DatasetStatus
from gateways.s3 import Place, Spot
from protocol.auth import ANONYMOUS
from tests import s3
from tests.running import JIRA, PATIENCE_SECONDS, SMALL, RunningService, running

TEARDOWN = "data-teardown"
FORCED = {"skill": "teardown-dataset", "dataset_id": JIRA, "force": True}


@asynccontextmanager
async def on_a_bucket(
    folder: Path, monkeypatch: pytest.MonkeyPatch, bucket: str = s3.LOCKED, **settings: Any
) -> AsyncIterator[tuple[RunningService, Place]]:
    """Run the service over a real bucket, by references to its keys."""
    monkeypatch.setenv("S3_ID", s3.KEYS.access_key_id)
    (folder / "s3-secret").write_text(s3.KEYS.secret_access_key)
    place = s3.a_fresh_place(bucket)
    async with running(
        folder / "data",
        archive=str(place).rstrip("/"),
        archive_endpoint_url=s3.server().endpoint,
        archive_access_key_id="secret://env/S3_ID",
        archive_secret_access_key=f"secret://file/{folder / 's3-secret'}",
        **settings,
    ) as service:
        yield service, place


async def archived(service: RunningService) -> dict[str, Any]:
    await service.call("lifecycle-coordinator", SMALL)
    heard = await service.call(TEARDOWN, FORCED)
    assert heard.dataset["status"] == DatasetStatus.ARCHIVED, heard.sentence
    return heard.dataset


async def until_purged(service: RunningService, dataset_id: str) -> dict[str, Any]:
    """Wait for the tombstone, woken by the service's own bell."""
    enquiries = service.service.desks.enquiries
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            wait = service.service.bell.handle()
            shown = await enquiries.archive(ANONYMOUS, UUID(dataset_id))
            if shown["purged_at"]:
                return dict(shown)
            await wait(0.5)


def shorten(location: str, place: Place, until: datetime) -> None:
    """Lock an archive's object for less, as only the bucket's owner can."""
    s3.server().client().put_object_retention(
        **Spot.read(location, place.bucket).asked(place.bucket),
        Retention={"Mode": "GOVERNANCE", "RetainUntilDate": until},
        BypassGovernanceRetention=True,
    )


def versions_in(place: Place) -> list[dict[str, Any]]:
    """Give the versions of archives; a checkpoint of the audit trail may come every five minutes."""
    client = s3.server().client()
    found = client.list_object_versions(Bucket=place.bucket, Prefix=place.prefix)
    checkpoints = f"{place.prefix}{CHECKPOINTS}/"
    return [each for each in found.get("Versions", []) if not each["Key"].startswith(checkpoints)]


@pytest.mark.requirement("R20", "R21", "R23", "R24", "R70", "R83", "R98")
async def test_a_dataset_is_archived_verified_and_purged_after_its_retention(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short: dict[str, Any] = {"grace_period": "0s", "retention": "6s"}
    async with on_a_bucket(tmp_path, monkeypatch, **short) as (service, place):
        dataset = await archived(service)
        verified = await service.call(TEARDOWN, {"skill": "verify-archive", "dataset_id": JIRA})
        (before,) = versions_in(place)

        tombstone = await until_purged(service, dataset["dataset_id"])

        kept_until = datetime.fromisoformat(tombstone["kept_until"])
        assert dataset["archive_location"].startswith(f"s3://{place.bucket}/{place.prefix}")
        assert verified.data["verified"] is True
        assert verified.data["object_locked_until"] >= verified.data["locked_until"]
        assert before["Key"].startswith(place.prefix + dataset["dataset_id"])
        assert datetime.fromisoformat(tombstone["purged_at"]) >= kept_until
        assert tombstone["sha256"] == verified.data["expected_sha256"]
        assert versions_in(place) == []


@pytest.mark.requirement("R24")
async def test_an_archive_holds_configuration_quality_history_usage_and_events(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with on_a_bucket(tmp_path, monkeypatch) as (service, _):
        dataset = await archived(service)

        content = await service.service.desks.enquiries.archive_content(
            ANONYMOUS, UUID(dataset["dataset_id"])
        )

        kept = json.loads(content)
        assert kept["configuration"]["connector"]["connector_name"] == JIRA
        assert [each["run"] for each in kept["quality_history"]] == [1]
        assert len(kept["quality_history"][0]["checks"]) == 4
        assert kept["usage"]["documents_indexed"] == 10
        names = [each["name"] for each in kept["events"]]
        assert names[0] == "DatasetProvisioningStarted"
        assert "DatasetTeardownStarted" in names
        assert kept["events_left_out"] == 0


@pytest.mark.requirement("R98")
async def test_an_extension_and_a_hold_reach_the_object_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    until = (datetime.now(UTC) + timedelta(days=400)).replace(microsecond=0)
    async with on_a_bucket(tmp_path, monkeypatch) as (service, place):
        dataset = await archived(service)
        extended = await service.call(
            TEARDOWN,
            {"skill": "extend-retention", "dataset_id": JIRA, "until": until.isoformat()},
        )
        held = await service.call(
            TEARDOWN, {"skill": "hold-archive", "dataset_id": JIRA, "reason": "case 7"}
        )

        spot = Spot.read(dataset["archive_location"], place.bucket)
        head = s3.server().client().head_object(**spot.asked(place.bucket))
        assert (extended.state, held.state) == ("COMPLETED", "COMPLETED")
        assert head["ObjectLockRetainUntilDate"] == until
        assert head["ObjectLockLegalHoldStatus"] == "ON"
        assert held.dataset["legal_hold"] == "case 7"
        assert datetime.fromisoformat(held.dataset["retain_until"]) == until


@pytest.mark.requirement("R98")
async def test_a_retention_that_was_shortened_behind_our_back_is_found_and_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    until = (datetime.now(UTC) + timedelta(days=400)).replace(microsecond=0)
    extend = {"skill": "extend-retention", "dataset_id": JIRA, "until": until.isoformat()}
    verify = {"skill": "verify-archive", "dataset_id": JIRA}
    async with on_a_bucket(tmp_path, monkeypatch) as (service, place):
        dataset = await archived(service)
        written = await service.call(TEARDOWN, verify)
        await service.call(TEARDOWN, extend)
        extended = await service.call(TEARDOWN, verify)
        first = datetime.fromisoformat(written.data["object_locked_until"])
        shorten(dataset["archive_location"], place, first)

        found = await service.call(TEARDOWN, verify)

        again = await service.call(TEARDOWN, extend)
        mended = await service.call(TEARDOWN, verify)
        assert [each.data["verified"] for each in (written, extended, found, mended)] == [
            True,
            True,
            False,
            True,
        ]
        assert f"until {first.isoformat()} only and was to be until" in found.data["damage"]
        assert datetime.fromisoformat(found.data["locked_until"]) == until
        assert (again.state, again.dataset["retain_until"]) == ("COMPLETED", until.isoformat())
        assert datetime.fromisoformat(mended.data["object_locked_until"]) == until


async def test_a_hold_that_was_lifted_behind_our_back_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with on_a_bucket(tmp_path, monkeypatch) as (service, place):
        dataset = await archived(service)
        hold = {"skill": "hold-archive", "dataset_id": JIRA, "reason": "case 7"}
        await service.call(TEARDOWN, hold)
        spot = Spot.read(dataset["archive_location"], place.bucket)
        s3.server().client().put_object_legal_hold(
            **spot.asked(place.bucket), LegalHold={"Status": "OFF"}
        )

        heard = await service.call(TEARDOWN, {"skill": "verify-archive", "dataset_id": JIRA})

        assert heard.data["verified"] is False
        assert "legal hold was lifted there" in heard.data["damage"]


async def test_a_bucket_without_locks_ends_no_dataset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with on_a_bucket(tmp_path, monkeypatch, s3.PLAIN) as (service, place):
        await service.call("lifecycle-coordinator", SMALL)

        await service.line.begin(TEARDOWN, FORCED)

        registry = service.service.registry
        dataset_id = await registry.dataset_id_of(ANONYMOUS.tenant, JIRA)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                wait = service.service.bell.handle()
                dataset = await registry.dataset(ANONYMOUS.tenant, dataset_id)
                if dataset.teardown is not None and dataset.teardown.message:
                    break
                await wait(0.5)
        assert dataset.archive is None
        assert not dataset.is_hidden
        assert "cannot be locked in its bucket" in dataset.teardown.message
        assert versions_in(place) == []
