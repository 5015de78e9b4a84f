"""Processes over one database, each in place of one that died or froze, until all heard an end."""

from __future__ import annotations

import signal
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from typing import TYPE_CHECKING

from sqlalchemy import text

from registry.dialect import SQLITE
from registry.migrations import open_for_migration
from tests.journeys.doom import FROZEN, STORIES, live
from tests.rows import rows_in
from tests.warm import Forked, pipe

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.connection import Connection
    from pathlib import Path

PATIENCE = 40.0

_PAST = "'2000-01-01 00:00:00.000000'"


@dataclass(eq=False)
class Member:
    """One process, and what it says."""

    process: Forked
    says: Connection

    def listen(self) -> str:
        """Wait for what it says next; nothing when it died without another word."""
        if not self.says.poll(PATIENCE):
            message = f"Process {self.process.pid} has said nothing for {PATIENCE:.0f} s."
            raise TimeoutError(message)
        with suppress(EOFError, ConnectionResetError):
            return str(self.says.recv())
        return ""


@dataclass
class Succession:
    """The processes there are, those that died or froze, and what the others heard in the end."""

    story: str
    folder: Path
    url: str
    members: list[Member] = field(default_factory=list)
    deaths: list[int] = field(default_factory=list)
    frozen: list[Member] = field(default_factory=list)

    @property
    def struck(self) -> int:
        """How many have died or frozen."""
        return len(self.deaths) + len(self.frozen)

    def run(self, at_once: int) -> set[str]:
        """Keep so many at work until there is no point left to die at; gives what the last heard.

        Only the first is asked for anything: whoever comes after takes up what it finds. The last
        are sent the same message once more, so that they tell how it ended. Then those that froze
        go on where they were, and are asked as well.
        """
        try:
            self.members += [self._start(is_first=number == 0) for number in range(at_once)]
            self.members[0].says.send("go")
            while self.struck < len(STORIES[self.story].points):
                self._replace(self._next_struck())
            heard = _asked(self.members)
            for each in self.frozen:
                each.process.send_signal(signal.SIGCONT)
            return heard | _asked(self.frozen)
        finally:
            for each in self.members + self.frozen:
                each.process.kill()

    def _start(self, *, is_first: bool) -> Member:
        says, tells = pipe()
        with closing(tells):
            forked = Forked(_live, self.story, self.folder, self.url, tells, is_first)
        member = Member(forked, says)
        if member.listen() != "up":
            member.process.kill()
            message = "A process died before it was up."
            raise RuntimeError(message)
        return member

    def _next_struck(self) -> Member:
        freezes = STORIES[self.story].fate is signal.SIGSTOP
        signs = [each.says if freezes else each.process.sentinel for each in self.members]
        given = wait(signs, PATIENCE)
        for sign, each in zip(signs, self.members, strict=True):
            if sign in given:
                return each
        message = f"Nobody was struck for {PATIENCE:.0f} s; {self.struck} had been before."
        raise TimeoutError(message)

    def _replace(self, struck: Member) -> None:
        """Start another, and let the time pass after which the others take up what was left."""
        if struck.says.poll() and struck.listen() == FROZEN:
            self.frozen.append(struck)
        else:
            self.deaths.append(struck.process.join())
        self.members.remove(struck)
        self.members.append(self._start(is_first=False))
        _end_leases_of(self.url, struck.process.pid)


def _asked(members: Sequence[Member]) -> set[str]:
    """Send each the message once more; gives what they hear."""
    for each in members:
        each.says.send("go")
    return {each.listen() for each in members}


def _live(story: str, folder: Path, url: str, tells: Connection, is_first: bool) -> None:
    live(story, folder, url, tells, is_first=is_first)


def _end_leases_of(url: str, pid: int) -> None:
    """Let the time pass after which others may take up what a dead process was at."""
    engine = open_for_migration(url)
    with engine.begin() as connection:
        for table, owner, until in (
            ("datasets", "lease_owner", "lease_until"),
            ("requests", "followed_by", "followed_until"),
        ):
            ends = f"UPDATE {table} SET {until} = {_PAST} WHERE {owner} LIKE '%-{pid}-%'"  # noqa: S608 - constants
            connection.execute(text(ends))
        if engine.dialect.name != SQLITE:
            connection.execute(text("SELECT pg_notify('dataops', '')"))
    engine.dispose()


def events_in(url: str) -> Counter[str]:
    """Count the events of a database by their names."""
    return Counter(str(name) for (name,) in rows_in(url, "SELECT name FROM outbox"))
