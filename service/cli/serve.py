"""Serving: the whole service in one process, on one address, until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import sys
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import uvicorn

from service.app import build_app
from service.assembly import assembled
from service.cli.listening import address_of, bound, place_of
from service.clocks import wall_clock
from service.console.doorway import Doorway
from service.observability import set_up_logs
from service.ownership import require_own_packages
from service.pages import pages
from service.probes import ProbesOnly

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Iterator

    from starlette.types import ASGIApp

    from domain.ports import Clock
    from service.changes import Bell
    from service.settings import Settings
    from service.whole import Service

DRAIN_SECONDS = 5
"""How long requests in flight may go on after the service is told to stop."""

CLOSING_SECONDS = 1
"""How long connections may then take to close, before what still goes on is cut off."""

_LOOK_SECONDS = 0.1

_ENDING = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class Served:
    """A service that answers: the service, its server, and the task that answers.

    `url` is what others know it by, `listening` where it listens on this machine.
    """

    service: Service
    url: str
    listening: str
    server: uvicorn.Server
    answering: asyncio.Task[None]


class _Server(uvicorn.Server):
    """A server that leaves signals alone: it ends first, and the house is closed after it.

    Before it waits for requests in flight, it tells the streams among them to end. As long as it
    waits it goes on to answer, so that whoever probes it hears that it is not ready any more.
    """

    def __init__(self, config: uvicorn.Config, bell: Bell) -> None:
        super().__init__(config)
        self._bell = bell

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._bell.ring_out()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._drained(), DRAIN_SECONDS)
        await super().shutdown(sockets)

    async def _drained(self) -> None:
        while self.server_state.tasks and not self.force_exit:
            await asyncio.wait(set(self.server_state.tasks), timeout=_LOOK_SECONDS)

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


@asynccontextmanager
async def serving(settings: Settings, clock: Clock = wall_clock) -> AsyncIterator[Served]:
    """Answer on a bound socket until the block ends, however it ends.

    What stands on the database is closed before it: first the server, then the engine.

    Raises:
        NotAllowed: the address can be reached from elsewhere and no tokens are set.
        OSError: the address is taken, or not ours.
    """
    require_own_packages()
    with bound(place_of(settings)) as listener:
        listening = address_of(listener)
        url = settings.base_url or listening
        async with assembled(settings, url.rstrip("/"), clock) as service:
            app = build_app(service, pages(service))
            server = _server(app if settings.role.answers else ProbesOnly(app), service.bell)
            async with (
                app.router.lifespan_context(app),
                _answering(server, listener) as answering,
            ):
                yield Served(service, url, listening, server, answering)


async def serve(settings: Settings) -> None:
    """Serve until a signal ends it; the address is the first line on stdout."""
    set_up_logs(settings)
    async with serving(settings) as served:
        _overlook_what_stays()
        with _signals_to(served.server):
            print(served.url, flush=True)  # noqa: T201 - the command's output
            if served.url != served.listening:
                print(f"Listening on {served.listening}", file=sys.stderr)  # noqa: T201 - as above
            await asyncio.wait({served.answering})


def _overlook_what_stays() -> None:
    """Have the garbage collector look no more at what a start leaves behind for good.

    That is most of what there is: a full collection, during which nobody is answered, took 50 ms
    instead of 120. What is garbage already stays too, for to look for it would take as long again.
    """
    gc.freeze()


def _server(app: ASGIApp, bell: Bell) -> uvicorn.Server:
    config = uvicorn.Config(
        Doorway(app),
        lifespan="off",  # ours encloses the server, so that a cancellation closes it too
        log_config=None,  # its lines come out as ours do
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=CLOSING_SECONDS,
    )
    return _Server(config, bell)


@asynccontextmanager
async def _answering(
    server: uvicorn.Server, listener: socket.socket
) -> AsyncIterator[asyncio.Task[None]]:
    answering = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield answering
    finally:
        server.should_exit = True
        await answering


@contextmanager
def _signals_to(server: uvicorn.Server) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM ask the server to end, where open streams look for it too."""
    before = {each: signal.signal(each, server.handle_exit) for each in _ENDING}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
