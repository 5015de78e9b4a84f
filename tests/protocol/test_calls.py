"""Skill calls as callers make them."""

from __future__ import annotations

from pathlib import Path

import tests.running as r


async def test_a_small_request_ends_with_a_ready_dataset(tmp_path: Path) -> None:
    async with r.running(tmp_path) as service:
        heard = await service.call("lifecycle-coordinator", r.SMALL)
        print(heard)
        assert heard.state == "COMPLETED"
        assert heard.dataset["status"] == "ready"
