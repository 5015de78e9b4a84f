"""What the benchmarks run on: the whole service in this process, in a folder of its own."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from service.cli.serve import Served, serving
from service.cli.talk import Ending, Talk
from service.observability import set_up_logs
from service.settings import Settings
from tests.postgres_databases import a_fresh_database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@dataclass(frozen=True, slots=True)
class Cost:
    """What something took, in seconds: of CPU, and by the clock."""

    cpu: float
    wall: float


@dataclass(frozen=True, slots=True)
class Bench:
    """A service that answers, and a line to it."""

    served: Served
    talk: Talk

    async def provision(self, client: str, types: list[str]) -> Ending:
        """Ask for a client's datasets and wait until they are READY or not."""
        call = {
            "skill": "provision-datasets",
            "journey_id": f"journey-{client}",
            "client_id": client,
            "stage": "sandbox",
            "dataset_types": types,
            "client": {
                "name": client,
                "code": client,
                "industry": "healthcare",
                "use_case": "developer_productivity",
            },
        }
        return await self.talk.call("lifecycle-coordinator", call, ignore)


@asynccontextmanager
async def bench(**settings_given: str) -> AsyncIterator[Bench]:
    """Serve on a free port of loopback, with some settings other than usual."""
    with tempfile.TemporaryDirectory(prefix="dataops-bench-") as folder:
        settings = Settings(
            data=Path(folder), port=0, base_url=None, log_level="ERROR", **settings_given
        )
        set_up_logs(settings)
        async with serving(settings) as served:
            await served.service.schedules.caught_up()  # what a start makes up for is not measured
            talk = Talk(served.url)
            try:
                yield Bench(served, talk)
            finally:
                await talk.close()


@asynccontextmanager
async def served_on(database: str) -> AsyncIterator[Served]:
    """Serve on a free port of loopback, on `sqlite` or on a `postgresql` of the tests."""
    with tempfile.TemporaryDirectory(prefix="dataops-bench-") as folder:
        url = await asyncio.to_thread(a_fresh_database) if database == "postgresql" else None
        settings = Settings(data=Path(folder), port=0, log_level="ERROR", database_url=url)
        set_up_logs(settings)
        async with serving(settings) as served:
            await served.service.schedules.caught_up()
            yield served


async def ignore(data: dict[str, object]) -> None:
    """Hear how far a request has come, and do nothing about it."""
    del data
