"""Orphans from the command line: told of, and ended only by a word of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from tests.service.cli.commanding import Cli


def complete(cli: Cli, journey: str) -> None:
    """End a journey at the local Journey Orchestration."""
    assert httpx.post(f"{cli.url}/journeys/journeys/{journey}/complete").is_success


@pytest.mark.requirement("R82")
def test_orphans_are_told_of_and_ended_by_the_second_scan(cli: Cli) -> None:
    nothing = cli.run("orphans")
    cli.introduce("larchen", "jira")
    complete(cli, "journey-larchen")

    told = cli.run("orphans")
    first = cli.run("orphans", "--end")
    (orphan,) = cli.answer("orphans")["orphans"]
    second = cli.run("orphans", "--end")

    assert (nothing.exit_code, told.exit_code, first.exit_code, second.exit_code) == (0, 0, 0, 0)
    assert "No orphans among" in nothing.stdout
    assert "LARCHEN-sandbox-jira" in told.stdout
    assert "suspected" in told.stdout
    assert (orphan["connector_name"], orphan["fate"]) == ("LARCHEN-sandbox-jira", "ends")
    assert "LARCHEN-sandbox-jira" in second.stdout
    assert "teardown" in second.stdout
