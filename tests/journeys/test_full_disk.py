"""The disk takes nothing more: what is there is read, and what could not be kept is done later."""

from __future__ import annotations

import resource
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from a2a.types import TaskState

from tests.processes import Cluster, HeldSupplier, Running, cluster
from tests.running import JIRA, SMALL
from tests.verdict import MADE_ONCE, stories

pytestmark = pytest.mark.timeout(120)

ANOTHER = {**SMALL, "dataset_types": ["slack"]}


@pytest.fixture
async def town(tmp_path: Path, supplier: tuple[HeldSupplier, str]) -> AsyncIterator[Cluster]:
    database = f"sqlite+aiosqlite:///{tmp_path / 'dataops.db'}"
    async with cluster(tmp_path, database, mock_data_url=supplier[1]) as found:
        yield found


async def test_a_dataset_at_work_on_a_full_disk_can_be_read_and_is_made_once_when_there_is_room(
    town: Cluster, supplier: tuple[HeldSupplier, str]
) -> None:
    held, running = supplier[0], await town.start()
    await running.begin(SMALL, "the-message")
    await held.asked.get()
    full = fill_up(running, town.folder)
    held.let_go.set()
    refused = await running.send(ANOTHER, "another-message")
    listed = await running.datasets()

    resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, full)

    await running.until("DatasetReady")
    first = await running.call(SMALL, message_id="the-message")
    another = await running.call(ANOTHER, message_id="another-message")
    assert "cannot reach its database" in refused["error"]["message"]
    assert first.state == TaskState.TASK_STATE_COMPLETED
    assert [(each["connector_name"], each["status"]) for each in listed] == [(JIRA, "provisioning")]
    assert another.state == TaskState.TASK_STATE_COMPLETED
    assert list(stories(await running.events()).values()) == [MADE_ONCE, MADE_ONCE]


def fill_up(running: Running, folder: Path) -> tuple[int, int]:
    """Let no file of a process grow past where its database's log ends; gives what it was before."""
    pid, size = running.process.pid, (folder / "dataops.db-wal").stat().st_size
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, before[1]))
    return before
