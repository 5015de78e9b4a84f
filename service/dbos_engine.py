"""The engine on DBOS: its queue hands turns out, our lease on the row stays what keeps them apart.

One workflow with one step a turn, under the dataset's id, so that no dataset is queued twice.
Nothing is checkpointed inside a turn and nothing is replayed: a workflow that its process left
behind is cancelled, and the row, which is still due, gets a new one (docs/engines.md).
"""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from dbos import (
    DBOS,
    DBOSConfig,
    DBOSPortableJSONSerializer,
    SetEnqueueOptions,
    SetWorkflowID,
    WorkflowStatus,
)
from uuid_utils.compat import uuid7

from domain.errors import NotAllowed
from domain.repository import Claim, Room
from service.engine import LONGEST_SLEEP, Shift, TakeTurn, TurnEngine, loop_time, whole

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from domain.ports import Clock
    from registry.leases import SqlLeases

QUEUE = "turns"
TURN, FORGET = "turn", "forget"
"""The names by which DBOS knows its work: rows of a database refer to them."""

VERSION = "1"
"""Which turns may be carried on by whom; a workflow of one step never has to change it."""

POLL_SECONDS = 0.1
"""Between two looks of DBOS at its queue, which nothing rings for."""

SOON_SECONDS = 0.1
"""Until the next look, where a turn is about to begin or has just ended."""

START_SECONDS = 4.0
"""How long a turn that DBOS gave out may be without a lease before its process counts as dead."""

CONNECTIONS = 8
"""How many connections DBOS may hold, besides ours and the one it listens on."""

IDLE_SECONDS = 5.0
"""How long a process that is stopped in the middle of a transaction of DBOS keeps others out."""

KEPT = timedelta(days=1)
"""How long finished turns can be looked up in DBOS."""

_FORGOTTEN_AT_ONCE = 1000
_AT_WORK, _WAITING = "PENDING", "ENQUEUED"

_engines: list[DbosEngine] = []
"""The one engine at work: DBOS is one a process, and its workflows find their engine here."""


class DbosEngine(TurnEngine):
    """Drives datasets by turns that DBOS queues, on PostgreSQL; one in a process."""

    def __init__(
        self,
        leases: SqlLeases,
        take_turn: TakeTurn,
        clock: Clock,
        shift: Shift,
        url: str,
    ) -> None:
        """Work as `TurnEngine` does, with DBOS's tables in the database at `url`."""
        super().__init__(leases, take_turn, clock, shift)
        self._rows = leases
        self._url = url
        self._workflows: set[asyncio.Task[object]] = set()
        self._seen_at_work: dict[str, float] = {}
        self._looked_at = 0.0
        self._over = asyncio.Event()

    async def run(self) -> None:
        """Work until cancelled; then let no turn go on, so that another may take it up.

        Raises:
            NotAllowed: another engine on DBOS is at work in this process.
        """
        async with _the_only(self), _launched(self._shift, self._url):
            await super().run()

    async def carry(self, tenant: str, dataset_id: str) -> None:
        """Let DBOS carry out a workflow: a turn, as its one step."""
        workflow = asyncio.current_task()
        if workflow is not None:
            self._workflows.add(workflow)
            workflow.add_done_callback(self._workflows.discard)
        await DBOS.run_step_async({"name": TURN}, self._take_up, tenant, dataset_id)

    async def _take_up(self, tenant: str, dataset_id: str) -> None:
        """Take a turn, unless somebody else does or nothing is due any more."""
        claim, asked_at = Claim(tenant, UUID(dataset_id), self._shift.owner), loop_time()
        if self._over.is_set():
            return
        if not await self._rows.claim_one(claim, self._shift.lease, self._clock()):
            return
        if self._over.is_set():
            await self._hand_back(claim)
            return
        self._take_on(claim, asked_at)
        while turn := self._turns.get(claim.dataset_id):
            await asyncio.wait({turn})

    async def _claim_due(self) -> float:
        """Put all that is due into the queue; tells how many seconds to rest before looking again."""
        return await whole(self._sweep())

    async def _sweep(self) -> float:
        room = Room(self._shift.turns_at_once, self._shift.turns_a_client)
        due = {str(each.dataset_id): each for each in await self._rows.due(room, self._clock())}
        if not due and time.monotonic() - self._looked_at < LONGEST_SLEEP:
            return await self._until_due()
        queued = await self._queued()
        dead = self._dead(queued, due)
        if dead:
            await DBOS.cancel_workflows_async(dead)
        free = due.keys() - {key for key, each in queued.items() if each.workflow_id not in dead}
        await asyncio.gather(*(_enqueue(due[each]) for each in free))
        if not due:
            return await self._until_due()
        held = {key for key in due.keys() & queued.keys() if queued[key].status == _AT_WORK}
        return SOON_SECONDS if held else LONGEST_SLEEP

    async def _queued(self) -> dict[str, WorkflowStatus]:
        """Give the workflows that wait or are at work, by their datasets."""
        self._looked_at = time.monotonic()
        found = await DBOS.list_workflows_async(
            name=TURN, status=[_WAITING, _AT_WORK], load_input=False, load_output=False
        )
        return {each.deduplication_id: each for each in found if each.deduplication_id}

    def _dead(self, queued: Mapping[str, WorkflowStatus], due: Mapping[str, Claim]) -> list[str]:
        """Give the workflows that are at work, as DBOS believes, on what nobody holds a lease on.

        Whoever has had one for so long without a lease is dead, or has just ended its turn:
        both ways it is done with it.
        """
        now = time.monotonic()
        at_work = {key: each for key, each in queued.items() if each.status == _AT_WORK}
        self._seen_at_work = {
            each.workflow_id: self._seen_at_work.get(each.workflow_id, now)
            for each in at_work.values()
        }
        return [
            each.workflow_id
            for key, each in at_work.items()
            if key in due and now - self._seen_at_work[each.workflow_id] >= START_SECONDS
        ]

    async def _stop_turns(self) -> None:
        """Stop, and let DBOS write down that its workflows have ended."""
        self._over.set()
        await super()._stop_turns()
        if self._workflows:
            await asyncio.wait(set(self._workflows), timeout=LONGEST_SLEEP)


@DBOS.workflow(name=TURN)
async def _turn(tenant: str, dataset_id: str) -> None:
    """Take a turn with a dataset."""
    for engine in _engines:
        await engine.carry(tenant, dataset_id)


@DBOS.workflow(name=FORGET)
async def _forget(scheduled_at: datetime, context: object) -> None:
    """Delete what DBOS keeps of finished turns, so that its tables do not grow for ever."""
    del scheduled_at, context
    await DBOS.run_step_async({"name": FORGET}, _forget_finished)


async def _forget_finished() -> None:
    before = (datetime.now(UTC) - KEPT).isoformat()
    while found := await DBOS.list_workflows_async(
        completed_before=before, limit=_FORGOTTEN_AT_ONCE, load_input=False, load_output=False
    ):
        await DBOS.delete_workflows_async([each.workflow_id for each in found])


async def _enqueue(due: Claim) -> None:
    """Queue a turn, unless another process was quicker."""
    dataset_id = str(due.dataset_id)
    with (
        SetWorkflowID(f"{dataset_id}:{uuid7()}"),
        SetEnqueueOptions(deduplication_id=dataset_id, duplication_policy="return-existing"),
    ):
        await DBOS.enqueue_workflow_async(QUEUE, _turn, due.tenant, dataset_id)


@asynccontextmanager
async def _the_only(engine: DbosEngine) -> AsyncIterator[None]:
    """Be the engine of this process's workflows."""
    if _engines:
        raise NotAllowed(
            "An engine on DBOS is at work in this process already, and DBOS allows one a process. "
            "End that one first, or start another process."
        )
    _engines.append(engine)
    try:
        yield
    finally:
        _engines.remove(engine)


@asynccontextmanager
async def _launched(shift: Shift, url: str) -> AsyncIterator[None]:
    """Run DBOS on this loop; the loop gets threads of its own back afterwards."""
    logger = logging.getLogger("dbos")
    if not logger.handlers:  # else it would write to the console itself
        logger.addHandler(logging.NullHandler())
    threads = ThreadPoolExecutor()
    try:
        DBOS(config=_config(shift, url))
        DBOS.launch()
        await DBOS.register_queue_async(
            QUEUE, worker_concurrency=shift.turns_at_once, polling_interval_sec=POLL_SECONDS
        )
        await DBOS.apply_schedules_async(
            [{"schedule_name": FORGET, "workflow_fn": _forget, "schedule": "7 * * * *"}]
        )
        yield
    finally:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(threads, DBOS.destroy)
        loop.set_default_executor(threads)  # DBOS had put its own there, which it has shut down


def _config(shift: Shift, url: str) -> DBOSConfig:
    return DBOSConfig(
        name="dataops-lifecycle",
        system_database_url=url,
        sys_db_pool_size=CONNECTIONS,
        sys_db_idle_transaction_timeout_sec=IDLE_SECONDS,
        application_version=VERSION,
        executor_id=shift.owner,
        serializer=DBOSPortableJSONSerializer(),
        log_level="WARNING",
    )
