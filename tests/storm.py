"""A storm: many clients ask while processes are killed, frozen and their database is restarted."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any

import httpx

from tests.processes import PACE_SECONDS, PATIENCE, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.processes import Cluster, Running

ENDED = frozenset(
    {
        "TASK_STATE_COMPLETED",
        "TASK_STATE_FAILED",
        "TASK_STATE_CANCELED",
        "TASK_STATE_REJECTED",
        "TASK_STATE_INPUT_REQUIRED",
    }
)

_AWAY = "cannot reach its database"

_RANK = {"TASK_STATE_SUBMITTED": 0, "TASK_STATE_WORKING": 1}


@dataclass
class Client:
    """One client: what it asks for, its task, and every state it has read of it, in order."""

    number: int
    types: Sequence[str]
    records: int = 10
    message_id: str = ""
    """What it sends its request as; by default the one of nobody else."""
    place: int = 0
    """The place of the process that it turns to first."""
    task_id: str = ""
    seen: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    """What it was refused by, but for a database that was away."""
    told: dict[str, Any] = field(default_factory=dict)
    """What its task said of itself when it was last read."""

    def __post_init__(self) -> None:
        self.message_id = self.message_id or f"message-{self.number}"

    @property
    def rival(self) -> Client:
        """Somebody who asks for the same at the same time, elsewhere and the other way round."""
        types = tuple(reversed(self.types))
        return Client(self.number, types, self.records, f"rival-{self.number}", self.place + 1)

    @property
    def request(self) -> dict[str, Any]:
        """Give what it asks for, always in the same words."""
        return {
            "skill": "provision-datasets",
            "journey_id": f"journey-{self.number}",
            "client_id": f"client-{self.number}",
            "stage": "sandbox",
            "dataset_types": list(self.types),
            "record_count": self.records,
            "client": {
                "name": f"Client {self.number}",
                "code": f"client{self.number}",
                "industry": "healthcare",
                "use_case": "developer_productivity",
            },
        }

    @property
    def is_monotonic(self) -> bool:
        """Whether its task never went back, and never changed after its end."""
        ranks = [_RANK.get(each, 2) for each in self.seen]
        ends = {each for each in self.seen if each in ENDED}
        return ranks == sorted(ranks) and len(ends) == 1

    def take(self, refused: Refused) -> None:
        """Take note of an error; one that says to come again in a moment is none."""
        if _AWAY not in str(refused):
            self.errors.append(str(refused))


@dataclass
class Storm:
    """The clients, and the processes that are there just now."""

    town: Cluster
    processes: list[Running]
    clients: list[Client]
    pace: float = PACE_SECONDS
    """How many seconds a client rests before it looks at its task again."""

    async def ask(self) -> None:
        """Let every client ask and follow its task to the end, at whatever process answers."""
        async with asyncio.timeout(PATIENCE * 5), asyncio.TaskGroup() as group:
            for client in self.clients:
                group.create_task(self._see_through(client))

    async def replace(self, place: int, **settings: str) -> None:
        """Kill a process and start another for it."""
        self.processes[place].kill()
        self.processes[place] = await self.town.start(**settings)

    async def _see_through(self, client: Client) -> None:
        turns = islice(cycle(range(len(self.processes))), client.place, None)
        await self._send(client, turns)
        while not client.seen or client.seen[-1] not in ENDED:
            await asyncio.sleep(self.pace)
            try:
                task = await self.processes[next(turns)].task(client.task_id)
            except httpx.HTTPError:
                continue  # it is being killed
            except Refused as refused:
                client.take(refused)
                continue
            client.seen.append(task["status"]["state"])
            client.told = task["status"].get("message", {})
            if _was_never_taken_in(task):
                client.task_id, client.seen = "", []
                await self._send(client, turns)

    async def _send(self, client: Client, turns: Iterator[int]) -> None:
        """Send the request until somebody has it; always as the same message."""
        while not client.task_id:
            process = self.processes[next(turns)]
            try:
                client.task_id = await process.begin(client.request, client.message_id)
            except httpx.HTTPError:
                await asyncio.sleep(PACE_SECONDS)  # it is being killed
            except Refused as refused:
                client.take(refused)
                await asyncio.sleep(PACE_SECONDS)


def _was_never_taken_in(task: dict[str, Any]) -> bool:
    """Whether a task failed because its database was away, before it was a request."""
    parts = task["status"].get("message", {}).get("parts", [])
    return any(each.get("data", {}).get("error") == "RegistryUnavailable" for each in parts)
