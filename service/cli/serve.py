"""Serving: the whole service in one process, on one address, until it is told to stop."""

from __future__ import annotations

import ipaddress
import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import uvicorn

from domain.errors import NotAllowed
from service.app import build_app
from service.assembly import Service, assembled
from service.clocks import wall_clock
from service.observability import set_up_logs
from service.ownership import require_own_packages
from service.pages import pages

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from domain.ports import Clock
    from service.settings import Settings

DRAIN_SECONDS = 5
"""How long requests in flight may go on after the service is told to stop."""


@dataclass(frozen=True, slots=True)
class Served:
    """A service that answers: the service, its server, and its address."""

    service: Service
    server: uvicorn.Server
    listener: socket.socket
    url: str


@asynccontextmanager
async def serving(settings: Settings, clock: Clock = wall_clock) -> AsyncIterator[Served]:
    """Put the service together behind a bound socket; `serve_forever` lets it answer.

    Raises:
        NotAllowed: the address can be reached from elsewhere and no tokens are set.
    """
    require_own_packages()
    _require_tokens(settings)
    listener = _listener(settings.host, settings.port)
    host, port = listener.getsockname()[:2]
    url = settings.base_url or f"http://{_shown(host)}:{port}"
    try:
        async with assembled(settings, url.rstrip("/"), clock) as service:
            app = build_app(service, pages(service))
            config = uvicorn.Config(
                app,
                log_level="warning",
                access_log=False,
                timeout_graceful_shutdown=DRAIN_SECONDS,
            )
            yield Served(service, uvicorn.Server(config), listener, url)
    finally:
        listener.close()


async def serve(settings: Settings) -> None:
    """Serve until a signal ends it; the address is the first line on stdout."""
    set_up_logs(settings)
    async with serving(settings) as served:
        print(served.url, flush=True)  # noqa: T201 - the command's output
        await served.server.serve(sockets=[served.listener])


def _listener(host: str, port: int) -> socket.socket:
    """Listen at once, so that whoever reads the address may connect before the first answer."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


def _require_tokens(settings: Settings) -> None:
    if settings.auth_tokens is not None or _is_loopback(settings.host):
        return
    message = (
        f"Host {settings.host} can be reached from elsewhere, and anybody could call. Set "
        "DATAOPS_AUTH_TOKENS to a secret reference, or bind to 127.0.0.1."
    )
    raise NotAllowed(message)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
