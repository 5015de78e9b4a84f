"""A service that dies at named points: before or after a call, a commit, or a file's appearance.

The points are struck in their order, one a process. Whoever comes first to the next one dies there,
by SIGKILL; what it has struck is kept in the folder, so that whoever comes after goes on behind it.
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
from tests.running import JIRA, SMALL, running

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from multiprocessing.connection import Connection as Ear

    from sqlalchemy import Connection, Engine

Point = tuple[str, str]
"""`before` or `after`, and what: the end of a call's path, an event's name, or a call of Python's
that it audits."""

COORDINATOR = "lifecycle-coordinator"
MESSAGE = "the-message"


@dataclass(frozen=True, slots=True)
class Story:
    """What is asked of whom, the points somebody dies at, and whether a dataset was READY before."""

    agent: str
    given: Mapping[str, Any]
    points: tuple[Point, ...]
    begins_ready: bool = True


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
        {"skill": "validate-dataset", "dataset_id": JIRA},
        (
            ("after", "DatasetValidationStarted"),
            ("after", "/search"),
            ("before", "DatasetReady"),
            ("after", "DatasetReady"),
        ),
    ),
    "tear down": Story(
        "data-teardown",
        {"skill": "teardown-dataset", "dataset_id": JIRA, "force": True},
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
}


@dataclass(frozen=True, slots=True)
class Doom:
    """The points of a story, and the folder that remembers which were struck."""

    folder: Path
    points: Sequence[Point]

    @property
    def struck(self) -> int:
        """How many points were struck."""
        return len(list(self.folder.glob("struck-*")))

    def come_to(self, point: Point) -> None:
        """Die here, if this is the next point and nobody else was quicker."""
        struck = self.struck
        if struck == len(self.points) or self.points[struck] != point:
            return
        try:
            os.close(os.open(self.folder / f"struck-{struck}", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return
        os.kill(os.getpid(), signal.SIGKILL)

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
        if name in {"os.link", "os.remove"} and "archive" in str(given[0]):
            self.come_to(("before", name))


def live(name: str, folder: Path, url: str, told: Ear, *, is_first: bool) -> None:
    """Live through a story until dead; tells when it is up, waits for a sign, tells what it heard."""
    asyncio.run(_live(STORIES[name], Doom(folder, STORIES[name].points), url, told, is_first))


async def _live(story: Story, doom: Doom, url: str, told: Ear, is_first: bool) -> None:
    async with running(doom.folder, database_url=url) as service:
        if is_first and story.begins_ready:
            await service.call(COORDINATOR, SMALL)
        doom.watch_calls()
        doom.watch_files()
        doom.watch_commits(service.service.database.engine.sync_engine)
        told.send("up")
        while True:
            await asyncio.to_thread(told.recv)
            heard = await service.call(story.agent, story.given, MESSAGE)
            told.send(f"{heard.state} {await service.status_of(JIRA)}")
