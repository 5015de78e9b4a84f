"""The supplier's records as a function: of template, version, seed and index, and nothing else."""

import hashlib
import json
import os
import re
import subprocess
import sys
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateways.local.mock_data.draws import Draws
from gateways.local.mock_data.lexicon import voice
from gateways.local.mock_data.mix import period_of
from gateways.local.mock_data.records import records
from gateways.local.mock_data.templates import all_templates

TEMPLATES = all_templates()

DIGEST = """
import hashlib, json
from gateways.local.mock_data.records import records
from gateways.local.mock_data.templates import all_templates
made = list(records(all_templates()["fintech_customer_support_zendesk"], 42, 0, 50))
print(hashlib.sha256(json.dumps(made).encode()).hexdigest())
"""


def _mixes() -> st.SearchStrategy[dict[str, int]]:
    """Shares that add up to 100: the gaps between sorted cuts."""
    cuts = st.sets(st.integers(1, 99), max_size=7).map(lambda found: [0, *sorted(found), 100])
    return cuts.map(
        lambda found: {
            f"kind {number}": later - earlier
            for number, (earlier, later) in enumerate(pairwise(found))
        }
    )


@example(mix={"all": 100})
@given(mix=_mixes())
@settings(max_examples=300)
def test_the_mix_is_exact_at_each_period_and_within_one_before(mix: dict[str, int]) -> None:
    period = period_of(mix)

    taken = dict.fromkeys(mix, 0)
    for length, name in enumerate(period, start=1):
        taken[name] += 1
        assert all(abs(taken[each] - length * mix[each] / 100) < 1 for each in mix)
    assert all(taken[each] * 100 == len(period) * mix[each] for each in mix)


@given(
    template_id=st.sampled_from(sorted(TEMPLATES)),
    seed=st.integers(0, 2**63),
    count=st.integers(1, 40),
    more=st.integers(0, 20),
    start=st.integers(0, 40),
)
def test_a_larger_count_only_appends_and_a_slice_is_that_slice(
    template_id: str, seed: int, count: int, more: int, start: int
) -> None:
    template = TEMPLATES[template_id]

    longer = list(records(template, seed, 0, count + more))

    assert list(records(template, seed, 0, count)) == longer[:count]
    assert list(records(template, seed, start, count + more)) == longer[start:]


def test_another_seed_makes_other_records() -> None:
    template = TEMPLATES["generic_slack"]

    one = next(records(template, 1, 0, 1))
    two = next(records(template, 2, 0, 1))

    assert (one["id"], one["body"]) != (two["id"], two["body"])


def test_every_process_makes_the_same_bytes() -> None:
    made = list(records(TEMPLATES["fintech_customer_support_zendesk"], 42, 0, 50))

    digests = {
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for hash_seed in ("1", "2")
    }

    assert digests == {hashlib.sha256(json.dumps(made).encode()).hexdigest()}


@pytest.mark.parametrize("template_id", sorted(TEMPLATES))
def test_no_pattern_comes_twice_in_a_page(template_id: str) -> None:
    template = TEMPLATES[template_id]
    spoken = voice(template.voice)
    patterns = [
        re.compile(re.sub(r"\\{\w+\\}", ".+", re.escape(pattern)))
        for pattern in (*spoken.openings, *spoken.middles, *spoken.closings)
    ]

    for record in records(template, 5, 0, 40):
        sentences = re.split(r"(?<=[.?!]) (?=[A-Z])", record["body"])
        used = [
            number
            for sentence in sentences
            for number, pattern in enumerate(patterns)
            if pattern.fullmatch(sentence)
        ]
        assert len(used) == len(set(used))


def test_a_page_keeps_to_its_subject() -> None:
    record = next(records(TEMPLATES["healthcare_developer_productivity_confluence"], 7, 3, 4))

    subject = "code review of safety functions"
    assert subject in record["title"].lower()
    assert subject in record["body"]


@given(key=st.text(max_size=20), bound=st.integers(1, 65_536))
def test_a_draw_stays_below_its_bound(key: str, bound: int) -> None:
    draws = Draws(key)

    assert all(0 <= draws.below(bound) < bound for _ in range(20))


@given(key=st.text(max_size=20), count=st.integers(0, 10))
def test_some_draws_are_different_ones(key: str, count: int) -> None:
    drawn = Draws(key).some(range(10), count)

    assert len(set(drawn)) == len(drawn) == count
