"""A process of its own that listens: many by server-sent events, and many webhooks that acknowledge.

`python -m bench.listeners URL LISTENERS`: prints the port of the webhooks and counts what comes. Once
it is told on a line how many frames there must be, it waits for them a while and prints both counts
as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress
from urllib.parse import urlsplit

PATIENCE_SECONDS = 60.0
"""How long frames are waited for; then what came is what there is."""

_OK = b"HTTP/1.1 204 No Content\r\n\r\n"
_FRAME = b"\ndata: "


class Counts:
    """What came so far: frames of events, and calls of webhooks."""

    def __init__(self) -> None:
        self.frames = 0
        self.calls = 0
        self.listening = asyncio.Semaphore(0)
        self._came = asyncio.Event()

    async def listen(self, host: str, port: int) -> None:
        """Listen until cancelled."""
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        await reader.readuntil(b": connected")
        self.listening.release()
        await self.count(reader)
        writer.close()

    async def count(self, reader: asyncio.StreamReader) -> None:
        """Count the frames of a stream to its end, those too that come in two pieces."""
        begun = b""
        while chunk := await reader.read(2**16):
            self.frames += (begun + chunk).count(_FRAME)
            begun = (begun + chunk)[1 - len(_FRAME) :]
            self._came.set()

    async def heard(self, frames: int) -> None:
        """Wait until so many frames have come, or nobody would wait any longer."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                while self.frames < frames:
                    self._came.clear()
                    await self._came.wait()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Acknowledge every call on one line."""
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
                await reader.readexactly(int(length))
                self.calls += 1
                writer.write(_OK)
        writer.close()


async def main(url: str, listeners: int) -> None:
    counts, parts = Counts(), urlsplit(url)
    server = await asyncio.start_server(counts.take, "127.0.0.1", 0)
    lines = [
        asyncio.create_task(counts.listen(parts.hostname or "", parts.port or 80))
        for _ in range(listeners)
    ]
    for _ in lines:
        await counts.listening.acquire()
    print(server.sockets[0].getsockname()[1], flush=True)
    await counts.heard(int(await asyncio.to_thread(sys.stdin.readline) or 0))
    print(json.dumps({"frames": counts.frames, "calls": counts.calls}), flush=True)
    for each in lines:
        each.cancel()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
