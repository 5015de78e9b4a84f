"""Callers: they send a message again until it is answered, and remember what they asked for."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

from domain.commands import (
    Call,
    Command,
    Principal,
    ProvisionDatasets,
    Request,
    RequestKey,
    RestoreDataset,
    TeardownDataset,
    ValidateNow,
)
from domain.journey import JourneyStage
from domain.state import Wish
from tests.simulation.process import is_final

if TYPE_CHECKING:
    from collections.abc import Callable

    from domain.dataset import Dataset
    from tests.simulation.process import Process
    from tests.simulation.world import World

PRINCIPAL = Principal("default", "ada")

_PATIENCE_SECONDS = 3.0
_LOOK_SECONDS = 0.2
_PAUSE_SECONDS = 0.2
_MOST_SENDINGS = 40


@dataclass(frozen=True, slots=True)
class CallOff:
    """Ask for a request to be called off; not a command, for it has no request of its own."""

    request: Request


Wanted: TypeAlias = Command | CallOff


@dataclass
class Message:
    """What was asked, when it was first sent, and what came of it in the end.

    `request` is the answer, `refusal` why there is none; while both are None nobody knows.
    """

    key: RequestKey
    wanted: Wanted
    sent_at: float
    answered_at: float | None = None
    request: Request | None = None
    refusal: str | None = None


class Caller:
    """Somebody who asks, one message after the other, and waits for what comes of it."""

    def __init__(self, world: World, name: str, messages: list[Message]) -> None:
        self.world = world
        self.messages = messages
        self._name = name

    async def provision(
        self, *types: str, journey: str = "journey-acme", wish: Wish | None = None
    ) -> Message:
        """Ask for datasets."""
        client = journey.removeprefix("journey-")
        command = ProvisionDatasets(
            journey, client, JourneyStage.SANDBOX, types, wish=wish or Wish()
        )
        return await self.send(command)

    async def tear_down(self, dataset_id: UUID, *, force: bool = False) -> Message:
        """Ask for an end."""
        return await self.send(TeardownDataset(dataset_id, force=force))

    async def restore(self, dataset_id: UUID) -> Message:
        """Ask for a teardown to be undone."""
        return await self.send(RestoreDataset(dataset_id))

    async def revalidate(self, dataset_id: UUID) -> Message:
        """Ask for the gate to run again."""
        return await self.send(ValidateNow(dataset_id))

    async def call_off(self, request: Request) -> Message:
        """Call a request off."""
        return await self.send(CallOff(request))

    async def send(self, wanted: Wanted) -> Message:
        """Send a message until it is answered or refused."""
        key = RequestKey(self._name, f"{self._name}-{len(self.messages)}", "digest")
        message = Message(key, wanted, self.world.now())
        self.messages.append(message)
        for sending in range(_MOST_SENDINGS):
            if await self._is_settled(message, sending):
                break
            await asyncio.sleep(_PAUSE_SECONDS)
        return message

    async def until(self, is_so: Callable[[], bool], seconds: float = 40.0) -> bool:
        """Wait until something is so in the database; tells whether it ever was."""
        end = self.world.now() + seconds
        while not is_so():
            if self.world.now() >= end:
                return False
            await asyncio.sleep(_LOOK_SECONDS)
        return True

    def newest(self, of: Message) -> Dataset:
        """Give the dataset as it stands that a message was about; the last one if it was refused."""
        rows = self.world.rows.datasets
        dataset_id = of.request.dataset_ids[0] if of.request is not None else list(rows)[-1]
        return rows[dataset_id].dataset

    async def _is_settled(self, message: Message, sending: int) -> bool:
        process = self.world.door()
        if process is None:
            return False
        asking = asyncio.ensure_future(_ask(process, message, sending))
        asking.add_done_callback(_hear)
        await asyncio.wait({asking}, timeout=_PATIENCE_SECONDS)
        if not asking.done() or process.life.is_dead:
            return False
        error = asking.exception()
        if error is not None and not is_final(error):
            return False
        message.answered_at = self.world.now()
        message.refusal = None if error is None else str(error)
        message.request = asking.result() if error is None else None
        return True


async def _ask(process: Process, message: Message, sending: int) -> Request:
    if isinstance(message.wanted, CallOff):
        return await process.front.cancel(message.wanted.request)
    task_id = f"task-{message.key.message_id}-{sending}"
    call = Call(PRINCIPAL, message.key, "a-skill", task_id, "context", b"")
    return await process.accept(message.wanted, call)


def _hear(asking: asyncio.Future[Request]) -> None:
    """Take note of an error nobody waits for any more."""
    if not asking.cancelled():
        asking.exception()
