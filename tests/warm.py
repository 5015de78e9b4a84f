"""Processes forked from one that has everything imported: real ones, at a fifth of a start's cost."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from service.cli import app
from tests.compiling import share_compiled_statements

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from multiprocessing.connection import Connection

ROOT = Path(__file__).resolve().parents[1]

_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        "alembic.command",
        "anyio._backends._asyncio",
        "service.cli.serve",
        "service.dbos_engine",
        "tests.journeys.doom",
        "uvicorn.protocols.http.auto",
        __name__,
    ]
)


class Forked:
    """A process of its own, as its parent has it in hand."""

    def __init__(self, target: Callable[..., None], *given: object) -> None:
        """Call a function of a module with what it is given, in a new process."""
        self._process = _CONTEXT.Process(target=target, args=given, daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        """Its id."""
        return self._process.pid or 0

    @property
    def sentinel(self) -> int:
        """What can be waited for: it is ready to be read when the process has ended."""
        return self._process.sentinel

    @property
    def returncode(self) -> int | None:
        """What it ended with, a signal as a number below zero; None while it runs."""
        return self._process.exitcode

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        with suppress(ProcessLookupError):  # it may end just now
            if self.returncode is None:
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at whatever instruction it is."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def join(self) -> int:
        """Wait, doing nothing else, until it has ended; gives what it ended with."""
        self._process.join()
        return self._process.exitcode or 0

    async def wait(self) -> int:
        """Wait until it has ended; gives what it ended with."""
        loop, has_ended = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self.sentinel, has_ended.set)
        try:
            await has_ended.wait()
        finally:
            loop.remove_reader(self.sentinel)
        return self._process.exitcode or 0


def pipe() -> tuple[Connection, Connection]:
    """Make two ends that talk to each other, of which one is for a process."""
    return _CONTEXT.Pipe()


def commanded(words: Sequence[str], environment: Mapping[str, str]) -> tuple[Forked, Connection]:
    """Run `dataops` with these words; gives its process, and where what it prints is read."""
    told, tells = _CONTEXT.Pipe(duplex=False)
    forked = Forked(_command, tells, list(words), dict(environment))
    tells.close()
    return forked, told


def _command(tells: Connection, words: Sequence[str], environment: Mapping[str, str]) -> None:
    kept: Any = os.open(_log(environment), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(tells.fileno(), 1)
    os.dup2(kept, 2)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    share_compiled_statements()
    app(words, prog_name="dataops")


def _log(environment: Mapping[str, str]) -> str:
    """Give the file that keeps what a process says, so that a test that failed can be read."""
    folder = environment.get("DATAOPS_DATA")
    return f"{folder}/{os.getpid()}.log" if folder else os.devnull


def first_line(told: Connection) -> str:
    """Read to the end of a line, or of the process that prints; blocks."""
    with open(told.fileno(), closefd=False) as lines:
        return lines.readline().strip()
