"""The engine: it claims what is due, has a turn taken with it, and gives it back.

The row says what is due; a ring only says when to look. Whatever is due and not leased is taken
up again, whatever happened before: a crash, a stop, a lost ring.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import structlog

from domain.errors import Conflict, NotFound
from domain.repository import Room
from service.changes import Bell

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime
    from uuid import UUID

    from agents.coordinator import Turn
    from domain.ports import Clock
    from domain.repository import Claim, Leases


log = structlog.get_logger("engine")

T = TypeVar("T")

TakeTurn: TypeAlias = "Callable[[str, UUID, Callable[[], bool]], Awaitable[Turn]]"
"""Takes a turn with a tenant's dataset, and gives orders only as long as its lease is ours."""

LONGEST_SLEEP = 1.0
"""Seconds between two looks at the rows when nothing rings."""

CROWDED_SLEEP = 0.1
"""Seconds between two looks where something is due that cannot be claimed just now.

Its client has as many turns as it may, or another process claims at this moment; a turn of ours
that ends rings.
"""

_NO_VERSION = -1
"""The version no row has: given back with it, a dataset stays due as it is."""


@dataclass(frozen=True, slots=True)
class Shift:
    """How an engine works: whose leases, how long they last, how many turns at once.

    `turns_a_client` counts a client's turns in every process together. The lease is how long what
    a process that died was at stays untouched; all is taken over within 10 s.
    """

    owner: str
    lease: timedelta = timedelta(seconds=6)
    turns_at_once: int = 32
    turns_a_client: int = 16


class TurnEngine:
    """Drives datasets by turns; any number of engines may share one database."""

    def __init__(
        self,
        leases: Leases,
        take_turn: TakeTurn,
        clock: Clock,
        shift: Shift,
    ) -> None:
        """Claim from `leases` and call `take_turn` with tenant, dataset and whether it is ours."""
        self._leases = leases
        self._take_turn = take_turn
        self._clock = clock
        self._shift = shift
        self._bell = Bell()
        self._turns: dict[UUID, asyncio.Task[None]] = {}
        self._held_until: dict[UUID, float] = {}
        self._claimed_again: set[UUID] = set()

    def ring(self, dataset_id: UUID) -> None:
        """Look at the rows now: this dataset's has become due."""
        del dataset_id
        self.look()

    def look(self) -> None:
        """Look at the rows now: something has changed in them."""
        self._bell.ring()

    @property
    def turns(self) -> int:
        """How many turns are under way."""
        return len(self._turns)

    async def run(self) -> None:
        """Work until cancelled; then let no turn go on, so that another may take it up."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._claim_for_ever())
                group.create_task(self._beat_for_ever())
        finally:
            await self._stop_turns()

    async def _claim_for_ever(self) -> None:
        """Claim what is due; a database that is away for a while stops nothing for good."""
        while True:
            wait = self._bell.handle()
            try:
                pause = await self._claim_due()
            except Exception:
                log.exception("claims.failed")
                pause = LONGEST_SLEEP
            await wait(pause)

    async def _claim_due(self) -> float:
        """Begin a turn with all that is due; tells how many seconds to rest before looking again."""
        free, asked_at = self._shift.turns_at_once - len(self._turns), loop_time()
        claims = await self._claim(free) if free else []
        for claim in claims:
            self._take_on(claim, asked_at)
        return 0.0 if claims else await self._until_due()

    async def _claim(self, free: int) -> list[Claim]:
        """Claim at most so many; what a stop finds claimed goes back at once."""
        shift = self._shift
        claiming = asyncio.ensure_future(
            self._leases.claim(
                shift.owner, shift.lease, Room(free, shift.turns_a_client), self._clock()
            )
        )
        try:
            return await whole(claiming)
        except asyncio.CancelledError:
            if not claiming.exception():
                await asyncio.gather(*(self._hand_back(each) for each in claiming.result()))
            raise

    async def _until_due(self) -> float:
        due = await whole(self._leases.next_due())
        if due is None or len(self._turns) >= self._shift.turns_at_once:
            return LONGEST_SLEEP
        seconds = (due - self._clock()).total_seconds()
        return min(max(seconds, CROWDED_SLEEP), LONGEST_SLEEP)

    def _take_on(self, claim: Claim, asked_at: float) -> None:
        """Begin a turn, or note the claim where one is at its end or its lease was late.

        Which of the two it is, the database knows: a turn's end has been committed before it is
        heard of here, and what is due again can be claimed in between.
        """
        self._hold(claim.dataset_id, asked_at)
        if claim.dataset_id in self._turns:
            self._claimed_again.add(claim.dataset_id)
        else:
            self._begin(claim)

    def _begin(self, claim: Claim, *, is_again: bool = False) -> None:
        turn = asyncio.create_task(self._turn(claim, is_again=is_again))
        self._turns[claim.dataset_id] = turn
        turn.add_done_callback(lambda _: self._end(claim))

    def _end(self, claim: Claim) -> None:
        self._turns.pop(claim.dataset_id, None)
        self._held_until.pop(claim.dataset_id, None)
        if claim.dataset_id in self._claimed_again:
            self._claimed_again.discard(claim.dataset_id)
            self._begin(claim, is_again=True)
        self._bell.ring()

    def _hold(self, dataset_id: UUID, asked_at: float) -> None:
        """Reckon with a lease from when it was asked for: by the database's clock it began later."""
        self._held_until[dataset_id] = asked_at + self._shift.lease.total_seconds()

    def _is_ours(self, dataset_id: UUID) -> bool:
        """Whether nobody else can have taken the dataset up; whoever stood still finds it is not."""
        return loop_time() < self._held_until.get(dataset_id, 0.0)

    async def _turn(self, claim: Claim, *, is_again: bool) -> None:
        """Take one turn; one that broke keeps its lease, so that it is tried again only later."""
        try:
            if not is_again or await self._is_held(claim.dataset_id):
                due_at, version = await self._taken(claim)
                await whole(self._leases.release(claim, due_at, version))
        except asyncio.CancelledError:
            await self._hand_back(claim)
            raise
        except Exception:
            log.exception("turn.broke", dataset_id=str(claim.dataset_id))

    async def _is_held(self, dataset_id: UUID) -> bool:
        """Renew a lease that was claimed while the turn before ended, unless it ended with it."""
        asked_at = loop_time()
        held = await whole(self._leases.beat(self._shift.owner, [dataset_id], self._shift.lease))
        if held:
            self._hold(dataset_id, asked_at)
        return bool(held)

    async def _hand_back(self, claim: Claim) -> None:
        """Give a stopped turn's lease back at once; where that fails, it ends by itself."""
        try:
            await self._leases.release(claim, None, _NO_VERSION)
        except Exception:
            log.exception("release.failed", dataset_id=str(claim.dataset_id))

    async def _taken(self, claim: Claim) -> tuple[datetime | None, int]:
        try:
            turn = await self._take_turn(
                claim.tenant, claim.dataset_id, partial(self._is_ours, claim.dataset_id)
            )
        except (Conflict, NotFound) as error:
            log.info("turn.overtaken", dataset_id=str(claim.dataset_id), why=str(error))
            return None, _NO_VERSION
        log.debug("turn.rests", dataset_id=str(claim.dataset_id), why=turn.why)
        return turn.due_at, turn.version

    async def _beat_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._shift.lease.total_seconds() / 4)
            try:
                await self._beat()
            except Exception:
                log.exception("beat.failed")

    async def _beat(self) -> None:
        """Renew our leases; a turn whose lease is gone stops, for somebody else has taken it up."""
        mine, asked_at = dict(self._turns), loop_time()
        if mine:
            held = await whole(self._leases.beat(self._shift.owner, mine, self._shift.lease))
            for each in self._turns.keys() & held:
                self._hold(each, asked_at)
            for lost in mine.keys() - held:
                mine[lost].cancel()

    async def _stop_turns(self) -> None:
        """Stop all turns, with those that begin at the end of another."""
        while self._turns:
            turns = list(self._turns.values())
            for turn in turns:
                turn.cancel()
            await asyncio.wait(turns)


def loop_time() -> float:
    """Tell the time by which leases are reckoned here, in seconds; nobody moves it."""
    return asyncio.get_running_loop().time()


async def whole(call: Awaitable[T]) -> T:
    """Let a database call come to its end before a cancellation goes on, and no half stays open."""
    running = asyncio.ensure_future(call)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait({running})
        raise
