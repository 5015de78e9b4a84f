"""`dataops metrics` tells people and machines where the success metrics stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.service.cli.commanding import Cli


def test_each_metric_is_told_beside_its_target(cli: Cli) -> None:
    cli.introduce("olive", "jira")

    result = cli.run("metrics")

    assert result.exit_code == 0, result.stderr
    told = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert len(told) == 9
    assert any(
        line.startswith("Provisioning time 0.") and "below 60 min met" in line for line in told
    )
    assert any(line.startswith("Quality pass rate 100 % at least 95 % met") for line in told), told


def test_machines_read_the_same_as_one_document(cli: Cli) -> None:
    told = cli.answer("metrics")

    assert [each["number"] for each in told["metrics"]] == [
        f"R{number}" for number in range(91, 99)
    ]
    assert told["metrics"][0]["target"] == 3600
