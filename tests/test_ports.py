"""A port that was found for a server is that server's."""

from __future__ import annotations

import socket
import sys

import pytest

from tests.ports import free_port


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a bound port cannot be shared so")
def test_a_port_is_kept_from_all_others_until_its_server_listens() -> None:
    port = free_port()

    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", port))


def test_a_server_listens_at_its_port_again_and_again() -> None:
    port = free_port()

    for _ in range(2):
        with (
            socket.create_server(("127.0.0.1", port)),
            socket.create_connection(("127.0.0.1", port)),
        ):
            pass
