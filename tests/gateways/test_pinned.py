"""Nothing is dialled but what was judged to be a public address, however it is written or changes."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpcore
import pytest

from domain.errors import NotAllowed
from gateways.pinned import PinnedBackend, Ways, is_public, look_up
from tests.subscribers import subscriber

PATIENCE_SECONDS = 30.0
"""How long a test waits for what must come at once."""

PUBLIC = ("93.184.215.14", "2606:2800:21f:cb07::1", "64:ff9b::5db8:d70e", "1.1.1.1")
CLOSED = (
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",  # noqa: S104 - nothing listens there
    "10.1.2.3",
    "100.64.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.168.1.1",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
)


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_open_internet_is_public(address: str) -> None:
    found = is_public(ipaddress.ip_address(address))

    assert found


@pytest.mark.parametrize("address", CLOSED)
def test_a_private_special_or_tunnelled_address_is_not(address: str) -> None:
    found = is_public(ipaddress.ip_address(address))

    assert not found


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com",
        "https://hooks.example.com/a/b?c=d",
        "https://hooks.example.com:443/",
        "https://93.184.215.14/hook",
        "https://[2606:2800:21f:cb07::1]/hook",
        "https://xn--hks-3qa.example.com/",
    ],
)
def test_an_address_in_its_usual_form_is_taken(url: str) -> None:
    Ways().require(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example.com",
        "http://hooks.example.com/",
        "ftp://hooks.example.com/",
        "file:///etc/passwd",
        "https:///hook",
        "https://hooks.example.com:22/",
        "https://hooks.example.com:0/",
        "https://hooks.example.com:99999/",
        "https://user:password@hooks.example.com/",
        "https://hooks.example.com/#part",
        "https://hooks.example.com\\@127.0.0.1/",
        "https://hooks.example.com/a b",
        "https://hooks.example.com/\r\nX-Other: 1",
        "https://hööks.example.com/",
        "https://localhost/",
        "https://127.0.0.1/",
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[2002:7f00:1::]/",
        "https://[fe80::1%25eth0]/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://127.0.0.1./",
        "https://a..b/",
        f"https://hooks.example.com/{'x' * 2000}",
    ],
)
def test_any_other_is_refused_before_it_is_looked_up(url: str) -> None:
    with pytest.raises(NotAllowed):
        Ways().require(url)


def test_what_a_refusal_shows_has_no_path_which_may_hold_a_token() -> None:
    with pytest.raises(NotAllowed) as refused:
        Ways().require("http://hooks.example.com/T0K3N")

    assert "T0K3N" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9000/", "http://localhost:9000/", "http://[::1]:9000/"]
)
def test_this_machine_may_be_called_where_that_is_set(url: str) -> None:
    Ways(loopback=True).require(url)


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1/", "http://hooks.example.com/", "https://[fc00::1]/"]
)
def test_that_opens_this_machine_and_nothing_else(url: str) -> None:
    with pytest.raises(NotAllowed):
        Ways(loopback=True).require(url)


def test_another_port_may_be_called_where_it_is_set() -> None:
    Ways(frozenset({443, 8443})).require("https://hooks.example.com:8443/")


def resolving(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Let names lead to these addresses, at each look-up to the next; gives what was asked."""
    asked: list[str] = []

    def look_up(host: str, port: int, **_: Any) -> list[Any]:
        found = answers[min(len(asked), len(answers) - 1)]
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in found]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


async def test_a_name_that_leads_to_this_machine_is_not_dialled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolving(monkeypatch, ["127.0.0.1"])

    async with subscriber() as hook:
        with pytest.raises(NotAllowed, match=r"leads to an address that is not public\.$"):
            await PinnedBackend(Ways()).connect_tcp("hooks.example.com", hook.port)

    assert hook.lines == 0


async def test_a_name_of_which_one_address_is_closed_is_not_dialled_at_any(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolving(monkeypatch, ["93.184.215.14", "10.0.0.1"])

    with pytest.raises(NotAllowed, match="not public"):
        await PinnedBackend(Ways()).connect_tcp("hooks.example.com", 443)


async def test_a_name_that_changes_after_it_was_judged_is_dialled_as_it_was_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = resolving(monkeypatch, ["127.0.0.1"], ["10.0.0.1"])

    async with subscriber() as hook:
        line = await PinnedBackend(Ways(loopback=True)).connect_tcp("hooks.example.com", hook.port)
        dialled = line.get_extra_info("server_addr")
        await line.aclose()

    assert dialled[0] == "127.0.0.1"
    assert asked == ["hooks.example.com"]


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "localhost"])
async def test_another_way_to_write_this_machine_is_judged_by_where_it_leads(host: str) -> None:
    async with subscriber() as hook:
        with pytest.raises(NotAllowed):
            await PinnedBackend(Ways()).connect_tcp(host, hook.port)

    assert hook.lines == 0


async def test_the_next_address_is_dialled_where_the_first_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with subscriber() as hook:
        resolving(monkeypatch, ["127.0.0.2", "127.0.0.1"])
        line = await PinnedBackend(Ways(loopback=True)).connect_tcp("hooks.example.com", hook.port)
        await line.aclose()


async def test_a_name_that_nobody_knows_cannot_be_reached() -> None:
    with pytest.raises(httpcore.ConnectError):
        await PinnedBackend(Ways()).connect_tcp("nobody.invalid", 443)


async def test_a_name_without_an_address_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, [])

    with pytest.raises(httpcore.ConnectError, match="has no address"):
        await PinnedBackend(Ways()).connect_tcp("hooks.example.com", 443)


async def test_a_name_is_looked_up_however_busy_the_disks_are() -> None:
    loop, are_done = asyncio.get_running_loop(), threading.Event()
    with ThreadPoolExecutor(1) as shared:
        loop.set_default_executor(shared)
        busy = loop.run_in_executor(None, are_done.wait)
        try:
            found = await asyncio.wait_for(look_up("localhost", 443), PATIENCE_SECONDS)
        finally:
            are_done.set()
        await busy

    assert found
