"""The server's end: it is bounded, and what goes wrong in it is told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from protocol import server as server_module
from protocol.handler import AgentHandler
from tests.running import running

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_handler_that_cannot_close_keeps_no_other_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    close, closed = AgentHandler.aclose, list[AgentHandler]()

    async def fail_first(self: AgentHandler) -> None:
        await close(self)
        closed.append(self)
        if len(closed) == 1:
            raise OSError("the database is away")

    monkeypatch.setattr(AgentHandler, "aclose", fail_first)
    with capture_logs() as lines:
        async with running(tmp_path) as service:
            handlers = service.service.server.handlers

    assert len(closed) == len(handlers)
    assert [each["event"] for each in lines if each["log_level"] == "error"] == [
        "handler.not_closed"
    ]


async def test_a_handler_that_never_closes_is_left_behind_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped: list[AgentHandler] = []

    async def never(self: AgentHandler) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append(self)

    monkeypatch.setattr(server_module, "CLOSE_SECONDS", 0.05)
    with capture_logs() as lines:
        async with running(tmp_path) as service:
            monkeypatch.setattr(AgentHandler, "aclose", never)
            handlers = service.service.server.handlers

    told = [each["event"] for each in lines if each["log_level"] in {"warning", "error"}]
    assert told == ["tasks.cut_off", "handlers.left_open"]
    assert len(stopped) == len(handlers)
