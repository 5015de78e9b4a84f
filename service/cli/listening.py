"""Listening: on which address of this machine, and whether others may reach it."""

from __future__ import annotations

import ipaddress
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from domain.errors import NotAllowed
from service.addresses import web_address

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.settings import Settings

Place = tuple[socket.AddressFamily, tuple[Any, ...]]
"""An address of this machine, as sockets take it."""


def place_of(settings: Settings) -> Place:
    """Find what the host that is set means on this machine.

    Raises:
        NotAllowed: it can be reached from elsewhere and no tokens are set.
        OSError: it means nothing.
    """
    place = _resolved(settings.host, settings.port)
    if settings.auth_tokens is not None or ipaddress.ip_address(place[1][0]).is_loopback:
        return place
    message = (
        f"Host {settings.host} can be reached from elsewhere, and anybody could call. Set "
        "DATAOPS_AUTH_TOKENS as docs/settings.md says, or bind to 127.0.0.1."
    )
    raise NotAllowed(message)


@contextmanager
def bound(place: Place) -> Iterator[socket.socket]:
    """Listen at once, so that whoever reads the address may connect before the first answer.

    Raises:
        OSError: the address is taken, or not ours.
    """
    family, address = place
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
        except OSError as error:
            message = f"Nothing can listen on {web_address(*address[:2])}: {error.strerror}."
            raise OSError(error.errno, message) from error
        listener.listen(128)
        yield listener


def address_of(listener: socket.socket) -> str:
    """Write where something listens, its port as it really is."""
    return web_address(*listener.getsockname()[:2])


def _resolved(host: str, port: int) -> Place:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        why = error.strerror if isinstance(error, socket.gaierror) else "no name is written so"
        message = f"Host {host!r} is no address of this machine: {why}."
        raise OSError(message) from error
    return found[0][0], found[0][4]
