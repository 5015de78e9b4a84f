"""Ports: where a server of a test's own may listen, and nobody else comes first."""

from __future__ import annotations

import socket
import sys

from tests.tidying import at_end


def free_port() -> int:
    """Find a port that is ours from now on: any server may listen there, and nobody else is given it.

    Between finding a port and a server's listening there lie seconds, in which any connection that
    goes out may take it, or a server of another test. So it stays bound; on Linux one that says so
    and does not listen hinders no server that says so too, as all do here.
    """
    held = socket.socket()
    held.bind(("127.0.0.1", 0))
    port: int = held.getsockname()[1]
    if sys.platform == "linux":
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        at_end(held.close)
    else:
        held.close()
    return port
