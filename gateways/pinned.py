"""Pinned lines: a name is looked up once, each address it has is judged, and that one is dialled.

Whoever names an address for us to call may name one of our own network, or a name that leads there
only the second time it is looked up. So the judgement is on what is dialled, and nothing is dialled
that was not judged.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeAlias, cast
from urllib.parse import SplitResult, urlsplit

import httpcore

from domain.errors import NotAllowed

if TYPE_CHECKING:
    from collections.abc import Iterable

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

LONGEST_URL = 2000
"""The longest address that is taken, in characters."""

_NETWORKS = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/3",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "3fff::/20",
)
"""What is nobody's public address: private, shared, special, or a tunnel to one of these."""

_CLOSED = tuple(ipaddress.ip_network(each) for each in _NETWORKS)
_GLOBAL = ipaddress.ip_network("2000::/3")
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
_LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))

_LOOPBACK_NAMES = frozenset({"localhost", "localhost."})
_NAME = re.compile(r"(?!.*\.\.)[a-z0-9_]([a-z0-9._-]{0,252})", re.IGNORECASE)
_NUMERIC = re.compile(r"(0x[0-9a-f]*|[0-9]+)\.?", re.IGNORECASE)

_LOOKING_UP = ThreadPoolExecutor(16, thread_name_prefix="look-up")
"""A name that takes long to look up keeps at most other look-ups waiting, no disk or archive."""


@dataclass(frozen=True, slots=True)
class Ways:
    """Where we let ourselves be sent: the ports, and whether this very machine is among it."""

    ports: frozenset[int] = frozenset({443})
    loopback: bool = False

    def require(self, url: str) -> None:
        """Judge an address as far as it can be without looking it up.

        Raises:
            NotAllowed: we do not go there; the message says why.
        """
        parts = _split(url)
        host, port = parts.hostname or "", _port_of(parts)
        address = _literal(host)
        is_here = host in _LOOPBACK_NAMES or (address is not None and _is_loopback(address))
        if self.loopback and is_here:
            return
        if parts.scheme != "https":
            raise NotAllowed(f"{_shown(parts)} is not https. Give an address that is.")
        if port not in self.ports:
            known = ", ".join(str(each) for each in sorted(self.ports))
            raise NotAllowed(f"{_shown(parts)} is at port {port}. Only {known} may be called.")
        if is_here or (address is not None and not is_public(address)):
            raise NotAllowed(
                f"{_shown(parts)} is no public address. Give one that others can call."
            )

    def lets_through(self, address: Address) -> bool:
        """Whether an address may be dialled."""
        return is_public(address) or (self.loopback and _is_loopback(address))


class PinnedBackend(httpcore.AsyncNetworkBackend):
    """Dials what it has judged, and refuses a name of which any address is not public."""

    def __init__(self, ways: Ways) -> None:
        self._ways = ways
        self._inner = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - as httpcore has it
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Look a name up, judge, and dial the first address that answers. Raises NotAllowed."""
        last: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
        for address in await self._judged(host, port):
            try:
                return await self._inner.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
        raise last or httpcore.ConnectError(f"{host} has no address")

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self._inner.sleep(seconds)

    async def _judged(self, host: str, port: int) -> list[str]:
        found = await look_up(host, port)
        closed = [each for each in found if not self._ways.lets_through(ipaddress.ip_address(each))]
        if closed:
            # Whoever names a host must not learn from us what it is called inside.
            raise NotAllowed(f"{host} leads to an address that is not public.")
        return found


async def look_up(host: str, port: int) -> list[str]:
    """Give the addresses of a name, in the order to try them. Raises httpcore.ConnectError."""
    ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    try:
        found = await asyncio.get_running_loop().run_in_executor(_LOOKING_UP, ask)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(f"{host} cannot be looked up") from error
    return list(dict.fromkeys(str(each[4][0]).partition("%")[0] for each in found))


def is_public(address: Address) -> bool:
    """Whether an address is somebody's in the open internet, whatever form it is written in."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or _translated(address)
        if inner is not None:
            return is_public(inner)
        if address not in _GLOBAL:
            return False
    is_closed = any(address in each for each in _CLOSED if each.version == address.version)
    return address.is_global and not is_closed


def _translated(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Give the IPv4 address that a translator would call for this one."""
    return ipaddress.IPv4Address(address.packed[-4:]) if address in _TRANSLATED else None


def _is_loopback(address: Address) -> bool:
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    judged = mapped or address
    return any(judged in each for each in _LOOPBACK if each.version == judged.version)


def _split(url: str) -> SplitResult:
    """Take an address apart. Raises NotAllowed for what is none, or holds what does not belong."""
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise NotAllowed("The address is too long, or has characters that belong in no address.")
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
    except ValueError as error:
        raise NotAllowed(f"The address cannot be read: {error}.") from error
    is_plain = parts.username is None and not parts.fragment and "\\" not in url and port != 0
    if parts.scheme not in {"http", "https"} or not is_plain or not _is_host(host):
        raise NotAllowed(
            "An address is https:// with a host, a port where it needs one, a path and a query: no "
            "user, no password, no fragment, and numbers only as 192.0.2.1 or [2001:db8::1]."
        )
    return parts


def _is_host(host: str) -> bool:
    """Whether a host is a name, or an address in its usual form: 2130706433 and 0x7f.1 are none."""
    if _literal(host) is not None:
        return "%" not in host
    last = host.rstrip(".").rpartition(".")[2]
    return bool(_NAME.fullmatch(host)) and not _NUMERIC.fullmatch(last)


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _port_of(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def _shown(parts: SplitResult) -> str:
    """Name an address without its path and query, which may hold a token of its owner's."""
    return f"{parts.scheme}://{parts.netloc}"
