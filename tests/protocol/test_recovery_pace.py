"""The pace of recovery: how soon it looks at what became its own, and that it lives meanwhile."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from domain.repository import Followed
from protocol import recovery
from protocol.recovery import Recovery
from registry.follows import SqlFollows
from tests.running import PATIENCE_SECONDS, running

if TYPE_CHECKING:
    from datetime import timedelta
    from pathlib import Path

    import pytest

COORDINATOR = "lifecycle-coordinator"


async def test_however_long_a_look_takes_others_are_told_that_we_are_alive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: asyncio.Queue[str] = asyncio.Queue()

    async def look(self: Recovery) -> None:
        del self
        await asyncio.Event().wait()

    async def keep(self: SqlFollows, owner: str, ttl: timedelta, /) -> list[Followed]:
        del self, ttl
        told.put_nowait(owner)
        return []

    async with running(tmp_path) as service:
        monkeypatch.setattr(recovery, "SWEEP_SECONDS", 0.0)
        monkeypatch.setattr(Recovery, "_look", look)
        monkeypatch.setattr(SqlFollows, "keep", keep)
        recovering = asyncio.create_task(service.service.server.recovery.run())
        async with asyncio.timeout(PATIENCE_SECONDS):
            owners = {await told.get() for _ in range(3)}

        recovering.cancel()
        await asyncio.wait({recovering})
        assert owners == {service.service.database.owner}
        monkeypatch.undo()


async def test_what_becomes_ours_is_looked_at_at_once_and_not_after_the_next_pause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_at: asyncio.Queue[str] = asyncio.Queue()

    async def look_at(self: Recovery, followed: Followed) -> None:
        del self
        looked_at.put_nowait(followed.task_id)

    monkeypatch.setattr(recovery, "asyncio", FirstPauses())
    monkeypatch.setattr(Recovery, "_look_at", look_at)
    nobody: Any = None
    recovering = asyncio.create_task(Recovery(nobody, OneFollowed(), {}, "me").run())
    try:
        assert await asyncio.wait_for(looked_at.get(), PATIENCE_SECONDS) == "t-1"
    finally:
        recovering.cancel()
        await asyncio.wait({recovering})


class OneFollowed:
    """Follows of which one is ours, after a round trip."""

    async def keep(self, owner: str, ttl: timedelta, /) -> list[Followed]:
        """Give the one."""
        del owner, ttl
        for _ in range(10):
            await asyncio.sleep(0)
        return [Followed("default", "t-1", COORDINATOR)]

    async def leave(self, owner: str, /) -> None:
        """Leave it."""


class FirstPauses:
    """asyncio, in which each of two loops ends its first pause at once, and never a second one."""

    def __init__(self) -> None:
        self.left = 2

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    async def sleep(self, seconds: float) -> None:
        """Pause; no seconds are no pause."""
        self.left -= seconds > 0
        await (asyncio.sleep(0) if self.left >= 0 else asyncio.Event().wait())
