"""The success metrics: the seed's eight with its targets, and on which side of them a value lies."""

from __future__ import annotations

import pytest

from domain.success import SUCCESS_METRICS, Bound, SuccessMetric, Unit

OF = {each.number: each for each in SUCCESS_METRICS}


@pytest.mark.requirement("R91", "R92", "R93", "R94", "R95", "R96", "R97", "R98")
def test_the_eight_have_the_seeds_targets() -> None:
    targets = {each.number: (each.bound.value, each.target) for each in SUCCESS_METRICS}

    assert targets == {
        "R91": ("below", 60 * 60),
        "R92": ("at least", 0.95),
        "R93": ("at least", 1),
        "R94": ("at least", 1),
        "R95": ("above", 0.97),
        "R96": ("above", 0.995),
        "R97": ("below", 24 * 60 * 60),
        "R98": ("at least", 1),
    }


@pytest.mark.requirement("R99")
def test_the_primary_metrics_have_the_seeds_baselines() -> None:
    baselines = {each.number: each.baseline for each in SUCCESS_METRICS if each.baseline}

    assert list(baselines) == ["R91", "R92", "R93", "R94"]
    assert baselines["R91"].startswith("4 to 6 hours")
    assert baselines["R92"] == "70 %"
    assert baselines["R93"].startswith("85 %, 15 %")
    assert baselines["R94"].startswith("none")


@pytest.mark.requirement("R91", "R92", "R93", "R94", "R95", "R96", "R97", "R98")
@pytest.mark.parametrize(
    ("number", "value", "met"),
    [
        ("R91", 3599.9, True),
        ("R91", 3600, False),
        ("R92", 0.95, True),
        ("R92", 0.9499, False),
        ("R93", 1, True),
        ("R93", 0.999, False),
        ("R94", 1, True),
        ("R94", 0.999, False),
        ("R95", 0.97, False),
        ("R95", 0.971, True),
        ("R96", 0.995, False),
        ("R96", 0.996, True),
        ("R97", 86399, True),
        ("R97", 86400, False),
        ("R98", 1, True),
        ("R98", 0.999, False),
        ("R98", None, None),
    ],
)
def test_a_target_is_met_on_its_own_side_alone(
    number: str, value: float | None, met: bool | None
) -> None:
    assert OF[number].is_met(value) is met


def test_each_metric_is_known_by_a_number_and_a_key_of_its_own() -> None:
    assert len({each.number for each in SUCCESS_METRICS}) == 8
    assert len({each.key for each in SUCCESS_METRICS}) == 8


def test_a_metric_without_history_is_neither_met_nor_missed() -> None:
    metric = SuccessMetric("R0", "any", "Any", "anything", "things", Unit.SHARE, Bound.ABOVE, 0.5)

    assert metric.is_met(None) is None
