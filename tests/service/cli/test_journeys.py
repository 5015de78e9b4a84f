"""Journeys from the command line: moved on and completed, and only when somebody confirms it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.service.cli.commanding import Cli


@pytest.mark.parametrize(
    ("words", "stays"),
    [
        (("move", "journey-larch", "pilot"), "journey-larch stays where it is"),
        (("complete", "journey-larch"), "journey-larch goes on"),
    ],
)
def test_a_journey_goes_on_as_it_is_where_nobody_confirms(
    cli: Cli, words: tuple[str, ...], stays: str
) -> None:
    result = cli.run("journeys", *words, given="n\n")

    assert result.exit_code == 1
    assert f"{stays}: nobody confirmed it." in result.stderr
    assert "--yes leaves out the question" in result.stderr


def test_a_journey_that_is_completed_ends_its_datasets_and_says_so(cli: Cli) -> None:
    cli.introduce("osage", "jira")

    result = cli.run("journeys", "complete", "journey-osage", given="y\n")

    (ended,) = cli.answer("datasets", "list", "--client", "osage")["datasets"]
    assert result.exit_code == 0, result.stderr
    assert "OSAGE-sandbox-jira" in result.stdout
    assert (ended["status"], ended["teardown_reason"]) == ("teardown", "journey_completed")


def test_a_stage_that_does_not_exist_is_told_beside_those_that_do(cli: Cli) -> None:
    result = cli.run("journeys", "move", "journey-larch", "moon", "--yes")

    assert result.exit_code == 2
    assert "'moon' is not one of" in " ".join(result.stderr.split())
