"""Archives kept for longer, held and released over A2A: done when the archive itself is locked so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from protocol.schemas import schemas
from tests.archived import archives_in, locks_in
from tests.published import strictly
from tests.running import BASE, JIRA, SMALL, RunningService, running, tokens_file

TEARDOWN = "data-teardown"
EXTEND = {"skill": "extend-retention", "dataset_id": JIRA, "until": "2040-01-01T00:00:00Z"}
HOLD = {"skill": "hold-archive", "dataset_id": JIRA, "reason": "case 7"}
RELEASE = {"skill": "release-archive", "dataset_id": JIRA}
END = {"skill": "teardown-dataset", "dataset_id": JIRA, "force": True}


async def archived(service: RunningService) -> None:
    await service.call("lifecycle-coordinator", SMALL)
    await service.call(TEARDOWN, END)


def locks(folder: Path) -> list[str]:
    return [each.read_text() for each in locks_in(folder)]


@pytest.mark.requirement("R23", "R98")
async def test_what_is_asked_for_is_done_when_the_archive_itself_is_locked_so(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as service:
        await archived(service)

        extended = await service.call(TEARDOWN, EXTEND)
        held = await service.call(TEARDOWN, HOLD)
        (lock,) = locks(tmp_path)
        released = await service.call(TEARDOWN, RELEASE)

        assert [each.state for each in (extended, held, released)] == ["COMPLETED"] * 3
        assert extended.dataset["retain_until"] == "2040-01-01T00:00:00+00:00"
        assert held.dataset["legal_hold"] == "case 7"
        assert "legal_hold" not in released.dataset
        assert lock == '{"locked_until":"2040-01-01T00:00:00Z","is_held":true}'
        strictly(schemas(BASE)["hold-archive.output"]).validate(held.data)


@pytest.mark.parametrize("asked", [EXTEND, HOLD, RELEASE], ids=lambda each: each["skill"])
async def test_a_dataset_that_is_not_archived_has_no_archive_to_keep(
    tmp_path: Path, asked: dict[str, Any]
) -> None:
    async with running(tmp_path) as service:
        await service.call("lifecycle-coordinator", SMALL)

        heard = await service.call(TEARDOWN, asked)

        assert heard.state == "REJECTED"
        assert "only an archived dataset can be" in heard.sentence


async def test_a_shorter_time_is_asked_for_anew(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await archived(service)

        heard = await service.call(TEARDOWN, {**EXTEND, "until": "2020-01-01T00:00:00Z"})

        assert heard.state == "INPUT_REQUIRED"
        assert [each["field"] for each in heard.data["errors"]] == ["until"]
        assert "only ever kept for longer" in heard.sentence


async def test_another_tenant_keeps_no_archive_of_ours(tmp_path: Path) -> None:
    known = tokens_file(tmp_path, ours="default ann", theirs="globex eve")
    async with running(tmp_path, auth_tokens=known) as service:
        ours, theirs = await service.line_of("ours"), await service.line_of("theirs")
        await ours.call("lifecycle-coordinator", SMALL)
        await ours.call(TEARDOWN, END)

        refused = await theirs.call(TEARDOWN, HOLD)
        held = await ours.call(TEARDOWN, HOLD)

        assert refused.state == "REJECTED"
        assert "There is no dataset" in refused.sentence
        assert held.state == "COMPLETED"


async def test_an_archive_that_is_gone_fails_the_task_and_stays_unpurged(tmp_path: Path) -> None:
    async with running(tmp_path, retry_delays=()) as service:
        await archived(service)
        (file,) = archives_in(tmp_path)
        file.unlink()

        heard = await service.call(TEARDOWN, HOLD)

        assert heard.state == "FAILED"
        assert "There is no archive" in heard.sentence
        assert heard.dataset["legal_hold"] == "case 7"


async def test_a_lock_that_was_shortened_behind_our_back_is_found(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await archived(service)
        (file,) = archives_in(tmp_path)
        header, _, content = file.read_bytes().partition(b"\n")
        before, _, after = header.partition(b'"locked_until":"2')
        file.chmod(0o600)
        file.write_bytes(before + b'"locked_until":"1' + after + b"\n" + content)

        heard = await service.call(TEARDOWN, {"skill": "verify-archive", "dataset_id": JIRA})

        assert heard.data["verified"] is False
        assert "dataops archive extend" in heard.data["damage"]
        assert heard.data["object_locked_until"] < heard.data["locked_until"]
