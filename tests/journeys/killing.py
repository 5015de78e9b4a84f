"""A service that is killed right after each of its commits in turn, and started again.

`python -m tests.journeys.killing ACT FOLDER` prints one JSON line a kill: what stood afterwards,
once somebody had sent the same message again. A child is forked for each life off a process that
has led one to its end, so that nothing is imported or compiled twice.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from domain.lifecycle import DatasetStatus, TeardownStep
from domain.repository import DatasetFilter
from domain.rules import LifecycleRules
from gateways.local.glean.faults import FaultKind
from tests.builders import TENANT
from tests.compiling import share_compiled_statements
from tests.running import JIRA, SMALL, RunningService, running

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

COORDINATOR, TEARDOWN = "lifecycle-coordinator", "data-teardown"
END = {"skill": "teardown-dataset", "dataset_id": JIRA, "force": True}
KILLED = 9
MOST_COMMITS = 100


async def provision(service: RunningService, arm: Callable[[], None]) -> None:
    """Have a dataset made."""
    arm()
    await service.call(COORDINATOR, SMALL, "the-message")


async def call_off(service: RunningService, arm: Callable[[], None]) -> None:
    """Have a dataset made, and call it off while it is being filled."""
    service.glean_faults.fail_next("/bulkindexdocuments", kind=FaultKind.SLOW, delay_seconds=60)
    task = await service.line.begin(COORDINATOR, SMALL, "the-message")
    await service.settled(JIRA, "provisioning")
    arm()
    await service.line.cancel(COORDINATOR, task.id)
    await service.settled(JIRA, "archived")


async def tear_down(service: RunningService, arm: Callable[[], None]) -> None:
    """Have a READY dataset torn down without grace."""
    await service.call(COORDINATOR, SMALL)
    arm()
    await service.call(TEARDOWN, END, "the-message")


ACTS: dict[str, Callable[[RunningService, Callable[[], None]], Awaitable[None]]] = {
    "provision": provision,
    "call_off": call_off,
    "tear_down": tear_down,
}


async def live(act: str, data: Path, last: int) -> None:
    """Live until right after the last commit; tells by returning that there were fewer."""
    async with running(data) as service:
        dialect, commits = service.service.database.engine.sync_engine.dialect, [-MOST_COMMITS]
        commit = dialect.do_commit

        def count(connection: Any) -> None:
            commit(connection)
            commits[0] += 1
            if commits[0] == last:
                os._exit(KILLED)

        def arm() -> None:
            commits[0] = 0

        dialect.do_commit = count  # type: ignore[assignment]  # the one door of all commits
        await ACTS[act](service, arm)


async def live_again(act: str, data: Path) -> None:
    """Start again when the dead one's leases have run out, and send the message once more."""
    with sqlite3.connect(data / "dataops.db") as connection:
        connection.execute("UPDATE datasets SET lease_until = '2000-01-01 00:00:00.000000'")
        connection.execute("UPDATE requests SET followed_until = '2000-01-01 00:00:00.000000'")
    async with running(data) as service:
        agent, given = (TEARDOWN, END) if act == "tear_down" else (COORDINATOR, SMALL)
        heard = await service.call(agent, given, "the-message")
        if heard.state == "CANCELED":  # what the dead one's agents had begun may go on for so long
            await _wait_out(service)
        status = await service.status_of(JIRA)
        tasks = [each.status.state for each in await service.line.tasks(agent)]
        unsettled = await service.service.registry.unsettled_requests(10)
        audited = await service.service.auditor.verify(TENANT)
    found = {
        "state": heard.state,
        "status": status,
        "cancelled": _rows(data, "SELECT max(is_cancelled) FROM requests")[0][0],
        "tasks": sorted(set(tasks)),
        "unsettled": len(unsettled),
        "flaws": [each.message for each in audited.findings],
        "events": Counter(name for (name,) in _rows(data, "SELECT name FROM outbox")),
    }
    sys.stdout.write(json.dumps(found) + "\n")


async def _wait_out(service: RunningService) -> None:
    """Let the time pass in which the dead one's agents may be at work; no order is out meanwhile."""
    while True:
        wait = service.service.bell.handle()
        page = await service.service.registry.datasets(TENANT, DatasetFilter(), 1, None)
        (dataset,) = page.datasets
        if dataset.status is DatasetStatus.ARCHIVED:
            return
        if dataset.teardown is not None and dataset.teardown.step is TeardownStep.GRACE:
            service.clock.advance(LifecycleRules().order_limit)
        await wait(0.5)


def _rows(data: Path, statement: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(data / "dataops.db")
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


def _in_a_child(life: Awaitable[None]) -> int:
    """Run a life in a process of its own and give its exit status."""
    child = os.fork()
    if child == 0:
        asyncio.run(life)  # type: ignore[arg-type]  # a coroutine, as asyncio.run wants it
        sys.stdout.flush()
        os._exit(0)
    life.close()  # type: ignore[attr-defined]  # as above
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main(act: str, folder: Path) -> None:
    """Kill after each commit in turn until an act comes to its own end."""
    share_compiled_statements()
    asyncio.run(live(act, folder / "undisturbed", MOST_COMMITS))
    for last in range(1, MOST_COMMITS):
        data = folder / str(last)
        if _in_a_child(live(act, data, last)) != KILLED:
            return
        if _in_a_child(live_again(act, data)) != 0:
            sys.exit(f"After a kill behind commit {last} the service did not come back.")
    sys.exit("The act has more commits than anybody would expect.")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
