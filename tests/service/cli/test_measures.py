"""`dataops metrics` tells people and machines where the success metrics stand."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.service.cli.commanding import Cli


def test_each_metric_is_told_beside_its_target(cli: Cli) -> None:
    cli.introduce("olive", "jira")

    result = cli.run("metrics", COLUMNS="120")

    assert result.exit_code == 0, result.stderr
    told = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert told[0] == "metric now target verdict of"
    assert re.fullmatch(r"Provisioning time [\d.]+ s below 60 min met \d+ datasets", told[1])
    assert re.fullmatch(r"Quality pass rate .+ % at least 95 % (met|missed) \d+ datasets", told[2])
    assert re.fullmatch(r"Archive retention compliance .+ archives", told[8])


def test_machines_read_the_same_as_one_document(cli: Cli) -> None:
    told = cli.answer("metrics")

    assert [each["number"] for each in told["metrics"]] == [
        f"R{number}" for number in range(91, 99)
    ]
    assert told["metrics"][0]["target"] == 3600
