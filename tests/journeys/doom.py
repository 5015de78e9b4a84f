"""A service that dies at named points: before or after a call, a commit, or a file's appearance.

The points are struck in their order, one a process. Whoever comes first to the next one dies there,
by SIGKILL, or stands still, by SIGSTOP; what it has struck is kept in the folder, so that whoever
comes after goes on behind it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from sqlalchemy import event

from registry.history import outbox
from service import dbos_engine
from service.engines import EngineName
from service.observability import set_up_logs
from tests.processes import PACE_SECONDS
from tests.running import JIRA, SMALL, RunningService, running

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from multiprocessing.connection import Connection as Ear

    from sqlalchemy import Connection, Engine

Point = tuple[str, str]
"""`before` or `after`, and what: the end of a call's path, an event's name, or a call of Python's
that it audits."""

COORDINATOR = "lifecycle-coordinator"
MESSAGE = "the-message"
FROZEN = "frozen"

AS_GOOD_AS_DEAD_SECONDS = 0.5
"""When DBOS gives a turn anew: leases of the dead are ended at once, and nobody waits for it either."""


@dataclass(frozen=True, slots=True)
class Story:
    """What is asked of whom, the points somebody dies at, and whether a dataset was READY before.

    `fate` is the signal that strikes there; whoever is stopped by it tells so before.
    """

    agent: str
    given: Mapping[str, Any]
    points: tuple[Point, ...]
    begins_ready: bool = True
    fate: signal.Signals = signal.SIGKILL
    engine: EngineName = EngineName.BUILTIN


_REVALIDATION = {"skill": "validate-dataset", "dataset_id": JIRA}
_TEARDOWN = {"skill": "teardown-dataset", "dataset_id": JIRA, "force": True}

STORIES = {
    "provision": Story(
        COORDINATOR,
        SMALL,
        (
            ("after", "DatasetProvisionRequested"),
            ("after", "DatasetProvisioningStarted"),
            ("before", "/adddatasource"),
            ("after", "/adddatasource"),
            ("before", "/bulkindexdocuments"),
            ("after", "/bulkindexdocuments"),
            ("before", "DatasetPopulated"),
            ("after", "DatasetPopulated"),
            ("before", "DatasetReady"),
            ("after", "DatasetReady"),
        ),
        begins_ready=False,
    ),
    "revalidate": Story(
        "data-validation",
        _REVALIDATION,
        (
            ("after", "DatasetValidationStarted"),
            ("after", "/search"),
            ("before", "DatasetReady"),
            ("after", "DatasetReady"),
        ),
    ),
    "tear down": Story(
        "data-teardown",
        _TEARDOWN,
        (
            ("after", "DatasetTeardownStarted"),
            ("before", "os.link"),  # the archive is written and not there yet
            ("before", "os.remove"),  # the archive is there, and its maker has not tidied up
            ("before", "/visibilityoverrides"),
            ("after", "/visibilityoverrides"),
            ("before", "/bulkindexdocuments"),  # which empties
            ("after", "/bulkindexdocuments"),
            ("before", "DatasetArchived"),
            ("after", "DatasetArchived"),
        ),
    ),
    "provision on DBOS": Story(
        COORDINATOR,
        SMALL,
        (
            ("after", "DatasetProvisioningStarted"),
            ("after", "/bulkindexdocuments"),
            ("before", "DatasetReady"),
        ),
        begins_ready=False,
        engine=EngineName.DBOS,
    ),
    "revalidate on DBOS": Story(
        "data-validation",
        _REVALIDATION,
        (
            ("after", "/search"),
            ("before", "DatasetReady"),
        ),
        engine=EngineName.DBOS,
    ),
    "tear down on DBOS": Story(
        "data-teardown",
        _TEARDOWN,
        (
            ("after", "DatasetTeardownStarted"),
            ("after", "/visibilityoverrides"),
            ("after", "/bulkindexdocuments"),  # which empties
            ("before", "DatasetArchived"),
        ),
        engine=EngineName.DBOS,
    ),
    "provision, frozen": Story(
        COORDINATOR,
        SMALL,
        (
            ("after", "DatasetProvisioningStarted"),  # its lease is held
            ("before", "/bulkindexdocuments"),
            ("before", "DatasetReady"),  # the transaction is open, and its rows are locked
        ),
        begins_ready=False,
        fate=signal.SIGSTOP,
    ),
    "provision, frozen at a commit": Story(
        COORDINATOR,
        SMALL,
        (("after", "DatasetProvisioningStarted"),),  # a file that is being written stays locked
        begins_ready=False,
        fate=signal.SIGSTOP,
    ),
    "tear down, frozen": Story(
        "data-teardown",
        _TEARDOWN,
        (
            ("after", "DatasetTeardownStarted"),
            ("before", "/bulkindexdocuments"),  # which empties
        ),
        fate=signal.SIGSTOP,
    ),
}


@dataclass(frozen=True, slots=True)
class Doom:
    """The points of a story, the folder that remembers which were struck, and who is told of it."""

    folder: Path
    points: Sequence[Point]
    fate: signal.Signals
    told: Ear

    @property
    def struck(self) -> int:
        """How many points were struck."""
        return len(list(self.folder.glob("struck-*")))

    def come_to(self, point: Point) -> None:
        """Meet one's fate, if this is the next point and nobody else was quicker."""
        struck = self.struck
        if struck == len(self.points) or self.points[struck] != point:
            return
        try:
            os.close(os.open(self.folder / f"struck-{struck}", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return
        if self.fate is signal.SIGSTOP:
            self.told.send(FROZEN)
        os.kill(os.getpid(), self.fate)

    def watch_calls(self) -> None:
        """Come to the points around each call of a foreign system."""
        send = httpx.ASGITransport.handle_async_request

        async def sent(transport: httpx.ASGITransport, request: httpx.Request) -> httpx.Response:
            end = "/" + request.url.path.rpartition("/")[2]
            self.come_to(("before", end))
            answer = await send(transport, request)
            self.come_to(("after", end))
            return answer

        httpx.ASGITransport.handle_async_request = sent  # type: ignore[assignment, method-assign]  # the one door of calls

    def watch_commits(self, engine: Engine) -> None:
        """Come to the points around each commit that tells of events, on whichever connection."""
        told: defaultdict[Any, list[str]] = defaultdict(list)
        commit = engine.dialect.do_commit

        def executed(line: Connection, statement: Any, rows: Any, row: Any, _: object) -> None:
            if getattr(statement, "table", None) is outbox:
                names = [each["new_name"] for each in rows or [row]]
                told[line.connection.dbapi_connection] += names

        def committed(connection: Any) -> None:
            names = told.pop(connection.dbapi_connection, [])
            for each in names:
                self.come_to(("before", each))
            commit(connection)
            for each in names:
                self.come_to(("after", each))

        event.listen(engine, "before_execute", executed)
        engine.dialect.do_commit = committed  # type: ignore[assignment]  # the one door of commits

    def watch_files(self) -> None:
        """Come to the points before each call that Python audits, such as `os.link`."""
        sys.addaudithook(self._audited)

    def _audited(self, name: str, given: tuple[Any, ...]) -> None:
        if name in {"os.link", "os.remove"} and _is_of_an_archive(str(given[0])):
            self.come_to(("before", name))


def _is_of_an_archive(path: str) -> bool:
    return "/archive/" in path and "/archive/audit/" not in path


def live(name: str, folder: Path, url: str, told: Ear, *, is_first: bool) -> None:
    """Live through a story until dead; tells when it is up, waits for a sign, tells what it heard."""
    story = STORIES[name]
    asyncio.run(_live(story, Doom(folder, story.points, story.fate, told), url, told, is_first))


async def _live(story: Story, doom: Doom, url: str, told: Ear, is_first: bool) -> None:
    dbos_engine.START_SECONDS = AS_GOOD_AS_DEAD_SECONDS
    settings = {"database_url": url, "engine": story.engine, "log_format": "json"}
    async with running(doom.folder, **settings) as service:
        if is_first and story.begins_ready:
            await service.call(COORDINATOR, SMALL)
        set_up_logs(service.service.settings)  # for people, a traceback takes seconds to draw
        doom.watch_calls()
        doom.watch_files()
        doom.watch_commits(service.service.database.engine.sync_engine)
        told.send("up")
        while True:
            await asyncio.to_thread(told.recv)
            heard = await service.call(story.agent, story.given, MESSAGE)
            await _rest(service)
            told.send(f"{heard.state} {await service.status_of(JIRA)}")


async def _rest(service: RunningService) -> None:
    """Wait until no turn is under way; whoever thaws may be in the middle of one nobody waits for."""
    while service.service.engine.turns:
        await service.service.bell.handle()(PACE_SECONDS)
