"""The stories lead where they say: every edge of a dataset's life is in the simulation."""

from __future__ import annotations

import pytest

from tests.simulation.plan import Plan
from tests.simulation.running import play
from tests.simulation.stories import STORIES, calm

_WAYS = {
    "provision": ("validating>ready DatasetProvisionCompleted,DatasetReady",),
    "tear_down": ("teardown>archived",),
    "keep_grace": ("teardown>archived",),
    "restore": ("teardown>validating DatasetRestored", "validating>ready DatasetReady"),
    "restore_late": ("teardown>validating DatasetRestored", "validating>ready DatasetReady"),
    "revalidate": ("ready>validating DatasetValidationStarted", "validating>ready DatasetReady"),
    "fall_ill": ("ready>validating ConnectorHealthDegraded", "validating>ready DatasetReady"),
    "succeed": ("v0 None>discovering", "teardown>archived"),
    "call_off": ("discovering>provisioning",),
    "lose": ("validating>ready",),
    "expire": ("archived>archived DatasetRetentionExpired",),
    "keep_longer": (
        "archived>archived DatasetRetentionExtended",
        "archived>archived DatasetLegalHoldPlaced",
        "archived>archived DatasetLegalHoldReleased",
        "archived>archived DatasetRetentionExpired",
    ),
    "live_shortly": ("ready>teardown", "teardown>archived"),
}


@pytest.mark.parametrize("story", STORIES)
def test_a_story_left_alone_breaks_nothing(story: str) -> None:
    played = play(calm(story))

    assert played.broken == []
    assert played.points > 0


@pytest.mark.parametrize("story", _WAYS)
def test_a_story_leads_where_it_says(story: str) -> None:
    trace = "\n".join(play(Plan(story)).trace)

    assert [each for each in _WAYS[story] if each not in trace] == []


def test_a_successor_is_made_while_its_predecessor_is_in_its_grace_period() -> None:
    trace = play(Plan("succeed")).trace

    born = [number for number, each in enumerate(trace) if "None>discovering" in each]
    ended = [number for number, each in enumerate(trace) if "teardown>archived" in each]
    assert len(born) == 2
    assert born[1] < ended[0]


def test_a_dataset_is_called_off_while_it_is_filled() -> None:
    traces = ["\n".join(play(Plan("call_off", seed)).trace) for seed in range(8)]

    assert any("provisioning>teardown" in each for each in traces)
